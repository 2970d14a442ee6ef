#include "trustd/sources/nitro_root_source.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trustd/sources/observer.h"
#include "trustd/sources/zip_reader.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustd {
namespace {

constexpr std::string_view kRootFile = "root.pem";
constexpr std::string_view kMacFolder = "__MACOSX/";

// Quotes a name from outside for people and logs.
std::string Quoted(std::string_view name) {
  std::string quoted(name.substr(0, 64));
  std::replace_if(
      quoted.begin(), quoted.end(),
      [](char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return absl::StrCat("'", quoted, "'");
}

std::string_view LastPart(std::string_view name) {
  return name.substr(name.rfind('/') + 1);
}

void AddRoot(std::string_view pem, const std::vector<std::string>& partitions,
             Observer& observer) {
  const std::size_t first = pem.find(verify::kCertificateBegin);
  if (first != pem.npos &&
      pem.find(verify::kCertificateBegin, first + 1) != pem.npos) {
    return observer.Report(ProblemKind::kSlotTwice, 0,
                           "root.pem holds several certificates");
  }
  for (const std::string& partition : partitions) {
    observer.AddPem({partition, "", verify::AnchorKind::kNitroRoot}, pem,
                    "root.pem");
  }
}

void ReadArchive(std::string_view bytes,
                 const std::vector<std::string>& partitions,
                 Observer& observer) {
  const ZipContent zip = ReadZip(bytes);
  if (zip.problem.has_value()) {
    return observer.Report(zip.problem->kind, 0, zip.problem->detail);
  }
  const ZipFile* root = nullptr;
  for (const ZipFile& file : zip.files) {
    if (file.name.starts_with(kMacFolder)) continue;
    if (LastPart(file.name) != kRootFile) {
      observer.Report(ProblemKind::kNotPlaced, 0,
                      Quoted(file.name) + " is not root.pem");
    } else if (root != nullptr) {
      return observer.Report(ProblemKind::kSlotTwice, 0,
                             "the archive holds root.pem twice");
    } else {
      root = &file;
    }
  }
  if (root == nullptr) {
    return observer.Report(ProblemKind::kNoCertificate, 0,
                           "the archive holds no root.pem");
  }
  AddRoot(root->bytes, partitions, observer);
}

}  // namespace

NitroRootSource::NitroRootSource(SourceProfile profile, Request request,
                                 std::shared_ptr<Downloader> downloader)
    : Source(std::move(profile)),
      request_(std::move(request)),
      archive_(std::move(downloader)) {}

absl::StatusOr<SourceAnswer> NitroRootSource::Poll(absl::Time now) {
  const auto file = archive_.GetIfChanged(request_);
  if (!file.ok()) return file.status();
  SourceAnswer answer;
  if (!file->has_value()) return answer;
  Observer observer(MakeObservation(*this, (*file)->url, (*file)->sha256, now));
  ReadArchive((*file)->bytes, scope().partitions, observer);
  answer.observation = std::move(observer).Finish();
  return answer;
}

absl::StatusOr<std::unique_ptr<Source>> NitroRootSettings::Make(
    const SourceSettings& settings,
    const SourceEnvironment& environment) const {
  auto downloader = MakeDownloader(settings, environment);
  if (!downloader.ok()) return downloader.status();
  Request request = settings.limits;
  request.url = address;
  return std::make_unique<NitroRootSource>(settings.profile, std::move(request),
                                           *std::move(downloader));
}

}  // namespace anchorage::trustd
