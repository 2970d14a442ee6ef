#include "tools/trustctl/session_flags.h"

#include <utility>

#include "tools/trustctl/command.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustctl {
namespace {

constexpr char kPemBegin[] = "-----BEGIN ";

}  // namespace

absl::StatusOr<std::optional<std::string>> SessionFlags::Bytes::Read() const {
  if (!given()) return std::nullopt;
  auto bytes = file.empty() ? verify::DecodeHex(hex) : ReadInput(file);
  if (!bytes.ok()) return bytes.status();
  if (bytes->empty()) return absl::InvalidArgumentError(file + " is empty");
  return *std::move(bytes);
}

void SessionFlags::AddTo(CLI::App& command, const std::string& group) {
  const auto add = [&](const std::string& name, Bytes& bytes,
                       const std::string& hex, const std::string& file) {
    auto* hex_option =
        command.add_option("--" + name, bytes.hex, hex)->group(group);
    command.add_option("--" + name + "-file", bytes.file, file)
        ->group(group)
        ->excludes(hex_option);
  };
  add("nonce", nonce_, "hex",
      "a file of the bytes of the nonce; '-' is standard input");
  add("user-data", user_data_, "hex", "a file of the bytes of the user data");
  add("public-key", public_key_, "hex, the exact bytes of the document's field",
      "a file of the public key: PEM, or the bytes of the field");
}

absl::StatusOr<Session> SessionFlags::Read() const {
  auto nonce = nonce_.Read();
  if (!nonce.ok()) return nonce.status();
  auto user_data = user_data_.Read();
  if (!user_data.ok()) return user_data.status();
  auto public_key = public_key_.Read();
  if (!public_key.ok()) return public_key.status();
  if (!public_key_.file.empty() &&
      (*public_key)->find(kPemBegin) != std::string::npos) {
    auto der = verify::DecodePem(**public_key, "PUBLIC KEY");
    if (!der.ok()) return der.status();
    *public_key = *std::move(der);
  }
  return Session{*std::move(nonce), *std::move(user_data),
                 *std::move(public_key)};
}

}  // namespace anchorage::trustctl
