#include "client/policy/kms_warnings.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/policy/kms_policy.h"

namespace anchorage::anchors {
namespace {

using verify::JsonKind;
using verify::JsonValue;

// The operations that take an attestation document.
constexpr std::array kAttested = {
    std::string_view("kms:Decrypt"),
    std::string_view("kms:DeriveSharedSecret"),
    std::string_view("kms:GenerateDataKey"),
    std::string_view("kms:GenerateDataKeyPair"),
    std::string_view("kms:GenerateRandom"),
};
// The operations that allow use of the key without this policy's conditions.
constexpr std::array kUndoing = {
    std::string_view("kms:PutKeyPolicy"),
    std::string_view("kms:CreateGrant"),
    std::string_view("kms:ReplicateKey"),
    std::string_view("kms:ReEncryptFrom"),
};
// Condition keys that say which account a caller belongs to.
constexpr std::array kAccountKeys = {
    std::string_view("aws:PrincipalAccount"),
    std::string_view("aws:PrincipalArn"),
    std::string_view("aws:PrincipalOrgID"),
    std::string_view("aws:PrincipalOrgPaths"),
    std::string_view("kms:CallerAccount"),
};
constexpr std::size_t kMaxNamed = 3;
constexpr std::size_t kMaxNameInText = 64;

bool EqualIgnoreCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(absl::string_view(a.data(), a.size()),
                                absl::string_view(b.data(), b.size()));
}

// Whether `text` matches `pattern`, ignoring case: '*' is anything, '?' one
// character.
bool Matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = pattern.npos;
  std::size_t behind_star = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      behind_star = t;
    } else if (p < pattern.size() &&
               (pattern[p] == '?' || absl::ascii_tolower(pattern[p]) ==
                                         absl::ascii_tolower(text[t]))) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++behind_star;
    } else {
      return false;
    }
  }
  return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(p),
                     pattern.end(), [](char c) { return c == '*'; });
}

// Whether `test` holds for the member's text, or for one of them if it is a
// list.
bool AnyText(const JsonValue* value,
             const std::function<bool(std::string_view)>& test) {
  if (value == nullptr) return false;
  if (const auto text = value->AsString(); text.has_value()) {
    return test(*text);
  }
  return std::any_of(value->elements().begin(), value->elements().end(),
                     [&test](const JsonValue& element) {
                       const auto text = element.AsString();
                       return text.has_value() && test(*text);
                     });
}

// Whether a statement is about that operation.
bool IsAbout(const JsonValue& statement, std::string_view operation) {
  const auto matches = [operation](std::string_view pattern) {
    return Matches(pattern, operation);
  };
  if (const JsonValue* not_action = statement.Find("NotAction")) {
    return !AnyText(not_action, matches);
  }
  return AnyText(statement.Find("Action"), matches);
}

bool HasKey(const JsonValue& statement,
            const std::function<bool(std::string_view)>& test) {
  const JsonValue* block = statement.Find("Condition");
  if (block == nullptr) return false;
  for (const auto& [op, keys] : block->members()) {
    for (const auto& [key, values] : keys.members()) {
      if (test(key)) return true;
    }
  }
  return false;
}

bool Attests(const JsonValue& statement) {
  return HasKey(statement, [](std::string_view key) {
    return AttestationKeyOf(key).has_value();
  });
}

// "123456789012" or "arn:aws:iam::123456789012:role/app".
bool HasAccount(std::string_view principal) {
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(principal.data(), principal.size()),
                     absl::MaxSplits(':', 5));
  const std::string& account = parts.size() == 6 ? parts[4] : parts.front();
  return account.size() == 12 &&
         std::all_of(account.begin(), account.end(), absl::ascii_isdigit);
}

// Whether a value of one of those keys names an account or an organization.
bool NamesOne(std::string_view key, std::string_view value) {
  if (key.size() >= 16 &&
      EqualIgnoreCase(key.substr(0, 16), "aws:PrincipalOrg")) {
    return value.starts_with("o-") && value.find('*') != 2;
  }
  return HasAccount(value);
}

// Whether a statement holds only for callers of accounts that it names: by an
// operator that demands one ("IfExists" does not), all of whose values do.
bool SaysAccount(const JsonValue& statement) {
  constexpr std::array kDemanding = {
      std::string_view("StringEquals"),
      std::string_view("StringEqualsIgnoreCase"),
      std::string_view("StringLike"),
      std::string_view("ArnEquals"),
      std::string_view("ArnLike"),
      std::string_view("ForAnyValue:StringEquals"),
      std::string_view("ForAnyValue:StringLike"),
  };
  const JsonValue* block = statement.Find("Condition");
  if (block == nullptr) return false;
  const auto is = [](std::string_view name) {
    return
        [name](std::string_view known) { return EqualIgnoreCase(name, known); };
  };
  for (const auto& [op, keys] : block->members()) {
    if (std::none_of(kDemanding.begin(), kDemanding.end(), is(op))) continue;
    for (const auto& [key, values] : keys.members()) {
      const std::string_view name = key;
      if (std::any_of(kAccountKeys.begin(), kAccountKeys.end(), is(name)) &&
          !AnyText(&values, [name](std::string_view value) {
            return !NamesOne(name, value);
          })) {
        return true;
      }
    }
  }
  return false;
}

bool IsEverybody(const JsonValue& statement) {
  const auto star = [](std::string_view text) { return text == "*"; };
  const JsonValue* principal = statement.Find("Principal");
  return principal != nullptr &&
         (AnyText(principal, star) || AnyText(principal->Find("AWS"), star));
}

// Whether a statement is for callers of any account.
bool IsForAnyAccount(const JsonValue& statement) {
  if (statement.Find("NotPrincipal") != nullptr) return true;
  const JsonValue* principal = statement.Find("Principal");
  if (principal == nullptr) return false;
  const auto open = [](std::string_view text) { return !HasAccount(text); };
  return AnyText(principal, open) || AnyText(principal->Find("AWS"), open);
}

std::string Escaped(std::string_view text) {
  return absl::Utf8SafeCHexEscape(
      absl::string_view(text.data(), std::min(text.size(), kMaxNameInText)));
}

// Statements that have something in common, for one warning.
class Named {
 public:
  // `statement` is the one of that index.
  void Add(const JsonValue& statement, std::size_t index,
           std::string_view operation = "") {
    if (indices_.insert(index).second && indices_.size() <= kMaxNamed) {
      names_.push_back(NameOf(statement, index));
    }
    if (!operation.empty() && std::find(operations_.begin(), operations_.end(),
                                        operation) == operations_.end()) {
      operations_.push_back(operation);
    }
  }

  bool empty() const { return indices_.empty(); }

  // "statement 'Admin'", "statements 'a', 3 and 2 more".
  std::string Statements() const {
    std::string text =
        absl::StrCat(indices_.size() == 1 ? "statement " : "statements ",
                     absl::StrJoin(names_, ", "));
    if (indices_.size() > kMaxNamed) {
      absl::StrAppend(&text, " and ", indices_.size() - kMaxNamed, " more");
    }
    return text;
  }

  std::string Operations() const {
    std::string text;
    for (const std::string_view operation : operations_) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", std::string(operation));
    }
    return text;
  }

  // The ending of the verb that follows Statements().
  std::string ending() const { return indices_.size() == 1 ? "s" : ""; }

 private:
  static std::string NameOf(const JsonValue& statement, std::size_t index) {
    const JsonValue* sid = statement.Find("Sid");
    const auto name = sid == nullptr ? std::nullopt : sid->AsString();
    if (!name.has_value() || name->empty()) return absl::StrCat(index + 1);
    return absl::StrCat("'", Escaped(*name), "'");
  }

  std::vector<std::string> names_;
  std::vector<std::string_view> operations_;
  std::set<std::size_t> indices_;
};

// The statements of a policy, to be found by what they do.
class Statements {
 public:
  explicit Statements(const JsonValue& statements) {
    if (statements.kind() != JsonKind::kArray) {
      Add(statements);
      return;
    }
    for (const JsonValue& statement : statements.elements()) Add(statement);
  }

  std::vector<std::string> Warnings() const {
    std::vector<std::string> warnings;
    AddUnattested(warnings);
    AddUndoing(warnings);
    AddAnyAccount(warnings);
    return warnings;
  }

 private:
  struct Statement {
    const JsonValue& json;
    bool allows;
    bool attests;
  };

  void Add(const JsonValue& statement) {
    const JsonValue* effect = statement.Find("Effect");
    const bool allows = effect != nullptr && effect->AsString() == "Allow";
    statements_.push_back({statement, allows, Attests(statement)});
    if (!allows && statement.Find("Condition") == nullptr &&
        IsEverybody(statement)) {
      denying_.push_back(&statement);
    }
  }

  bool IsDenied(std::string_view operation) const {
    return std::any_of(denying_.begin(), denying_.end(),
                       [operation](const JsonValue* statement) {
                         return IsAbout(*statement, operation);
                       });
  }

  bool IsAttested(std::string_view operation) const {
    return std::any_of(statements_.begin(), statements_.end(),
                       [operation](const Statement& statement) {
                         return statement.allows && statement.attests &&
                                IsAbout(statement.json, operation);
                       });
  }

  // Adds the statements that allow `operation` without a document.
  void AddAllowing(std::string_view operation, Named& named) const {
    if (IsDenied(operation)) return;
    for (std::size_t i = 0; i < statements_.size(); ++i) {
      const Statement& statement = statements_[i];
      if (statement.allows && !statement.attests &&
          IsAbout(statement.json, operation)) {
        named.Add(statement.json, i, operation);
      }
    }
  }

  void AddUnattested(std::vector<std::string>& warnings) const;
  void AddUndoing(std::vector<std::string>& warnings) const;
  void AddAnyAccount(std::vector<std::string>& warnings) const;

  // The statements, in the order of the text.
  std::vector<Statement> statements_;
  std::vector<const JsonValue*> denying_;
};

void Statements::AddUnattested(std::vector<std::string>& warnings) const {
  Named named;
  for (const std::string_view operation : kAttested) {
    if (IsAttested(operation)) AddAllowing(operation, named);
  }
  if (named.empty()) return;
  warnings.push_back(absl::StrCat(
      "the key policy's ", named.Statements(), " allow", named.ending(), " ",
      named.Operations(),
      " without an attestation document: whoever it is for needs none"));
}

void Statements::AddUndoing(std::vector<std::string>& warnings) const {
  Named named;
  for (const std::string_view operation : kUndoing) {
    AddAllowing(operation, named);
  }
  if (named.empty()) return;
  warnings.push_back(absl::StrCat(
      "the key policy's ", named.Statements(), " allow", named.ending(), " ",
      named.Operations(),
      ": whoever it is for can take the conditions away, or get around them"));
}

void Statements::AddAnyAccount(std::vector<std::string>& warnings) const {
  Named named;
  for (std::size_t i = 0; i < statements_.size(); ++i) {
    const Statement& statement = statements_[i];
    if (statement.allows && statement.attests &&
        IsForAnyAccount(statement.json) && !SaysAccount(statement.json)) {
      named.Add(statement.json, i);
    }
  }
  if (named.empty()) return;
  warnings.push_back(absl::StrCat(
      "the key policy's ", named.Statements(), " name", named.ending(),
      " no account: any AWS account that runs such an image is allowed"));
}

}  // namespace

bool IsAboutAttested(const JsonValue& statement) {
  if (statement.Find("Action") == nullptr &&
      statement.Find("NotAction") == nullptr) {
    return true;
  }
  return std::any_of(kAttested.begin(), kAttested.end(),
                     [&statement](std::string_view operation) {
                       return IsAbout(statement, operation);
                     });
}

std::vector<std::string> KmsWarnings(const JsonValue& policy) {
  const JsonValue* statements = policy.Find("Statement");
  if (statements == nullptr) return {};
  return Statements(*statements).Warnings();
}

}  // namespace anchorage::anchors
