#include "trustd/sources/page/printed_pages.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trustd/sources/page/printed_root.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/json.h"

namespace anchorage::trustd {
namespace {

using verify::JsonValue;

constexpr std::size_t kMaxIndexBytes = 64 * 1024;

std::optional<PrintedPage::Prints> PrintsNamed(std::string_view name) {
  if (name == "certificate") return PrintedPage::Prints::kCertificate;
  if (name == "fingerprint") return PrintedPage::Prints::kFingerprint;
  if (name == "archive") return PrintedPage::Prints::kArchive;
  return std::nullopt;
}

std::string TextOf(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.Find(name);
  if (member == nullptr) return "";
  return std::string(member->AsString().value_or(""));
}

absl::StatusOr<PrintedPage> ReadPage(const JsonValue& entry) {
  PrintedPage page = {.file = TextOf(entry, "file"),
                      .partition = TextOf(entry, "partition"),
                      .address = TextOf(entry, "address"),
                      .prints = {},
                      .sha256 = TextOf(entry, "sha256"),
                      .read = TextOf(entry, "read"),
                      .read_from = TextOf(entry, "read_from")};
  const auto prints = PrintsNamed(TextOf(entry, "prints"));
  if (!prints.has_value() || page.file.empty() || page.partition.empty() ||
      page.address.empty() || page.sha256.empty() || page.read.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a page of the index lacks something: ", page.file));
  }
  page.prints = *prints;
  return page;
}

// The certificates of a partition's roots that a catalog verifies with.
std::set<std::string> RootsIn(const anchors::Catalog& catalog,
                              const std::string& partition) {
  std::set<std::string> roots;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot !=
            verify::Slot{partition, "", verify::AnchorKind::kNitroRoot} ||
        !anchors::Verifies(anchor)) {
      continue;
    }
    for (const anchors::CatalogCertificate& certificate : anchor.certificates) {
      roots.insert(certificate.sha256);
    }
  }
  return roots;
}

absl::Status Differs(const PrintedPage& page, std::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat(page.address, ": ", std::string(what)));
}

}  // namespace

absl::StatusOr<std::vector<PrintedPage>> ReadPrintedIndex(
    std::string_view json) {
  const auto index = verify::ParseJson(json, {.max_bytes = kMaxIndexBytes});
  if (!index.ok()) {
    return absl::InvalidArgumentError(index.status().message());
  }
  const JsonValue* pages = index->Find("pages");
  if (pages == nullptr || pages->elements().empty()) {
    return absl::InvalidArgumentError("the index has no pages");
  }
  std::vector<PrintedPage> out;
  for (const JsonValue& entry : pages->elements()) {
    auto page = ReadPage(entry);
    if (!page.ok()) return page.status();
    out.push_back(*std::move(page));
  }
  return out;
}

absl::Status ComparePrinted(const PrintedPage& page, std::string_view text,
                            const anchors::Catalog& catalog) {
  const PrintedRoots printed = ReadPrintedRoots(text, page.partition);
  const std::set<std::string> ours = RootsIn(catalog, page.partition);
  std::set<std::string> theirs;
  for (const PrintedRoot& root : printed.certificates) {
    theirs.insert(verify::Sha256Hex(root.der));
  }
  for (const std::string& sha256 : theirs) {
    if (!ours.contains(sha256)) {
      return Differs(page, "prints a root that we do not have: " + sha256);
    }
  }
  const bool is_there = page.prints == PrintedPage::Prints::kCertificate
                            ? theirs.contains(page.sha256)
                            : printed.fingerprints.contains(page.sha256);
  if (!is_there) return Differs(page, "no longer prints " + page.sha256);
  if (page.prints != PrintedPage::Prints::kArchive &&
      !ours.contains(page.sha256)) {
    return Differs(page, "prints one that we do not have: " + page.sha256);
  }
  return absl::OkStatus();
}

}  // namespace anchorage::trustd
