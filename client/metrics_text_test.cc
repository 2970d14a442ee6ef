#include "client/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "verify/reason.h"

namespace anchorage::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// --- A strict reader of Prometheus's text format 0.0.4 -----------------------

struct Page {
  // By name.
  std::map<std::string, std::string> types;
  // By name and labels, as they are written.
  std::map<std::string, double> samples;
};

// Reads a page that is exactly of the form that we write: for each family HELP,
// TYPE and then its samples. Returns nullopt for anything else.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Page> Read() {
    while (!text_.empty()) {
      if (!ReadFamily()) return std::nullopt;
    }
    return page_;
  }

 private:
  bool Take(std::string_view what) {
    if (!text_.starts_with(what)) return false;
    text_.remove_prefix(what.size());
    return true;
  }
  std::string TakeName() {
    std::size_t size = 0;
    while (
        size < text_.size() &&
        (std::isalpha(static_cast<unsigned char>(text_[size])) ||
         text_[size] == '_' ||
         (size > 0 && std::isdigit(static_cast<unsigned char>(text_[size]))))) {
      ++size;
    }
    return TakeFront(size);
  }
  std::string TakeFront(std::size_t size) {
    const std::string front(text_.substr(0, size));
    text_.remove_prefix(size);
    return front;
  }

  bool ReadFamily() {
    if (!Take("# HELP ")) return false;
    const std::string name = TakeName();
    if (name.empty() || !Take(" ")) return false;
    const std::string help = TakeFront(text_.find('\n'));
    if (help.empty() || help.find('\\') != help.npos || !Take("\n")) {
      return false;
    }
    if (!Take("# TYPE " + name + " ")) return false;
    const std::string type = TakeName();
    if (!Take("\n") || (type != "gauge" && type != "counter")) return false;
    if ((type == "counter") != std::string_view(name).ends_with("_total")) {
      return false;
    }
    if (!page_.types.emplace(name, type).second) return false;
    while (!text_.empty() && !text_.starts_with('#')) {
      if (!ReadSample(name)) return false;
    }
    return true;
  }

  bool ReadSample(const std::string& family) {
    if (TakeName() != family) return false;
    std::string labels;
    if (Take("{") && !ReadLabels(labels)) return false;
    if (!Take(" ")) return false;
    const std::string number = TakeFront(text_.find_first_of(" \n"));
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0' || !Take("\n")) return false;
    return page_.samples.emplace(family + labels, value).second;
  }

  bool ReadLabels(std::string& labels) {
    std::set<std::string> names;
    do {
      const std::string name = TakeName();
      if (name.empty() || !names.insert(name).second || !Take("=\"")) {
        return false;
      }
      std::string value;
      while (!Take("\"")) {
        if (text_.empty() || text_.starts_with('\n')) return false;
        if (Take("\\")) {
          const std::string escaped = TakeFront(1);
          if (escaped != "\\" && escaped != "\"" && escaped != "n") {
            return false;
          }
          value += escaped == "n" ? "\n" : escaped;
        } else {
          value += TakeFront(1);
        }
      }
      labels += "," + name + "=" + value;
    } while (Take(","));
    return Take("}");
  }

  std::string_view text_;
  Page page_;
};

TrustClientState Good() {
  TrustClientState state;
  state.provenance = {.origin = verify::Origin::kServer,
                      .sequence = 7,
                      .as_of = absl::FromUnixSeconds(1000),
                      .fresh_until = absl::FromUnixSeconds(2000)};
  state.freshness = verify::Freshness::kStale;
  state.anchors = 130;
  state.releases = 4;
  state.refreshed = 1;
  state.unreachable = 2;
  state.rejected = 3;
  state.clock_suspect = 4;
  state.equivocations = 5;
  state.last_refresh = absl::UnavailableError("away");
  state.last_refresh_at = absl::FromUnixSeconds(1500);
  state.reports_sent = 8;
  state.reports_failed = 9;
  const verify::Slot oregon{.partition = "aws",
                            .region = "us-west-2",
                            .kind = verify::AnchorKind::kIidRsa2048};
  state.verifications = {
      {oregon, std::nullopt, 18446744073709551615u},
      {oregon, verify::Reason::kSignatureMismatch, 6},
      {oregon, verify::Reason::kAnchorsExpired, 2},
      {{.partition = "", .region = "", .kind = verify::AnchorKind::kIidDsa},
       verify::Reason::kRegionUnknown,
       1}};
  return state;
}

TEST(MetricsText, SaysHowTheClientStands) {
  const auto page = Reader(MetricsText(Good(), "product")).Read();
  ASSERT_TRUE(page.has_value()) << MetricsText(Good(), "product");
  const auto value = [&](const std::string& name) {
    std::string key = "anchorage_client_" + name;
    key.insert(std::min(key.size(), key.find(',')), ",client=product");
    const auto found = page->samples.find(key);
    return found == page->samples.end() ? -1 : found->second;
  };
  EXPECT_EQ(value("anchors_freshness,freshness=STALE"), 1);
  EXPECT_EQ(value("anchors_freshness,freshness=FRESH"), 0);
  EXPECT_EQ(value("anchors_origin,origin=SERVER"), 1);
  EXPECT_EQ(value("anchors_origin,origin=CACHE"), 0);
  EXPECT_EQ(value("anchors_sequence"), 7);
  EXPECT_EQ(value("anchors_as_of_timestamp_seconds"), 1000);
  EXPECT_EQ(value("anchors_fresh_until_timestamp_seconds"), 2000);
  EXPECT_EQ(value("anchors"), 130);
  EXPECT_EQ(value("releases"), 4);
  EXPECT_EQ(value("refreshes_total,outcome=refreshed"), 1);
  EXPECT_EQ(value("refreshes_total,outcome=unreachable"), 2);
  EXPECT_EQ(value("refreshes_total,outcome=rejected"), 3);
  EXPECT_EQ(value("refreshes_total,outcome=clock_suspect"), 4);
  EXPECT_EQ(value("last_refresh_timestamp_seconds"), 1500);
  EXPECT_EQ(value("last_refresh_success"), 0);
  EXPECT_EQ(value("cache_success"), 1);
  EXPECT_EQ(value("equivocations_total"), 5);
  EXPECT_EQ(value("reports_total,outcome=sent"), 8);
  EXPECT_EQ(value("reports_total,outcome=failed"), 9);
  const std::string slot =
      "verifications_total,partition=aws,region=us-west-2,kind=iid-rsa2048,";
  EXPECT_EQ(value(slot + "outcome=accepted,reason="), 18446744073709551615.0);
  EXPECT_EQ(value(slot + "outcome=refused,reason=SIGNATURE_MISMATCH"), 6);
  EXPECT_EQ(value(slot + "outcome=undecided,reason=ANCHORS_EXPIRED"), 2);
  EXPECT_EQ(value("verifications_total,partition=,region=,kind=iid-dsa,"
                  "outcome=refused,reason=REGION_UNKNOWN"),
            1);
}

TEST(MetricsText, IsValidWhereNothingIsKnown) {
  const std::string text = MetricsText(TrustClientState(), "product");
  const auto page = Reader(text).Read();
  ASSERT_TRUE(page.has_value()) << text;
  EXPECT_THAT(text,
              Not(HasSubstr("\nanchorage_client_last_refresh_timestamp")));
}

TEST(MetricsText, NamesAreEscaped) {
  TrustClientState state;
  state.verifications = {
      {{.partition = "a\"\\\nb", .region = "c"}, std::nullopt, 1}};
  const auto page = Reader(MetricsText(state, "a\"\n")).Read();
  ASSERT_TRUE(page.has_value());
  EXPECT_EQ(page->samples.count("anchorage_client_verifications_total,"
                                "client=a\"\n,"
                                "partition=a\"\\\nb,region=c,kind=iid-rsa2048,"
                                "outcome=accepted,reason="),
            1u);
}

// The reader of this test is one that can refuse.
TEST(MetricsText, TheReaderIsStrict) {
  const std::string good = "# HELP a b\n# TYPE a gauge\na{c=\"d\"} 1\n";
  EXPECT_TRUE(Reader(good).Read().has_value());
  for (const char* bad :
       {"a 1\n", "# HELP a b\na 1\n", "# HELP a b\n# TYPE a gauge\nb 1\n",
        "# HELP a b\n# TYPE a gauge\na 1", "# HELP a b\n# TYPE a gauge\na x\n",
        "# HELP a b\n# TYPE a counter\na 1\n",
        "# HELP a b\n# TYPE a gauge\na 1\na 2\n",
        "# HELP a b\n# TYPE a gauge\na{} 1\n",
        "# HELP a b\n# TYPE a gauge\na{c=\"\\x\"} 1\n",
        "# HELP a b\n# TYPE a gauge\na{c=\"d} 1\n",
        "# HELP a b\n# TYPE a gauge\na{c=\"d\",c=\"e\"} 1\n"}) {
    EXPECT_FALSE(Reader(bad).Read().has_value()) << bad;
  }
}

// --- The manual --------------------------------------------------------------

TEST(Manual, HasEveryMetricAndEveryEvent) {
  std::ifstream file("client/notify/README.md");
  std::stringstream manual;
  manual << file.rdbuf();
  ASSERT_THAT(manual.str(), HasSubstr("# client/notify"));
  const auto page = Reader(MetricsText(Good(), "product")).Read();
  ASSERT_TRUE(page.has_value());
  for (const auto& [name, type] : page->types) {
    EXPECT_THAT(manual.str(), HasSubstr("`" + name)) << name;
  }
  for (const EventName name : AllEventNames()) {
    EXPECT_THAT(manual.str(),
                HasSubstr("| `" + std::string(NameOf(name)) + "` |"));
  }
}

}  // namespace
}  // namespace anchorage::client
