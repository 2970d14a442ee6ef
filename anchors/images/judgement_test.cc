// What the lists say about a manifest: listed or not, of a producer in each
// status, at each time.

#include "anchors/images/judgement.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "anchors/images/image_index.h"
#include "anchors/images/listing_error.h"
#include "anchors/images/producers.h"
#include "gtest/gtest.h"
#include "test/support/image_producer.h"
#include "verify/image/image_error.h"

namespace anchorage::anchors {
namespace {

using test::ImageProducer;
using verify::ImageReason;
using verify::ImageReasonOf;

// The signer's certificate is valid for a day around kMade.
const absl::Time kMade = absl::FromUnixSeconds(1'800'000'000);
const absl::Time kExpired = kMade + absl::Hours(48);

ImageProducer Acme() {
  return ImageProducer("acme", kMade - absl::Hours(12),
                       kMade + absl::Hours(12));
}

class Judgement : public ::testing::Test {
 protected:
  Judgement() {
    producers_.sequence = images_.sequence = 1;
    producers_.created = images_.created = kMade;
    producers_.producers = {acme_.Listed({"ledger"})};
  }

  void SetStatus(ProducerStatus status) {
    producers_.producers[0].status = status;
  }
  void List(absl::Time received, ImageStatus status = ImageStatus::kActive) {
    images_.images = {acme_.Entry(manifest_, received)};
    images_.images[0].status = status;
  }
  absl::StatusOr<ManifestVerdict> Judge(
      const JudgementOptions& options = {}) const {
    return JudgeManifest(acme_.Sign(manifest_),
                         {.producers = &producers_, .images = &images_},
                         options);
  }
  // The name of the reason; "OK" for none.
  std::string Outcome(const JudgementOptions& options = {}) const {
    const auto verdict = Judge(options);
    if (verdict.ok()) return "OK";
    if (const auto reason = ListingReasonOf(verdict.status())) {
      return std::string(NameOf(*reason));
    }
    if (const auto reason = ImageReasonOf(verdict.status())) {
      return std::string(verify::NameOf(*reason));
    }
    return verdict.status().ToString();
  }

  ImageProducer acme_ = Acme();
  verify::ImageManifest manifest_ =
      ImageProducer::Manifest("ledger", "1.2", kMade);
  ProducerList producers_;
  ImageIndex images_;
};

// When the manifest says that it was made, or trustd received it, against the
// validity of the signer's certificate.
enum class When { kValid, kTooEarly, kTooLate };

struct Case {
  bool is_listed;
  ProducerStatus producer;
  When when;
  const char* outcome;
};

class JudgementTable : public Judgement,
                       public ::testing::WithParamInterface<Case> {};

TEST_P(JudgementTable, HasOneOutcome) {
  const Case& row = GetParam();
  const absl::Time at = row.when == When::kValid      ? kMade
                        : row.when == When::kTooEarly ? kMade - absl::Hours(13)
                                                      : kExpired;
  SetStatus(row.producer);
  if (row.is_listed) {
    // The certificate was good when it was signed, or not: only what trustd saw
    // counts.
    manifest_.time = std::min(kMade, at);
    List(at);
  } else {
    manifest_.time = at;
  }
  EXPECT_EQ(Outcome(), row.outcome);
}

constexpr ProducerStatus kActive = ProducerStatus::kActive;
constexpr ProducerStatus kRetired = ProducerStatus::kRetired;
constexpr ProducerStatus kRevoked = ProducerStatus::kRevoked;

INSTANTIATE_TEST_SUITE_P(
    All, JudgementTable,
    ::testing::Values(
        Case{true, kActive, When::kValid, "OK"},
        Case{true, kActive, When::kTooEarly, "CERTIFICATE_NOT_YET_VALID"},
        Case{true, kActive, When::kTooLate, "CERTIFICATE_EXPIRED"},
        Case{true, kRetired, When::kValid, "OK"},
        Case{true, kRetired, When::kTooEarly, "CERTIFICATE_NOT_YET_VALID"},
        Case{true, kRetired, When::kTooLate, "CERTIFICATE_EXPIRED"},
        Case{true, kRevoked, When::kValid, "OK"},
        Case{true, kRevoked, When::kTooEarly, "CERTIFICATE_NOT_YET_VALID"},
        Case{true, kRevoked, When::kTooLate, "CERTIFICATE_EXPIRED"},
        Case{false, kActive, When::kValid, "OK"},
        Case{false, kActive, When::kTooEarly, "CERTIFICATE_NOT_YET_VALID"},
        Case{false, kActive, When::kTooLate, "CERTIFICATE_EXPIRED"},
        Case{false, kRetired, When::kValid, "PRODUCER_RETIRED"},
        Case{false, kRetired, When::kTooEarly, "CERTIFICATE_NOT_YET_VALID"},
        Case{false, kRetired, When::kTooLate, "CERTIFICATE_EXPIRED"},
        Case{false, kRevoked, When::kValid, "PRODUCER_REVOKED"},
        Case{false, kRevoked, When::kTooEarly, "CERTIFICATE_NOT_YET_VALID"},
        Case{false, kRevoked, When::kTooLate, "CERTIFICATE_EXPIRED"}));

TEST_F(Judgement, SaysWhoSignedAndWhatIsListed) {
  auto verdict = Judge();
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(verdict->producer, "acme");
  EXPECT_FALSE(verdict->listed.has_value());
  EXPECT_EQ(verdict->verified.judged_at(), kMade);
  EXPECT_EQ(verdict->verified.manifest(), manifest_);
  const absl::Time received = kMade + absl::Hours(1);
  List(received);
  verdict = Judge();
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(verdict->listed, images_.images[0]);
  EXPECT_EQ(verdict->verified.judged_at(), received);
}

TEST_F(Judgement, NamingAProducerAnswersForRetiredAlone) {
  SetStatus(ProducerStatus::kRetired);
  EXPECT_EQ(Outcome({.named = {"acme"}}), "OK");
  EXPECT_EQ(Outcome({.named = {"another"}}), "PRODUCER_RETIRED");
  SetStatus(ProducerStatus::kRevoked);
  EXPECT_EQ(Outcome({.named = {"acme"}}), "PRODUCER_REVOKED");
}

TEST_F(Judgement, AnOwnProducerBringsNoRevokedOneBack) {
  const std::vector<verify::TrustedProducer> own = {
      {.name = "mine", .certificates_der = {acme_.ca_der()}}};
  SetStatus(ProducerStatus::kRevoked);
  EXPECT_EQ(Outcome({.own = own}), "PRODUCER_REVOKED");
  producers_.producers.clear();
  EXPECT_EQ(Outcome(), "NO_PRODUCERS");
  EXPECT_EQ(Outcome({.own = own}), "OK");
  producers_.producers = {ImageProducer("another").Listed({"ledger"})};
  EXPECT_EQ(Outcome(), "PRODUCER_NOT_TRUSTED");
  const auto verdict = Judge({.own = own});
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(verdict->producer, "mine");
}

TEST_F(Judgement, WithoutListsAnOwnProducerCounts) {
  const auto verdict = JudgeManifest(
      acme_.Sign(manifest_), {},
      {.own = {{.name = "mine", .certificates_der = {acme_.ca_der()}}}});
  EXPECT_TRUE(verdict.ok()) << verdict.status();
}

TEST_F(Judgement, WithdrawnIsRefused) {
  for (const auto status : {ImageStatus::kWithdrawn, ImageStatus::kUnknown}) {
    List(kMade, status);
    EXPECT_EQ(Outcome(), "IMAGE_WITHDRAWN");
    EXPECT_EQ(Outcome({.named = {"acme"}}), "IMAGE_WITHDRAWN");
  }
}

TEST_F(Judgement, AFloorHoldsForWhatIsListedAndForWhatIsNot) {
  images_.floors = {{"ledger", "1.2.1"}};
  EXPECT_EQ(Outcome(), "VERSION_BELOW_FLOOR");
  List(kMade);
  EXPECT_EQ(Outcome(), "VERSION_BELOW_FLOOR");
  images_.floors = {{"ledger", "1.2.0"}};
  EXPECT_EQ(Outcome(), "OK");
}

TEST_F(Judgement, AnotherProductIsRefusedUnlessPeopleListedIt) {
  producers_.producers[0].products = {"signer"};
  EXPECT_EQ(Outcome(), "PRODUCT_NOT_OF_PRODUCER");
  List(kMade);
  EXPECT_EQ(Outcome(), "OK");
}

TEST_F(Judgement, WhatIsListedMustBeThatManifest) {
  const auto outcome = [&](auto edit) {
    List(kMade);
    edit(images_.images[0]);
    return Outcome();
  };
  EXPECT_EQ(outcome([](Image& i) { i.product = "signer"; }), "LISTING_DIFFERS");
  EXPECT_EQ(outcome([](Image& i) { i.version = "1.3"; }), "LISTING_DIFFERS");
  EXPECT_EQ(outcome([](Image& i) { i.producer = "another"; }),
            "LISTING_DIFFERS");
  // Another entry is another manifest's.
  SetStatus(ProducerStatus::kRevoked);
  EXPECT_EQ(outcome([](Image& i) { i.manifest_sha256.assign(64, 'a'); }),
            "PRODUCER_REVOKED");
}

TEST_F(Judgement, NothingIsFromTheFuture) {
  EXPECT_EQ(Outcome({.now = kMade - absl::Minutes(5)}), "OK");
  EXPECT_EQ(Outcome({.now = kMade - absl::Minutes(6)}),
            "MANIFEST_FROM_THE_FUTURE");
  List(kMade - absl::Minutes(6));
  EXPECT_EQ(Outcome(), "MANIFEST_FROM_THE_FUTURE");
}

TEST_F(Judgement, AtItsReceptionTheClockOfTheServerCounts) {
  EXPECT_EQ(Outcome({.now = kExpired, .received = kExpired}),
            "CERTIFICATE_EXPIRED")
      << "although it says that it was made earlier";
  EXPECT_EQ(Outcome({.now = kMade, .received = kMade}), "OK");
}

TEST_F(Judgement, DamageIsRefused) {
  std::string bundle = acme_.Sign(manifest_);
  const ImageListings lists = {.producers = &producers_, .images = &images_};
  EXPECT_FALSE(JudgeManifest("", lists, {}).ok());
  EXPECT_FALSE(
      JudgeManifest(bundle.substr(0, bundle.size() / 2), lists, {}).ok());
  const auto other = ImageProducer("another").Sign(manifest_);
  EXPECT_EQ(ImageReasonOf(JudgeManifest(other, lists, {}).status()),
            ImageReason::kProducerNotTrusted);
}

TEST_F(Judgement, ADiskIsThatOfAListedImage) {
  List(kMade);
  const std::string disk(64, 'd');
  EXPECT_EQ(ListingReasonOf(JudgeDisk(disk, images_).status()),
            ListingReason::kImageUnknown);
  images_.images[0].disk_sha256 = disk;
  const auto image = JudgeDisk(disk, images_);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->version, "1.2");
  images_.floors = {{"ledger", "2"}};
  EXPECT_EQ(ListingReasonOf(JudgeDisk(disk, images_).status()),
            ListingReason::kVersionBelowFloor);
  images_.images[0].status = ImageStatus::kWithdrawn;
  EXPECT_EQ(ListingReasonOf(JudgeDisk(disk, images_).status()),
            ListingReason::kImageWithdrawn);
}

}  // namespace
}  // namespace anchorage::anchors
