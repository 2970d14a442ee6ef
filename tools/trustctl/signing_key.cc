#include "tools/trustctl/signing_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/publishing/pkcs11/pkcs11_key.h"
#include "tools/trustctl/command.h"

namespace anchorage::trustctl {
namespace {

using anchors::tuf::Pkcs11Key;
using anchors::tuf::Secret;
using anchors::tuf::SigningKey;
using anchors::tuf::SoftwareKey;

constexpr std::size_t kMaxPassphraseBytes = 1000;

// Asks at the terminal, without showing what is typed.
absl::StatusOr<Secret> Ask(const std::string& what, bool is_new) {
  std::array<char, kMaxPassphraseBytes> buffer{};
  const std::string prompt = absl::StrCat("passphrase of ", what, ": ");
  const int failed =
      EVP_read_pw_string(buffer.data(), static_cast<int>(buffer.size()) - 1,
                         prompt.c_str(), is_new ? 1 : 0);
  Secret secret(std::string_view(buffer.data()));
  OPENSSL_cleanse(buffer.data(), buffer.size());
  if (failed != 0) {
    return absl::InvalidArgumentError("no passphrase, or not the same twice");
  }
  return secret;
}

// Whether PEM text says that its key is encrypted.
bool IsEncrypted(std::string_view pem) {
  const absl::string_view text(pem.data(), pem.size());
  return absl::StrContains(text, "ENCRYPTED");
}

}  // namespace

void PassphraseSource::AddTo(CLI::App& command) {
  command.add_option("--passphrase-file", file,
                     "file whose first line is the passphrase or PIN; without "
                     "it you are asked");
}

absl::StatusOr<Secret> PassphraseSource::Read(const std::string& what,
                                              bool is_new) const {
  if (file.empty()) {
    if (isatty(STDIN_FILENO) != 0) return Ask(what, is_new);
    return absl::FailedPreconditionError(absl::StrCat(
        what,
        " needs a passphrase and there is no terminal to ask at: give "
        "--passphrase-file"));
  }
  auto text = anchors::ReadPrivateFile(file, kMaxPassphraseBytes);
  if (!text.ok()) return text.status();
  Secret secret(std::string_view(*text).substr(0, text->find('\n')));
  OPENSSL_cleanse(text->data(), text->size());
  if (secret.view().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": the first line is empty"));
  }
  return secret;
}

void SigningKeySource::AddTo(CLI::App& command) {
  command
      .add_option("--key", key,
                  "PEM file of the private key, or a PKCS #11 URI "
                  "(pkcs11:token=...;object=...?module-path=...)")
      ->required();
  passphrase.AddTo(command);
}

absl::StatusOr<std::unique_ptr<SigningKey>> SigningKeySource::Open(
    anchors::tuf::KeyUse use) const {
  if (anchors::tuf::IsPkcs11Uri(key)) {
    const auto pin = passphrase.Read(key, /*is_new=*/false);
    if (!pin.ok()) return pin.status();
    auto opened = Pkcs11Key::Open(key, pin->view(), use);
    if (!opened.ok()) return opened.status();
    return std::unique_ptr<SigningKey>(*std::move(opened));
  }
  auto pem =
      anchors::ReadPrivateFile(key, anchors::tuf::kMaxPrivateKeyPemBytes);
  if (!pem.ok()) return pem.status();
  const Secret text(*pem);
  OPENSSL_cleanse(pem->data(), pem->size());
  absl::StatusOr<std::unique_ptr<SoftwareKey>> opened;
  if (IsEncrypted(text.view())) {
    const auto secret = passphrase.Read(key, /*is_new=*/false);
    if (!secret.ok()) return secret.status();
    opened = SoftwareKey::FromPem(text.view(), secret->view(), use);
  } else {
    opened = SoftwareKey::FromPem(text.view(), std::nullopt, use);
  }
  if (!opened.ok()) {
    return absl::Status(opened.status().code(),
                        absl::StrCat(key, ": ", opened.status().message()));
  }
  return std::unique_ptr<SigningKey>(*std::move(opened));
}

}  // namespace anchorage::trustctl
