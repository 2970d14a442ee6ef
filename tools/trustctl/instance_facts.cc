#include "tools/trustctl/instance_facts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

using Clock = std::chrono::steady_clock;

// IMDS and the TPM are asked one after the other, and the server meanwhile.
constexpr absl::Duration kImdsTime = absl::Seconds(7);
constexpr absl::Duration kAttestTime = absl::Seconds(5);
constexpr std::chrono::seconds kServerTime{12};

constexpr char kWhy[] = "trustctl instance check shows whatever AWS signed";

// A client that has nothing and keeps nothing, while it asks for a bundle.
class Refresh {
 public:
  explicit Refresh(AnchorSource source) : name_(source.server) {
    source.cache.clear();
    auto client = source.MakeClient();
    if (!client.ok()) {
      status_ = client.status();
      return;
    }
    client_ = *std::move(client);
    ended_ =
        std::async(std::launch::async, [this] { return client_->Refresh(); });
  }

  // Waits for its end, at most until `deadline`.
  ServerFacts End(Clock::time_point deadline) {
    if (ended_.valid()) {
      if (ended_.wait_until(deadline) != std::future_status::ready) {
        client_->Cancel();
        ended_.wait();
        status_ = absl::DeadlineExceededError("no bundle came in time");
      } else {
        status_ = ended_.get();
      }
    }
    return {name_, status_,
            client_ != nullptr ? client_->state().provenance
                               : verify::AnchorProvenance()};
  }

  ~Refresh() {
    if (client_ != nullptr) client_->Cancel();
  }

  // What it got.
  absl::StatusOr<Anchors> anchors() const {
    return Anchors{client_->anchors(), client_->state().freshness, nullptr};
  }

 private:
  const std::string name_;
  absl::Status status_;
  std::unique_ptr<client::TrustClient> client_;
  // Behind the client, so that a destructor waits before it is gone.
  std::future<absl::Status> ended_;
};

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

// What IMDS gave, by form, strongest first: it is verified once it is known with
// which anchors.
using Identities = std::vector<
    std::pair<verify::IdentityForm, absl::StatusOr<client::ImdsIdentity>>>;

Identities AskImds(const verify::IdentityPolicy& policy, ImdsFacts& facts) {
  Identities identities;
  auto imds = client::Imds::Open({.total_timeout = kImdsTime});
  facts.session = imds.status();
  if (!imds.ok()) return identities;
  facts.endpoint = (*imds)->endpoint();
  for (const verify::IdentityForm form : client::FormsAllowedBy(policy)) {
    identities.emplace_back(form, (*imds)->FetchIdentity(form));
  }
  return identities;
}

void Verify(const Identities& identities, const verify::AnchorSet& anchors,
            const verify::IdentityPolicy& policy, absl::Time now,
            ImdsFacts& facts) {
  for (const auto& [form, identity] : identities) {
    FormFacts& row = facts.forms.emplace_back();
    row.form = form;
    row.served = identity.status();
    if (!identity.ok()) continue;
    const auto verified =
        verify::VerifyIdentity(identity->evidence(), anchors, policy, now);
    row.verified = verified.status();
    if (verified.ok() && !facts.document.has_value()) {
      facts.document = verified->document();
    }
  }
}

// The answer to a nonce of now.
struct Attestation {
  std::string nonce;
  absl::StatusOr<client::Attested> attested;
};

Attestation AskForAttestation(const std::string& program) {
  std::string nonce(32, '\0');
  if (getentropy(nonce.data(), nonce.size()) != 0) {
    return {"", absl::ErrnoToStatus(errno, "getentropy")};
  }
  return {nonce, client::Attest({.nonce = nonce},
                                {.program = program, .timeout = kAttestTime})};
}

template <typename Verified>
void Keep(const absl::StatusOr<Verified>& verified, AttestationFacts& facts) {
  facts.verified = verified.status();
  if (!verified.ok()) return;
  facts.module_id = verified->module_id();
  facts.made = verified->timestamp();
}

// As a client does that is left to its defaults: not with an EXPIRED set.
AttestationFacts Verify(const Attestation& attestation, const Anchors& anchors,
                        absl::Time now) {
  AttestationFacts facts;
  facts.served = attestation.attested.status();
  if (!facts.served.ok()) return facts;
  facts.verified =
      client::RequireNotExpired(anchors.set->provenance(), anchors.freshness);
  if (!facts.verified.ok()) return facts;
  const std::string& document = attestation.attested->document;
  if (attestation.attested->source == client::AttestationSource::kNsm) {
    const auto policy = verify::EnclavePolicy::Builder()
                            .ExpectNonce(attestation.nonce)
                            .AllowDebug(kWhy)
                            .IgnoreTheRest(kWhy)
                            .Build();
    Keep(policy.ok()
             ? verify::VerifyEnclave(document, *anchors.set, *policy, now)
             : policy.status(),
         facts);
  } else {
    const auto policy = verify::NitroTpmPolicy::Builder()
                            .ExpectNonce(attestation.nonce)
                            .IgnoreTheRest(kWhy)
                            .Build();
    Keep(policy.ok()
             ? verify::VerifyNitroTpm(document, *anchors.set, *policy, now)
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
  const auto deadline = Clock::now() + kServerTime;
  std::optional<Refresh> refresh;
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
    if (!source.server.empty()) refresh.emplace(source);
    if (!source.cache.empty()) {
      facts.cache.emplace().folder = source.cache;
      cached = LookAtCache(*root, facts.now, *facts.cache);
    }
  }
  const auto any = verify::IdentityPolicy::AuthenticityOnly(kWhy);
  if (!any.ok()) return any.status();
  const Identities identities = AskImds(*any, facts.imds);
  std::optional<Attestation> attestation;
  if (facts.needs.attestation != InstanceNeeds::Attestation::kIgnore &&
      (facts.machine.enclave ||
       facts.machine.tpm_device == Machine::TpmDevice::kUsable)) {
    attestation = AskForAttestation(attest_program);
  }
  if (refresh.has_value()) facts.server = refresh->End(deadline);
  // What was asked for is of now, not of a start some seconds ago.
  facts.now = absl::Now();
  const auto anchors =
      facts.server.has_value() && facts.server->refreshed.ok()
          ? refresh->anchors()
          : WithoutServer(source, std::move(cached), facts.now);
  if (!anchors.ok()) return anchors.status();
  facts.anchors = anchors->set->provenance();
  facts.freshness = anchors->freshness;
  Verify(identities, *anchors->set, *any, facts.now, facts.imds);
  if (attestation.has_value()) {
    facts.attestation = Verify(*attestation, *anchors, facts.now);
  }
  return facts;
}

}  // namespace anchorage::trustctl
