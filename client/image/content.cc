#include "client/image/content.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fsverity.h>
#include <openssl/evp.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace anchorage::client {
namespace {

// Looked up once: a look-up for each file costs more than a small file.
const EVP_MD* Sha256() {
  static const EVP_MD* const sha256 =
      ::EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return sha256;
}

}  // namespace

ContentReader::ContentReader()
    : buffer_(new char[kBufferBytes]), context_(::EVP_MD_CTX_new()) {
  if (context_ == nullptr || Sha256() == nullptr) throw std::bad_alloc();
}

ContentReader::~ContentReader() { ::EVP_MD_CTX_free(context_); }

bool ContentReader::ReadAt(const Descriptor& file, std::uint64_t offset,
                           std::size_t want, std::size_t& got) {
  got = 0;
  while (got < want) {
    const ssize_t n = ::pread(file.get(), buffer_.get() + got, want - got,
                              static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  return true;
}

std::optional<std::string_view> ContentReader::Head(const Descriptor& file,
                                                    std::uint64_t bytes) {
  std::size_t got = 0;
  if (!ReadAt(file, 0, std::min<std::uint64_t>(bytes, kBufferBytes), got)) {
    return std::nullopt;
  }
  return std::string_view(buffer_.get(), got);
}

ContentReader::Outcome ContentReader::Hash(const Descriptor& file,
                                           const struct statx& before,
                                           std::string_view head,
                                           verify::Sha256Bytes& digest,
                                           std::atomic<std::uint64_t>* bytes) {
  const std::uint64_t size = before.stx_size;
  if (size > kBufferBytes) {
    // Read ahead, and leave in the cache what others use.
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_NOREUSE);
  }
  std::uint64_t offset = 0;
  std::size_t got = head.size();
  bool ok = ::EVP_DigestInit_ex2(context_, Sha256(), nullptr) == 1;
  while (ok) {
    ok = ::EVP_DigestUpdate(context_, buffer_.get(), got) == 1;
    offset += got;
    if (bytes != nullptr) *bytes += got;
    if (offset >= size) break;
    if (!ReadAt(file, offset,
                std::min<std::uint64_t>(kBufferBytes, size - offset), got)) {
      return Outcome::kUnreadable;
    }
    if (got == 0) return Outcome::kChanged;
  }
  if (!ok || ::EVP_DigestFinal_ex(context_, digest.data(), nullptr) != 1) {
    errno = ENOMEM;
    return Outcome::kUnreadable;
  }
  // Whoever makes it longer writes to it too.
  struct statx after;
  if (!FactsOf(file, after)) return Outcome::kUnreadable;
  return offset != size || after.stx_nlink == 0 || Changed(before, after)
             ? Outcome::kChanged
             : Outcome::kRead;
}

bool CapabilityOf(const Descriptor& file, std::string& capability) {
  char bytes[verify::kMaxCapabilityBytes];
  const ssize_t n =
      ::fgetxattr(file.get(), "security.capability", bytes, sizeof(bytes));
  if (n < 0) {
    capability.clear();
    return errno == ENODATA || errno == EOPNOTSUPP;
  }
  capability.assign(bytes, static_cast<std::size_t>(n));
  return true;
}

std::optional<verify::Sha256Bytes> EnforcedDigest(const Descriptor& file,
                                                  const struct statx& facts) {
  if ((facts.stx_attributes & STATX_ATTR_VERITY) == 0) return std::nullopt;
  alignas(fsverity_digest) char answer[sizeof(fsverity_digest) + 64] = {};
  auto* const measured = reinterpret_cast<fsverity_digest*>(answer);
  measured->digest_size = 64;
  verify::Sha256Bytes digest;
  if (::ioctl(file.get(), FS_IOC_MEASURE_VERITY, measured) != 0 ||
      measured->digest_algorithm != FS_VERITY_HASH_ALG_SHA256 ||
      measured->digest_size != digest.size()) {
    return std::nullopt;
  }
  std::memcpy(digest.data(), measured->digest, digest.size());
  return digest;
}

}  // namespace anchorage::client
