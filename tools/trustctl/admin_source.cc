#include "tools/trustctl/admin_source.h"

namespace anchorage::trustctl {

void AdminSource::AddTo(CLI::App& command, bool required) {
  constexpr char kGroup[] = "The listener for people of a trustd";
  auto* server_option = command
                            .add_option("--server", server,
                                        "HOST:PORT ('admin' of its "
                                        "configuration)")
                            ->group(kGroup);
  auto* certificate_option =
      command
          .add_option("--client-cert", client_certificate,
                      "PEM file of your certificate")
          ->group(kGroup);
  auto* key_option =
      command
          .add_option("--client-key", client_key, "PEM file of its private key")
          ->group(kGroup);
  command
      .add_option("--tls-roots", tls_roots,
                  "PEM file of CAs for the server's TLS certificate")
      ->needs(server_option)
      ->group(kGroup);
  for (CLI::Option* option : {server_option, certificate_option, key_option}) {
    option->required(required);
  }
  server_option->needs(certificate_option)->needs(key_option);
}

}  // namespace anchorage::trustctl
