#include "verify/image/comparison.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "verify/enum_table.h"
#include "verify/image/image_error.h"
#include "verify/image/text.h"
#include "verify/printable.h"

namespace anchorage::verify {
namespace {

struct Row {
  DifferenceReason value;
  std::string_view name;
};

constexpr Row kRows[] = {
    {DifferenceReason::kMissing, "MISSING"},
    {DifferenceReason::kAdded, "ADDED"},
    {DifferenceReason::kType, "TYPE"},
    {DifferenceReason::kContent, "CONTENT"},
    {DifferenceReason::kLink, "LINK"},
    {DifferenceReason::kMode, "MODE"},
    {DifferenceReason::kOwner, "OWNER"},
    {DifferenceReason::kCapability, "CAPABILITY"},
    {DifferenceReason::kFsVerity, "FS_VERITY"},
    {DifferenceReason::kUnreadable, "UNREADABLE"},
    {DifferenceReason::kChangedWhileRead, "CHANGED_WHILE_READ"},
    {DifferenceReason::kHiddenByMount, "HIDDEN_BY_MOUNT"},
    {DifferenceReason::kOverlayUpper, "OVERLAY_UPPER"},
    {DifferenceReason::kExcludedExecutable, "EXCLUDED_EXECUTABLE"},
    {DifferenceReason::kLimitExceeded, "LIMIT_EXCEEDED"},
    {DifferenceReason::kUnlistedRunning, "UNLISTED_RUNNING"},
    {DifferenceReason::kReplacedRunning, "REPLACED_RUNNING"},
};
using Reasons = EnumTable<kRows>;

bool NameIsLess(const ManifestEntry& a, const ManifestEntry& b) {
  return a.name < b.name;
}

bool IsLess(const Difference& a, const Difference& b) {
  return std::tie(a.name, a.reason, a.detail) <
         std::tie(b.name, b.reason, b.detail);
}

std::string HexOrNone(std::string_view bytes) {
  return bytes.empty() ? "none" : absl::BytesToHexString(Abseil(bytes));
}

std::string VerityText(const std::optional<Sha256Bytes>& digest) {
  return digest.has_value() ? HexOf(*digest) : "none";
}

class Comparer {
 public:
  Comparer(const ImageManifest& manifest, std::vector<Difference> problems,
           std::size_t max_differences, const std::vector<bool>& as_listed)
      : manifest_(manifest),
        problems_(std::move(problems)),
        max_differences_(max_differences),
        as_listed_(as_listed) {
    std::sort(problems_.begin(), problems_.end(), &IsLess);
  }

  bool AreSame(const ManifestEntry& entry, const ManifestEntry& there) {
    CompareEntry(entry, there);
    return result_.total == 0;
  }

  Comparison Run(std::vector<ManifestEntry> found) {
    std::stable_sort(found.begin(), found.end(), &NameIsLess);
    auto entry = manifest_.entries.begin();
    const auto end = manifest_.entries.end();
    for (const ManifestEntry& there : found) {
      for (; entry != end && entry->name < there.name; ++entry) {
        NotFound(*entry);
      }
      if (entry != end && entry->name == there.name && !WasListed(*entry)) {
        Both(*entry++, there);
      } else {
        Added(there);
      }
    }
    for (; entry != end; ++entry) NotFound(*entry);
    ProblemsUpTo(nullptr);
    return std::move(result_);
  }

 private:
  void Add(Difference difference) {
    if (++result_.total <= max_differences_) {
      result_.differences.push_back(std::move(difference));
    }
  }
  void Add(DifferenceReason reason, const std::string& name,
           std::string detail) {
    Add({.reason = reason, .name = name, .detail = std::move(detail)});
  }

  // Adds the problems of all names up to `name`, or all that are left for
  // null; returns whether there are any of `name` itself.
  bool ProblemsUpTo(const std::string* name) {
    while (next_problem_ < problems_.size() &&
           (name == nullptr || problems_[next_problem_].name <= *name)) {
      last_problem_ = problems_[next_problem_].name;
      has_problem_ = true;
      Add(std::move(problems_[next_problem_++]));
    }
    return name != nullptr && has_problem_ && last_problem_ == *name;
  }

  bool WasListed(const ManifestEntry& entry) const {
    return !as_listed_.empty() && as_listed_[static_cast<std::size_t>(
                                      &entry - manifest_.entries.data())];
  }

  void NotFound(const ManifestEntry& entry) {
    if (ProblemsUpTo(&entry.name)) return;
    if (WasListed(entry)) {
      ++result_.matched;
      return;
    }
    Add(DifferenceReason::kMissing, entry.name,
        std::string(NameOf(entry.type)));
  }

  void Added(const ManifestEntry& there) {
    if (IsExcluded(manifest_.exclusions, there.name)) return;
    if (ProblemsUpTo(&there.name)) return;
    if (manifest_.content_only && there.type == EntryType::kDirectory) return;
    Add(DifferenceReason::kAdded, there.name, std::string(NameOf(there.type)));
  }

  void Both(const ManifestEntry& entry, const ManifestEntry& there) {
    if (ProblemsUpTo(&entry.name)) return;
    const std::uint64_t before = result_.total;
    CompareEntry(entry, there);
    if (result_.total == before) ++result_.matched;
  }

  void CompareEntry(const ManifestEntry& entry, const ManifestEntry& there) {
    const std::string& name = entry.name;
    if (entry.type != there.type ||
        (entry.type == EntryType::kSpecial && entry.target != there.target)) {
      Add(DifferenceReason::kType, name,
          absl::StrCat(TypeText(there), " instead of ", TypeText(entry)));
      return;
    }
    if (manifest_.content_only) return CompareContent(entry, there);
    CompareContent(entry, there);
    if (entry.type == EntryType::kLink && entry.target != there.target) {
      Add(DifferenceReason::kLink, name,
          absl::StrCat("to ", there.target, " instead of ", entry.target));
    }
    if (entry.mode != there.mode) {
      Add(DifferenceReason::kMode, name,
          absl::StrFormat("%04o instead of %04o", there.mode, entry.mode));
    }
    if (entry.uid != there.uid || entry.gid != there.gid) {
      Add(DifferenceReason::kOwner, name,
          absl::StrFormat("%u:%u instead of %u:%u", there.uid, there.gid,
                          entry.uid, entry.gid));
    }
    if (entry.capability != there.capability) {
      Add(DifferenceReason::kCapability, name,
          absl::StrCat(HexOrNone(there.capability), " instead of ",
                       HexOrNone(entry.capability)));
    }
    // Where the manifest asks for none, more protection is no difference.
    if (entry.fsverity_sha256.has_value() &&
        entry.fsverity_sha256 != there.fsverity_sha256) {
      Add(DifferenceReason::kFsVerity, name,
          absl::StrCat(VerityText(there.fsverity_sha256), " instead of ",
                       VerityText(entry.fsverity_sha256)));
    }
  }

  void CompareContent(const ManifestEntry& entry, const ManifestEntry& there) {
    if (!manifest_.content_only && entry.size != there.size) {
      Add(DifferenceReason::kContent, entry.name,
          absl::StrCat(there.size, " bytes instead of ", entry.size));
    } else if (entry.sha256 != there.sha256) {
      Add(DifferenceReason::kContent, entry.name,
          absl::StrCat("SHA-256 ", HexOf(there.sha256), " instead of ",
                       HexOf(entry.sha256)));
    }
  }

  static std::string TypeText(const ManifestEntry& entry) {
    return entry.type == EntryType::kSpecial ? entry.target
                                             : std::string(NameOf(entry.type));
  }

  const ImageManifest& manifest_;
  std::vector<Difference> problems_;
  const std::size_t max_differences_;
  const std::vector<bool>& as_listed_;
  std::size_t next_problem_ = 0;
  bool has_problem_ = false;
  std::string last_problem_;
  Comparison result_;
};

}  // namespace

std::string_view NameOf(DifferenceReason reason) {
  return Reasons::Of(reason).name;
}

absl::Span<const DifferenceReason> AllDifferenceReasons() {
  return Reasons::All();
}

std::string TextOf(const Difference& difference) {
  return Printable(
      absl::StrCat(Abseil(NameOf(difference.reason)), " ", difference.name,
                   difference.detail.empty() ? "" : ": ", difference.detail));
}

bool IsAsListed(const ImageManifest& manifest, const ManifestEntry& entry,
                const ManifestEntry& there) {
  return Comparer(manifest, {}, 0, {}).AreSame(entry, there);
}

Comparison Compare(const ImageManifest& manifest,
                   std::vector<ManifestEntry> found,
                   std::vector<Difference> problems,
                   std::size_t max_differences,
                   const std::vector<bool>& as_listed) {
  return Comparer(manifest, std::move(problems), max_differences, as_listed)
      .Run(std::move(found));
}

absl::Status CheckExpectations(const ImageManifest& manifest,
                               const ImageExpectations& expectations) {
  if (expectations.product.empty() ||
      manifest.product != expectations.product) {
    return RefuseImage(ImageReason::kProductMismatch,
                       absl::StrCat("it is of ", manifest.product, ", not of ",
                                    expectations.product));
  }
  if (manifest.version < expectations.least_version) {
    return RefuseImage(
        ImageReason::kVersionTooOld,
        absl::StrCat("version ", manifest.version.ToString(), " is older than ",
                     expectations.least_version.ToString()));
  }
  return absl::OkStatus();
}

}  // namespace anchorage::verify
