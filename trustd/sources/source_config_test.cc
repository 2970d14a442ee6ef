#include "trustd/sources/source_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/baked/baked.h"
#include "anchors/base/yaml_to_proto.h"
#include "anchors/catalog.h"
#include "test/fake_aws/page_writer.h"
#include "test/support/hostile_server.h"
#include "trustd/sources/directory_source.h"
#include "trustd/sources/nitro_root_source.h"
#include "trustd/sources/printed_root_source.h"
#include "trustd/sources/regions_page_source.h"
#include "trustd/sources/source_failure.h"
#include "trustd/sources/upstream_source.h"

namespace anchorage::trustd {
namespace {

using ::testing::ElementsAre;
using verify::AnchorKind;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

absl::StatusOr<std::vector<SourceSettings>> Read(const std::string& yaml) {
  v1::TrustdConfig proto;
  const absl::Status status = anchors::ReadYaml(yaml, "trustd.yaml", proto);
  EXPECT_TRUE(status.ok()) << status;
  return ReadSourceSettings(*proto.mutable_sources(),
                            "/etc/trustd/trustd.yaml");
}

// One source, with `lines` of it beside its name.
absl::StatusOr<std::vector<SourceSettings>> ReadOne(const std::string& lines) {
  return Read("sources:\n  - name: one\n" + lines);
}

template <typename Kind>
const Kind& KindOf(const SourceSettings& settings) {
  return dynamic_cast<const Kind&>(*settings.kind);
}

TEST(SourceConfig, HasAwsPlacesAsDefaults) {
  // As config.proto shows them.
  const auto all = Read(R"(
sources:
  - name: aws-docs
    regions_page: {}
  - name: aws-docs-china
    partitions: [aws-cn]
    regions_page: {}
  - name: nitro-root
    nitro_root: {}
)");
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 3u);
  const SourceSettings& page = (*all)[0];
  EXPECT_EQ(page.profile.name, "aws-docs");
  EXPECT_THAT(page.profile.scope.partitions,
              ElementsAre("aws", "aws-us-gov", "aws-eusc"));
  EXPECT_THAT(page.profile.scope.kinds,
              ElementsAre(AnchorKind::kIidDsa, AnchorKind::kIidRsa1024,
                          AnchorKind::kIidRsa2048));
  EXPECT_EQ(page.profile.times, (PollTimes{.interval = absl::Hours(1),
                                           .jitter = absl::Minutes(6),
                                           .max_backoff = absl::Hours(1)}));
  EXPECT_EQ(page.limits.timeout, absl::Seconds(30));
  EXPECT_EQ(page.limits.max_bytes, 4u << 20);
  EXPECT_THAT(KindOf<RegionsPageSettings>(page).addresses,
              ElementsAre("https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
                          "regions-certs.md",
                          "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
                          "regions-certs.html"));
  EXPECT_THAT(
      KindOf<RegionsPageSettings>((*all)[1]).addresses,
      ElementsAre("https://docs.amazonaws.cn/en_us/AWSEC2/latest/UserGuide/"
                  "regions-certs.md",
                  "https://docs.amazonaws.cn/en_us/AWSEC2/latest/UserGuide/"
                  "regions-certs.html"));
  EXPECT_THAT((*all)[1].profile.scope.partitions, ElementsAre("aws-cn"));
  EXPECT_EQ(KindOf<NitroRootSettings>((*all)[2]).address,
            "https://aws-nitro-enclaves.amazonaws.com/"
            "AWS_NitroEnclaves_Root-G1.zip");
  EXPECT_EQ((*all)[2].limits.max_bytes, 65536u);
  EXPECT_THAT((*all)[2].profile.scope.partitions, ElementsAre("aws"));
  EXPECT_THAT((*all)[2].profile.scope.kinds,
              ElementsAre(AnchorKind::kNitroRoot));
}

TEST(SourceConfig, TakesWhatItIsTold) {
  const auto all = Read(R"(
sources:
  - name: up-1
    interval: 60s
    jitter: 0s
    max_backoff: 120s
    timeout: 5s
    partitions: [aws, aws-iso-b]
    kinds: [iid-rsa2048]
    ca_path: ca.pem
    upstream:
      metadata_url: https://trustd.example/tuf
      root_path: roots/1.root.json
  - name: local
    directory:
      path: certificates
)");
  ASSERT_TRUE(all.ok()) << all.status();
  const SourceSettings& up = (*all)[0];
  EXPECT_EQ(up.profile.times, (PollTimes{.interval = absl::Minutes(1),
                                         .jitter = absl::ZeroDuration(),
                                         .max_backoff = absl::Minutes(2)}));
  EXPECT_EQ(up.limits.timeout, absl::Seconds(5));
  EXPECT_EQ(up.limits.connect_timeout, absl::Seconds(5));
  EXPECT_EQ(up.limits.stall_timeout, absl::Seconds(5));
  EXPECT_THAT(up.profile.scope.partitions, ElementsAre("aws", "aws-iso-b"));
  EXPECT_THAT(up.profile.scope.kinds, ElementsAre(AnchorKind::kIidRsa2048));
  EXPECT_EQ(up.ca_path, "/etc/trustd/ca.pem");
  const auto& repository = KindOf<UpstreamSettings>(up);
  EXPECT_EQ(repository.metadata_url, "https://trustd.example/tuf/");
  EXPECT_EQ(repository.targets_url, "https://trustd.example/tuf/targets/");
  EXPECT_EQ(repository.root_path, "/etc/trustd/roots/1.root.json");
  EXPECT_EQ(KindOf<DirectorySettings>((*all)[1]).path,
            "/etc/trustd/certificates");
  EXPECT_EQ((*all)[1].profile.scope.kinds.size(), 4u);
}

TEST(SourceConfig, HasNoSourcesByItself) {
  EXPECT_TRUE(Read("data_dir: d")->empty());
}

TEST(SourceConfig, RefusesWhatIsOutsideItsLimits) {
  const std::string page = "    regions_page: {}\n";
  ASSERT_TRUE(ReadOne(page).ok());
  for (const char* lines :
       {"    interval: 9s\n", "    interval: 604801s\n", "    jitter: 3601s\n",
        "    max_backoff: 9s\n", "    timeout: 0s\n", "    timeout: 601s\n",
        "    max_bytes: 1023\n", "    max_bytes: 4194305\n",
        "    max_bytes: -1\n", "    partitions: [azure]\n",
        "    partitions: [aws, aws]\n", "    partitions: [aws, aws-cn]\n",
        "    kinds: [iid-rsa4096]\n", "    kinds: [nitro-root]\n",
        "    kinds: [iid-dsa, iid-dsa]\n"}) {
    EXPECT_EQ(ReadOne(lines + page).status().code(),
              absl::StatusCode::kInvalidArgument)
        << lines;
  }
}

TEST(SourceConfig, KnowsWhereGovCloudsRootIsPrinted) {
  const auto govcloud = ReadOne("    printed_root: {}\n");
  ASSERT_TRUE(govcloud.ok()) << govcloud.status();
  EXPECT_THAT(govcloud->at(0).profile.scope.partitions,
              ElementsAre("aws-us-gov"));
  EXPECT_THAT(govcloud->at(0).profile.scope.kinds,
              ElementsAre(AnchorKind::kNitroRoot));
  const auto& printed = KindOf<PrintedRootSettings>(govcloud->at(0));
  EXPECT_THAT(
      printed.addresses,
      ElementsAre("https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/"
                  "govcloud-ec2.md",
                  "https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/"
                  "govcloud-ec2.html"));
  EXPECT_EQ(printed.publications, 2);
  const auto china = ReadOne(
      "    partitions: [aws-cn]\n    printed_root:\n"
      "      addresses: [https://a.example/]\n      publications: 3\n");
  ASSERT_TRUE(china.ok()) << china.status();
  EXPECT_THAT(china->at(0).profile.scope.partitions, ElementsAre("aws-cn"));
  EXPECT_EQ(KindOf<PrintedRootSettings>(china->at(0)).publications, 3);
}

TEST(SourceConfig, RefusesKindsThatLackOrContradictSomething) {
  for (const char* lines :
       {"    interval: 60s\n", "    directory: {}\n", "    upstream: {}\n",
        "    upstream:\n      metadata_url: https://a/\n",
        "    upstream:\n      root_path: r\n",
        "    upstream:\n      metadata_url: https://a/?b=\n"
        "      root_path: r\n",
        "    upstream:\n      metadata_url: http://a/\n      root_path: r\n",
        "    nitro_root:\n      address: http://127.0.0.1/\n",
        "    printed_root:\n      addresses: [http://a.example/]\n",
        "    printed_root:\n      publications: 1\n",
        "    printed_root:\n      publications: 9\n",
        "    printed_root: {}\n    partitions: [aws-cn]\n",
        "    printed_root: {}\n    partitions: [aws-us-gov, aws-cn]\n",
        "    printed_root: {}\n    kinds: [iid-dsa]\n",
        "    regions_page:\n      addresses: [https://u:p@docs.example/]\n",
        "    max_bytes: 2048\n    directory:\n      path: p\n",
        "    ca_path: c\n    directory:\n      path: p\n"}) {
    EXPECT_EQ(ReadOne(lines).status().code(),
              absl::StatusCode::kInvalidArgument)
        << lines;
  }
  std::string nine = "    regions_page:\n      addresses: [";
  for (int i = 0; i < 9; ++i) absl::StrAppend(&nine, "'https://a/", i, "',");
  EXPECT_FALSE(ReadOne(nine + "]\n").ok());
}

TEST(SourceConfig, RefusesNamesThatAreNone) {
  for (const std::string& name :
       {std::string("''"), std::string("A"), std::string("operator"),
        std::string("../up"), std::string(65, 'a')}) {
    EXPECT_FALSE(
        Read("sources:\n  - name: " + name + "\n    regions_page: {}\n").ok())
        << name;
  }
  const std::string twice = "  - name: a\n    regions_page: {}\n";
  EXPECT_FALSE(Read("sources:\n" + twice + twice).ok());
  std::string many = "sources:\n";
  for (int i = 0; i <= kMaxSources; ++i) {
    absl::StrAppend(&many, "  - name: n", i, "\n    regions_page: {}\n");
  }
  EXPECT_FALSE(Read(many).ok());
}

// --- The sources themselves, against a server --------------------------------

std::unique_ptr<Source> Make(const std::string& yaml) {
  const auto all = Read(yaml);
  EXPECT_TRUE(all.ok()) << all.status();
  if (!all.ok()) return nullptr;
  auto source = MakeSource(all->at(0), {.state_folder = ::testing::TempDir()});
  EXPECT_TRUE(source.ok()) << source.status();
  return source.ok() ? *std::move(source) : nullptr;
}

std::string PageSource(const std::string& addresses) {
  return "sources:\n  - name: page\n    timeout: 2s\n"
         "    allow_loopback_http: true\n    regions_page:\n"
         "      addresses: [" +
         addresses + "]\n";
}

TEST(MakeSource, LooksAtAPageOverTheNetwork) {
  const std::string page = anchors::WriteRegionsPage(
      anchors::PageEntries(*anchors::ParseCatalog(
          anchors::DefaultBakedBundle().files.catalog())),
      {.layout = anchors::PageLayout::kHtml});
  HostileServer server([&](Peer& peer) {
    if (peer.Target() == "/gone.md") {
      peer.Send(Answer("404 Not Found", {}, "no such page"));
    } else if (peer.Header("If-None-Match") == "\"1\"") {
      peer.Send("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
    } else {
      peer.Send(Answer("200 OK", {"ETag: \"1\"", "Content-Encoding: gzip"},
                       Gzip(page)));
    }
  });
  const auto source = Make(PageSource("'" + server.Url("/gone.md") + "', '" +
                                      server.Url("/page.html") + "'"));
  const auto first = source->Poll(kNow);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->observation->problems.empty());
  EXPECT_EQ(first->observation->certificates.size(), 37u * 3 - 3);
  ASSERT_EQ(first->setbacks.size(), 1u);
  EXPECT_EQ(HttpStatusOf(first->setbacks[0]), 404);
  const auto second = source->Poll(kNow);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(second->observation.has_value());
  EXPECT_THAT(server.targets(),
              ElementsAre("/gone.md", "/page.html", "/gone.md", "/page.html"));
}

TEST(MakeSource, GivesTheReasonOfEachHostileBehaviour) {
  const auto failure = [](HostileServer::Script script) {
    HostileServer server(std::move(script));
    const auto source = Make(PageSource("'" + server.Url("/") + "'"));
    return SourceFailureOf(source->Poll(kNow).status());
  };
  EXPECT_EQ(failure([](Peer& peer) { peer.WaitForClose(); }),
            SourceFailure::kTimedOut);
  EXPECT_EQ(failure([](Peer& peer) {
              peer.Send(Answer("302 Found", {"Location: /"}, ""));
            }),
            SourceFailure::kRedirectLoop);
  EXPECT_EQ(
      failure([](Peer& peer) {
        peer.Send(Answer("302 Found", {"Location: https://evil.invalid/"}, ""));
      }),
      SourceFailure::kRedirectRefused);
  EXPECT_EQ(failure([](Peer& peer) {
              peer.Send(Answer("200 OK", {"Content-Encoding: gzip"},
                               Gzip(std::string(5 << 20, 'x'))));
            }),
            SourceFailure::kTooLarge);
  EXPECT_EQ(failure([](Peer& peer) {
              peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
            }),
            SourceFailure::kIncomplete);
}

TEST(MakeSource, EndsWithTrustd) {
  HostileServer server([](Peer& peer) { peer.WaitForClose(); });
  const auto all = Read(PageSource("'" + server.Url("/") + "'"));
  const auto source = MakeSource(
      all->at(0), {.state_folder = "",
                   .cancelled = std::make_shared<std::atomic<bool>>(true)});
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(SourceFailureOf((*source)->Poll(kNow).status()),
            SourceFailure::kCancelled);
}

TEST(MakeSource, ReadsTheFilesThatItIsGiven) {
  for (const char* lines : {"    ca_path: /nowhere\n    regions_page: {}\n",
                            "    upstream:\n      metadata_url: https://a/\n"
                            "      root_path: /nowhere\n"}) {
    const auto all = ReadOne(lines);
    ASSERT_TRUE(all.ok()) << all.status();
    EXPECT_EQ(MakeSource(all->at(0), {.state_folder = ""}).status().code(),
              absl::StatusCode::kNotFound);
  }
  const std::string folder = ::testing::TempDir() + "/local";
  std::filesystem::create_directories(folder);
  const auto source = Make(absl::StrCat(
      "sources:\n  - name: local\n    directory:\n      path: ", folder, "\n"));
  EXPECT_EQ(source->name(), "local");
  EXPECT_TRUE(source->Poll(kNow).ok());
}

}  // namespace
}  // namespace anchorage::trustd
