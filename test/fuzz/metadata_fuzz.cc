// Input: a mode byte for the role, then a TUF metadata file.
// Holds for any bytes:
//   1. each reader accepts, or it gives a reason;
//   2. an accepted file keeps its exact bytes, and what its signatures are
//      over is the canonical form of what the bytes say is signed;
//   3. versions and thresholds are positive, key ids of a role are distinct,
//      and a key id is the hash of its key;
//   4. a root or targets file that can be published anew reads back with the
//      same keys and targets.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "anchors/publishing/repository_writer.h"
#include "anchors/tuf/canonical_json.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/tuf_error.h"
#include "test/fuzz/fuzz.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/json.h"

namespace anchorage::test {
namespace {

using namespace anchors::tuf;  // NOLINT(build/namespaces): the code under test

constexpr std::uint8_t kModes = 4;

bool Read(const absl::Status& status) {
  Require(status.ok() != TufReasonOf(status).has_value(),
          "accepted, or a reason");
  return status.ok();
}

verify::JsonValue Json(std::string_view text) {
  auto value = verify::ParseJson(text, {.max_bytes = text.size()});
  Require(value.ok(), "it is JSON");
  return *std::move(value);
}

void CheckEnvelope(const Envelope& envelope, std::string_view bytes) {
  Require(envelope.bytes == bytes, "the exact bytes are kept");
  const verify::JsonValue file = Json(bytes);
  const verify::JsonValue* const body = file.Find("signed");
  Require(body != nullptr, "something is signed");
  const auto canonical = CanonicalJson(*body);
  Require(canonical.ok() && *canonical == envelope.signed_bytes,
          "the canonical form is signed");
  Require(envelope.version >= 1, "versions are positive");
  Require(FormatExpires(envelope.expires) ==
              body->Find("expires")->AsString().value(),
          "a time has one form");
}

void CheckRole(const RoleKeys& role) {
  Require(role.threshold >= 1, "thresholds are positive");
  const std::set<std::string> distinct(role.keyids.begin(), role.keyids.end());
  Require(distinct.size() == role.keyids.size(), "key ids are distinct");
}

void CheckKeys(const KeyMap& keys) {
  for (const auto& [keyid, key] : keys) {
    const auto canonical = CanonicalJson(Json(key.json()));
    Require(canonical.ok() && verify::Sha256Hex(*canonical) == keyid &&
                key.keyid() == keyid,
            "a key id is the hash of its key");
    Require(key.supported() == !key.identity().empty(),
            "what verifies has an identity");
  }
}

// Whether a file can have a successor.
bool HasNext(const Envelope& envelope) {
  return envelope.version < kMaxCanonicalInteger;
}

void CheckRoot(std::string_view bytes) {
  const auto root = ParseRoot(std::string(bytes));
  if (!Read(root.status())) return;
  CheckEnvelope(root->envelope, bytes);
  CheckKeys(root->keys);
  for (const RoleKeys* role :
       {&root->root, &root->timestamp, &root->snapshot, &root->targets}) {
    CheckRole(*role);
  }
  Read(VerifySignatures(root->envelope, root->root, root->keys));
  if (!HasNext(root->envelope)) return;
  const auto next = WriteRoot(NextRootSpec(*root, root->envelope.expires));
  if (!Read(next.status())) return;
  const auto again = ParseRoot(*next);
  Require(again.ok() && again->envelope.version == root->envelope.version + 1,
          "what is published is read");
  for (const auto& [keyid, key] : again->keys) {
    Require(root->keys.contains(keyid), "keys stay");
  }
}

void CheckTimestamp(std::string_view bytes) {
  const auto timestamp = ParseTimestamp(std::string(bytes));
  if (!Read(timestamp.status())) return;
  CheckEnvelope(timestamp->envelope, bytes);
  Require(timestamp->snapshot.version >= 1, "versions are positive");
}

void CheckSnapshot(std::string_view bytes) {
  const auto snapshot = ParseSnapshot(std::string(bytes));
  if (!Read(snapshot.status())) return;
  CheckEnvelope(snapshot->envelope, bytes);
  for (const auto& [name, file] : snapshot->files) {
    Require(file.version >= 1, "versions are positive");
    Require(!file.length.has_value() || *file.length >= 0, "so are lengths");
  }
}

void CheckTargets(std::string_view bytes) {
  const auto targets = ParseTargets(std::string(bytes));
  if (!Read(targets.status())) return;
  CheckEnvelope(targets->envelope, bytes);
  if (targets->delegations.has_value()) {
    CheckKeys(targets->delegations->keys);
    for (const Delegation& delegation : targets->delegations->roles) {
      CheckRole(delegation.role);
      Require(delegation.paths.has_value() !=
                  delegation.path_hash_prefixes.has_value(),
              "a delegation has one kind of paths");
      delegation.Covers("catalog/v1/anchors.json");
    }
  }
  if (!HasNext(targets->envelope)) return;
  const auto next =
      WriteTargets(NextTargetsSpec(*targets, targets->envelope.expires));
  if (!Read(next.status())) return;
  const auto again = ParseTargets(*next);
  Require(again.ok() && again->targets.size() == targets->targets.size(),
          "what is published is read");
}

void Check(std::string_view input) {
  switch (TakeByte(input) % kModes) {
    case 0:
      CheckRoot(input);
      break;
    case 1:
      CheckTimestamp(input);
      break;
    case 2:
      CheckSnapshot(input);
      break;
    default:
      CheckTargets(input);
      break;
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
