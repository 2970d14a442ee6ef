// nitro-tpm-attest, with the fake AWS in place of a NitroTPM: prints a document
// of now that holds what the files hold.
//
// usage: fake_nitro_tpm_attest [--enclave] [--user-data FILE] [--nonce FILE]
//            [--public-key FILE]
//
// With --enclave the document is an enclave's.

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "absl/time/clock.h"
#include "test/fake_aws/fake_nitro.h"

int main(int argc, char** argv) {
  using anchorage::test::NitroType;
  using anchorage::test::OptionalField;
  int next = 1;
  NitroType type = NitroType::kTpm;
  if (next < argc && std::string(argv[next]) == "--enclave") {
    type = NitroType::kEnclave;
    ++next;
  }
  auto spec = anchorage::test::FakeNitro().Genuine(type, absl::Now());
  for (; next + 1 < argc; next += 2) {
    const std::string flag = argv[next];
    OptionalField* const field =
        flag == "--user-data"    ? &spec.document.user_data
        : flag == "--nonce"      ? &spec.document.nonce
        : flag == "--public-key" ? &spec.document.public_key
                                 : nullptr;
    std::ifstream file(argv[next + 1], std::ios::binary);
    if (field == nullptr || !file) {
      std::cerr << "error: unexpected " << flag << " " << argv[next + 1]
                << "\n";
      return 2;
    }
    *field = OptionalField::Bytes(
        std::string(std::istreambuf_iterator<char>(file), {}));
  }
  if (next != argc) return 2;
  std::cout << Encode(spec) << std::flush;
  return std::cout ? 0 : 1;
}
