#include "test/crash/crash_rotation.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "anchors/catalog.h"
#include "test/fake_aws/page_writer.h"
#include "test/support/approve.h"
#include "test/support/test_authority.h"
#include "verify/anchor_set.h"

namespace anchorage::test {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

class NoAlerts final : public trustd::AlertSink {
 public:
  std::function<void()> Raise(const std::vector<trustd::Alert>&,
                              trustd::StoreBatch&) override {
    return [] {};
  }
};

// The first catalog, but for one region that has the key of another.
anchors::Catalog RekeyedCatalog() {
  anchors::Catalog catalog = SeedCatalog();
  const auto find = [&](std::string_view region) {
    return std::find_if(catalog.anchors.begin(), catalog.anchors.end(),
                        [&](const anchors::CatalogAnchor& anchor) {
                          return anchor.slot.region == region &&
                                 anchor.slot.kind ==
                                     verify::AnchorKind::kIidRsa2048;
                        });
  };
  const auto changed = find("eu-west-1");
  const verify::Slot slot = changed->slot;
  *changed = *find("eu-west-2");
  changed->slot = slot;
  return catalog;
}

absl::Status WaitFor(const std::function<bool()>& done) {
  const absl::Time end = absl::Now() + kPatience;
  while (!done()) {
    if (absl::Now() > end) return absl::DeadlineExceededError("no rotation");
    absl::SleepFor(absl::Milliseconds(1));
  }
  return absl::OkStatus();
}

void Tell(const char* step) { std::cout << step << std::endl; }

}  // namespace

absl::StatusOr<std::unique_ptr<OpenMirror>> OpenMirrorIn(
    const std::string& folder) {
  auto open = std::make_unique<OpenMirror>();
  auto below = OpenIn(folder);
  if (!below.ok()) return below.status();
  open->below = *std::move(below);
  open->alerts = std::make_unique<NoAlerts>();
  trustd::Mirror::Options options;
  options.core.people = {"alice"};
  auto mirror = trustd::Mirror::Open(std::move(options), *open->below->store,
                                     *open->below->publisher, open->below->hub,
                                     *open->alerts, kNow);
  if (!mirror.ok()) return mirror.status();
  open->mirror = *std::move(mirror);
  open->mirror->SetSources({{"aws-docs", "aws-docs"}}, kNow);
  return open;
}

trustd::Observation RekeyedPage() {
  trustd::Observation page;
  page.source = "aws-docs";
  page.time = kNow;
  page.scope = {{"aws", "aws-us-gov", "aws-cn", "aws-eusc"},
                {verify::AnchorKind::kIidDsa, verify::AnchorKind::kIidRsa1024,
                 verify::AnchorKind::kIidRsa2048}};
  for (const auto& entry : anchors::PageEntries(RekeyedCatalog())) {
    page.certificates.push_back({entry.slot, entry.der, 0});
  }
  return page;
}

trustd::Config RotatingConfigIn(const std::string& folder) {
  const std::string shown = folder + ".shown.json";
  std::ofstream(shown, std::ios::binary)
      << anchors::SerializeCatalog(RekeyedCatalog());
  trustd::Config config =
      *trustd::ParseConfig("data_dir: " + folder +
                               "\nmode: MODE_ONLINE\n"
                               "listen_address: 127.0.0.1:0\n"
                               "sources:\n"
                               "  - name: aws-docs\n"
                               "    directory: {path: " +
                               shown + "}\n",
                           "/test.yaml");
  // Only who may decide is counted, and who that is the listener for people
  // says.
  trustd::AdminSettings& admin = config.admin.emplace();
  const trustd::TestAuthority authority("people");
  const trustd::TlsIdentity own =
      authority.Issue({.names = {"trustd"}, .purpose = "serverAuth"});
  admin.listen_address = "127.0.0.1:0";
  admin.tls_certificate_path = folder + ".cert.pem";
  admin.tls_key_path = folder + ".key.pem";
  admin.client_ca_path = folder + ".people.pem";
  admin.people = {{"alice", {v1::Person::ROLE_APPROVER}}};
  for (const auto& [path, text] :
       {std::pair(admin.tls_certificate_path, own.certificate),
        std::pair(admin.tls_key_path, own.key),
        std::pair(admin.client_ca_path, authority.pem())}) {
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  }
  return config;
}

int PublicationsOfRotation(const trustd::Ledger& ledger) {
  int count = 0;
  const absl::Status read =
      ledger.Scan(0, [&](std::uint64_t, const v1::LedgerRecord& record) {
        const auto& ids = record.publication().rotation_ids();
        count +=
            static_cast<int>(std::count(ids.begin(), ids.end(), kRotation));
        return true;
      });
  return read.ok() ? count : -1;
}

absl::Status Approve(trustd::Mirror& mirror) {
  return trustd::Approve(mirror, kRotation, "alice", "AWS announced it", kNow)
      .status();
}

std::string ApprovedPath(const std::string& folder) {
  return folder + ".approved";
}

absl::Status Rotate(const std::string& folder) {
  const auto open = OpenMirrorIn(folder);
  if (!open.ok()) return open.status();
  trustd::Mirror& mirror = *(*open)->mirror;
  if (absl::Status s = mirror.Observed(RekeyedPage(), kNow); !s.ok()) return s;
  if (absl::Status s = Approve(mirror); !s.ok()) return s;
  std::ofstream(ApprovedPath(folder)) << kApproved;
  return mirror.Settle(kNow);
}

absl::Status RotateInService(const std::string& folder) {
  const auto service =
      trustd::Service::Start(RotatingConfigIn(folder), [] { return kNow; });
  if (!service.ok()) return service.status();
  trustd::Mirror& mirror = (*service)->mirror();
  if (absl::Status s =
          WaitFor([&] { return mirror.FindRotation(kRotation).has_value(); });
      !s.ok()) {
    return s;
  }
  Tell(kDetected);
  if (absl::Status s = Approve(mirror); !s.ok()) return s;
  Tell(kApproved);
  if (absl::Status s = WaitFor(
          [&] { return (*service)->publication()->catalog.sequence == 2; });
      !s.ok()) {
    return s;
  }
  Tell(kPublished);
  while (true) ::pause();
}

}  // namespace anchorage::test
