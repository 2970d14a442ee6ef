#include "tools/trustctl/instance_facts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/baked/baked.h"
#include "anchors/tuf/trusted_set.h"
#include "client/bundle.h"
#include "client/bundle_cache.h"
#include "client/cached_bundle.h"
#include "client/disk_cache_folder.h"
#include "client/instance/attestation.h"
#include "client/instance/imds.h"
#include "client/instance/this_instance.h"
#include "client/ladder.h"
#include "verify/attestation/attestation_policy.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/identity/identity_policy.h"
#include "verify/identity/identity_verifier.h"

namespace anchorage::trustctl {
namespace {

// One after the other, so 15 seconds at most.
constexpr absl::Duration kImdsTime = absl::Seconds(5);
constexpr absl::Duration kAttestTime = absl::Seconds(4);
constexpr absl::Duration kServerTime = absl::Seconds(5);

constexpr char kWhy[] = "trustctl instance check shows whatever AWS signed";

// Has a client that keeps nothing ask for a bundle, and sets `anchors` to what
// it got.
ServerFacts AskServer(AnchorSource source, std::optional<Anchors>& anchors) {
  source.cache.clear();
  const auto client = source.MakeClient(kServerTime);
  if (!client.ok()) return {.name = "--server", .refreshed = client.status()};
  ServerFacts facts{.refreshed = (*client)->Refresh()};
  const client::TrustClientState state = (*client)->state();
  facts.name = state.servers->front().name;
  facts.provenance = state.provenance;
  if (facts.refreshed.ok()) {
    anchors = Anchors{(*client)->anchors(), state.freshness, nullptr};
  }
  return facts;
}

absl::Status LookAtFolder(CacheFacts& facts) {
  struct stat entry {};
  if (stat(facts.folder.c_str(), &entry) != 0) {
    return absl::ErrnoToStatus(errno, facts.folder);
  }
  if (!S_ISDIR(entry.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(facts.folder, " is no folder"));
  }
  if (access(facts.folder.c_str(), R_OK | X_OK) != 0) {
    return absl::ErrnoToStatus(errno, facts.folder);
  }
  const uid_t self = geteuid();
  facts.owner = entry.st_uid;
  facts.mode = entry.st_mode & 07777;
  facts.owner_trusted = self == 0 || entry.st_uid == 0 || entry.st_uid == self;
  facts.writable = access(facts.folder.c_str(), W_OK) == 0;
  return absl::OkStatus();
}

// Returns the bundle that a start would use, or null.
std::shared_ptr<const client::Bundle> LookAtCache(
    const std::string& trusted_root, absl::Time now, CacheFacts& facts) {
  facts.found = LookAtFolder(facts);
  if (!facts.found.ok()) return nullptr;
  // Root looks at the product's folder, and everybody else at what they trust.
  client::BundleCache cache(client::OpenDiskCacheFolder(
      facts.folder, geteuid() == 0 ? client::FolderOwner::kAny
                                   : client::FolderOwner::kRootOrSelf));
  client::CachedBundle cached = client::OpenCache(
      trusted_root, anchors::DefaultBakedBundle().as_of, cache, now);
  facts.empty = cached.empty;
  facts.usable = cached.status;
  if (!cached.bundle.has_value()) return nullptr;
  auto bundle =
      std::make_shared<const client::Bundle>(*std::move(cached.bundle));
  facts.provenance = bundle->anchors->provenance();
  facts.freshness = client::FreshnessOf(
      facts.provenance, client::TrustClientOptions().max_stale, now);
  return bundle;
}

// The set that counts for a client that cannot ask its server now.
absl::StatusOr<Anchors> WithoutServer(
    const AnchorSource& source, std::shared_ptr<const client::Bundle> cached,
    absl::Time now) {
  if (!source.catalog.empty()) return source.Load({});
  const anchors::BakedBundle& built_in = anchors::DefaultBakedBundle();
  auto baked = client::OpenBaked(built_in, client::Revoked(),
                                 source.uses_client()
                                     ? built_in.as_of + client::kBakedInLife
                                     : absl::InfiniteFuture());
  if (!baked.ok()) return baked.status();
  const client::Ladder ladder(
      std::make_shared<const client::Bundle>(*std::move(baked)),
      std::move(cached), client::TrustClientOptions().max_stale,
      /*may_yield=*/true);
  const auto standing = ladder.At(now, /*first_refresh_pending=*/false);
  return Anchors{standing.bundle->anchors, standing.freshness, nullptr};
}

absl::StatusOr<ImdsFacts> AskImds(const verify::AnchorSet& anchors) {
  const auto policy = verify::IdentityPolicy::AuthenticityOnly(kWhy);
  if (!policy.ok()) return policy.status();
  ImdsFacts facts;
  auto imds = client::Imds::Open({.total_timeout = kImdsTime});
  facts.session = imds.status();
  if (!imds.ok()) return facts;
  facts.endpoint = (*imds)->endpoint();
  bool decided = false;
  for (const verify::IdentityForm form : client::FormsAllowedBy(*policy)) {
    const auto identity = (*imds)->FetchIdentity(form);
    FormFacts& row = facts.forms.emplace_back();
    row.form = form;
    row.served = identity.status();
    if (identity.ok()) {
      const auto verified = verify::VerifyIdentity(
          identity->evidence(), anchors, *policy, absl::Now());
      row.verified = verified.status();
      if (verified.ok() && !decided) facts.document = verified->document();
    }
    decided = decided || !absl::IsNotFound(row.served);
  }
  return facts;
}

template <typename Verified>
void Keep(const absl::StatusOr<Verified>& verified, AttestationFacts& facts) {
  facts.verified = verified.status();
  if (!verified.ok()) return;
  facts.module_id = verified->module_id();
  facts.made = verified->timestamp();
}

// Verifies as a client does that is left to its defaults: not with an EXPIRED
// set.
AttestationFacts AskForAttestation(const std::string& program,
                                   const Anchors& anchors) {
  AttestationFacts facts;
  std::string nonce(32, '\0');
  if (getentropy(nonce.data(), nonce.size()) != 0) {
    facts.served = absl::ErrnoToStatus(errno, "getentropy");
    return facts;
  }
  const auto attested = client::Attest(
      {.nonce = nonce}, {.program = program, .timeout = kAttestTime});
  facts.served = attested.status();
  facts.verified =
      client::RequireNotExpired(anchors.set->provenance(), anchors.freshness);
  if (!facts.served.ok() || !facts.verified.ok()) return facts;
  if (attested->source == client::AttestationSource::kNsm) {
    const auto policy = verify::EnclavePolicy::Builder()
                            .ExpectNonce(nonce)
                            .AllowDebug(kWhy)
                            .IgnoreTheRest(kWhy)
                            .Build();
    Keep(policy.ok() ? verify::VerifyEnclave(attested->document, *anchors.set,
                                             *policy, absl::Now())
                     : policy.status(),
         facts);
  } else {
    const auto policy = verify::NitroTpmPolicy::Builder()
                            .ExpectNonce(nonce)
                            .IgnoreTheRest(kWhy)
                            .Build();
    Keep(policy.ok() ? verify::VerifyNitroTpm(attested->document, *anchors.set,
                                              *policy, absl::Now())
                     : policy.status(),
         facts);
  }
  return facts;
}

}  // namespace

absl::StatusOr<InstanceFacts> CollectInstanceFacts(
    const AnchorSource& source, const std::string& attest_program,
    InstanceNeeds needs) {
  InstanceFacts facts{.now = absl::Now(),
                      .needs = std::move(needs),
                      .machine = LookAtMachine()};
  std::optional<Anchors> fetched;
  std::shared_ptr<const client::Bundle> cached;
  if (source.uses_client()) {
    if (source.trusted_root.empty()) {
      return absl::InvalidArgumentError(
          "--server and --cache need the --trusted-root of the product");
    }
    const auto root = ReadInput(source.trusted_root);
    if (!root.ok()) return root.status();
    const auto trusted =
        anchors::tuf::TrustedSet::FromRoot(*root, absl::InfinitePast());
    if (!trusted.ok()) return trusted.status();
    if (!source.server.empty()) facts.server = AskServer(source, fetched);
    if (!source.cache.empty()) {
      facts.cache.emplace().folder = source.cache;
      cached = LookAtCache(*root, facts.now, *facts.cache);
    }
  }
  const auto anchors =
      fetched.has_value() ? absl::StatusOr<Anchors>(*std::move(fetched))
                          : WithoutServer(source, std::move(cached), facts.now);
  if (!anchors.ok()) return anchors.status();
  facts.anchors = anchors->set->provenance();
  facts.freshness = anchors->freshness;
  auto imds = AskImds(*anchors->set);
  if (!imds.ok()) return imds.status();
  facts.imds = *std::move(imds);
  if (facts.needs.attestation != InstanceNeeds::Attestation::kIgnore &&
      (facts.machine.enclave ||
       facts.machine.tpm_device == Machine::TpmDevice::kUsable)) {
    facts.attestation = AskForAttestation(attest_program, *anchors);
  }
  // Some seconds may have gone by, and what was asked for is of now.
  facts.now = absl::Now();
  return facts;
}

}  // namespace anchorage::trustctl
