// Signs a tree for client/validate/bench and its swtpm_test.sh, with a key of
// the tests, which is no secret.
//
// usage: sign_tree ROOT FOLDER
//
// Writes the bundle to ROOT/usr/lib/anchorage/image.bundle.json, and FOLDER's
// example.pem and validate.json. Prints what the register must have after a
// success and after a failure, in hex, a line each.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "absl/strings/escaping.h"
#include "client/image/inventory.h"
#include "test/support/fake_producer.h"
#include "verify/image/boot_pcr.h"
#include "verify/image/bundle.h"
#include "verify/image/manifest.h"

namespace anchorage::test {
namespace {

namespace fs = std::filesystem;

void PrintRegister(const absl::StatusOr<verify::Sha384Bytes>& event) {
  const auto bytes = verify::RegisterAfter(event.value()).value();
  std::cout << absl::BytesToHexString(std::string(bytes.begin(), bytes.end()))
            << "\n";
}

void SignTree(const std::string& root, const std::string& folder) {
  verify::ImageManifest manifest = SmallManifest();
  manifest.scope = verify::ManifestScope::kCodeAndStartup;
  manifest.exclusions.clear();
  // What is to happen, the configuration alone says.
  manifest.on_mismatch = verify::MismatchAction::kContinue;
  manifest.entries =
      client::ListImage(root, {.scope = manifest.scope}, {.as_seen = true})
          .value()
          .found;
  const FakeProducer producer;
  const std::string bundle = producer.Sign(manifest);
  fs::create_directories(root + "/usr/lib/anchorage");
  std::ofstream(root + "/usr/lib/anchorage/image.bundle.json") << bundle;
  std::ofstream(folder + "/example.pem")
      << "-----BEGIN CERTIFICATE-----\n"
      << absl::Base64Escape(producer.Pinned().certificates_der.front())
      << "\n-----END CERTIFICATE-----\n";
  std::ofstream(folder + "/validate.json")
      << R"({"schema_version": 1, "product": "ledger", "least_version": "2026",
 "producers": [{"name": "Example", "certificates": ["example.pem"]}],
 "least_action": "continue", "without_manifest": "continue", "as_seen": true,
 "tpm": ")"
      << folder << "/tpm\"}\n";
  const auto verified =
      verify::VerifyBundle(bundle, {producer.Pinned()}, std::nullopt);
  PrintRegister(verify::BootEvent(verified->digest()));
  PrintRegister(verify::FailedBootEvent());
}

}  // namespace
}  // namespace anchorage::test

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: sign_tree ROOT FOLDER\n";
    return 1;
  }
  anchorage::test::SignTree(argv[1], argv[2]);
  return 0;
}
