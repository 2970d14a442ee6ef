#include "tools/trustctl/image_tree.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "tools/trustctl/terminal.h"
#include "verify/image/image_error.h"
#include "verify/image/manifest.h"

namespace anchorage::trustctl {
namespace {

constexpr std::size_t kMaxPemBytes = 1024 * 1024;

int NoPassword(char*, int, int, void*) { return 0; }

// The name of a file, without its folder and ending.
std::string Stem(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.substr(0, name.find('.'));
}

}  // namespace

absl::StatusOr<std::vector<verify::TrustedProducer>> ReadProducers(
    const std::vector<std::string>& files) {
  std::vector<verify::TrustedProducer> producers;
  for (const std::string& file : files) {
    const auto pem = anchors::ReadFile(file, kMaxPemBytes);
    if (!pem.ok()) return pem.status();
    verify::TrustedProducer producer;
    producer.name = Stem(file);
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
        BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())), &BIO_free);
    while (bio != nullptr) {
      const std::unique_ptr<X509, decltype(&X509_free)> certificate(
          PEM_read_bio_X509(bio.get(), nullptr, &NoPassword, nullptr),
          &X509_free);
      if (certificate == nullptr) break;
      unsigned char* der = nullptr;
      const int size = i2d_X509(certificate.get(), &der);
      if (size <= 0) break;
      producer.certificates_der.emplace_back(reinterpret_cast<char*>(der),
                                             static_cast<std::size_t>(size));
      OPENSSL_free(der);
    }
    if (producer.certificates_der.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, " has no certificate in PEM"));
    }
    producers.push_back(std::move(producer));
  }
  return producers;
}

std::string HintForBundle(const absl::Status& status, const std::string& path) {
  if (verify::ImageReasonOf(status) != verify::ImageReason::kBundleMalformed) {
    return "";
  }
  const auto text = anchors::ReadFile(path, verify::kMaxPredicateBytes);
  return text.ok() && verify::ParsePredicate(*text).ok()
             ? "this is an unsigned manifest: sign it with trustctl image sign"
             : "";
}

void WalkFlags::AddTo(CLI::App& command) {
  command.add_flag("--as-seen", as_seen,
                   "without the right to copy the mount (root), look at the "
                   "image as it is seen: other mounts may hide files");
  command
      .add_option("--threads", threads,
                  "how many read; without it as suits the machine")
      ->check(CLI::Range(1, 256));
}

absl::StatusOr<client::Inventory> WalkFlags::Walk(
    const std::string& root,
    absl::FunctionRef<
        absl::StatusOr<client::Inventory>(const client::InventoryOptions&)>
        walk) const {
  client::InventoryProgress far;
  const Progress progress("reading " + root, [&far] {
    return absl::StrCat(far.names.load(), " names, ",
                        far.bytes.load() / (1024 * 1024), " MiB");
  });
  return walk({.as_seen = as_seen, .threads = threads, .progress = &far});
}

std::string HintForWalk(const absl::Status& status) {
  return absl::IsPermissionDenied(status)
             ? "run this as root; --as-seen goes without, and its answer says "
               "that mounts may hide files"
             : "";
}

}  // namespace anchorage::trustctl
