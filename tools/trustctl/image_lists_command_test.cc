// What people prepare and have signed: the list of producers and the index of
// images.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "anchors/images/image_index.h"
#include "anchors/images/producers.h"
#include "test/support/image_producer.h"
#include "test/support/run_command.h"
#include "tools/trustctl/commands.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustctl {
namespace {

using anchors::Image;
using anchors::ImageIndex;
using anchors::ImageStatus;
using anchors::ProducerList;
using anchors::ProducerStatus;
using test::ImageProducer;

class ImageListsCommand : public ::testing::Test {
 protected:
  ImageListsCommand() {
    folder_ = absl::StrCat(
        ::testing::TempDir(), "/lists-",
        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    Write("m.bundle", acme_.Sign(manifest_));
    Write("entry.json", anchors::SerializeImage(Entry()));
    Write("acme.pem", absl::StrCat("-----BEGIN CERTIFICATE-----\n",
                                   absl::Base64Escape(acme_.ca_der()),
                                   "\n-----END CERTIFICATE-----\n"));
  }

  std::string Path(const std::string& name) const {
    return folder_ + "/" + name;
  }
  void Write(const std::string& name, const std::string& text) const {
    EXPECT_TRUE(anchors::WriteFileAtomically(Path(name), text).ok());
  }
  Image Entry() const { return acme_.Entry(manifest_, now_); }

  Ran Producers(std::vector<std::string> line) const {
    line.insert(line.begin(), "producers");
    line.insert(line.end(), {"--list", Path("producers.json"), "-o", "json"});
    return RunCommand(AddProducers, line);
  }
  Ran AddAcme() const {
    return Producers({"add", "acme", "--product", "ledger", "--certificate",
                      Path("acme.pem")});
  }
  Ran Index(std::vector<std::string> line) const {
    line.insert(line.begin(), {"image", "index"});
    line.insert(line.end(), {"--index", Path("images.json"), "-o", "json"});
    return RunCommand(AddImageIndex, line);
  }
  Ran AddEntry(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> line = {"add",         Path("entry.json"),
                                     "--bundle",    Path("m.bundle"),
                                     "--producers", Path("producers.json")};
    line.insert(line.end(), more.begin(), more.end());
    return Index(line);
  }

  ProducerList ReadList() const {
    const auto text = anchors::ReadFile(Path("producers.json"), 1 << 20);
    return anchors::ParseProducers(text.value_or("")).value_or(ProducerList());
  }
  ImageIndex ReadIndex() const {
    const auto text = anchors::ReadFile(Path("images.json"), 1 << 20);
    return anchors::ParseImageIndex(text.value_or("")).value_or(ImageIndex());
  }

  std::string folder_;
  const absl::Time now_ =
      absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now())) -
      absl::Minutes(1);
  const ImageProducer acme_{"acme", now_ - absl::Hours(1),
                            now_ + absl::Hours(1)};
  const verify::ImageManifest manifest_ =
      ImageProducer::Manifest("ledger", "1.2", now_);
};

TEST_F(ImageListsCommand, AddsRetiresAndRevokesProducers) {
  ASSERT_EQ(AddAcme().code, kAccepted);
  ProducerList list = ReadList();
  EXPECT_EQ(list.sequence, 1u);
  ASSERT_EQ(list.producers.size(), 1u);
  EXPECT_EQ(list.producers[0], acme_.Listed({"ledger"}));
  EXPECT_NE(AddAcme().code, kAccepted) << "it is there";
  ASSERT_EQ(Producers({"retire", "acme"}).code, kAccepted);
  EXPECT_EQ(ReadList().producers[0].status, ProducerStatus::kRetired);
  ASSERT_EQ(Producers({"revoke", "acme", "--notes", "lost"}).code, kAccepted);
  list = ReadList();
  EXPECT_EQ(list.sequence, 3u);
  EXPECT_EQ(list.producers[0].status, ProducerStatus::kRevoked);
  EXPECT_EQ(list.producers[0].notes, "lost");
  // Nothing brings it back.
  const Ran back = Producers({"retire", "acme"});
  EXPECT_EQ(back.code, kStaleOrForAnother) << back.err;
  EXPECT_NE(back.err.find("PRODUCER_REVOKED_UNDONE"), std::string::npos)
      << back.err;
  EXPECT_EQ(ReadList(), list);
  EXPECT_EQ(Producers({"revoke", "nobody"}).code, kUnreadable);
}

TEST_F(ImageListsCommand, AddsAnImageThatIsVerified) {
  ASSERT_EQ(AddAcme().code, kAccepted);
  Write("disk", "the disk");
  const Ran added =
      AddEntry({"--disk", Path("disk"), "--at", "eu-west-1/123456789012/ami-1",
                "--at", "us-east-1/ami-2"});
  ASSERT_EQ(added.code, kAccepted) << added.err;
  const ImageIndex index = ReadIndex();
  EXPECT_EQ(index.sequence, 1u);
  Image want = Entry();
  want.disk_sha256 = verify::Sha256Hex("the disk");
  want.locations = {{"eu-west-1", "123456789012", "ami-1"},
                    {"us-east-1", "", "ami-2"}};
  EXPECT_EQ(index.images, std::vector<Image>{want});
  EXPECT_NE(AddEntry().code, kAccepted) << "it is there";
}

// The end of a writer would be waited for.
TEST_F(ImageListsCommand, AFifoIsNoDisk) {
  ASSERT_EQ(AddAcme().code, kAccepted);
  ASSERT_EQ(::mkfifo(Path("disk").c_str(), 0600), 0);
  const Ran ran = AddEntry({"--disk", Path("disk")});
  EXPECT_EQ(ran.code, kUnreadable);
  EXPECT_NE(ran.err.find("neither a file nor a disk"), std::string::npos)
      << ran.err;
}

TEST_F(ImageListsCommand, AddsNothingThatIsNotVerified) {
  ASSERT_EQ(AddAcme().code, kAccepted);
  EXPECT_EQ(Index({"add", Path("entry.json")}).code, kUsage);
  EXPECT_EQ(AddEntry({"--at", "eu-west-1"}).code, kUnreadable);
  // Another bundle.
  Write("m.bundle", acme_.Sign(ImageProducer::Manifest("ledger", "1.3", now_)));
  EXPECT_NE(AddEntry().code, kAccepted);
  Write("m.bundle", acme_.Sign(manifest_));
  // Another version, another time, another producer.
  const auto refused = [&](auto edit) {
    Image image = Entry();
    edit(image);
    Write("entry.json", anchors::SerializeImage(image));
    return AddEntry().code != kAccepted;
  };
  EXPECT_TRUE(refused([](Image& i) { i.version = "1.3"; }));
  EXPECT_TRUE(refused([](Image& i) { i.producer = "other"; }));
  EXPECT_TRUE(refused([](Image& i) { i.received -= absl::Hours(2); }));
  EXPECT_TRUE(refused([](Image& i) { i.received += absl::Hours(2); }));
  EXPECT_TRUE(refused([](Image& i) { i.manifest_sha256.assign(64, 'a'); }));
  EXPECT_FALSE(std::filesystem::exists(Path("images.json")));
  EXPECT_FALSE(refused([](Image&) {}));
}

TEST_F(ImageListsCommand, WithdrawsLocatesAndRaisesFloors) {
  ASSERT_EQ(AddAcme().code, kAccepted);
  ASSERT_EQ(AddEntry().code, kAccepted);
  const std::string digest = Entry().manifest_sha256;
  ASSERT_EQ(Index({"locate", digest, "--at", "us-east-1/ami-2"}).code,
            kAccepted);
  EXPECT_EQ(ReadIndex().images[0].locations.size(), 1u);
  ASSERT_EQ(Index({"withdraw", digest, "--notes", "CVE-1"}).code, kAccepted);
  EXPECT_EQ(ReadIndex().images[0].status, ImageStatus::kWithdrawn);
  EXPECT_EQ(ReadIndex().images[0].notes, "CVE-1");
  EXPECT_EQ(ReadIndex().sequence, 3u);
  // What is so already changes nothing.
  EXPECT_EQ(Index({"withdraw", digest}).code, kAccepted);
  EXPECT_EQ(ReadIndex().sequence, 3u);
  const Ran unknown = Index({"withdraw", digest.substr(0, 16)});
  EXPECT_EQ(unknown.code, kUnreadable);
  EXPECT_NE(unknown.err.find("give all 64 digits"), std::string::npos)
      << unknown.err;
  EXPECT_EQ(Index({"floor", "ledger"}).code, kUsage);
  EXPECT_EQ(Index({"remove", digest}).code, kUsage);
  const Ran raised = Index({"floor", "ledger", "1.3"});
  ASSERT_EQ(raised.code, kAccepted);
  const auto answer = nlohmann::json::parse(raised.out);
  EXPECT_EQ(answer["product"], "ledger");
  EXPECT_EQ(answer["removed"][0]["version"], "1.2");
  EXPECT_TRUE(ReadIndex().images.empty()) << "it is below the floor";
  EXPECT_EQ(ReadIndex().floors,
            (std::vector<anchors::ProductFloor>{{"ledger", "1.3"}}));
  EXPECT_NE(Index({"floor", "ledger", "1.2"}).code, kAccepted);
  for (const char* verb : {"show", "list"}) {
    const Ran shown = Index({verb});
    ASSERT_EQ(shown.code, kAccepted) << shown.err;
    EXPECT_EQ(nlohmann::json::parse(shown.out)["floors"][0]["least_version"],
              "1.3");
  }
}

TEST_F(ImageListsCommand, ShowsWhatIsThere) {
  ASSERT_EQ(AddAcme().code, kAccepted);
  for (const char* verb : {"list", "show"}) {
    const Ran listed = Producers({verb});
    ASSERT_EQ(listed.code, kAccepted) << listed.err;
    EXPECT_EQ(nlohmann::json::parse(listed.out)["producers"][0]["name"],
              "acme");
  }
  EXPECT_NE(Index({"show"}).code, kAccepted) << "there is none";
}

}  // namespace
}  // namespace anchorage::trustctl
