#include "tools/trustctl/admin_source.h"

#include <string>
#include <utility>

#include "anchors/base/atomic_file.h"
#include "tools/trustctl/command.h"

namespace anchorage::trustctl {

void AdminSource::AddTo(CLI::App& command, bool required) {
  constexpr char kGroup[] =
      "The listener for people of a trustd (said once: trustctl help context)";
  auto* server_option = command
                            .add_option("--server", server,
                                        "HOST:PORT ('admin' of its "
                                        "configuration), or unix:PATH on its "
                                        "own host")
                            ->envname("ANCHORAGE_ADMIN_SERVER")
                            ->group(kGroup);
  auto* certificate_option =
      command
          .add_option("--client-cert", client_certificate,
                      "PEM file of your certificate")
          ->envname("ANCHORAGE_CLIENT_CERT")
          ->group(kGroup);
  auto* key_option =
      command
          .add_option("--client-key", client_key, "PEM file of its private key")
          ->envname("ANCHORAGE_CLIENT_KEY")
          ->group(kGroup);
  command
      .add_option("--tls-roots", tls_roots,
                  "PEM file of CAs for the server's TLS certificate")
      ->needs(server_option)
      ->envname("ANCHORAGE_ADMIN_TLS_ROOTS")
      ->group(kGroup);
  server_option->required(required);
  certificate_option->needs(key_option);
  key_option->needs(certificate_option);
  // Where another source may be named instead, Read() says so.
  if (!required) return;
  command.parse_complete_callback([this] {
    if (const absl::Status s = Check(); !s.ok()) {
      throw CLI::RequiredError(std::string(s.message()),
                               CLI::ExitCodes::RequiredError);
    }
  });
}

absl::Status AdminSource::Check() const {
  if (Endpoint{.address = server}.is_unix_socket() ||
      !client_certificate.empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "--client-cert and --client-key are required: the listener for people "
      "asks who you are");
}

absl::StatusOr<Endpoint> AdminSource::Read() const {
  Endpoint endpoint;
  endpoint.address = server;
  if (endpoint.is_unix_socket()) return endpoint;
  if (absl::Status s = Check(); !s.ok()) return s;
  if (!tls_roots.empty()) {
    auto roots = ReadInput(tls_roots);
    if (!roots.ok()) return roots.status();
    endpoint.roots_pem = *std::move(roots);
  }
  auto certificate = ReadInput(client_certificate);
  if (!certificate.ok()) return certificate.status();
  auto key = anchors::ReadPrivateFile(client_key, kMaxInputBytes);
  if (!key.ok()) return key.status();
  endpoint.certificate_pem = *std::move(certificate);
  endpoint.key_pem = *std::move(key);
  return endpoint;
}

}  // namespace anchorage::trustctl
