#include "verify/attestation/condition.h"

#include <algorithm>
#include <climits>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "verify/attestation/pcr_claims.h"
#include "verify/encoding/base64.h"
#include "verify/no_exceptions.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr int kEnclavePcrs = kPcrCount;
constexpr int kNitroTpmPcrs = 24;

// The number of a PCR as AWS writes it: no sign, no leading zero.
std::optional<int> ParsePcr(absl::string_view text, int count) {
  int pcr = 0;
  if (!absl::SimpleAtoi(text, &pcr) || pcr < 0 || pcr >= count ||
      absl::StrCat(pcr) != text) {
    return std::nullopt;
  }
  return pcr;
}

bool ConsumePrefixIgnoreCase(absl::string_view* text,
                             absl::string_view prefix) {
  if (!absl::StartsWithIgnoreCase(*text, prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// A set of ways to satisfy a condition, distinguished by what they claim: bit n
// stands for all ways whose claims are n. So however large a condition is, its
// ways fit one word.
using Ways = unsigned;
static_assert(kPcrClaimsCount <= sizeof(Ways) * CHAR_BIT);

constexpr Ways Only(PcrClaims claims) { return 1U << claims; }

// The ways to satisfy both `a` and `b`: one of each, combined.
Ways Both(Ways a, Ways b) {
  Ways both = 0;
  for (PcrClaims i = 0; i < kPcrClaimsCount; ++i) {
    for (PcrClaims j = 0; j < kPcrClaimsCount; ++j) {
      if ((a & Only(i)) != 0 && (b & Only(j)) != 0) both |= Only(i | j);
    }
  }
  return both;
}

}  // namespace

Condition Condition::AllOf(std::vector<Condition> operands) {
  return Condition(Kind::kAllOf, std::move(operands));
}

Condition Condition::AnyOf(std::vector<Condition> operands) {
  return Condition(Kind::kAnyOf, std::move(operands));
}

Condition Condition::Not(Condition operand) {
  return Condition(Kind::kNot, {std::move(operand)});
}

Condition Condition::Is(std::string key, std::vector<std::string> values,
                        Letters letters) {
  Condition leaf(Kind::kIs, {});
  leaf.key_ = std::move(key);
  leaf.values_ = std::move(values);
  leaf.letters_ = letters;
  return leaf;
}

absl::StatusOr<ConditionKey> ParseConditionKey(std::string_view key) {
  absl::string_view rest(key.data(), key.size());
  if (absl::EqualsIgnoreCase(rest, "ImageSha384")) {
    return ConditionKey{AttestationType::kEnclave, 0};
  }
  const bool tpm = ConsumePrefixIgnoreCase(&rest, "NitroTPM");
  if (ConsumePrefixIgnoreCase(&rest, "PCR")) {
    const auto pcr = ParsePcr(rest, tpm ? kNitroTpmPcrs : kEnclavePcrs);
    if (pcr.has_value()) {
      return ConditionKey{
          tpm ? AttestationType::kNitroTpm : AttestationType::kEnclave, *pcr};
    }
  }
  return Reject(Reason::kFieldInvalid,
                absl::StrCat("'", std::string(key.substr(0, 64)),
                             "' is not a condition key: PCR0 to PCR31, "
                             "ImageSha384, NitroTPMPCR0 to NitroTPMPCR23"));
}

// One walk over a condition, from the top.
class ConditionChecker {
 public:
  explicit ConditionChecker(AttestationType type) : type_(type) {}

  absl::StatusOr<CheckedCondition> Check(const Condition& condition) {
    CheckedCondition::Node root;
    Ways ways = 0;
    absl::Status status = Visit(condition, 1, false, root, ways);
    std::vector<std::string> warnings;
    if (status.ok()) status = CheckSafe(ways, warnings);
    if (!status.ok()) return status;
    return CheckedCondition(std::move(root), named_, below_not_,
                            std::move(warnings));
  }

 private:
  // Fills `node` and `ways`. `denied` says whether the condition must not hold,
  // that is, whether it is below an odd number of nots; `below_not_` counts
  // PCRs below any number of them.
  absl::Status Visit(const Condition& condition, int depth, bool denied,
                     CheckedCondition::Node& node, Ways& ways) {
    if (depth > kMaxConditionDepth) {
      return Reject(
          Reason::kInputTooLarge,
          absl::StrCat("the condition is deeper than ", kMaxConditionDepth));
    }
    if (++nodes_ > kMaxConditionNodes) {
      return Reject(Reason::kInputTooLarge,
                    absl::StrCat("the condition has over ", kMaxConditionNodes,
                                 " parts"));
    }
    node.kind = condition.kind();
    node.pcr = -1;
    if (node.kind == Condition::Kind::kIs) {
      return VisitLeaf(condition, denied, node, ways);
    }
    return VisitOperands(condition, depth, denied, node, ways);
  }

  absl::Status VisitOperands(const Condition& condition, int depth, bool denied,
                             CheckedCondition::Node& node, Ways& ways) {
    if (condition.operands().empty()) {
      return Reject(Reason::kPolicyEmpty,
                    "an all-of or any-of of the condition is empty");
    }
    const bool is_not = node.kind == Condition::Kind::kNot;
    // "Not all of them hold" means "any of them does not hold".
    const bool together = (node.kind == Condition::Kind::kAnyOf) == denied;
    ways = together ? Only(0) : 0;
    nots_ += is_not ? 1 : 0;
    for (const Condition& operand : condition.operands()) {
      Ways below = 0;
      absl::Status status = Visit(operand, depth + 1, denied != is_not,
                                  node.operands.emplace_back(), below);
      if (!status.ok()) return status;
      ways = together ? Both(ways, below) : ways | below;
    }
    nots_ -= is_not ? 1 : 0;
    return absl::OkStatus();
  }

  absl::Status VisitLeaf(const Condition& leaf, bool denied,
                         CheckedCondition::Node& node, Ways& ways) {
    const absl::StatusOr<ConditionKey> key = ParseConditionKey(leaf.key());
    if (!key.ok()) return key.status();
    if (key->type != type_) {
      return Reject(Reason::kFieldInvalid,
                    absl::StrCat("'", leaf.key(),
                                 "' is a key of the other type of document"));
    }
    if (leaf.values().empty()) {
      return Reject(Reason::kPolicyEmpty,
                    absl::StrCat("'", leaf.key(), "' is one of no values"));
    }
    values_ += leaf.values().size();
    if (values_ > kMaxConditionValues) {
      return Reject(Reason::kInputTooLarge,
                    absl::StrCat("the condition has over ", kMaxConditionValues,
                                 " values"));
    }
    node.pcr = key->pcr;
    named_ |= 1U << key->pcr;
    if (nots_ > 0) below_not_ |= 1U << key->pcr;
    ways = denied ? Only(ClaimsOfDenial(type_, key->pcr)) : 0;
    for (const std::string& hex : leaf.values()) {
      absl::StatusOr<std::string> value = DecodeValue(leaf, hex);
      if (!value.ok()) return value.status();
      if (!denied) ways |= Only(ClaimsOf(type_, key->pcr, *value));
      node.values.push_back(*std::move(value));
    }
    return absl::OkStatus();
  }

  static absl::StatusOr<std::string> DecodeValue(const Condition& leaf,
                                                 const std::string& hex) {
    absl::StatusOr<std::string> value = DecodeHex(hex);
    if (!value.ok()) {
      return Reject(
          Reason::kEncodingMalformed,
          absl::StrCat("a value of '", leaf.key(), "' is not hex digits"));
    }
    if (value->size() != kPcrBytes) {
      return Reject(Reason::kFieldInvalid,
                    absl::StrCat("a value of '", leaf.key(), "' has ",
                                 value->size(), " bytes, not ", kPcrBytes));
    }
    if (leaf.letters() == Condition::Letters::kExact &&
        std::any_of(hex.begin(), hex.end(),
                    [](char c) { return c >= 'A' && c <= 'F'; })) {
      return Reject(Reason::kFieldInvalid,
                    absl::StrCat("a value of '", leaf.key(),
                                 "' has upper-case digits, which no PCR has: "
                                 "write lower case, or ignore case"));
    }
    return value;
  }

  absl::Status CheckSafe(Ways ways, std::vector<std::string>& warnings) const {
    for (PcrClaims claims = 0; claims < kPcrClaimsCount; ++claims) {
      if ((ways & Only(claims)) == 0) continue;
      if (absl::Status s = CheckClaims(type_, claims); !s.ok()) {
        return Reject(
            Reason::kPolicyUnsafe,
            absl::StrCat("of one way to satisfy the condition, ", s.message()));
      }
      AddWarning(WarningOf(type_, claims), warnings);
    }
    return absl::OkStatus();
  }

  const AttestationType type_;
  std::size_t nodes_ = 0;
  std::size_t values_ = 0;
  // How many nots the walk is below.
  int nots_ = 0;
  std::uint32_t named_ = 0;
  std::uint32_t below_not_ = 0;
};

absl::StatusOr<CheckedCondition> CheckedCondition::Create(
    const Condition& condition, AttestationType type) {
  return WithoutExceptions(
      [&] { return ConditionChecker(type).Check(condition); });
}

bool CheckedCondition::Holds(
    const Node& node, const std::array<std::string_view, kPcrCount>& pcrs) {
  const auto holds = [&pcrs](const Node& operand) {
    return Holds(operand, pcrs);
  };
  switch (node.kind) {
    case Condition::Kind::kAllOf:
      return std::all_of(node.operands.begin(), node.operands.end(), holds);
    case Condition::Kind::kAnyOf:
      return std::any_of(node.operands.begin(), node.operands.end(), holds);
    case Condition::Kind::kNot:
      return !holds(node.operands.front());
    case Condition::Kind::kIs:
      return std::find(node.values.begin(), node.values.end(),
                       pcrs[static_cast<std::size_t>(node.pcr)]) !=
             node.values.end();
  }
  return false;
}

absl::Status CheckedCondition::Check(
    const std::array<std::string_view, kPcrCount>& pcrs) const {
  for (std::size_t i = 0; i < kPcrCount; ++i) {
    if ((below_not_ & (1U << i)) != 0 && pcrs[i].empty()) {
      return Reject(Reason::kPcrMismatch,
                    absl::StrCat("PCR", i,
                                 " is absent, and the condition says "
                                 "what it must not be"));
    }
  }
  if (Holds(root_, pcrs)) return absl::OkStatus();
  return Reject(Reason::kPcrMismatch,
                "the PCRs do not satisfy the policy's condition");
}

}  // namespace anchorage::verify
