// A product in C++17 that has Anchorage from an installed folder: a real
// identity document and a real NitroTPM document, both changed, and a refresh.
//
// usage: consumer VECTORS IDENTITY_POLICY ATTESTATION_POLICY URL ROOT

#include <anchorage/anchorage.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <type_traits>

namespace {

int failures = 0;

void Check(std::string_view what, bool good) {
  if (good) return;
  std::cout << "FAILED: " << what << "\n";
  ++failures;
}

template <typename T>
void CheckReason(std::string_view what, const anchorage::Result<T>& result,
                 std::string_view reason) {
  if (!result && result.error().reason == reason) return;
  std::cout << "FAILED: " << what << ": "
            << (result ? "accepted" : result.error().reason) << ", expected "
            << reason << "\n";
  ++failures;
}

// What the result holds; ends the program where it is an error.
template <typename T>
T OrDie(std::string_view what, anchorage::Result<T> result) {
  if (!result) {
    std::cout << "FAILED: " << what << ": " << result.error().reason << ": "
              << result.error().message << "\n";
    std::exit(1);
  }
  return *std::move(result);
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::cout << "FAILED: cannot read " << path << "\n";
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

static_assert(std::is_nothrow_move_constructible_v<anchorage::Client> &&
              !std::is_copy_constructible_v<anchorage::Client> &&
              !std::is_copy_constructible_v<anchorage::Identity>);

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const std::string vectors = argv[1];
  // 2026-08-13T17:36:49Z, when the NitroTPM document was recorded.
  const anchorage::Time recorded_at(std::chrono::seconds(1786642609));

  auto client = OrDie(
      "client", anchorage::Client::Make(anchorage::Options()
                                            .Url(argv[4])
                                            .TrustedRoot(ReadFile(argv[5]))
                                            .BackgroundRefresh(false)));
  const auto state = OrDie("refresh", client.Refresh());
  Check("the set is the server's",
        state.origin() == anchorage::Origin::kServer &&
            state.freshness() == anchorage::Freshness::kFresh);
  CheckReason("a root that is missing",
              anchorage::Client::Make(anchorage::Options().Url(argv[4])),
              "USAGE");

  const auto identity_policy =
      OrDie("identity policy",
            anchorage::IdentityPolicy::Read(ReadFile(argv[2]), argv[2]));
  std::string signature =
      ReadFile(vectors + "/iid/usw2-2021-teleport-1/rsa2048.b64");
  const auto machine =
      OrDie("identity", client.VerifyIdentity(signature, identity_policy));
  Check("account", machine.account_id() == "278576220453");
  Check("zone", machine.field("availability_zone") == "us-west-2a");
  Check("what is absent is nullopt",
        machine.field("kernel_id") == std::nullopt);
  Check("JSON", machine.json().has_value());
  // One byte of the document that is signed.
  signature[400] = signature[400] == 'A' ? 'B' : 'A';
  CheckReason("the changed identity",
              client.VerifyIdentity(signature, identity_policy),
              "DIGEST_MISMATCH");
  const auto refused = client.VerifyIdentity(signature, identity_policy);
  Check("no certificate failed", !refused.error().certificate_index);
  CheckReason("a view of nothing",
              client.VerifyIdentity(std::string_view(), identity_policy),
              "USAGE");

  using anchorage::Options;
  const std::string_view none;
  const auto make = [](const Options& options) {
    return anchorage::Client::Make(options);
  };
  CheckReason("no URL", make(Options().Url(none)), "USAGE");
  CheckReason("no URL of targets", make(Options().TargetsUrl(none)), "USAGE");
  CheckReason("no root", make(Options().TrustedRoot(none)), "USAGE");
  CheckReason("no TLS roots", make(Options().TlsRoots(none)), "USAGE");
  CheckReason("no cache", make(Options().CacheFolder(none)), "USAGE");
  CheckReason("an empty cache", make(Options().CacheFolder("")), "USAGE");
  CheckReason("no bundle", make(Options().BakedBundle(none, recorded_at)),
              "USAGE");
  CheckReason("no policy", anchorage::IdentityPolicy::Read(none, "none"),
              "USAGE");
  CheckReason("a policy without a name",
              anchorage::IdentityPolicy::Read(ReadFile(argv[2]), none),
              "USAGE");
  CheckReason("no policy", anchorage::AttestationPolicy::Read(none, "none"),
              "USAGE");
  const auto verify = [&](const anchorage::Request& request) {
    return client.VerifyIdentity(signature, identity_policy, request);
  };
  const anchorage::Ledger ledger(1);
  CheckReason("no document", verify(anchorage::Request().Document(none)),
              "USAGE");
  CheckReason("no sender",
              verify(anchorage::Request().Replay(
                  ledger, anchorage::ReplayMode::kFirstUseBinds, none)),
              "USAGE");

  const auto attestation_policy =
      OrDie("attestation policy",
            anchorage::AttestationPolicy::Read(ReadFile(argv[3]), argv[3]));
  std::string document =
      ReadFile(vectors + "/nitro-tpm/live-usw2-i-000fa553.cbor");
  anchorage::Request request;
  request.RecordedAt(recorded_at);
  const auto attestation =
      OrDie("attestation",
            client.VerifyAttestation(document, attestation_policy, request));
  Check("type", attestation.type() == anchorage::AttestationType::kNitroTpm);
  Check("PCR4", attestation.pcr(4).has_value());
  const anchorage::Request moved = std::move(request);
  CheckReason("a request that was moved from",
              client.VerifyAttestation(document, attestation_policy, request),
              "USAGE");
  using anchorage::Request;
  using Expect = Request& (Request::*)(std::string_view);
  for (const Expect expect :
       {&Request::Nonce, &Request::UserData, &Request::PublicKey}) {
    Request expecting;
    expecting.RecordedAt(recorded_at);
    CheckReason("an expectation of nothing",
                client.VerifyAttestation(document, attestation_policy,
                                         (expecting.*expect)(none)),
                "USAGE");
  }
  client.Cancel();
  CheckReason("a refresh that was cancelled", client.Refresh(), "FETCH_FAILED");
  document.back() ^= 1;
  CheckReason("the changed attestation",
              client.VerifyAttestation(document, attestation_policy, moved),
              "SIGNATURE_MISMATCH");

  std::cout << anchorage::Version() << ", " << failures << " failures\n";
  return failures != 0 ? 1 : 0;
}
