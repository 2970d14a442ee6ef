// trustd doctor on a data_dir that a trustd made: each test breaks one thing
// and expects one line to say so.

#include "trustd/doctor/doctor.h"

#include <gtest/gtest.h>
#include <httplib.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/publishing/ceremony.h"
#include "anchors/publishing/signer.h"
#include "test/support/image_producer.h"
#include "test/support/repository_simulator.h"
#include "test/support/test_authority.h"
#include "trustd/base/rocksdb_store.h"
#include "trustd/base/store_head.h"
#include "trustd/base/store_keys.h"
#include "trustd/config.h"
#include "trustd/images/image_store.h"
#include "trustd/net/tcp_listener.h"
#include "trustd/service.h"

namespace anchorage::trustd {
namespace {

namespace fs = std::filesystem;
namespace tuf = anchors::tuf;
using anchors::CheckLine;
using anchors::Mark;

class DoctorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    ASSERT_TRUE(anchors::MakeFolder(folder_).ok());
    Read("");
  }

  std::string data() const { return folder_ + "/data"; }

  // A configuration, and what of it is looked at.
  void Read(const std::string& more, const std::string& mode = "ONLINE") {
    const auto config = ParseConfig(
        absl::StrCat("data_dir: data\nmode: MODE_", mode,
                     "\nlisten_address: 127.0.0.1:0\nshutdown_grace: 1s\n",
                     more),
        folder_ + "/trustd.yaml");
    ASSERT_TRUE(config.ok()) << config.status();
    config_ = *config;
    place_.publisher = PublisherConfigOf(config_);
    place_.sources = config_.sources;
  }

  std::unique_ptr<Service> Start() {
    auto service = Service::Start(config_, [] { return absl::Now(); });
    EXPECT_TRUE(service.ok()) << service.status();
    return service.ok() ? *std::move(service) : nullptr;
  }
  void Begin() { Start().reset(); }

  CheckLine The(const std::string& id) {
    for (const CheckLine& line : Diagnose(place_, now_)) {
      if (line.id == id) {
        // Whoever is told that something is wrong is told what to do.
        EXPECT_EQ(line.hint.empty(),
                  line.mark == Mark::kOk || line.mark == Mark::kSkipped);
        EXPECT_EQ(line.exit_code, line.mark == Mark::kFail ? kDoctorFailed : 0);
        return line;
      }
    }
    ADD_FAILURE() << id;
    return {};
  }
  std::string Reason(const std::string& id) { return The(id).reason; }

  void Change(const std::function<void(RocksDbStore&, StoreBatch&)>& change) {
    auto store = RocksDbStore::Open(data() + "/store");
    ASSERT_TRUE(store.ok()) << store.status();
    StoreBatch batch;
    change(**store, batch);
    ASSERT_TRUE((*store)->Commit(batch).ok());
  }

  void Write(const std::string& path, const std::string& bytes,
             anchors::FileAccess access = anchors::FileAccess::kPrivate) {
    ASSERT_TRUE(anchors::WriteFileAtomically(path, bytes, access).ok());
  }

  std::string folder_;
  absl::Time now_ = absl::Now();
  Config config_;
  DoctorPlace place_;
};

TEST_F(DoctorTest, BeforeTheFirstStartNothingIsWrong) {
  for (const CheckLine& line : Diagnose(place_, now_)) {
    EXPECT_NE(line.mark, Mark::kFail) << line.id << " " << line.reason;
  }
  EXPECT_FALSE(fs::exists(data()));
}

TEST_F(DoctorTest, AGoodOneIsGoodAndLeftAsItIs) {
  Begin();
  const auto state = [&] {
    std::map<std::string, std::pair<std::uintmax_t, fs::file_time_type>> files;
    for (const auto& entry : fs::recursive_directory_iterator(data())) {
      files[entry.path()] = {entry.is_regular_file() ? entry.file_size() : 0,
                             entry.last_write_time()};
    }
    return files;
  };
  const auto before = state();
  std::vector<std::string> ids;
  for (const CheckLine& line : Diagnose(place_, now_)) {
    ids.emplace_back(line.id);
    if (line.id == "signers") {
      EXPECT_EQ(line.reason, "MODE_ONLINE");
    } else {
      EXPECT_TRUE(line.mark == Mark::kOk || line.mark == Mark::kSkipped)
          << line.id << " " << line.reason << " " << line.detail;
    }
  }
  EXPECT_EQ(ids,
            (std::vector<std::string>{
                "data-dir", "disk", "store", "head", "record", "metadata",
                "images", "key-files", "keys-of-root", "signers", "clock",
                "ports", "sockets", "certificates", "secrets", "descriptors"}));
  EXPECT_EQ(state(), before);
}

TEST_F(DoctorTest, OneThatRunsIsLookedAtBesideIt) {
  const auto service = Start();
  place_.listeners = {
      {.setting = "listen_address", .address = service->address()}};
  place_.descriptors = 100;
  for (const char* id : {"data-dir", "store", "head", "record", "metadata",
                         "ports", "descriptors"}) {
    const CheckLine line = The(id);
    EXPECT_EQ(line.mark, Mark::kOk) << id << " " << line.detail;
  }
  EXPECT_NE(The("data-dir").detail.find(absl::StrCat("process ", ::getpid())),
            std::string::npos);
  EXPECT_NE(The("ports").detail.find("is trustd's"), std::string::npos);
  place_.descriptors = std::int64_t{1} << 40;
  EXPECT_EQ(Reason("descriptors"), "DESCRIPTORS_TOO_FEW");
  place_.listeners[0].address = "127.0.0.1:1";
  now_ += absl::Hours(24 * 6);
  EXPECT_EQ(Reason("metadata"), "METADATA_ENDS_SOON") << "it is not renewed";
  now_ += absl::Hours(24 * 6);
  EXPECT_EQ(Reason("metadata"), "METADATA_EXPIRED");
}

TEST_F(DoctorTest, FoldersThatOthersCanUse) {
  Begin();
  ASSERT_EQ(::chmod(data().c_str(), 0750), 0);
  EXPECT_EQ(Reason("data-dir"), "DATA_DIR_READABLE_BY_OTHERS");
  ASSERT_EQ(::chmod(data().c_str(), 0770), 0);
  EXPECT_EQ(Reason("data-dir"), "DATA_DIR_WRITABLE_BY_OTHERS");
}

TEST_F(DoctorTest, AStoreThatIsGoneOrOfAnotherProgram) {
  Begin();
  Change([](RocksDbStore&, StoreBatch& batch) {
    batch.Put(keys::kSchema, absl::StrCat(kSchemaVersion - 1));
  });
  EXPECT_EQ(Reason("store"), "STORE_WILL_BE_UPGRADED");
  Change([](RocksDbStore&, StoreBatch& batch) {
    batch.Put(keys::kSchema, absl::StrCat(kSchemaVersion + 1));
  });
  EXPECT_EQ(Reason("store"), "STORE_OF_NEWER_PROGRAM");
  EXPECT_EQ(The("head").mark, Mark::kSkipped);
  fs::remove_all(data() + "/store");
  EXPECT_EQ(Reason("store"), "STORE_GONE");
}

TEST_F(DoctorTest, AStoreThatWentBack) {
  Begin();
  const std::string path = data() + "/store.head";
  const std::string head = *anchors::ReadFile(path, kMaxHeadBytes);
  fs::remove(path);
  EXPECT_EQ(Reason("head"), "STORE_WENT_BACK");
  StoreHead further = *ParseHead(head);
  further.noted_timestamp = 9;
  Write(path, FormatHead(further));
  EXPECT_EQ(Reason("head"), "NEWER_TIMESTAMP_SHOWN");
  further.timestamp_version += 1;
  Write(path, FormatHead(further));
  EXPECT_EQ(Reason("head"), "STORE_WENT_BACK");
  Write(path, head);
  EXPECT_EQ(The("head").mark, Mark::kOk);
  Change([](RocksDbStore&, StoreBatch& batch) {
    batch.Put(keys::kRestored, "it was restored");
  });
  EXPECT_EQ(Reason("head"), "STORE_WENT_BACK");
}

TEST_F(DoctorTest, ARecordOrMetadataThatWereChanged) {
  Begin();
  Change([](RocksDbStore& store, StoreBatch& batch) {
    (void)store.Scan(keys::kRecordPrefix,
                     [&](std::string_view key, std::string_view value) {
                       std::string changed(value);
                       changed.back() ^= 1;
                       batch.Put(key, changed);
                       return false;
                     });
    ASSERT_FALSE(batch.changes().empty());
  });
  EXPECT_EQ(Reason("record"), "LEDGER_DAMAGED");
  EXPECT_EQ(The("metadata").mark, Mark::kOk);
  Change([](RocksDbStore& store, StoreBatch& batch) {
    batch.Put(keys::kTargets, **store.Get(keys::kSnapshot));
  });
  EXPECT_EQ(Reason("metadata"), "METADATA_DAMAGED");
}

TEST_F(DoctorTest, ManifestsThatWereChanged) {
  Begin();
  EXPECT_EQ(The("images").mark, Mark::kSkipped);
  const absl::Time time = absl::FromUnixSeconds(1'800'000'000);
  Change([&](RocksDbStore& store, StoreBatch& batch) {
    const auto images = ImageStore::Open(store, ImageLimits());
    ASSERT_TRUE(images.ok()) << images.status();
    const auto addition = (*images)->Prepare(
        test::ImageProducer("acme").Entry(
            test::ImageProducer::Manifest("ledger", "1.2", time), time),
        "packed", nullptr);
    ASSERT_TRUE(addition.ok()) << addition.status();
    batch.Add(addition->batch);
  });
  EXPECT_EQ(The("images").mark, Mark::kOk);
  const auto damage = [&](std::string_view prefix) {
    Change([&](RocksDbStore& store, StoreBatch& batch) {
      (void)store.Scan(prefix,
                       [&](std::string_view key, std::string_view value) {
                         std::string changed(value);
                         changed.back() ^= 1;
                         batch.Put(key, changed);
                         return false;
                       });
      ASSERT_FALSE(batch.changes().empty());
    });
  };
  damage(keys::kManifestChunkPrefix);
  EXPECT_EQ(Reason("images"), "MANIFEST_DAMAGED");
  EXPECT_NE(The("images").hint.find("image submit"), std::string::npos);
  damage(keys::kManifestPrefix);
  EXPECT_EQ(Reason("images"), "MANIFEST_DAMAGED");
  EXPECT_EQ(The("images").hint.find("image submit"), std::string::npos);
}

TEST_F(DoctorTest, KeysThatAreGoneOrOpenOrOfAnother) {
  Begin();
  const std::string path = data() + "/keys/online.pem";
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(Reason("key-files"), "KEY_READABLE_BY_OTHERS");
  Write(path, "no key");
  EXPECT_EQ(Reason("key-files"), "KEY_UNREADABLE");
  const std::string other = data() + "/keys/root.pem";
  ASSERT_EQ(::chmod(other.c_str(), 0640), 0);
  const CheckLine both = The("key-files");
  for (const std::string& key : {path, other}) {
    EXPECT_NE(both.detail.find(key), std::string::npos) << both.detail;
  }
  EXPECT_EQ(both.detail.find("targets.pem"), std::string::npos);
  ASSERT_EQ(::chmod(other.c_str(), 0600), 0);
  fs::remove(path);
  EXPECT_EQ(Reason("key-files"), "KEY_GONE");
  EXPECT_EQ(The("keys-of-root").mark, Mark::kSkipped);
  Write(path,
        std::string((*tuf::SoftwareKey::GenerateEd25519())->ToPem()->view()));
  EXPECT_EQ(The("key-files").mark, Mark::kOk);
  EXPECT_EQ(Reason("keys-of-root"), "KEY_NOT_IN_ROOT");
}

TEST_F(DoctorTest, PeopleWhoCannotSignAnyMore) {
  Read("", "OFFLINE");
  const std::string ceremony = data() + "/ceremony";
  const auto online = *tuf::SoftwareKey::GenerateEd25519();
  ASSERT_TRUE(anchors::MakeFolder(data() + "/keys").ok());
  Write(data() + "/keys/online.pem", std::string(online->ToPem()->view()));
  const auto sign = [&](anchors::DraftKind kind) {
    for (const int person : {1, 2}) {
      ASSERT_TRUE(anchors::SignDraft(ceremony, *anchors::ReadCeremony(ceremony),
                                     kind, *tuf::TestKey(person), now_)
                      .ok());
    }
  };
  const auto make = [&](int people, const tuf::SigningKey& key) {
    tuf::RootSpec spec;
    // The first has two people, the second three.
    spec.version = people - 1;
    spec.expires = now_ + absl::Hours(24 * 365);
    for (int person = 1; person <= people; ++person) {
      spec.root.keys.push_back(tuf::TestKey(person)->public_key());
      spec.targets.keys.push_back(tuf::TestKey(person)->public_key());
    }
    spec.root.threshold = spec.targets.threshold = 2;
    spec.snapshot.keys = spec.timestamp.keys = {key.public_key()};
    ASSERT_TRUE(anchors::WriteRootDraft(ceremony, spec).ok());
    sign(anchors::DraftKind::kRoot);
    ASSERT_TRUE(anchors::PublishRootDraft(ceremony, now_).ok());
  };
  make(2, *online);
  ASSERT_TRUE(
      anchors::ProposeTargets(
          ceremony,
          {{std::string(anchors::kCatalogTargetPath),
            std::string(anchors::DefaultBakedBundle().files.catalog())}},
          now_ + absl::Hours(24 * 365), now_)
          .ok());
  sign(anchors::DraftKind::kTargets);
  ASSERT_TRUE(anchors::PublishTargetsDraft(ceremony, now_).ok());
  Begin();
  EXPECT_EQ(The("keys-of-root").mark, Mark::kOk);
  EXPECT_EQ(Reason("signers"), "NO_SIGNER_TO_SPARE");
  // What people have signed since counts before trustd has accepted it.
  make(3, *tuf::TestKey(9));
  EXPECT_EQ(The("signers").mark, Mark::kOk);
  EXPECT_EQ(Reason("keys-of-root"), "KEY_NOT_IN_ROOT");
  now_ += absl::Hours(24 * 330);
  EXPECT_EQ(Reason("metadata"), "METADATA_ENDS_SOON");
  now_ += absl::Hours(24 * 60);
  EXPECT_EQ(Reason("metadata"), "METADATA_EXPIRED");
}

TEST_F(DoctorTest, APortThatAnotherHas) {
  const auto other = TcpListener::Bind("127.0.0.1:0", "test");
  ASSERT_TRUE(other.ok());
  place_.listeners = {
      {.setting = "listen_address", .address = (*other)->address()}};
  EXPECT_EQ(Reason("ports"), "PORT_UNUSABLE");
  (*other)->Stop();
  EXPECT_EQ(The("ports").mark, Mark::kOk);
}

TEST_F(DoctorTest, CertificatesThatEndOrDoNotFit) {
  const TestAuthority servers("servers");
  const TlsIdentity one = servers.Issue(
      {.names = {"trustd"}, .not_after = now_ + absl::Hours(24 * 40)});
  const TlsIdentity another = servers.Issue({.names = {"trustd"}});
  const std::string certificate = folder_ + "/cert.pem";
  const std::string key = folder_ + "/key.pem";
  Write(certificate, one.certificate);
  Write(key, one.key);
  place_.listeners = {{.setting = "admin",
                       .address = "",
                       .certificate_path = certificate,
                       .key_path = key,
                       .client_ca_path = ""}};
  EXPECT_EQ(The("certificates").mark, Mark::kOk) << The("certificates").detail;
  now_ += absl::Hours(24 * 20);
  EXPECT_EQ(Reason("certificates"), "CERTIFICATE_ENDS_SOON");
  now_ += absl::Hours(24 * 20);
  EXPECT_EQ(Reason("certificates"), "CERTIFICATE_EXPIRED");
  now_ = absl::Now();
  Write(key, another.key);
  EXPECT_EQ(Reason("certificates"), "CERTIFICATE_KEY_OF_ANOTHER");
  ASSERT_EQ(::chmod(key.c_str(), 0644), 0);
  EXPECT_EQ(Reason("certificates"), "CERTIFICATE_KEY_UNREADABLE");
  Write(certificate, "no certificate");
  EXPECT_EQ(Reason("certificates"), "CERTIFICATE_UNREADABLE");
}

TEST_F(DoctorTest, SocketsWhoseFolderOthersCanWriteTo) {
  Begin();
  EXPECT_EQ(The("sockets").mark, Mark::kSkipped);
  const std::string folder = folder_ + "/run";
  place_.sockets = {{"admin.unix_socket", data() + "/admin.sock"},
                    {"console.unix_socket", folder + "/console.sock"}};
  EXPECT_EQ(Reason("sockets"), "SOCKET_FOLDER_GONE");
  ASSERT_TRUE(anchors::MakeFolder(folder).ok());
  EXPECT_EQ(The("sockets").mark, Mark::kOk) << The("sockets").detail;
  ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
  EXPECT_EQ(Reason("sockets"), "SOCKET_FOLDER_WRITABLE_BY_OTHERS");
}

TEST_F(DoctorTest, SecretsThatOthersCanRead) {
  const std::string path = folder_ + "/pager.secret";
  place_.secrets = {{"slack", ""}};
  EXPECT_EQ(The("secrets").mark, Mark::kSkipped) << "it needs none";
  place_.secrets.push_back({"pager", path});
  EXPECT_EQ(Reason("secrets"), "SECRET_UNREADABLE");
  Write(path, "0123456789abcdef\n");
  EXPECT_EQ(The("secrets").mark, Mark::kOk);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(Reason("secrets"), "SECRET_READABLE_BY_OTHERS");
}

TEST_F(DoctorTest, AClockThatDiffersFromASourcesDate) {
  absl::Duration off = absl::ZeroDuration();
  httplib::Server server;
  server.Get("/", [&](const httplib::Request&, httplib::Response& response) {
    response.set_header(
        "Date", absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::Now() + off,
                                 absl::UTCTimeZone()));
    response.set_content("no page", "text/html");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread thread([&] { server.listen_after_bind(); });
  Read(
      absl::StrCat("sources: [{name: page, allow_loopback_http: true, "
                   "regions_page: {addresses: [\"http://127.0.0.1:",
                   port, "/\"]}}]\n"));
  EXPECT_EQ(The("clock").mark, Mark::kOk) << The("clock").detail;
  off = absl::Hours(1);
  EXPECT_EQ(Reason("clock"), "CLOCK_WRONG");
  off = -absl::Hours(1);
  EXPECT_EQ(Reason("clock"), "CLOCK_WRONG");
  server.stop();
  thread.join();
  EXPECT_EQ(Reason("clock"), "CLOCK_NOT_COMPARED");
  EXPECT_FALSE(fs::exists(data())) << "and nothing is kept of it";
}

}  // namespace
}  // namespace anchorage::trustd

int main(int argc, char** argv) {
  spdlog::set_level(spdlog::level::off);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
