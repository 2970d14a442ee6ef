#include "trustd/console/site.h"

#include <memory>
#include <regex>
#include <string>

#include "absl/strings/str_cat.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/support/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SiteTest : public MirrorTest {
 protected:
  void SetUp() override {
    MirrorTest::SetUp();
    Show();
  }

  void Show() {
    site_ = std::make_unique<Site>(Site::Readers{
        .clock = [this] { return now_; }, .mirror = *mirror_, .hub = hub_});
  }

  std::string Body(const std::string& target) const {
    const Site::Page page = site_->Get(target);
    EXPECT_EQ(page.status, 200) << target;
    EXPECT_EQ(page.media_type, "text/html; charset=utf-8");
    return page.body;
  }
  int Status(const std::string& target) const {
    return site_->Get(target).status;
  }

  std::unique_ptr<Site> site_;
};

TEST_F(SiteTest, SaysThatEverythingIsWell) {
  ASSERT_TRUE(Observe(Page()).ok());
  const std::string page = Body("/");
  EXPECT_THAT(page, HasSubstr("Everything is well"));
  EXPECT_THAT(page, Not(HasSubstr("What needs a person")));
  EXPECT_THAT(page, HasSubstr("Sequence 1"));
}

TEST_F(SiteTest, SaysWhatNeedsAPerson) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  const std::string page = Body("/");
  EXPECT_THAT(page, HasSubstr("One thing needs a person"));
  EXPECT_THAT(page, HasSubstr("Re-key of aws/eu-west-1/iid-rsa2048"));
  EXPECT_THAT(page, HasSubstr("trustctl rotations show 1"));
  EXPECT_THAT(Body("/anchors"), HasSubstr("href=\"/changes/1\""));
  EXPECT_THAT(Body("/changes?state=open"), HasSubstr("href=\"/changes/1\""));
}

TEST_F(SiteTest, SaysThatASourceFails) {
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(
      mirror_->SourceFailed("aws-docs", "TIMED_OUT", "no answer", now_).ok());
  EXPECT_THAT(Body("/"), HasSubstr("Source aws-docs fails"));
  EXPECT_THAT(Body("/sources"), HasSubstr("failing"));
}

TEST_F(SiteTest, SaysThatTheRecordIsDamaged) {
  ASSERT_TRUE(Observe(Page()).ok());
  store_.values["ledger/record/0000000000000000"].back() ^= 1;
  Start();
  Show();
  ASSERT_FALSE(mirror_->ledger().health().ok());
  EXPECT_THAT(Body("/"), HasSubstr("The record is damaged"));
}

TEST_F(SiteTest, SaysThatNothingIsSigned) {
  hub_.SetSigning(absl::FailedPreconditionError("the store went back"));
  EXPECT_THAT(Body("/"), HasSubstr("Nothing is signed"));
}

TEST_F(SiteTest, ShowsTheDecision) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  const std::string page = Body("/changes/1");
  EXPECT_THAT(page, HasSubstr("Change 1: Re-key"));
  EXPECT_THAT(page, HasSubstr("differs"));
  EXPECT_THAT(page, HasSubstr("aws-docs"));
  EXPECT_THAT(page, HasSubstr("trustctl rotations approve"));
  EXPECT_THAT(Body("/alerts"), HasSubstr("<code>trustctl alerts ack</code>"));
}

TEST_F(SiteTest, NamesEverybodyWhoDecided) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "alice", "asking").ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "bob", "asking").ok());
  EXPECT_THAT(Body("/changes"), HasSubstr("<bdi>alice, bob</bdi>"));
}

// What others wrote is shown as text, on every page that shows it.
TEST_F(SiteTest, EscapesWhatPeopleWrite) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  const std::string why = "<script>{{title}}</script>\"'&\u202e\x1b[2J\n";
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "alice", why).ok());
  for (const char* target : {"/changes/1", "/record"}) {
    const std::string page = Body(target);
    EXPECT_THAT(page, HasSubstr("&lt;script&gt;{{title}}&lt;/script&gt;"))
        << target;
    EXPECT_THAT(page, HasSubstr("\\u202e\\x1b[2J")) << target;
    EXPECT_THAT(page, Not(HasSubstr("\u202e"))) << target;
    EXPECT_THAT(page, Not(HasSubstr("\x1b"))) << target;
  }
}

TEST_F(SiteTest, EscapesTheNamesInACertificate) {
  test::CertSpec spec =
      aws_.Certificate("eu-west-1", verify::AnchorKind::kIidRsa2048);
  spec.key = spec.issuer_key = &NewKey();
  spec.subject = test::AmazonName("<b>\u202eAWS</b>\n{{title}}");
  auto entries = anchors::PageEntries(seed_);
  for (auto& entry : entries) {
    if (entry.slot == kIreland) entry.der = test::MakeCertificate(spec);
  }
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  const std::string page = Body("/changes/1");
  EXPECT_THAT(page, HasSubstr("&lt;b"));
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
  EXPECT_THAT(page, Not(HasSubstr("\u202e")));
}

TEST_F(SiteTest, EscapesWhatASourceSays) {
  Observation look = Page();
  look.location = "https://docs.example/\"><img src=x onerror=alert(1)>";
  ASSERT_TRUE(Observe(look).ok());
  ASSERT_TRUE(mirror_
                  ->SourceFailed("aws-docs", "TIMED_OUT",
                                 "<img src=x>{{now}}\u202e", now_)
                  .ok());
  for (const char* target : {"/", "/sources", "/record"}) {
    EXPECT_THAT(Body(target), Not(HasSubstr("<img src=x"))) << target;
    EXPECT_THAT(Body(target), Not(HasSubstr("\u202e"))) << target;
  }
}

TEST_F(SiteTest, HasAPageOfEachSlot) {
  const std::string page = Body("/anchors/aws/eu-west-1/iid-rsa2048");
  EXPECT_THAT(page, HasSubstr("in use"));
  EXPECT_EQ(Status("/anchors/aws/eu-west-1/iid-rsa2049"), 404);
  EXPECT_EQ(Status("/anchors/"), 404);
}

TEST_F(SiteTest, HasTheRecordInPagesThatStay) {
  ASSERT_TRUE(Observe(Page()).ok());
  for (int i = 0; i < 60; ++i) {
    now_ += absl::Minutes(1);
    ASSERT_TRUE(
        mirror_->SourceFailed("aws-docs", absl::StrCat("F", i), "", now_).ok());
    ASSERT_TRUE(mirror_->Unchanged("aws-docs", now_).ok());
  }
  const std::string first = Body("/record?page=1");
  EXPECT_THAT(first, HasSubstr("page=2"));
  EXPECT_THAT(first, HasSubstr("fails: F1"));
  EXPECT_EQ(Body("/record"),
            Body(absl::StrCat("/record?page=",
                              (mirror_->ledger().head().size + 49) / 50)));
  ASSERT_TRUE(mirror_->SourceFailed("aws-docs", "Z", "", now_).ok());
  const auto records = [](const std::string& page) {
    return page.substr(0, page.find("class=\"pager\""));
  };
  EXPECT_EQ(records(Body("/record?page=1")), records(first));
}

TEST_F(SiteTest, RefusesWhatIsNoAddress) {
  for (const char* target :
       {"", "*", "http://a/", "/record?page=0", "/record?page=-1",
        "/record?page=+1", "/record?page=1.5", "/record?page=",
        "/record?page=99999999999999999999999", "/record?page=1&x=2",
        "/record?PAGE=1", "/changes?state=closed", "/changes?year=99999",
        "/?page=1", "/record?%70age=1", "/record?", "/style.css?x=1"}) {
    EXPECT_EQ(Status(target), 400) << target;
  }
  EXPECT_EQ(Status("/" + std::string(600, 'a')), 400);
}

TEST_F(SiteTest, HasNoOtherPage) {
  for (const char* target :
       {"/record?page=2", "/record?page=999999999999", "/changes?page=2",
        "/changes/2", "/changes/0", "/changes/-1", "/changes/1/x", "/x",
        "/../etc/passwd", "//", "/record/", "/anchors/%2e%2e",
        "/favicon.ico"}) {
    EXPECT_EQ(Status(target), 404) << target;
  }
}

TEST_F(SiteTest, ErrorsShowNothingOfWhatWasAsked) {
  const std::string page = site_->Get("/<script>{{now}}").body;
  EXPECT_THAT(page, Not(HasSubstr("script")));
  EXPECT_THAT(page, Not(HasSubstr("{{now}}")));
  // And nothing of what is known.
  EXPECT_THAT(site_->Error(403).body, Not(HasSubstr("aria-current")));
}

// A page that loads from elsewhere, runs or sends something would be stopped by
// the policy that goes with it; it does not even try.
TEST_F(SiteTest, PagesNeedNothingButTheStyleSheetAndTheIcon) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  const std::regex loads("(?:src|href)=\"([^\"]*)\"");
  for (const char* target : {"/", "/anchors", "/changes", "/changes/1",
                             "/sources", "/fleet", "/timeline", "/record",
                             "/expiry", "/anchors/aws/eu-west-1/iid-rsa2048"}) {
    const std::string page = Body(target);
    for (std::sregex_iterator at(page.begin(), page.end(), loads), end;
         at != end; ++at) {
      const std::string address = (*at)[1];
      EXPECT_TRUE(address.starts_with('/') || address.starts_with('#'))
          << address;
      if (address.starts_with('/')) {
        EXPECT_EQ(Status(address.substr(0, address.find('#'))), 200)
            << target << " links to " << address;
      }
    }
    EXPECT_THAT(page, Not(HasSubstr("<script"))) << target;
    EXPECT_THAT(page, Not(HasSubstr(" style="))) << target;
  }
}

TEST_F(SiteTest, ShowsTenYears) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  const std::string page = Body("/timeline");
  EXPECT_THAT(page, HasSubstr("<rect"));
  const std::string year = absl::FormatTime("%Y", now_, absl::UTCTimeZone());
  EXPECT_THAT(page, HasSubstr("/changes?year=" + year));
  EXPECT_THAT(Body("/changes?year=" + year), HasSubstr("/changes/1"));
  EXPECT_THAT(Body("/changes?year=1999"), Not(HasSubstr("/changes/1")));
}

TEST_F(SiteTest, ShowsWhatPeopleDidByHand) {
  EXPECT_THAT(Body("/timeline"), Not(HasSubstr("revoked")));
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_REVOKE);
  fact.mutable_slot()->set_partition(kIreland.partition);
  fact.mutable_slot()->set_region(kIreland.region);
  fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  for (const auto& anchor : seed_.anchors) {
    if (anchor.slot == kIreland) fact.set_spki_sha256(anchor.spki_sha256);
  }
  fact.set_by("olga");
  fact.set_why("<i>leaked</i>");
  ASSERT_TRUE(mirror_->Pin({.fact = fact, .last_key = true}, now_).ok());
  EXPECT_THAT(Body("/timeline"), HasSubstr("olga revoked the key"));
  EXPECT_THAT(Body("/timeline"), HasSubstr("&lt;i&gt;leaked&lt;/i&gt;"));
  EXPECT_THAT(Body("/anchors/aws/eu-west-1/iid-rsa2048"), HasSubstr("revoked"));
}

}  // namespace
}  // namespace anchorage::trustd
