#include "trustd/backup/manifest.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "trustd/backup/backup_error.h"
#include "trustd/base/store_keys.h"

namespace anchorage::trustd {
namespace {

v1::BackupManifest Good() {
  v1::BackupManifest manifest;
  manifest.set_format(1);
  manifest.set_program("trustd 1.2.0");
  manifest.mutable_made()->set_seconds(1'800'000'000);
  manifest.set_store_schema(kSchemaVersion);
  manifest.set_first_root_sha256(std::string(64, 'a'));
  for (const char* name : {"store.head", "store/000001.sst", "store/CURRENT"}) {
    v1::BackupFile& file = *manifest.add_files();
    file.set_name(name);
    file.set_bytes(7);
    file.set_sha256(std::string(64, '0'));
  }
  return manifest;
}

std::optional<BackupReason> ReasonWith(
    const std::function<void(v1::BackupManifest&)>& change) {
  v1::BackupManifest manifest = Good();
  change(manifest);
  // Both ways in say the same.
  const absl::Status checked = CheckManifest(manifest);
  EXPECT_EQ(BackupReasonOf(ParseManifest(FormatManifest(manifest)).status()),
            BackupReasonOf(checked));
  return BackupReasonOf(checked);
}

TEST(ManifestTest, ReadsWhatItWrote) {
  const std::string text = FormatManifest(Good());
  const auto manifest = ParseManifest(text);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(FormatManifest(*manifest), text);
  EXPECT_EQ(SizeOf(*manifest), 21u);
}

TEST(ManifestTest, RefusesEveryOtherText) {
  const std::string text = FormatManifest(Good());
  for (const std::string& other :
       {std::string(), text + " ", text.substr(0, text.size() / 2),
        "{\"more\": 1, " + text.substr(1), std::string("[]"),
        std::string(2 * kMaxManifestBytes, ' ')}) {
    EXPECT_EQ(BackupReasonOf(ParseManifest(other).status()),
              BackupReason::kManifestInvalid)
        << other.substr(0, 100);
  }
}

TEST(ManifestTest, RefusesNamesThatLeadElsewhere) {
  for (const char* name :
       {"store/../keys/online.pem", "/etc/passwd", "store/", "store/a/b",
        "store/.hidden", "store/..", "keys/online.pem", "store",
        "../store.head", "store/a\nb", "manifest.json"}) {
    EXPECT_EQ(ReasonWith([&](v1::BackupManifest& manifest) {
                manifest.mutable_files(1)->set_name(name);
              }),
              BackupReason::kManifestInvalid)
        << name;
  }
}

TEST(ManifestTest, NamesOneReasonForEachFault) {
  using M = v1::BackupManifest;
  const auto invalid = BackupReason::kManifestInvalid;
  EXPECT_EQ(ReasonWith([](M&) {}), std::nullopt);
  EXPECT_EQ(ReasonWith([](M& m) { m.set_format(0); }), invalid);
  EXPECT_EQ(ReasonWith([](M& m) { m.set_format(2); }),
            BackupReason::kNewerProgram);
  EXPECT_EQ(ReasonWith([](M& m) { m.set_store_schema(0); }), invalid);
  EXPECT_EQ(ReasonWith([](M& m) { m.set_store_schema(kSchemaVersion + 1); }),
            BackupReason::kNewerProgram);
  EXPECT_EQ(ReasonWith([](M& m) { m.mutable_made()->set_nanos(1); }), invalid);
  EXPECT_EQ(ReasonWith([](M& m) { m.set_first_root_sha256("A"); }), invalid);
  EXPECT_EQ(ReasonWith([](M& m) { m.mutable_files()->DeleteSubrange(0, 1); }),
            invalid)
      << "without a head";
  EXPECT_EQ(ReasonWith([](M& m) { m.mutable_files()->SwapElements(0, 1); }),
            invalid);
  EXPECT_EQ(ReasonWith([](M& m) { *m.add_files() = m.files(2); }), invalid)
      << "a name twice";
  EXPECT_EQ(ReasonWith([](M& m) { m.mutable_files(0)->set_bytes(UINT64_MAX); }),
            invalid);
  EXPECT_EQ(ReasonWith([](M& m) { m.mutable_files(0)->set_sha256("0123"); }),
            invalid);
  EXPECT_EQ(ReasonWith([](M& m) {
              for (int i = 0; i < kMaxBackupFiles; ++i) {
                v1::BackupFile& file = *m.add_files();
                file = m.files(2);
                file.set_name("store/Z" + std::to_string(100'000 + i));
              }
            }),
            invalid);
}

TEST(ManifestTest, EveryReasonHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const BackupReason reason : AllBackupReasons()) {
    names.insert(NameOf(reason));
    EXPECT_EQ(BackupReasonOf(NotABackup(reason, "x")), reason);
  }
  EXPECT_EQ(names.size(), AllBackupReasons().size());
  EXPECT_EQ(BackupReasonOf(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(NotABackup(BackupReason::kCut, "a\nb").message(),
            "BACKUP_CUT: a\\nb");
}

}  // namespace
}  // namespace anchorage::trustd
