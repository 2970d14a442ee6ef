// A whole update of what is trusted, in any order of steps.
//
// Input: steps, one after the other, from a trusted set that has root 1. A
// step is a byte that says what to do and who signs (tuf_evidence.h), and a
// part (fuzz.h) with the bytes: a file as it is received, or what the chosen
// keys of the repository sign, so that mutations get past the signatures.
// Holds for any bytes:
//   1. each step succeeds, or it gives a reason and changes nothing;
//   2. nothing becomes current that no key of the repository signed;
//   3. roots come one by one, and no current file is older than the current
//      one before, unless a root or a held file came in between;
//   4. what is complete has not expired.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "anchors/tuf/canonical_json.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/trusted_set.h"
#include "anchors/tuf/tuf_error.h"
#include "test/fuzz/fuzz.h"
#include "test/fuzz/tuf_evidence.h"
#include "test/support/repository_simulator.h"
#include "verify/encoding/json.h"

namespace anchorage::test {
namespace {

using anchors::tuf::Envelope;
using anchors::tuf::KeyPtr;
using anchors::tuf::Targets;
using anchors::tuf::TrustedSet;

// Texts that somebody signed, in canonical form.
using SignedTexts = std::set<std::string, std::less<>>;

constexpr int kMaxSteps = 24;

std::optional<std::string> CanonicalOf(std::string_view text) {
  const auto value = verify::ParseJson(text, {.max_bytes = text.size()});
  if (!value.ok()) return std::nullopt;
  const auto canonical = anchors::tuf::CanonicalJson(*value);
  if (!canonical.ok()) return std::nullopt;
  return *canonical;
}

const SignedTexts& PublishedTexts() {
  static const auto* const texts = [] {
    auto* all = new SignedTexts();
    for (const auto& [name, bytes] : FuzzRepository().metadata) {
      const auto file = verify::ParseJson(bytes, {.max_bytes = bytes.size()});
      all->insert(*anchors::tuf::CanonicalJson(*file->Find("signed")));
    }
    return all;
  }();
  return *texts;
}

const std::array<KeyPtr, kSigners>& Keys() {
  static const auto* const keys = [] {
    auto* all = new std::array<KeyPtr, kSigners>();
    for (int i = 0; i < kSigners; ++i) (*all)[i] = anchors::tuf::TestKey(i);
    return all;
  }();
  return *keys;
}

const TrustedSet& RootOne() {
  static const auto* const set = new TrustedSet(*TrustedSet::FromRoot(
      FuzzRepository().published("root", 1), FuzzUpdateNow()));
  return *set;
}

// What a caller sees of a set.
struct View {
  explicit View(const TrustedSet& set)
      : root(set.root().envelope.bytes),
        timestamp(set.timestamp()),
        snapshot(set.snapshot()),
        targets(set.targets()),
        complete(set.complete()) {}
  friend bool operator==(const View&, const View&) = default;

  std::string root;
  std::shared_ptr<const anchors::tuf::Timestamp> timestamp;
  std::shared_ptr<const anchors::tuf::Snapshot> snapshot;
  std::shared_ptr<const Targets> targets;
  bool complete;
};

// The version below which a role may not go.
class Floor {
 public:
  void Reset() { version_ = 0; }
  void Raise(const Envelope& current) {
    Require(current.version >= version_, "no file goes back");
    version_ = current.version;
  }

 private:
  std::int64_t version_ = 0;
};

class Session {
 public:
  void Take(std::uint8_t head, std::string_view part) {
    const unsigned signers = head >> kSignerShift;
    std::string bytes(part);
    if (signers != 0 && !Sign(signers, bytes)) return;
    const View before(set_);
    const absl::Status status =
        Apply(static_cast<UpdateStep>(head & kStepMask), bytes);
    Require(status.ok() != anchors::tuf::TufReasonOf(status).has_value(),
            "success, or a reason");
    if (status.ok()) {
      CheckCurrent();
    } else {
      Require(View(set_) == before, "a failed step changes nothing");
    }
  }

 private:
  // Replaces `bytes` by a signed file. Returns false if they cannot be signed.
  bool Sign(unsigned signers, std::string& bytes) {
    const auto canonical = CanonicalOf(bytes);
    if (!canonical.has_value()) return false;
    signed_.insert(*canonical);
    std::vector<KeyPtr> keys;
    for (int i = 0; i < kSigners; ++i) {
      if ((signers >> i & 1) != 0) keys.push_back(Keys()[i]);
    }
    bytes = anchors::tuf::SignJson(bytes, keys);
    return true;
  }

  absl::Status Apply(UpdateStep step, const std::string& bytes) {
    switch (step) {
      case UpdateStep::kRoot:
        return UpdateRoot(bytes);
      case UpdateStep::kFinishRoots:
        return set_.FinishRoots();
      case UpdateStep::kTimestamp:
        return set_.UpdateTimestamp(bytes).status();
      case UpdateStep::kSnapshot:
        return set_.UpdateSnapshot(bytes);
      case UpdateStep::kTargets:
        return set_.UpdateTargets(bytes);
      case UpdateStep::kHoldTimestamp:
        timestamp_.Reset();
        set_.HoldTimestamp(bytes);
        return absl::OkStatus();
      case UpdateStep::kHoldSnapshot:
        snapshot_.Reset();
        set_.HoldSnapshot(bytes);
        return absl::OkStatus();
      case UpdateStep::kHoldTargets:
        set_.HoldTargets(bytes);
        return absl::OkStatus();
      case UpdateStep::kUseHeldTimestamp:
        return set_.UseHeldTimestamp();
      case UpdateStep::kUseHeldSnapshot:
        return set_.UseHeldSnapshot();
      case UpdateStep::kUseHeldTargets:
        return set_.UseHeldTargets();
      case UpdateStep::kBegin:
        set_.Begin(set_.now() + absl::Hours(bytes.size()));
        return absl::OkStatus();
      case UpdateStep::kDelegated:
        return UpdateDelegated(bytes);
    }
    return absl::OkStatus();
  }

  absl::Status UpdateRoot(const std::string& bytes) {
    const std::int64_t before = set_.root().envelope.version;
    const absl::Status status = set_.UpdateRoot(bytes);
    if (!status.ok()) return status;
    Require(set_.root().envelope.version == before + 1,
            "roots come one by one");
    timestamp_.Reset();
    snapshot_.Reset();
    return status;
  }

  absl::Status UpdateDelegated(const std::string& bytes) {
    const auto delegator = set_.targets();
    if (delegator == nullptr) return absl::OkStatus();
    const auto taken =
        set_.UpdateDelegated(delegator, kFuzzDelegatedRole, bytes);
    if (!taken.ok()) return taken.status();
    RequireSigned((*taken)->envelope);
    Require(set_.delegated(delegator, kFuzzDelegatedRole) == *taken,
            "a delegated file is kept");
    return absl::OkStatus();
  }

  void RequireSigned(const Envelope& envelope) const {
    Require(signed_.contains(envelope.signed_bytes) ||
                PublishedTexts().contains(envelope.signed_bytes),
            "nothing is taken that nobody signed");
  }

  void CheckCurrent() {
    RequireSigned(set_.root().envelope);
    if (const auto timestamp = set_.timestamp()) {
      RequireSigned(timestamp->envelope);
      timestamp_.Raise(timestamp->envelope);
    }
    if (const auto snapshot = set_.snapshot()) {
      RequireSigned(snapshot->envelope);
      snapshot_.Raise(snapshot->envelope);
    }
    if (const auto targets = set_.targets()) RequireSigned(targets->envelope);
    if (!set_.complete()) return;
    Require(set_.expires() > set_.now(), "what is complete has not expired");
    const absl::Status found = set_.Lookup("catalog/v1/anchors.json").status();
    Require(found.ok() != anchors::tuf::TufReasonOf(found).has_value(),
            "found, or a reason");
  }

  TrustedSet set_ = RootOne();
  SignedTexts signed_;
  Floor timestamp_;
  Floor snapshot_;
};

void Check(std::string_view input) {
  Session session;
  for (int i = 0; i < kMaxSteps && !input.empty(); ++i) {
    const std::uint8_t head = TakeByte(input);
    session.Take(head, TakePart(input));
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
