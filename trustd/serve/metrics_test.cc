#include "trustd/serve/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "trustd/base/metric_families.h"

namespace anchorage::trustd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

anchors::CatalogAnchor AnchorUntil(verify::AnchorKind kind,
                                   std::int64_t seconds) {
  anchors::CatalogAnchor anchor;
  anchor.slot.kind = kind;
  anchor.certificates.resize(1);
  anchor.certificates[0].not_after = absl::FromUnixSeconds(seconds);
  return anchor;
}

Publication Good() {
  Publication publication;
  publication.files.roots = {"1", "2"};
  publication.targets_version = 4;
  publication.snapshot_version = 5;
  publication.timestamp_version = 6;
  publication.catalog.sequence = 7;
  publication.catalog.anchors = {
      AnchorUntil(verify::AnchorKind::kIidDsa, 2'000),
      AnchorUntil(verify::AnchorKind::kIidDsa, 1'000),
      AnchorUntil(verify::AnchorKind::kNitroRoot, 3'000)};
  publication.roles = {{"root", absl::FromUnixSeconds(11), {}, 1},
                       {"timestamp", absl::FromUnixSeconds(44), {}, 1}};
  return publication;
}

std::string PageOf(const Publication& publication) {
  Metrics metrics(v1::TrustdConfig::MODE_ONLINE);
  PublicationHub hub;
  hub.Publish(std::make_shared<Publication>(publication));
  return metrics.Render(hub);
}

TEST(Metrics, TellWhatIsServed) {
  const std::string page = PageOf(Good());
  for (const char* line :
       {"\ntrustd_bundle_sequence 7\n", "\ntrustd_anchors 3\n",
        "\ntrustd_role_expiry_timestamp_seconds{role=\"root\"} 11\n",
        "\ntrustd_role_expiry_timestamp_seconds{role=\"timestamp\"} 44\n",
        "\ntrustd_role_version{role=\"root\"} 2\n",
        "\ntrustd_role_version{role=\"snapshot\"} 5\n",
        "\ntrustd_anchor_certificate_expiry_timestamp_seconds"
        "{kind=\"iid-dsa\"} 1000\n",
        "\ntrustd_anchor_certificate_expiry_timestamp_seconds"
        "{kind=\"nitro-root\"} 3000\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(Metrics, CertificatesThatNoLongerCountAreLeftOut) {
  Publication publication = Good();
  publication.catalog.anchors[1].certificates[0].superseded = true;
  EXPECT_THAT(PageOf(publication), HasSubstr("{kind=\"iid-dsa\"} 2000\n"));
  publication = Good();
  publication.catalog.anchors[1].status = verify::AnchorStatus::kRevoked;
  EXPECT_THAT(PageOf(publication), HasSubstr("{kind=\"iid-dsa\"} 2000\n"));
}

TEST(Metrics, AreThereBeforeThereIsABundle) {
  const Metrics metrics(v1::TrustdConfig::MODE_OFFLINE);
  const std::string page = metrics.Render(PublicationHub());
  EXPECT_THAT(page, HasSubstr("\ntrustd_bundle_sequence 0\n"));
  EXPECT_THAT(page, Not(HasSubstr("trustd_role_version{")));
}

TEST(Metrics, TellTheMode) {
  const PublicationHub hub;
  const std::string online = Metrics(v1::TrustdConfig::MODE_ONLINE).Render(hub);
  EXPECT_THAT(online, HasSubstr("\ntrustd_mode{mode=\"online\"} 1\n"));
  EXPECT_THAT(online, HasSubstr("\ntrustd_mode{mode=\"offline\"} 0\n"));
  EXPECT_THAT(Metrics(v1::TrustdConfig::MODE_OFFLINE).Render(hub),
              HasSubstr("\ntrustd_mode{mode=\"offline\"} 1\n"));
}

TEST(Metrics, CountWhatHappens) {
  Metrics metrics(v1::TrustdConfig::MODE_ONLINE);
  PublicationHub hub;
  const std::uint64_t watch = hub.Watch([](const Publication&) {});
  metrics.CountUpdate(UpdateOutcome::kSent);
  metrics.CountUpdate(UpdateOutcome::kSent);
  metrics.CountUpdate(UpdateOutcome::kRefused);
  metrics.CountHttp(304);
  metrics.CountShed("grpc", "connections_address");
  const std::string page = metrics.Render(hub);
  for (const char* line :
       {"\ntrustd_watchers 1\n",
        "\ntrustd_get_update_calls_total{outcome=\"sent\"} 2\n",
        "\ntrustd_get_update_calls_total{outcome=\"not_modified\"} 0\n",
        "\ntrustd_get_update_calls_total{outcome=\"no_bundle\"} 0\n",
        "\ntrustd_get_update_calls_total{outcome=\"refused\"} 1\n",
        "\ntrustd_http_requests_total{code=\"304\"} 1\n",
        "\ntrustd_shed_total{port=\"grpc\",what=\"connections_address\"} "
        "1\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
  hub.Unwatch(watch);
  EXPECT_THAT(metrics.Render(hub), HasSubstr("\ntrustd_watchers 0\n"));
}

TEST(Metrics, HaveNoCertificateOfAKindThatIsGone) {
  Metrics metrics(v1::TrustdConfig::MODE_ONLINE);
  PublicationHub hub;
  hub.Publish(std::make_shared<Publication>(Good()));
  EXPECT_THAT(metrics.Render(hub), HasSubstr("{kind=\"nitro-root\"} 3000\n"));
  Publication next = Good();
  next.catalog.anchors.pop_back();
  hub.Publish(std::make_shared<Publication>(next));
  const std::string page = metrics.Render(hub);
  EXPECT_THAT(page, Not(HasSubstr("nitro-root")));
  // One that has ended stays: the time of writing is long after 1970.
  EXPECT_THAT(page, HasSubstr("{kind=\"iid-dsa\"} 1000\n"));
}

TEST(Metrics, CountCallsByMethodAndFailuresByCode) {
  Metrics metrics(v1::TrustdConfig::MODE_ONLINE);
  const PublicationHub hub;
  const auto timer = metrics.TimerOf("grpc", "/anchorage.v1.A/Get");
  EXPECT_THAT(metrics.Render(hub),
              HasSubstr("trustd_rpc_duration_seconds_count{method="
                        "\"anchorage.v1.A/Get\",port=\"grpc\"} 0\n"));
  timer(absl::Milliseconds(2), 0);
  timer(absl::Milliseconds(20), 5);
  timer(absl::Seconds(20), 99);
  const std::string page = metrics.Render(hub);
  for (const char* line :
       {"_bucket{method=\"anchorage.v1.A/Get\",port=\"grpc\",le=\"0.0025\"} "
        "1\n",
        "_bucket{method=\"anchorage.v1.A/Get\",port=\"grpc\",le=\"0.05\"} 2\n",
        "_count{method=\"anchorage.v1.A/Get\",port=\"grpc\"} 3\n",
        "trustd_rpc_failures_total{code=\"NOT_FOUND\",port=\"grpc\"} 1\n",
        "trustd_rpc_failures_total{code=\"UNKNOWN\",port=\"grpc\"} 1\n",
        "trustd_build_info{version=\""}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(Metrics, HaveWhatOthersAdd) {
  Metrics metrics(v1::TrustdConfig::MODE_ONLINE);
  double value = 1;
  metrics.Add(std::make_shared<Collector>([&] {
    return std::vector{Gauges("test_gauge", "help", {{{{"a", "b"}}, value}})};
  }));
  const PublicationHub hub;
  EXPECT_THAT(metrics.Render(hub), HasSubstr("test_gauge{a=\"b\"} 1\n"));
  value = 2;
  EXPECT_THAT(metrics.Render(hub), HasSubstr("test_gauge{a=\"b\"} 2\n"));
}

}  // namespace
}  // namespace anchorage::trustd
