#include "trustd/sources/printed_root_source.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "trustd/sources/source_failure.h"
#include "trustd/sources/web_address.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

bool Shows(const PrintedRoots& page, const PrintedRoot& root) {
  return page.fingerprints.contains(verify::Sha256Hex(root.der)) ||
         std::any_of(page.certificates.begin(), page.certificates.end(),
                     [&](const PrintedRoot& printed) {
                       return printed.der == root.der;
                     });
}

std::string HostOf(const std::string& address) {
  const auto origin = ParseWebOrigin(address);
  return origin.ok() ? origin->host : address;
}

}  // namespace

PrintedRootSource::PrintedRootSource(SourceProfile profile,
                                     std::vector<std::string> addresses,
                                     int publications, Request request,
                                     std::shared_ptr<Downloader> downloader)
    : Source(std::move(profile)),
      limits_(std::move(request)),
      publications_(static_cast<std::size_t>(publications)) {
  for (std::string& address : addresses) {
    pages_.push_back({std::move(address), ChangedFile(downloader), "", {}});
  }
}

void PrintedRootSource::Forget() {
  for (Page& page : pages_) page.file.Forget();
}

std::string PrintedRootSource::HostsThatShow(const PrintedRoot& root,
                                             std::size_t& count) const {
  std::set<std::string> hosts;
  for (const Page& page : pages_) {
    if (page.read.has_value() && Shows(*page.read, root)) {
      hosts.insert(HostOf(page.address));
    }
  }
  count = hosts.size();
  return absl::StrJoin(hosts, ", ");
}

void PrintedRootSource::AddRoots(Observer& observer) const {
  const verify::Slot slot = {scope().partitions.front(), "",
                             verify::AnchorKind::kNitroRoot};
  bool any = false;
  std::set<std::string> told;
  for (const Page& page : pages_) {
    if (!page.read.has_value()) continue;
    for (const SourceProblem& problem : page.read->problems) {
      observer.Report(problem.kind, problem.line,
                      absl::StrCat(page.address, ": ", problem.detail));
    }
    for (const PrintedRoot& root : page.read->certificates) {
      any = true;
      observer.AddDer(slot, root.der, root.line, page.address);
      std::size_t count = 0;
      const std::string hosts = HostsThatShow(root, count);
      const std::string sha256 = verify::Sha256Hex(root.der);
      if (count >= publications_ || !told.insert(sha256).second) continue;
      observer.Report(
          ProblemKind::kNotConfirmed, root.line,
          absl::StrCat("the certificate ", sha256, " is shown by ", count,
                       " of ", publications_, " publications: ", hosts));
    }
  }
  if (!any) {
    observer.Report(ProblemKind::kNoCertificate, 0,
                    "no page prints the certificate of the partition's root");
  }
}

Observation PrintedRootSource::Observe(absl::Time now) const {
  std::vector<std::string> addresses;
  std::string hashes;
  for (const Page& page : pages_) {
    if (!page.read.has_value()) continue;
    addresses.push_back(page.address);
    absl::StrAppend(&hashes, page.sha256, "\n");
  }
  // Of one page, its own hash.
  Observer observer(MakeObservation(*this, absl::StrJoin(addresses, " "),
                                    addresses.size() == 1
                                        ? hashes.substr(0, hashes.size() - 1)
                                        : verify::Sha256Hex(hashes),
                                    now));
  AddRoots(observer);
  return std::move(observer).Finish();
}

absl::StatusOr<SourceAnswer> PrintedRootSource::Poll(absl::Time now) {
  SourceAnswer answer;
  bool changed = false;
  bool any = false;
  for (Page& page : pages_) {
    Request request = limits_;
    request.url = page.address;
    auto file = page.file.GetIfChanged(std::move(request));
    if (!file.ok()) {
      absl::Status at(
          file.status().code(),
          absl::StrCat(file.status().message(), " (", page.address, ")"));
      CarryOver(file.status(), at);
      answer.setbacks.push_back(std::move(at));
    } else if (file->has_value()) {
      page.sha256 = (*file)->sha256;
      page.read = ReadPrintedRoots((*file)->bytes, scope().partitions.front());
      changed = true;
    }
    any = any || file.ok();
  }
  if (!any) {
    if (answer.setbacks.empty()) {
      return FailSource(SourceFailure::kAddressRefused, "no address");
    }
    return answer.setbacks.front();
  }
  if (changed) answer.observation = Observe(now);
  return answer;
}

absl::StatusOr<std::unique_ptr<Source>> PrintedRootSettings::Make(
    const SourceSettings& settings,
    const SourceEnvironment& environment) const {
  auto downloader = MakeDownloader(settings, environment);
  if (!downloader.ok()) return downloader.status();
  return std::make_unique<PrintedRootSource>(settings.profile, addresses,
                                             publications, settings.limits,
                                             *std::move(downloader));
}

}  // namespace anchorage::trustd
