#include "tools/trustctl/anchor_source.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/baked/baked.h"
#include "anchors/base/host_port.h"
#include "anchors/catalog.h"
#include "anchors/certificate_facts.h"
#include "client/bundle.h"
#include "client/http_transport.h"
#include "client/ladder.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/terminal.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustctl {
namespace {

// Whether HOST:PORT is of this machine, where TLS has nothing to hide.
bool IsLoopback(std::string_view address) {
  const auto parsed = anchors::ParseHostPort(address);
  return parsed.has_value() && anchors::IsLoopbackHost(parsed->host);
}

client::TrustClient::OpenTransport open_transport = &client::OpenHttpTransport;

// Says which server, and how it is reached.
absl::Status SetServer(const AnchorSource& source,
                       client::TrustClientOptions& options) {
  (IsUrl(source.server) ? options.metadata_url : options.server) =
      source.server;
  options.plaintext = IsLoopback(source.server);
  options.proxy = std::nullopt;
  if (source.tls_roots.empty()) return absl::OkStatus();
  auto pem = ReadInput(source.tls_roots);
  if (!pem.ok()) return pem.status();
  options.tls_roots_pem = *std::move(pem);
  return absl::OkStatus();
}

constexpr char kServerHelp[] =
    "HOST:PORT of a trustd (TLS, but for loopback), or the URL of a "
    "repository's tuf/ folder";
constexpr char kRootHelp[] =
    "root.json of that trustd, from a channel that you trust";
constexpr char kTlsHelp[] = "PEM file of CAs for the server's TLS certificate";

absl::StatusOr<Anchors> FromClient(const AnchorSource& source) {
  std::error_code error;
  if (!source.cache.empty() && source.server.empty() &&
      !std::filesystem::is_directory(source.cache, error)) {
    return absl::NotFoundError(
        absl::StrCat("--cache: ", source.cache, " is no folder"));
  }
  auto client = source.MakeClient();
  if (!client.ok()) return client.status();
  if (!source.server.empty()) {
    if (const absl::Status s = RefreshFrom(source.server, **client); !s.ok()) {
      PrintWarning(absl::StrCat("no new bundle from ",
                                (*client)->state().servers->front().name, ": ",
                                TextOf(s)));
    }
  }
  const client::TrustClientState state = (*client)->state();
  if (!state.cache.ok()) PrintWarning(TextOf(state.cache));
  return Anchors{(*client)->anchors(), state.freshness,
                 (*client)->release_list(), (*client)->producers(),
                 (*client)->images()};
}

// The set built into this program, by the path that a client takes it.
absl::StatusOr<Anchors> BakedIn() {
  auto bundle = client::OpenBaked(anchors::DefaultBakedBundle());
  if (!bundle.ok()) return bundle.status();
  return Anchors{bundle->anchors, verify::Freshness::kBakedIn,
                 bundle->release_list, bundle->producers, bundle->images};
}

absl::StatusOr<Anchors> FromCatalog(const std::string& path) {
  PrintWarning(path + " is used without a signature: its origin is up to you");
  const auto json = ReadInput(path);
  if (!json.ok()) return json.status();
  const auto catalog = anchors::ParseCatalog(*json);
  if (!catalog.ok()) return catalog.status();
  auto set = anchors::ToAnchorSet(*catalog, {.origin = verify::Origin::kFile});
  if (!set.ok()) return set.status();
  return Anchors{*std::move(set), verify::Freshness::kBakedIn, nullptr};
}

absl::StatusOr<Anchors> FromCertificate(const std::string& path,
                                        const verify::Slot& slot) {
  PrintWarning("verifying with " + path +
               " instead of AWS's anchors: this proves nothing about AWS");
  const auto pem = ReadInput(path);
  if (!pem.ok()) return pem.status();
  auto der = verify::DecodePem(*pem, "CERTIFICATE");
  if (!der.ok()) return der.status();
  const auto facts = anchors::ReadCertificateFacts(*der);
  if (!facts.ok()) return facts.status();
  verify::AnchorRecord record;
  record.slot = slot;
  record.spki_der = facts->spki_der;
  record.certificates_der.push_back(*std::move(der));
  auto set = verify::AnchorSet::Create({std::move(record)},
                                       {.origin = verify::Origin::kFile});
  if (!set.ok()) return set.status();
  return Anchors{*std::move(set), verify::Freshness::kBakedIn, nullptr};
}

}  // namespace

bool IsUrl(std::string_view server) {
  return server.starts_with("https://") || server.starts_with("http://");
}

absl::Status RefreshFrom(const std::string& server,
                         client::TrustClient& client) {
  const Progress progress("asking " + server);
  return client.Refresh();
}

void UseTransport(client::TrustClient::OpenTransport open) {
  open_transport = open;
}

void AnchorSource::AddTo(CLI::App& command) {
  constexpr char kGroup[] = "Anchors (default: the set built into trustctl)";
  auto* server_option = command.add_option("--server", server, kServerHelp)
                            ->envname("ANCHORAGE_SERVER")
                            ->group(kGroup);
  command.add_option("--trusted-root", trusted_root, kRootHelp)
      ->envname("ANCHORAGE_TRUSTED_ROOT")
      ->group(kGroup);
  command.add_option("--tls-roots", tls_roots, kTlsHelp)
      ->needs(server_option)
      ->envname("ANCHORAGE_TLS_ROOTS")
      ->group(kGroup);
  auto* cache_option =
      command.add_option("--cache", cache, "folder of the last verified set")
          ->envname("ANCHORAGE_CACHE")
          ->group(kGroup);
  command
      .add_option("--catalog", catalog,
                  "catalog file (JSON) that you vouch for; '-' is stdin")
      ->excludes(server_option)
      ->excludes(cache_option)
      ->group(kGroup);
}

void AnchorSource::AddWhenExpiredTo(CLI::App& command, const char* by_default) {
  when_expired = by_default;
  command
      .add_option("--when-expired", when_expired,
                  "what to do with a set that no server has vouched for in "
                  "time: serve or refuse")
      ->check(CLI::IsMember({"serve", "refuse"}))
      ->capture_default_str()
      ->group("Anchors (default: the set built into trustctl)");
}

absl::Status AnchorSource::CheckAge(const Anchors& anchors) const {
  if (when_expired != "refuse") return absl::OkStatus();
  return client::RequireNotExpired(anchors.set->provenance(),
                                   anchors.freshness);
}

void AnchorSource::AddRepositoryTo(CLI::App& command) {
  command.add_option("--server", server, kServerHelp)
      ->required()
      ->envname("ANCHORAGE_SERVER");
  command.add_option("--trusted-root", trusted_root, kRootHelp)
      ->required()
      ->envname("ANCHORAGE_TRUSTED_ROOT");
  command.add_option("--tls-roots", tls_roots, kTlsHelp)
      ->envname("ANCHORAGE_TLS_ROOTS");
}

absl::StatusOr<RepositoryFiles> AnchorSource::OpenRepository() const {
  client::TrustClientOptions options;
  options.rpc_timeout = absl::Seconds(30);
  if (absl::Status s = SetServer(*this, options); !s.ok()) return s;
  auto transport = open_transport(options);
  if (!transport.ok()) return transport.status();
  auto fetcher =
      (*transport)
          ->Begin(anchors::BundleVersions(), "", absl::InfiniteDuration());
  return RepositoryFiles{*std::move(transport), std::move(fetcher)};
}

absl::StatusOr<std::unique_ptr<client::TrustClient>> AnchorSource::MakeClient(
    absl::Duration budget) const {
  client::TrustClientOptions options;
  if (absl::Status s = SetServer(*this, options); !s.ok()) return s;
  options.cache_folder = cache;
  options.background_refresh = false;
  options.refresh_budget = budget;
  if (!trusted_root.empty()) {
    auto root = ReadInput(trusted_root);
    if (!root.ok()) return root.status();
    options.trusted_root = *std::move(root);
  }
  return client::TrustClient::CreateWith(std::move(options), open_transport);
}

absl::StatusOr<Anchors> AnchorSource::Load(const verify::Slot& slot) const {
  if (!certificate.empty()) return FromCertificate(certificate, slot);
  if (!catalog.empty()) return FromCatalog(catalog);
  if (!uses_client() && trusted_root.empty()) return BakedIn();
  return FromClient(*this);
}

}  // namespace anchorage::trustctl
