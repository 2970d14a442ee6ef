#include "test/fleet/memo.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/tuf_key.h"
#include "verify/anchor_set.h"

namespace anchorage::fleet {
namespace {

using anchors::Catalog;
using anchors::Checked;
using anchors::tuf::Root;
using anchors::tuf::Snapshot;
using anchors::tuf::Targets;
using anchors::tuf::Timestamp;
using anchors::tuf::TufKey;
using verify::AnchorProvenance;
using verify::AnchorRecord;
using verify::AnchorSet;

using Bytes = std::string_view;
using Records = std::vector<AnchorRecord>;
using Set = absl::StatusOr<std::shared_ptr<const AnchorSet>>;

MemoFacts facts;
bool in_use = true;
bool believes_any_signature = false;
std::function<absl::Duration()> steady_clock;

// Results by the bytes of all arguments.
template <typename Result>
class Memo {
 public:
  template <typename Make>
  Result Get(const std::string& key, Make make) {
    if (!in_use) return make();
    ++facts.asked;
    if (const auto found = results_.find(key); found != results_.end()) {
      ++facts.remembered;
      return found->second;
    }
    Result result = make();
    if (results_.size() >= kMost) results_.clear();
    results_.emplace(key, result);
    return result;
  }

 private:
  static constexpr std::size_t kMost = 2000;
  absl::flat_hash_map<std::string, Result> results_;
};

// A function of one text that takes it over.
template <typename Result>
absl::StatusOr<Result> Parsed(std::string bytes,
                              absl::StatusOr<Result> (*parse)(std::string)) {
  static auto* const memo = new Memo<absl::StatusOr<Result>>();
  return memo->Get(bytes, [&] { return parse(bytes); });
}

void Append(std::string_view bytes, std::string& key) {
  absl::StrAppend(&key, bytes.size(), ":",
                  absl::string_view(bytes.data(), bytes.size()));
}

void Append(absl::Time time, std::string& key) {
  absl::StrAppend(&key, absl::FormatDuration(time - absl::UnixEpoch()), " ");
}

std::string KeyOf(const Records& records) {
  std::string key;
  for (const AnchorRecord& record : records) {
    Append(record.slot.partition, key);
    Append(record.slot.region, key);
    absl::StrAppend(&key, static_cast<int>(record.slot.kind), " ",
                    static_cast<int>(record.status), " ");
    Append(record.valid_from, key);
    Append(record.valid_until, key);
    Append(record.accept_until, key);
    Append(record.spki_der, key);
    absl::StrAppend(&key, record.certificates_der.size(), " ");
    for (const std::string& der : record.certificates_der) Append(der, key);
  }
  return key;
}

}  // namespace

MemoFacts Memos() { return facts; }
void UseMemos(bool use) { in_use = use; }
void SetSteadyClock(std::function<absl::Duration()> clock) {
  steady_clock = std::move(clock);
}
void BelieveAnySignature(bool believe) { believes_any_signature = believe; }

// The names are the linker's.

absl::StatusOr<Root> RealParseRoot(std::string bytes) asm(
    "__real__ZN9anchorage7anchors3tuf9ParseRootENSt7__cxx1112basic_"
    "stringIcSt11char_traitsIcESaIcEEE");
absl::StatusOr<Timestamp> RealParseTimestamp(std::string bytes) asm(
    "__real__ZN9anchorage7anchors3tuf14ParseTimestampENSt7__cxx1112basic_"
    "stringIcSt11char_traitsIcESaIcEEE");
absl::StatusOr<Snapshot> RealParseSnapshot(std::string bytes) asm(
    "__real__ZN9anchorage7anchors3tuf13ParseSnapshotENSt7__cxx1112basic_"
    "stringIcSt11char_traitsIcESaIcEEE");
absl::StatusOr<Targets> RealParseTargets(std::string bytes) asm(
    "__real__ZN9anchorage7anchors3tuf12ParseTargetsENSt7__cxx1112basic_"
    "stringIcSt11char_traitsIcESaIcEEE");
bool RealVerify(const TufKey* key, Bytes message, Bytes signature) asm(
    "__real__ZNK9anchorage7anchors3tuf6TufKey6VerifyESt17basic_string_viewIcSt"
    "11char_traitsIcEES6_");
absl::StatusOr<Catalog>
RealParseCatalog(std::string_view json, Checked checked) asm(
    "__real__ZN9anchorage7anchors12ParseCatalogESt17basic_string_viewIcSt11"
    "char_traitsIcEENS0_7CheckedE");
Set RealCreate(Records records, AnchorProvenance provenance) asm(
    "__real__ZN9anchorage6verify9AnchorSet6CreateESt6vectorINS0_12Anchor"
    "RecordESaIS3_EENS0_16AnchorProvenanceE");

absl::Duration RealSteadyNow() asm("__real__ZN9anchorage7anchors9SteadyNowEv");

absl::Duration WrapSteadyNow() asm("__wrap__ZN9anchorage7anchors9SteadyNowEv");
absl::StatusOr<Root> WrapParseRoot(std::string bytes) asm(
    "__wrap__ZN9anchorage7anchors3tuf9ParseRootENSt7__cxx1112basic_"
    "stringIcSt11char_traitsIcESaIcEEE");
absl::StatusOr<Timestamp> WrapParseTimestamp(std::string bytes) asm(
    "__wrap__ZN9anchorage7anchors3tuf14ParseTimestampENSt7__cxx1112basic_"
    "stringIcSt11char_traitsIcESaIcEEE");
absl::StatusOr<Snapshot> WrapParseSnapshot(std::string bytes) asm(
    "__wrap__ZN9anchorage7anchors3tuf13ParseSnapshotENSt7__cxx1112basic_"
    "stringIcSt11char_traitsIcESaIcEEE");
absl::StatusOr<Targets> WrapParseTargets(std::string bytes) asm(
    "__wrap__ZN9anchorage7anchors3tuf12ParseTargetsENSt7__cxx1112basic_"
    "stringIcSt11char_traitsIcESaIcEEE");
bool WrapVerify(const TufKey* key, Bytes message, Bytes signature) asm(
    "__wrap__ZNK9anchorage7anchors3tuf6TufKey6VerifyESt17basic_string_viewIcSt"
    "11char_traitsIcEES6_");
absl::StatusOr<Catalog>
WrapParseCatalog(std::string_view json, Checked checked) asm(
    "__wrap__ZN9anchorage7anchors12ParseCatalogESt17basic_string_viewIcSt11"
    "char_traitsIcEENS0_7CheckedE");
Set WrapCreate(Records records, AnchorProvenance provenance) asm(
    "__wrap__ZN9anchorage6verify9AnchorSet6CreateESt6vectorINS0_12Anchor"
    "RecordESaIS3_EENS0_16AnchorProvenanceE");

absl::StatusOr<Root> WrapParseRoot(std::string bytes) {
  return Parsed<Root>(std::move(bytes), &RealParseRoot);
}

absl::StatusOr<Timestamp> WrapParseTimestamp(std::string bytes) {
  return Parsed<Timestamp>(std::move(bytes), &RealParseTimestamp);
}

absl::StatusOr<Snapshot> WrapParseSnapshot(std::string bytes) {
  return Parsed<Snapshot>(std::move(bytes), &RealParseSnapshot);
}

absl::StatusOr<Targets> WrapParseTargets(std::string bytes) {
  return Parsed<Targets>(std::move(bytes), &RealParseTargets);
}

bool WrapVerify(const TufKey* key, Bytes message, Bytes signature) {
  if (believes_any_signature) return true;
  static auto* const memo = new Memo<bool>();
  static auto& arguments = *new std::string();
  arguments.clear();
  Append(key->json(), arguments);
  Append(signature, arguments);
  Append(message, arguments);
  return memo->Get(arguments,
                   [&] { return RealVerify(key, message, signature); });
}

absl::StatusOr<Catalog> WrapParseCatalog(std::string_view json,
                                         Checked checked) {
  static auto* const memo = new Memo<absl::StatusOr<Catalog>>();
  std::string arguments = absl::StrCat(static_cast<int>(checked), " ");
  Append(json, arguments);
  return memo->Get(arguments, [&] { return RealParseCatalog(json, checked); });
}

// The anchors are shared; where a client has them from is its own.
Set WrapCreate(Records records, AnchorProvenance provenance) {
  static auto* const memo = new Memo<Set>();
  std::string arguments = KeyOf(records);
  auto set = memo->Get(
      arguments, [&] { return RealCreate(std::move(records), provenance); });
  if (!set.ok()) return set;
  return (*set)->WithProvenance(provenance);
}

absl::Duration WrapSteadyNow() {
  return steady_clock ? steady_clock() : RealSteadyNow();
}

}  // namespace anchorage::fleet
