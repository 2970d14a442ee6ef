#include "trustd/console/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstddef>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "trustd/console/request.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kMaxFileBytes = 128;
constexpr std::size_t kHashBytes = 60;
constexpr int kLeastCost = 10;
constexpr int kMostCost = 14;

// Whether `hash` is `$2b$12$` and what follows, or of a sibling of 2b.
bool IsBcrypt(std::string_view hash) {
  int cost = 0;
  return hash.size() == kHashBytes &&
         (hash.starts_with("$2b$") || hash.starts_with("$2y$")) &&
         hash[6] == '$' &&
         absl::SimpleAtoi(absl::string_view(hash.data() + 4, 2), &cost) &&
         cost >= kLeastCost && cost <= kMostCost;
}

}  // namespace

Password::Password(std::string user, std::string hash)
    : user_(std::move(user)), hash_(std::move(hash)) {}

absl::StatusOr<std::unique_ptr<Password>> Password::Load(
    const std::string& user, const std::string& path) {
  const auto text = anchors::ReadPrivateFile(path, kMaxFileBytes);
  if (!text.ok()) return text.status();
  std::string hash(absl::StripAsciiWhitespace(*text));
  if (!IsBcrypt(hash)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, " has no bcrypt hash of cost ", kLeastCost, " to ", kMostCost,
        ": make one with 'mkpasswd --method=bcrypt --rounds=12'"));
  }
  std::unique_ptr<Password> password(new Password(user, std::move(hash)));
  if (RAND_bytes(password->key_.data(),
                 static_cast<int>(password->key_.size())) != 1) {
    return absl::UnavailableError("no random numbers");
  }
  return password;
}

Password::Digest Password::Mac(std::string_view text) const {
  Digest digest{};
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       digest.data(), nullptr);
  return digest;
}

bool Password::Matches(std::string_view user,
                       const std::string& password) const {
  const Digest given = Mac(user);
  const Digest wanted = Mac(user_);
  const auto room = std::make_unique<crypt_data>();
  const char* const hash =
      ::crypt_r(password.c_str(), hash_.c_str(), room.get());
  const bool is_hash =
      hash != nullptr && std::string_view(hash).size() == hash_.size();
  // Both are compared, whatever the first says.
  const int differs =
      CRYPTO_memcmp(given.data(), wanted.data(), given.size()) |
      (is_hash ? CRYPTO_memcmp(hash, hash_.data(), hash_.size()) : 1);
  OPENSSL_cleanse(room.get(), sizeof(*room));
  return differs == 0;
}

Password::Verdict Password::Check(std::string_view authorization,
                                  const IpAddress& peer, absl::Duration now) {
  const auto credentials = ReadCredentials(authorization);
  if (!credentials.has_value()) return Verdict::kBad;
  const Digest mac =
      Mac(absl::StrCat(credentials->user, ":", credentials->password));
  {
    const absl::MutexLock lock(&mutex_);
    if (known_.has_value() &&
        CRYPTO_memcmp(mac.data(), known_->data(), mac.size()) == 0) {
      return Verdict::kGood;
    }
  }
  // So few names that they need no limit: one hash at a time makes one.
  if (!computing_.TryLock()) return Verdict::kTooOften;
  const absl::Cleanup unlock = [this] { computing_.Unlock(); };
  const IpAddress group = peer.Group();
  if (!tries_.Take(std::string(group.bytes().begin(), group.bytes().end()),
                   now)) {
    return Verdict::kTooOften;
  }
  if (!Matches(credentials->user, credentials->password)) {
    return Verdict::kBad;
  }
  const absl::MutexLock lock(&mutex_);
  known_ = mac;
  return Verdict::kGood;
}

}  // namespace anchorage::trustd
