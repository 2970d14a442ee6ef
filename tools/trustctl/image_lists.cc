#include "tools/trustctl/image_lists.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/terminal.h"

namespace anchorage::trustctl {
namespace {

constexpr std::size_t kReadAtOnce = 1024 * 1024;

}  // namespace

absl::StatusOr<anchors::ProducerList> ReadProducerList(
    const std::string& path) {
  const auto text = ReadInput(path);
  if (!text.ok()) return text.status();
  return anchors::ParseProducers(*text);
}

absl::StatusOr<anchors::ImageIndex> ReadImageIndex(const std::string& path) {
  const auto text = ReadInput(path);
  if (!text.ok()) return text.status();
  return anchors::ParseImageIndex(*text);
}

absl::StatusOr<std::string> HashDisk(const std::string& path) {
  // A FIFO would be waited for.
  const int file =
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file < 0) return absl::ErrnoToStatus(errno, path);
  const absl::Cleanup close = [file] { ::close(file); };
  struct stat facts;
  if (::fstat(file, &facts) != 0) return absl::ErrnoToStatus(errno, path);
  if (!S_ISREG(facts.st_mode) && !S_ISBLK(facts.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is neither a file nor a disk"));
  }
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(
      EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (context == nullptr ||
      EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return absl::InternalError("OpenSSL has no SHA-256");
  }
  const Progress progress("reading " + Printable(path));
  std::vector<unsigned char> buffer(kReadAtOnce);
  for (;;) {
    const ssize_t got = ::read(file, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, path);
    if (got == 0) break;
    if (EVP_DigestUpdate(context.get(), buffer.data(),
                         static_cast<std::size_t>(got)) != 1) {
      return absl::InternalError("OpenSSL cannot hash");
    }
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(context.get(), digest, &size) != 1) {
    return absl::InternalError("OpenSSL cannot hash");
  }
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), size));
}

std::string NameOf(const anchors::Image& image) {
  return Printable(
      absl::StrCat(image.product, " ", image.version, " of ", image.producer));
}

std::string UnsignedNote(const std::string& lists) {
  return absl::StrCat(
      "nothing is signed yet: 'trustctl targets propose --again ",
      Printable(lists),
      "' with every other list that there is, or reload a "
      "trustd in MODE_ONLINE\n");
}

nlohmann::ordered_json FactsOf(const anchors::Image& image) {
  nlohmann::ordered_json locations = nlohmann::ordered_json::array();
  for (const anchors::ImageLocation& at : image.locations) {
    locations.push_back({{"region", at.region},
                         {"account", at.account},
                         {"image_id", at.image_id}});
  }
  std::uint64_t bytes = 0;
  for (const anchors::ManifestChunk& chunk : image.chunks) {
    bytes += chunk.length;
  }
  return {{"product", image.product},
          {"version", image.version},
          {"producer", image.producer},
          {"status", NameOf(image.status)},
          {"manifest_sha256", image.manifest_sha256},
          {"bundle_sha256", image.bundle_sha256},
          {"compressed_bytes", bytes},
          {"received_time", Rfc3339(image.received)},
          {"disk_sha256", image.disk_sha256},
          {"locations", locations},
          {"notes", image.notes}};
}

}  // namespace anchorage::trustctl
