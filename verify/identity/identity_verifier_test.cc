#include "verify/identity/identity_verifier.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/fake_aws/fake_identity.h"
#include "verify/crypto/public_key.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::FakeIdentity;
using test::FakeNow;
using test::Pkcs7Spec;

constexpr char kRegion[] = "eu-west-1";

IdentityPolicy Policy(
    const std::function<void(IdentityPolicy::Builder&)>& say) {
  IdentityPolicy::Builder builder;
  say(builder);
  return *builder.IgnoreTheRest("not in question").Build();
}

// Everything that one call depends on. A test starts from Good(), breaks one
// part.
struct Case {
  FakeIdentity aws;
  IdentityForm form = IdentityForm::kRsa2048;
  std::optional<std::string> document;
  std::string signature;
  std::vector<AnchorRecord> anchors;
  AnchorProvenance provenance;
  IdentityPolicy policy = *IdentityPolicy::AuthenticityOnly("in a test");
  absl::Time now = FakeNow();
  const ReplayCheck* replay = nullptr;
  Trace* trace = nullptr;

  AnchorRecord& anchor(AnchorKind kind, std::string_view region = kRegion) {
    return *std::find_if(
        anchors.begin(), anchors.end(), [&](const AnchorRecord& record) {
          return record.slot.kind == kind && record.slot.region == region;
        });
  }
};

Case Good(IdentityForm form = IdentityForm::kRsa2048,
          const std::function<void(Pkcs7Spec&)>& edit = {},
          const std::function<void(test::DocumentFields&)>& fields = {}) {
  Case c;
  c.form = form;
  test::DocumentFields document = c.aws.Document(kRegion);
  if (fields) fields(document);
  if (form == IdentityForm::kSignature) {
    c.document = document.Text();
    c.signature = c.aws.Signature(kRegion, *c.document);
  } else {
    Pkcs7Spec spec =
        c.aws.Genuine(kRegion, AnchorKindOf(form), document.Text());
    if (edit) edit(spec);
    c.signature = Encode(spec);
  }
  c.anchors = c.aws.Anchors();
  c.provenance.as_of = FakeNow();
  return c;
}

absl::StatusOr<VerifiedIdentity> Judge(const Case& c) {
  const auto anchors = AnchorSet::Create(c.anchors, c.provenance);
  EXPECT_TRUE(anchors.ok()) << anchors.status();
  IdentityEvidence evidence{std::nullopt, c.form, c.signature};
  if (c.document.has_value()) evidence.document = *c.document;
  return VerifyIdentity(evidence, **anchors, c.policy, c.now, c.replay,
                        c.trace);
}

std::optional<Reason> ReasonFor(const Case& c) {
  return ReasonOf(Judge(c).status());
}

bool HasNote(const VerifiedIdentity& identity, IdentityNote note) {
  return std::find(identity.notes().begin(), identity.notes().end(), note) !=
         identity.notes().end();
}

TEST(VerifyIdentity, AcceptsEachForm) {
  for (const IdentityForm form :
       {IdentityForm::kSignature, IdentityForm::kPkcs7,
        IdentityForm::kRsa2048}) {
    Case c = Good(form);
    const auto identity = Judge(c);
    ASSERT_TRUE(identity.ok()) << identity.status();
    const AnchorRecord& anchor = c.anchor(AnchorKindOf(form));
    EXPECT_EQ(identity->form(), form);
    EXPECT_EQ(identity->kind(), AnchorKindOf(form));
    EXPECT_EQ(identity->anchor_slot(), anchor.slot);
    EXPECT_EQ(identity->anchor_spki_sha256(), Sha256Hex(anchor.spki_der));
    EXPECT_EQ(identity->partition(), "aws");
    EXPECT_EQ(identity->provenance(), c.provenance);
    EXPECT_EQ(identity->document().account_id, "012345678901");
    EXPECT_EQ(identity->document_bytes(), c.aws.Document(kRegion).Text());
    EXPECT_TRUE(identity->notes().empty());
    EXPECT_EQ(identity->signing_time().has_value(),
              form != IdentityForm::kSignature);
    EXPECT_EQ(identity->signer_serial_hex().size(),
              form == IdentityForm::kSignature ? 0u : 16u);
  }
}

TEST(VerifyIdentity, FindsOutWhichPkcs7ItIs) {
  for (const IdentityForm form :
       {IdentityForm::kPkcs7, IdentityForm::kRsa2048}) {
    for (const IdentityForm said :
         {IdentityForm::kPkcs7, IdentityForm::kRsa2048}) {
      const Case c = Good(form);
      const auto anchors = AnchorSet::Create(c.anchors, c.provenance);
      IdentityEvidence evidence{std::nullopt, said, c.signature};
      evidence.any_pkcs7 = true;
      const auto identity =
          VerifyIdentity(evidence, **anchors, c.policy, c.now);
      ASSERT_TRUE(identity.ok()) << identity.status();
      EXPECT_EQ(identity->form(), form);
      EXPECT_EQ(identity->kind(), AnchorKindOf(form));
    }
  }
}

TEST(VerifyIdentity, TracesOnlyTheFailureWhereThatIsAskedFor) {
  Case c = Good();
  Trace failure(Trace::Records::kFailure);
  c.trace = &failure;
  EXPECT_TRUE(Judge(c).ok());
  EXPECT_TRUE(failure.entries().empty());
  EXPECT_EQ(failure.failed_check(), "");
  c.policy = Policy([](auto& b) { b.ExpectRegions({"us-east-1"}); });
  EXPECT_FALSE(Judge(c).ok());
  EXPECT_EQ(failure.entries().size(), 1u);
  EXPECT_EQ(failure.failed_check(), "region");
}

TEST(VerifyIdentity, AnswersWhetherTheInstanceIsLicensed) {
  const auto fields = [](test::DocumentFields& f) {
    f.Set("marketplaceProductCodes", "[ \"code1\" ]");
  };
  Case c = Good(IdentityForm::kRsa2048, {}, fields);
  c.policy = Policy([](auto& b) { b.ExpectAnyProductCode({"code1"}); });
  EXPECT_TRUE(Judge(c).ok());
  c.policy = Policy([](auto& b) { b.ExpectAnyProductCode({"code2"}); });
  EXPECT_EQ(ReasonFor(c), Reason::kProductCodeNotAllowed);
}

TEST(VerifyIdentity, AcceptsTheDocumentBesideItsPkcs7) {
  Case c = Good();
  c.document = c.aws.Document(kRegion).Text();
  EXPECT_TRUE(Judge(c).ok());
  c.document->push_back('\n');
  EXPECT_EQ(ReasonFor(c), Reason::kContentMismatch);
  c.document = "";
  EXPECT_EQ(ReasonFor(c), Reason::kContentMismatch);
}

TEST(VerifyIdentity, NeedsTheDocumentBesideABareSignature) {
  Case c = Good(IdentityForm::kSignature);
  c.document = std::nullopt;
  EXPECT_EQ(ReasonFor(c), Reason::kContentMissing);
}

TEST(VerifyIdentity, ReportsAReissuedCertificateAndAcceptsItsKey) {
  Case c = Good(IdentityForm::kRsa2048, [](Pkcs7Spec& spec) {
    spec.signers[0].serial = "\x01\x02\x03";
  });
  const auto identity = Judge(c);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_TRUE(HasNote(*identity, IdentityNote::kAnchorReissued));
  EXPECT_EQ(identity->signer_serial_hex(), "010203");

  // Not without a certificate to compare it with.
  c.anchor(AnchorKind::kIidRsa2048).certificates_der.clear();
  EXPECT_FALSE(HasNote(*Judge(c), IdentityNote::kAnchorReissued));
}

TEST(VerifyIdentity, ReportsAKeyOfSeveralRegions) {
  Case c = Good(IdentityForm::kSignature);
  c.document = c.aws.Document("us-west-2").Text();
  c.signature = c.aws.Signature("us-west-2", *c.document);
  const auto identity = Judge(c);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_TRUE(HasNote(*identity, IdentityNote::kSharedKey));
  EXPECT_EQ(identity->anchor_slot().region, "us-west-2");
}

TEST(VerifyIdentity, ReportsUnknownKeysAndVersions) {
  const auto identity =
      Judge(Good(IdentityForm::kPkcs7, {}, [](test::DocumentFields& f) {
        f.Add("tags", "[]").SetText("version", "2031-01-01");
      }));
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_TRUE(HasNote(*identity, IdentityNote::kUnknownKeys));
  EXPECT_TRUE(HasNote(*identity, IdentityNote::kUnknownVersion));
  EXPECT_EQ(identity->document().unknown_keys,
            std::vector<std::string>{"tags"});
}

TEST(VerifyIdentity, ReportsASigningTimeThatIsNotSoonAfterPendingTime) {
  const absl::Time launched = FakeNow() - absl::Minutes(10);
  const auto noted = [&](absl::Duration delay) {
    return HasNote(*Judge(Good(IdentityForm::kRsa2048,
                               [&](Pkcs7Spec& spec) {
                                 spec.signers[0].signing_time =
                                     launched + delay;
                               })),
                   IdentityNote::kSigningTimeSkew);
  };
  EXPECT_FALSE(noted(absl::ZeroDuration()));
  EXPECT_FALSE(noted(absl::Seconds(60)));
  EXPECT_TRUE(noted(absl::Seconds(61)));
  EXPECT_TRUE(noted(-absl::Seconds(1)));
}

TEST(VerifyIdentity, ReportsAPkcs7WithoutAlgorithmProtection) {
  const auto identity = Judge(Good(IdentityForm::kRsa2048, [](Pkcs7Spec& spec) {
    spec.signers[0].has_algorithm_protection = false;
  }));
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_TRUE(HasNote(*identity, IdentityNote::kAlgorithmsUnprotected));
}

TEST(VerifyIdentity, TriesEveryAnchorOfTheSlot) {
  Case c = Good();
  AnchorRecord& right = c.anchor(AnchorKind::kIidRsa2048);
  for (int number = 40; number < 43; ++number) {
    AnchorRecord other = right;
    other.spki_der = test::TestKey::Rsa(2048, number).spki_der();
    // With the right certificates: names decide nothing.
    other.certificates_der.clear();
    c.anchors.push_back(other);
  }
  EXPECT_TRUE(Judge(c).ok());
}

TEST(VerifyIdentity, TellsWhyAnAnchorMayNotBeUsed) {
  const auto with = [](const std::function<void(AnchorRecord&)>& change) {
    Case c = Good();
    change(c.anchor(AnchorKind::kIidRsa2048));
    return ReasonFor(c);
  };
  EXPECT_EQ(with([](AnchorRecord& a) { a.status = AnchorStatus::kRetiring; }),
            std::nullopt);
  EXPECT_EQ(with([](AnchorRecord& a) { a.status = AnchorStatus::kRevoked; }),
            Reason::kAnchorRevoked);
  EXPECT_EQ(with([](AnchorRecord& a) { a.status = AnchorStatus::kRetired; }),
            Reason::kAnchorNotActive);
  EXPECT_EQ(with([](AnchorRecord& a) { a.status = AnchorStatus::kAnnounced; }),
            Reason::kAnchorNotActive);
  EXPECT_EQ(with([](AnchorRecord& a) {
              a.accept_until = FakeNow() - absl::Seconds(1);
            }),
            Reason::kAnchorNotActive);
}

// The document is of ten minutes before FakeNow().
TEST(VerifyIdentity, ComparesAnAnchorsWindowWithThePendingTime) {
  const absl::Time made = FakeNow() - absl::Minutes(10);
  const auto with = [&](absl::Time from, absl::Time until, absl::Time now) {
    Case c = Good();
    AnchorRecord& anchor = c.anchor(AnchorKind::kIidRsa2048);
    anchor.status = AnchorStatus::kRetiring;
    anchor.valid_from = from;
    anchor.valid_until = until;
    c.now = now;
    return ReasonFor(c);
  };
  const absl::Time past = absl::InfinitePast();
  const absl::Time future = absl::InfiniteFuture();
  EXPECT_EQ(with(made, made, FakeNow()), std::nullopt);
  EXPECT_EQ(with(past, made - absl::Seconds(1), FakeNow()),
            Reason::kAnchorNotActive);
  EXPECT_EQ(with(made + absl::Seconds(1), future, FakeNow()),
            Reason::kAnchorNotActive);
  // An instance that is never restarted, ten years on.
  EXPECT_EQ(with(past, made, FakeNow() + absl::Hours(24 * 3650)), std::nullopt);
}

// Nobody chooses a window by a time that the key has not signed.
TEST(VerifyIdentity, LooksAtTheWindowAfterTheSignature) {
  Case c = Good(IdentityForm::kSignature);
  c.anchor(AnchorKind::kIidRsa1024).valid_until = absl::UnixEpoch();
  EXPECT_EQ(ReasonFor(c), Reason::kAnchorNotActive);
  c.signature.back() ^= 1;
  EXPECT_EQ(ReasonFor(c), Reason::kSignatureMismatch);
}

TEST(VerifyIdentity, CannotDecideWithoutAnAnchorThatMayBeUsed) {
  Case none = Good();
  none.anchors.clear();
  EXPECT_EQ(ReasonFor(none), Reason::kNoUsableAnchors);

  Case other_kinds = Good();
  std::erase_if(other_kinds.anchors, [](const AnchorRecord& a) {
    return a.slot.region == kRegion && a.slot.kind == AnchorKind::kIidRsa2048;
  });
  EXPECT_EQ(ReasonFor(other_kinds), Reason::kNoUsableAnchors);

  Case retired = Good();
  AnchorRecord& anchor = retired.anchor(AnchorKind::kIidRsa2048);
  anchor.status = AnchorStatus::kRetired;
  anchor.spki_der = test::TestKey::Rsa(2048, 41).spki_der();
  anchor.certificates_der.clear();
  EXPECT_EQ(ReasonFor(retired), Reason::kNoUsableAnchors);
}

TEST(VerifyIdentity, RefusesARegionThatNobodyKnows) {
  Case c = Good();
  std::erase_if(c.anchors,
                [](const AnchorRecord& a) { return a.slot.region == kRegion; });
  EXPECT_EQ(ReasonFor(c), Reason::kRegionUnknown);
}

TEST(VerifyIdentity, NamesTheRegionAsTheFaultWhereAnotherRegionSigned) {
  for (const IdentityForm form :
       {IdentityForm::kSignature, IdentityForm::kPkcs7,
        IdentityForm::kRsa2048}) {
    Case c = Good(form);
    const std::string document = c.aws.Document(kRegion).Text();
    if (form == IdentityForm::kSignature) {
      c.signature = c.aws.Signature("us-east-1", document);
    } else {
      c.signature =
          Encode(c.aws.Genuine("us-east-1", AnchorKindOf(form), document));
    }
    EXPECT_EQ(ReasonFor(c), Reason::kRegionMismatch) << NameOf(form);
  }
}

TEST(VerifyIdentity, JudgesTheClockOnlyWhereTheAnswerDependsOnIt) {
  Case c = Good();
  c.provenance.as_of = c.now + kMaxClockSlack + absl::Seconds(1);
  EXPECT_TRUE(Judge(c).ok());

  Case with_window = c;
  with_window.anchor(AnchorKind::kIidRsa2048).valid_until = FakeNow();
  EXPECT_TRUE(Judge(with_window).ok());
  Case with_end = c;
  with_end.anchor(AnchorKind::kIidRsa2048).accept_until =
      absl::FromUnixSeconds(4'000'000'000);
  EXPECT_EQ(ReasonFor(with_end), Reason::kClockSuspect);

  c.policy = Policy([](auto& b) { b.ExpectMaxAge(absl::Hours(1)); });
  EXPECT_EQ(ReasonFor(c), Reason::kClockSuspect);
  c.provenance.as_of = c.now + kMaxClockSlack;
  EXPECT_TRUE(Judge(c).ok());
}

TEST(VerifyIdentity, ChecksNothingOfTheContentBeforeTheSignature) {
  // Without the fields that must be there, and with a bad signature.
  Case c = Good(IdentityForm::kSignature);
  c.document = std::string("{\"region\" : \"") + kRegion + "\"}";
  EXPECT_EQ(ReasonFor(c), Reason::kSignatureMismatch);
  c.signature = c.aws.Signature(kRegion, *c.document);
  EXPECT_EQ(ReasonFor(c), Reason::kFieldMissing);
}

TEST(VerifyIdentity, ChecksThePolicyOnlyOfWhatIsAuthentic) {
  Case c = Good();
  c.policy = Policy([](auto& b) { b.ExpectAccounts({"999999999999"}); });
  EXPECT_EQ(ReasonFor(c), Reason::kAccountNotAllowed);
  c.signature[c.signature.size() - 20] ^= 1;
  EXPECT_EQ(ReasonFor(c), Reason::kSignatureMismatch);
}

TEST(VerifyIdentity, RefusesTooMuch) {
  Case c = Good();
  c.document = std::string(kMaxDocumentBytes + 1, ' ');
  EXPECT_EQ(ReasonFor(c), Reason::kInputTooLarge);
  c.document = std::nullopt;
  c.signature.resize((64 << 10) + 1);
  EXPECT_EQ(ReasonFor(c), Reason::kInputTooLarge);
}

TEST(VerifyIdentity, AsksTheLedgerLastAndByWhatTheDocumentSays) {
  InMemoryReplayLedger ledger(10);
  const ReplayCheck once{&ledger, ReplayMode::kSingleUse, ""};
  Case refused = Good();
  refused.replay = &once;
  refused.policy = Policy([](auto& b) { b.ExpectRegions({"elsewhere"}); });
  EXPECT_EQ(ReasonFor(refused), Reason::kRegionNotAllowed);
  EXPECT_EQ(ledger.size(), 0u);

  Case c = Good();
  c.replay = &once;
  EXPECT_TRUE(Judge(c).ok());
  EXPECT_EQ(ReasonFor(c), Reason::kReplayed);
  // Another signature over the same document is the same use.
  Case other_form = Good(IdentityForm::kSignature);
  other_form.replay = &once;
  EXPECT_EQ(ReasonFor(other_form), Reason::kReplayed);
}

TEST(VerifyIdentity, BindsAnInstanceToItsFirstSender) {
  InMemoryReplayLedger ledger(10);
  const ReplayCheck mine{&ledger, ReplayMode::kFirstUseBinds, "mine"};
  const ReplayCheck yours{&ledger, ReplayMode::kFirstUseBinds, "yours"};
  const ReplayCheck nobody{&ledger, ReplayMode::kFirstUseBinds, ""};
  Case c = Good();
  c.replay = &nobody;
  EXPECT_EQ(ReasonFor(c), Reason::kPolicyEmpty);
  c.replay = &mine;
  EXPECT_TRUE(Judge(c).ok());
  EXPECT_TRUE(Judge(c).ok());
  c.replay = &yours;
  EXPECT_EQ(ReasonFor(c), Reason::kReplayed);
}

TEST(VerifyIdentity, RefusesADocumentOlderThanOneSeenBefore) {
  InMemoryReplayLedger ledger(10);
  const ReplayCheck newest{&ledger, ReplayMode::kNewestPendingTime, ""};
  Case later = Good(IdentityForm::kRsa2048, {}, [](test::DocumentFields& f) {
    f.SetText("pendingTime", "2026-09-20T11:55:00Z");
  });
  Case earlier = Good();
  later.replay = earlier.replay = &newest;
  EXPECT_TRUE(Judge(earlier).ok());
  EXPECT_TRUE(Judge(later).ok());
  EXPECT_EQ(ReasonFor(earlier), Reason::kPendingTimeRegressed);
}

TEST(VerifyIdentity, NeverSkipsAReplayCheckThatWasAskedFor) {
  const ReplayCheck without_ledger;
  Case c = Good();
  c.replay = &without_ledger;
  EXPECT_EQ(ReasonFor(c), Reason::kLedgerUnavailable);
}

TEST(VerifyIdentity, TracesEveryCheckAsPassedFailedOrNotReached) {
  Trace good;
  Case c = Good();
  c.trace = &good;
  ASSERT_TRUE(Judge(c).ok());
  Trace bad;
  c.trace = &bad;
  c.policy = Policy([](auto& b) { b.ExpectImages({"ami-00000000"}); });
  EXPECT_EQ(ReasonFor(c), Reason::kImageNotAllowed);

  ASSERT_EQ(good.entries().size(), bad.entries().size());
  std::vector<std::string> names;
  bool failed = false;
  for (std::size_t i = 0; i < good.entries().size(); ++i) {
    names.push_back(good.entries()[i].check);
    EXPECT_EQ(good.entries()[i].outcome, Trace::Outcome::kPassed);
    EXPECT_EQ(bad.entries()[i].check, names.back());
    const bool fails = names.back() == "image";
    EXPECT_EQ(bad.entries()[i].outcome, fails    ? Trace::Outcome::kFailed
                                        : failed ? Trace::Outcome::kNotReached
                                                 : Trace::Outcome::kPassed);
    failed = failed || fails;
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"size",          "form",
                                      "content",       "json",
                                      "slot",          "clock",
                                      "algorithms",    "digest",
                                      "signature",     "fields",
                                      "signed-region", "anchor-window",
                                      "kind",          "partition",
                                      "region",        "account",
                                      "instance",      "image",
                                      "instance-type", "architecture",
                                      "product-codes", "billing-products",
                                      "age",           "replay"}));
}

TEST(VerifyRecordedIdentity, JudgesAnchorsAndAgeAtTheTimeGiven) {
  Case c = Good();
  c.anchor(AnchorKind::kIidRsa2048).accept_until = FakeNow();
  c.provenance.as_of = FakeNow();
  c.policy = Policy([](auto& b) { b.ExpectMaxAge(absl::Hours(1)); });
  const auto anchors = AnchorSet::Create(c.anchors, c.provenance);
  ASSERT_TRUE(anchors.ok());
  const IdentityEvidence evidence{std::nullopt, c.form, c.signature};
  const auto reason = [&](absl::Time at) {
    return ReasonOf(
        VerifyRecordedIdentity(evidence, **anchors, c.policy, at).status());
  };
  EXPECT_EQ(reason(FakeNow()), std::nullopt);
  EXPECT_EQ(reason(FakeNow() + absl::Seconds(1)), Reason::kAnchorNotActive);
  EXPECT_EQ(reason(FakeNow() - absl::Hours(1)), Reason::kFromTheFuture);
}

// The anchors are of a time at which the key had ended; who says otherwise only
// says so.
TEST(VerifyRecordedIdentity, RefusesAnAnchorThatHadEndedWhenTheSetWasMade) {
  Case c = Good();
  // Recorded long before the anchors were made: no fault.
  c.provenance.as_of = FakeNow() + absl::Hours(10'000);
  const auto reason = [&] {
    const auto anchors = AnchorSet::Create(c.anchors, c.provenance);
    return ReasonOf(VerifyRecordedIdentity({std::nullopt, c.form, c.signature},
                                           **anchors, c.policy, FakeNow())
                        .status());
  };
  c.anchor(AnchorKind::kIidRsa2048).accept_until = c.provenance.as_of;
  EXPECT_EQ(reason(), std::nullopt);
  c.provenance.as_of += absl::Seconds(1);
  EXPECT_EQ(reason(), Reason::kAnchorNotActive);
}

TEST(VerifyRecordedIdentity, RefusesARevokedAnchorWheneverItWas) {
  Case c = Good();
  c.anchor(AnchorKind::kIidRsa2048).status = AnchorStatus::kRevoked;
  const auto anchors = AnchorSet::Create(c.anchors, c.provenance);
  ASSERT_TRUE(anchors.ok());
  const IdentityEvidence evidence{std::nullopt, c.form, c.signature};
  EXPECT_EQ(ReasonOf(VerifyRecordedIdentity(evidence, **anchors, c.policy,
                                            absl::UnixEpoch())
                         .status()),
            Reason::kAnchorRevoked);
}

TEST(IdentityNote, HasAStableName) {
  EXPECT_EQ(NameOf(IdentityNote::kAnchorReissued), "ANCHOR_REISSUED");
  EXPECT_EQ(NameOf(IdentityNote::kSharedKey), "SHARED_KEY");
  EXPECT_EQ(NameOf(IdentityNote::kUnknownKeys), "UNKNOWN_KEYS");
  EXPECT_EQ(NameOf(IdentityNote::kUnknownVersion), "UNKNOWN_VERSION");
  EXPECT_EQ(NameOf(IdentityNote::kSigningTimeSkew), "SIGNING_TIME_SKEW");
  EXPECT_EQ(NameOf(IdentityNote::kAlgorithmsUnprotected),
            "ALGORITHMS_UNPROTECTED");
}

// --- Hints ------------------------------------------------------------------

std::string TextFor(const Case& c) {
  return std::string(Judge(c).status().message());
}

bool Says(const std::string& text, std::string_view words) {
  return text.find(words) != text.npos;
}

struct Mistake {
  const char* name;
  std::function<Case()> make;
  Reason reason;
  const char* hint;
};

std::vector<Mistake> Mistakes() {
  const auto with_document = [](std::string before, std::string after) {
    return [before, after] {
      Case c = Good(IdentityForm::kSignature);
      c.document = before + *c.document + after;
      return c;
    };
  };
  const auto presented_as = [](IdentityForm is, IdentityForm as) {
    return [is, as] {
      Case c = Good(is);
      c.form = as;
      if (as == IdentityForm::kSignature) {
        c.document = c.aws.Document(kRegion).Text();
      }
      return c;
    };
  };
  const auto page_as = [](IdentityForm form) {
    return [form] {
      Case c = Good(form);
      c.signature = "<html><title>401 - Unauthorized</title></html>";
      return c;
    };
  };
  using enum IdentityForm;
  return {
      {"LineFeed", with_document("", "\n"), Reason::kSignatureMismatch,
       "without the line break"},
      {"CarriageReturn", with_document("", "\r\n"), Reason::kSignatureMismatch,
       "without the line break"},
      {"ByteOrderMark", with_document("\xef\xbb\xbf", ""),
       Reason::kDocumentMalformed, "byte order mark"},
      {"LineFeedBesidePkcs7",
       [] {
         Case c = Good();
         c.document = c.aws.Document(kRegion).Text() + "\n";
         return c;
       },
       Reason::kContentMismatch, "without the line break"},
      {"PageAsDocument",
       [] {
         Case c = Good(kSignature);
         c.document = "<?xml version=\"1.0\"?><title>404 - Not Found</title>";
         return c;
       },
       Reason::kDocumentMalformed, "404 - Not Found"},
      {"PageAsSignature", page_as(kSignature), Reason::kSignatureMalformed,
       "401 - Unauthorized"},
      {"PageAsPkcs7", page_as(kPkcs7), Reason::kPkcs7Malformed,
       "401 - Unauthorized"},
      {"Rsa2048AsPkcs7", presented_as(kRsa2048, kPkcs7),
       Reason::kAlgorithmMismatch, "instance-identity/rsa2048"},
      {"Pkcs7AsRsa2048", presented_as(kPkcs7, kRsa2048),
       Reason::kDigestNotAllowed, "instance-identity/pkcs7"},
      {"SignatureAsRsa2048", presented_as(kSignature, kRsa2048),
       Reason::kPkcs7Malformed, "instance-identity/signature"},
      {"Rsa2048AsSignature", presented_as(kRsa2048, kSignature),
       Reason::kSignatureMalformed, "instance-identity/rsa2048"},
  };
}

class IdentityHint : public ::testing::TestWithParam<Mistake> {};

// The reason is what it is without hints, and the sentence says more.
TEST_P(IdentityHint, IsBesideTheReason) {
  Case c = GetParam().make();
  Trace trace;
  c.trace = &trace;
  EXPECT_EQ(ReasonFor(c), GetParam().reason) << TextFor(c);
  EXPECT_TRUE(Says(TextFor(c), GetParam().hint)) << TextFor(c);
}

INSTANTIATE_TEST_SUITE_P(Verifier, IdentityHint,
                         ::testing::ValuesIn(Mistakes()), [](const auto& info) {
                           return std::string(info.param.name);
                         });

TEST(VerifyIdentity, SaysBehindByHowMuchTheClockIs) {
  Case c = Good();
  c.policy = Policy([](auto& b) { b.ExpectMaxAge(absl::Hours(1)); });
  c.now = FakeNow() - absl::Minutes(20);
  EXPECT_EQ(ReasonFor(c), Reason::kClockSuspect);
  EXPECT_TRUE(Says(TextFor(c), "at least 20m")) << TextFor(c);
  // The document was launched at 11:50.
  c.provenance.as_of = absl::InfinitePast();
  EXPECT_EQ(ReasonFor(c), Reason::kFromTheFuture);
  EXPECT_TRUE(Says(TextFor(c), "10m")) << TextFor(c);
}

// --- What a peer says -------------------------------------------------------

TEST(VerifyIdentity, ShowsNothingOfTheEvidenceThatATerminalObeys) {
  const std::string key = R"("\u001b]0;owned\u0007\nACCEPTED  account 1":1)";
  Case c = Good(IdentityForm::kSignature);
  Trace trace;
  c.trace = &trace;
  c.document = "{\"region\":\"us-east-1\"," + key + "," + key + "}";
  EXPECT_EQ(ReasonFor(c), Reason::kDuplicateKey);
  EXPECT_TRUE(Says(TextFor(c), "\\nACCEPTED")) << TextFor(c);
  for (const Trace::Entry& entry : trace.entries()) {
    EXPECT_FALSE(Says(entry.detail, "\n")) << entry.check;
    EXPECT_FALSE(Says(entry.detail, "\x1b")) << entry.check;
  }
}

// --- Rebinding and other people's ledgers -----------------------------------

TEST(VerifyIdentity, SaysWhoseBindingWasTakenOver) {
  InMemoryReplayLedger ledger(10);
  const ReplayCheck mine{&ledger, ReplayMode::kFirstUseBinds, "mine"};
  Case c = Good();
  c.replay = &mine;
  ASSERT_EQ(ReasonFor(c), std::nullopt);

  Case later = Good(IdentityForm::kRsa2048, {}, [](test::DocumentFields& f) {
    f.SetText("pendingTime", "2026-10-20T12:00:00Z");
  });
  later.now = FakeNow() + absl::Hours(24 * 31);
  ReplayCheck yours{&ledger, ReplayMode::kFirstUseBinds, "yours"};
  later.replay = &yours;
  EXPECT_EQ(ReasonFor(later), Reason::kReplayed);
  yours.rebind_after = absl::Hours(23);
  EXPECT_EQ(ReasonFor(later), Reason::kFieldInvalid);
  yours.rebind_after = absl::Hours(24 * 30);
  Trace trace;
  later.trace = &trace;
  const auto identity = Judge(later);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_TRUE(HasNote(*identity, IdentityNote::kRebound));
  EXPECT_EQ(identity->replaced_binding(),
            (BindingHolder{"mine", FakeNow(), FakeNow()}));
  EXPECT_TRUE(
      Says(trace.entries().back().detail, "rebound to \"yours\" from \"mine\""))
      << trace.entries().back().detail;
}

// A ledger of the host program, whose database is down.
class BrokenLedger final : public ReplayLedger {
 public:
  explicit BrokenLedger(bool throws) : throws_(throws) {}
  absl::StatusOr<Admission> Admit(std::string_view, const ReplayFacts&,
                                  ReplayMode) override {
    if (throws_) throw std::runtime_error("database:\nACCEPTED");
    return absl::InternalError("database:\nACCEPTED");
  }

 private:
  const bool throws_;
};

TEST(VerifyIdentity, IsUndecidedWhereTheLedgerFails) {
  for (const bool throws : {false, true}) {
    BrokenLedger ledger(throws);
    const ReplayCheck check{&ledger, ReplayMode::kSingleUse, ""};
    Case c = Good();
    c.replay = &check;
    EXPECT_EQ(ReasonFor(c), Reason::kLedgerUnavailable);
    EXPECT_EQ(TextFor(c), "database:\\nACCEPTED");
  }
}

}  // namespace
}  // namespace anchorage::verify
