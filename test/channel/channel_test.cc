#include "test/channel/channel_test.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace anchorage::test {
namespace {

namespace fs = std::filesystem;
using client::TrustClient;
using client::TrustClientOptions;
using client::TrustClientState;

constexpr char kSignatures[] = "{\"signatures\":[";
constexpr char kSigned[] = "],\"signed\":";

}  // namespace

std::string NameOf(Transport transport) {
  return transport == Transport::kHttp ? "Http" : "Grpc";
}

Files FilesIn(const std::string& folder) {
  Files files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[fs::relative(entry.path(), folder).string()] =
        std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

std::string SignedPart(const std::string& file) {
  const std::size_t at = file.find(kSigned) + std::string(kSigned).size();
  return file.substr(at, file.size() - at - 1);
}

std::string SignaturesOf(const std::string& file) {
  const std::size_t begin = std::string(kSignatures).size();
  return file.substr(begin, file.find(kSigned) - begin);
}

std::string WithSignatures(const std::string& file, const std::string& list) {
  return kSignatures + list + kSigned + SignedPart(file) + "}";
}

std::string WithSpoiltSignature(const std::string& file) {
  std::string spoilt = file;
  char& digit = spoilt[spoilt.find("\"sig\":\"") + 10];
  digit = digit == '0' ? '1' : '0';
  return spoilt;
}

void ChannelTest::SetUp() {
  std::string name =
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
  for (char& c : name) c = c == '/' ? '-' : c;
  folder_ = ::testing::TempDir() + "/" + name;
  StartAgain();
}

TrustClientOptions ChannelTest::Options() const {
  TrustClientOptions options;
  if (GetParam() == Transport::kHttp) {
    options.metadata_url = servers_->http_url();
  } else {
    options.server = servers_->grpc_address();
    options.plaintext = true;
  }
  options.trusted_root =
      trusted_root_.empty() ? servers_->first_root() : trusted_root_;
  options.cache_folder = folder_;
  options.background_refresh = false;
  options.rpc_timeout = absl::Seconds(10);
  options.clock = [this] { return now_; };
  return options;
}

std::unique_ptr<TrustClient> ChannelTest::Make(TrustClientOptions options) {
  auto client = TrustClient::Create(std::move(options));
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

void ChannelTest::StartAgain() {
  client_.reset();
  trusted_root_.clear();
  fs::remove_all(folder_);
  servers_ = std::make_unique<RepositoryServers>(kNow);
}

void ChannelTest::Begin() {
  servers_->PublishCatalog(kSequence);
  trusted_root_ = servers_->first_root();
  client_ = Make();
  const absl::Status status = client_->Refresh();
  ASSERT_TRUE(status.ok()) << status;
  refusals_ = 0;
  held_ = client_->anchors();
  files_ = FilesIn(folder_);
  ASSERT_EQ(held_->provenance().sequence, kSequence);
  ASSERT_TRUE(files_.contains("last_verified.bundle"));
}

Files ChannelTest::Signed(const std::vector<std::string>& roles) const {
  Files files;
  for (const std::string& role : roles) {
    files[role + ".json"] = servers_->Newest(role);
  }
  return files;
}

void ChannelTest::ExpectRefused(anchors::tuf::TufReason reason,
                                const Files& moved) {
  const absl::Status status = Refresh();
  ++refusals_;
  EXPECT_EQ(anchors::tuf::TufReasonOf(status), reason) << status;
  ExpectKept(moved);
}

void ChannelTest::ExpectRefusedAs(absl::StatusCode code, const Files& moved) {
  const absl::Status status = Refresh();
  ++refusals_;
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(anchors::tuf::TufReasonOf(status), std::nullopt) << status;
  ExpectKept(moved);
}

void ChannelTest::ExpectKept(const Files& moved) {
  const TrustClientState state = client_->state();
  EXPECT_EQ(client_->anchors(), held_);
  EXPECT_NE(state.provenance.origin, verify::Origin::kBakedIn);
  EXPECT_EQ(state.rejected + state.unreachable, refusals_);
  Files expected = files_;
  for (const auto& [name, bytes] : moved) expected[name] = bytes;
  const Files actual = FilesIn(folder_);
  for (const auto& [name, bytes] : actual) {
    EXPECT_TRUE(expected.contains(name)) << name << " was written";
  }
  // Remembers the newest root and when it came.
  if (moved.contains("root.json")) expected.erase("last_verified.memory");
  for (const auto& [name, bytes] : expected) {
    const auto found = actual.find(name);
    EXPECT_TRUE(found != actual.end() && found->second == bytes)
        << name << " is not what it must be";
  }
  const TrustClientState again = Make()->state();
  EXPECT_EQ(again.provenance.origin, verify::Origin::kCache);
  EXPECT_EQ(again.provenance.sequence, kSequence);
}

}  // namespace anchorage::test
