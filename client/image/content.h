// SHA-256 of files that are open, and what the kernel knows of them.

#ifndef ANCHORAGE_CLIENT_IMAGE_CONTENT_H_
#define ANCHORAGE_CLIENT_IMAGE_CONTENT_H_

#include <sys/stat.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/image/beneath.h"
#include "verify/image/manifest.h"

struct evp_md_ctx_st;

namespace anchorage::client {

// Reads files one after another with one buffer. For one thread at a time.
class ContentReader {
 public:
  // Throws std::bad_alloc where there is no memory.
  ContentReader();
  ~ContentReader();
  ContentReader(const ContentReader&) = delete;
  ContentReader& operator=(const ContentReader&) = delete;

  // Returns the first `bytes` bytes of the file, at most kBufferBytes, or all
  // that it has; they stay until the next call. nullopt where it cannot be
  // read, with errno.
  std::optional<std::string_view> Head(const Descriptor& file,
                                       std::uint64_t bytes);

  enum class Outcome {
    kRead,
    // Shorter or longer than it was, or written to.
    kChanged,
    // errno says why.
    kUnreadable,
  };

  // Hashes the whole file, of which `before` was said when it was opened, and
  // `head` is what Head() returned for it right before; empty where it was not
  // called. A hole is as many zeros. Adds what it reads to `bytes`, which may be
  // null.
  Outcome Hash(const Descriptor& file, const struct statx& before,
               std::string_view head, verify::Sha256Bytes& digest,
               std::atomic<std::uint64_t>* bytes);

  static constexpr std::size_t kBufferBytes = 64 * 1024;

 private:
  // Reads `want` bytes at `offset`, fewer only at the end of the file. False
  // with errno.
  bool ReadAt(const Descriptor& file, std::uint64_t offset, std::size_t want,
              std::size_t& got);

  std::unique_ptr<char[]> buffer_;
  evp_md_ctx_st* context_;
};

// The bytes of the file's security.capability, empty where it has none. False
// where it cannot be read, or is longer than a manifest allows.
bool CapabilityOf(const Descriptor& file, std::string& capability);

// The SHA-256 that the kernel enforces (fs-verity); nullopt where it enforces
// none.
std::optional<verify::Sha256Bytes> EnforcedDigest(const Descriptor& file,
                                                  const struct statx& facts);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_IMAGE_CONTENT_H_
