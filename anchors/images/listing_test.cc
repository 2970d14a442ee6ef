// The texts of both lists, and what may follow what.

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "anchors/images/image_index.h"
#include "anchors/images/listing_error.h"
#include "anchors/images/producers.h"
#include "gtest/gtest.h"
#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fake_aws/keys.h"
#include "test/fake_aws/x509_writer.h"
#include "test/support/fake_producer.h"
#include "test/support/image_producer.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using test::ImageProducer;
using verify::Reason;
using verify::ReasonOf;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

ProducerList Producers() {
  ProducerList list;
  list.sequence = 7;
  list.created = kNow;
  list.producers = {
      ImageProducer("acme").Listed({"ledger", "signer"}),
      ImageProducer("old").Listed({"ledger"}, ProducerStatus::kRetired),
      ImageProducer("stolen").Listed({"ledger"}, ProducerStatus::kRevoked)};
  list.producers[0].notes = "says \"\\\"";
  Sort(list);
  return list;
}

std::string Hex(char c) { return std::string(64, c); }

Image Listed(const std::string& product, const std::string& version, char c) {
  Image image;
  image.product = product;
  image.version = version;
  image.producer = "acme";
  image.manifest_sha256 = Hex(c);
  image.bundle_sha256 = Hex('b');
  image.chunks = {{kMaxChunkBytes, Hex('1')}, {5, Hex('2')}};
  image.received = kNow;
  return image;
}

ImageIndex Index() {
  ImageIndex index;
  index.sequence = 9;
  index.created = kNow;
  index.images = {Listed("ledger", "1.10", 'c'), Listed("ledger", "1.9", 'd'),
                  Listed("signer", "1", 'e')};
  index.images[0].disk_sha256 = Hex('f');
  index.images[0].locations = {
      {"eu-west-1", "123456789012", "ami-0123456789abcdef0"},
      {"us-east-1", "", "ami-0123456789abcdef1"}};
  index.images[0].notes = "says \"\\\"";
  index.images[2].status = ImageStatus::kWithdrawn;
  index.floors = {{"ledger", "1.2"}};
  Sort(index);
  return index;
}

template <typename List>
List Next(List list) {
  ++list.sequence;
  return list;
}

// --- The texts --------------------------------------------------------------

TEST(ProducersText, ComesBack) {
  const std::string text = SerializeProducers(Producers());
  const auto list = ParseProducers(text);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(*list, Producers());
  EXPECT_EQ(SerializeProducers(*list), text);
  EXPECT_TRUE(CheckProducersFile(text, kNow).ok());
}

TEST(ImagesText, ComesBack) {
  const std::string text = SerializeImageIndex(Index());
  const auto index = ParseImageIndex(text);
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ(*index, Index());
  EXPECT_EQ(SerializeImageIndex(*index), text);
  EXPECT_TRUE(CheckImageIndexFile(text, kNow).ok());
  const auto image = ParseImage(SerializeImage(index->images[0]));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(*image, index->images[0]);
}

TEST(ImagesText, SortsVersionsByTheirNumbers) {
  const ImageIndex index = Index();
  EXPECT_EQ(index.images[0].version, "1.9");
  EXPECT_EQ(index.images[1].version, "1.10");
}

template <typename List, typename Parse>
void ExpectRefused(List list, const std::function<void(List&)>& edit,
                   std::string (*write)(const List&), Parse parse,
                   Reason reason) {
  edit(list);
  const auto read = parse(write(list));
  EXPECT_EQ(ReasonOf(read.status()), reason) << read.status();
}

TEST(ProducersText, RefusesWhatIsInconsistent) {
  const auto refused = [](const std::function<void(ProducerList&)>& edit,
                          Reason reason) {
    ExpectRefused<ProducerList>(Producers(), edit, SerializeProducers,
                                ParseProducers, reason);
  };
  refused([](auto& l) { l.sequence = 0; }, Reason::kFieldInvalid);
  refused([](auto& l) { l.sequence = ~std::uint64_t{0}; },
          Reason::kFieldInvalid);
  refused([](auto& l) { l.producers[0].name = ""; }, Reason::kFieldMissing);
  refused([](auto& l) { l.producers[0].name = "a b"; }, Reason::kFieldInvalid);
  refused([](auto& l) { l.producers[0].name = std::string(65, 'a'); },
          Reason::kFieldInvalid);
  refused([](auto& l) { l.producers[0].products.clear(); },
          Reason::kFieldInvalid);
  refused(
      [](auto& l) {
        l.producers[0].products = {"a", "a"};
      },
      Reason::kDuplicateKey);
  refused([](auto& l) { l.producers[0].products.assign(65, "a"); },
          Reason::kInputTooLarge);
  refused([](auto& l) { l.producers[0].certificates.clear(); },
          Reason::kFieldInvalid);
  refused(
      [](auto& l) { l.producers[0].certificates = {std::string(8193, 'a')}; },
      Reason::kFieldInvalid);
  refused([](auto& l) { l.producers[0].certificates.assign(9, "a"); },
          Reason::kInputTooLarge);
  refused([](auto& l) { l.producers[0].notes = std::string(1025, 'a'); },
          Reason::kFieldInvalid);
  refused([](auto& l) { l.producers[1].name = l.producers[0].name; },
          Reason::kDuplicateKey);
  refused(
      [](auto& l) {
        l.producers[1].certificates = l.producers[0].certificates;
      },
      Reason::kDuplicateKey);
  refused(
      [](auto& l) {
        const Producer one = l.producers[0];
        l.producers.assign(257, one);
      },
      Reason::kInputTooLarge);
}

TEST(ImagesText, RefusesWhatIsInconsistent) {
  const auto refused = [](const std::function<void(ImageIndex&)>& edit,
                          Reason reason) {
    ExpectRefused<ImageIndex>(Index(), edit, SerializeImageIndex,
                              ParseImageIndex, reason);
  };
  refused([](auto& i) { i.sequence = 0; }, Reason::kFieldInvalid);
  refused([](auto& i) { i.images[0].product = ""; }, Reason::kFieldMissing);
  refused([](auto& i) { i.images[0].product = "a b"; }, Reason::kFieldInvalid);
  refused([](auto& i) { i.images[0].version = "1.01"; }, Reason::kFieldInvalid);
  refused([](auto& i) { i.images[0].version = "1-rc1"; },
          Reason::kFieldInvalid);
  refused([](auto& i) { i.images[0].producer = "a b"; }, Reason::kFieldInvalid);
  refused([](auto& i) { i.images[0].manifest_sha256 = Hex('A'); },
          Reason::kFieldInvalid);
  refused([](auto& i) { i.images[0].bundle_sha256 = "ab"; },
          Reason::kFieldInvalid);
  refused([](auto& i) { i.images[0].disk_sha256 = "ab"; },
          Reason::kFieldInvalid);
  refused([](auto& i) { i.images[0].chunks.clear(); }, Reason::kFieldInvalid);
  refused([](auto& i) { i.images[0].chunks[0].length = kMaxChunkBytes + 1; },
          Reason::kFieldInvalid);
  refused([](auto& i) { i.images[0].chunks[0].length = 0; },
          Reason::kFieldInvalid);
  refused([](auto& i) { i.images[0].chunks[0].sha256 = "zz"; },
          Reason::kFieldInvalid);
  refused(
      [](auto& i) {
        i.images[0].chunks.resize(129, {1, Hex('1')});
      },
      Reason::kInputTooLarge);
  refused([](auto& i) { i.images[1].locations[0].account = "12345"; },
          Reason::kFieldInvalid);
  refused([](auto& i) { i.images[1].locations[0].region = ""; },
          Reason::kFieldMissing);
  refused([](auto& i) { i.images[1].locations[0].image_id = "ami 1"; },
          Reason::kFieldInvalid);
  refused([](auto& i) { i.images[1].locations[1] = i.images[1].locations[0]; },
          Reason::kDuplicateKey);
  refused([](auto& i) { i.images[0].notes = "a\nb"; },
          Reason::kDocumentMalformed);
  refused(
      [](auto& i) {
        i.images[1].manifest_sha256 = i.images[0].manifest_sha256;
      },
      Reason::kDuplicateKey);
  refused([](auto& i) { i.images[0].disk_sha256 = i.images[1].disk_sha256; },
          Reason::kDuplicateKey);
  refused(
      [](auto& i) {
        i.floors.push_back({"ledger", "1.3"});
      },
      Reason::kDuplicateKey);
  refused([](auto& i) { i.floors[0].least_version = "x"; },
          Reason::kFieldInvalid);
  refused(
      [](auto& i) {
        i.floors.resize(257, {"a", "1"});
      },
      Reason::kInputTooLarge);
}

TEST(ProducersText, RefusesAnotherText) {
  const std::string good = SerializeProducers(Producers());
  EXPECT_EQ(ReasonOf(ParseProducers(good + "x").status()),
            Reason::kTrailingBytes);
  EXPECT_EQ(
      ReasonOf(
          ParseProducers(std::string(kMaxProducersBytes + 1, ' ')).status()),
      Reason::kInputTooLarge);
  EXPECT_EQ(ReasonOf(ParseProducers(SerializeImageIndex(Index())).status()),
            Reason::kFieldInvalid);
  EXPECT_EQ(
      ReasonOf(ParseProducers(absl::StrReplaceAll(
                                  good, {{"\"sha256\":\"", "\"sha256\":\"0"}}))
                   .status()),
      Reason::kFieldInvalid);
  EXPECT_EQ(ReasonOf(ParseProducers(
                         absl::StrReplaceAll(
                             good, {{"STATUS_ACTIVE", "STATUS_UNSPECIFIED"}}))
                         .status()),
            Reason::kFieldInvalid);
  EXPECT_EQ(
      ReasonOf(
          ParseImageIndex(std::string(kMaxImageIndexBytes + 1, ' ')).status()),
      Reason::kInputTooLarge);
}

TEST(ProducersText, ToAnOlderProgramANewStatusIsNoProducer) {
  const std::string text = absl::StrReplaceAll(
      SerializeProducers(Producers()), {{"STATUS_ACTIVE", "STATUS_TRIAL"}});
  const auto list = ParseProducers(text);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->skipped, 1);
  EXPECT_EQ(FindProducer(*list, "acme"), nullptr);
  EXPECT_EQ(ListingReasonOf(CheckProducersFile(text, kNow)),
            ListingReason::kListingUnknown);
}

// Left out, its manifest would be unlisted, which allows more.
TEST(ImagesText, ToAnOlderProgramANewStatusIsNotActive) {
  const std::string text =
      absl::StrReplaceAll(SerializeImageIndex(Index()),
                          {{"STATUS_WITHDRAWN", "STATUS_QUARANTINED"}});
  const auto index = ParseImageIndex(text);
  ASSERT_TRUE(index.ok()) << index.status();
  const Image* const image = FindByManifest(*index, Hex('e'));
  ASSERT_NE(image, nullptr);
  EXPECT_EQ(image->status, ImageStatus::kUnknown);
  EXPECT_EQ(ListingReasonOf(CheckImageIndexFile(text, kNow)),
            ListingReason::kListingUnknown);
}

TEST(ProducersFile, MustBeReadableByWhoVerifiesWithIt) {
  ProducerList list = Producers();
  list.producers[0].certificates = {"no certificate"};
  EXPECT_EQ(ReasonOf(CheckProducersFile(SerializeProducers(list), kNow)),
            Reason::kCertificateMalformed);
  list = Producers();
  EXPECT_TRUE(absl::IsFailedPrecondition(
      CheckProducersFile(SerializeProducers(list), kNow - absl::Minutes(6))));
}

// The same key in another certificate.
TEST(ProducersFile, HasNoKeyOfARevokedProducerTwice) {
  ProducerList list = Producers();
  const ImageProducer stolen("stolen");
  Producer& acme = list.producers[0];
  ASSERT_EQ(acme.name, "acme");
  acme.certificates.push_back(
      ImageProducer("stolen", kNow, kNow + absl::Hours(1)).signer_der());
  EXPECT_TRUE(CheckProducersFile(SerializeProducers(list), kNow).ok())
      << "only the CA of the other is pinned";
  for (Producer& producer : list.producers) {
    if (producer.name == "stolen") {
      producer.certificates.push_back(stolen.signer_der());
    }
  }
  EXPECT_EQ(ListingReasonOf(CheckProducersFile(SerializeProducers(list), kNow)),
            ListingReason::kProducerKeyReused);
}

TEST(ImagesFile, HasNothingFromTheFuture) {
  ImageIndex index = Index();
  index.images[0].received = index.created + absl::Seconds(1);
  EXPECT_EQ(ReasonOf(CheckImageIndexFile(SerializeImageIndex(index), kNow)),
            Reason::kFieldInvalid);
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckImageIndexFile(
      SerializeImageIndex(Index()), kNow - absl::Minutes(6))));
}

// --- What may follow what ----------------------------------------------------

TEST(NextProducers, MayBeTheSameWithAHigherSequence) {
  const ProducerList list = Producers();
  EXPECT_TRUE(CheckNextProducers(list, Next(list)).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckNextProducers(list, list)));
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckNextProducers(Next(list), list)));
}

TEST(NextProducers, WhatIsRevokedStaysSo) {
  const auto after = [](const std::function<void(ProducerList&)>& edit) {
    ProducerList next = Next(Producers());
    edit(next);
    return ListingReasonOf(CheckNextProducers(Producers(), next));
  };
  constexpr int kStolen = 2;
  ASSERT_EQ(Producers().producers[kStolen].name, "stolen");
  EXPECT_EQ(after([](auto& l) { l.producers.pop_back(); }),
            ListingReason::kProducerLost);
  for (const auto status :
       {ProducerStatus::kActive, ProducerStatus::kRetired}) {
    EXPECT_EQ(after([&](auto& l) { l.producers[kStolen].status = status; }),
              ListingReason::kProducerRevokedUndone);
  }
  EXPECT_EQ(
      after([](auto& l) {
        l.producers[kStolen].certificates = {ImageProducer("another").ca_der()};
      }),
      ListingReason::kProducerKeyReused);
  EXPECT_EQ(after([](auto& l) {
              l.producers[kStolen].certificates.push_back(
                  ImageProducer("another").ca_der());
            }),
            std::nullopt)
      << "more of its keys may be revoked";
  EXPECT_EQ(after([](auto& l) { l.skipped = 1; }),
            ListingReason::kListingUnknown);
}

// A list that was signed before may have one; nobody may add one.
TEST(NextProducers, NewCertificatesCanBeUsedByWhoVerifies) {
  test::CertSpec rsa;
  rsa.subject = rsa.issuer = test::NameOf("acme");
  rsa.key = rsa.issuer_key = &test::TestKey::Rsa(2048, 0);
  rsa.SetValidity(kNow, kNow + absl::Hours(1));
  rsa.extensions = {test::BasicConstraints(true),
                    test::KeyUsage(test::kKeyCertSign)};
  ProducerList bad = Producers();
  bad.producers[0].certificates.push_back(test::MakeCertificate(rsa));
  Sort(bad);
  EXPECT_TRUE(CheckProducersFile(SerializeProducers(bad), kNow).ok());
  EXPECT_EQ(ReasonOf(CheckNextProducers(Producers(), Next(bad))),
            Reason::kCertificateAlgorithm);
  EXPECT_EQ(ReasonOf(CheckNextProducers(ProducerList(), bad)),
            Reason::kCertificateAlgorithm);
  EXPECT_TRUE(CheckNextProducers(bad, Next(bad)).ok());
}

TEST(NextProducers, OthersMayComeAndGo) {
  ProducerList next = Next(Producers());
  next.producers[0].status = ProducerStatus::kRevoked;
  next.producers[1].status = ProducerStatus::kActive;
  EXPECT_TRUE(CheckNextProducers(Producers(), next).ok());
  next.producers.erase(next.producers.begin() + 1);
  EXPECT_TRUE(CheckNextProducers(Producers(), next).ok());
}

TEST(NextImages, MayBeTheSameWithAHigherSequence) {
  const ImageIndex index = Index();
  EXPECT_TRUE(CheckNextImageIndex(index, Next(index)).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckNextImageIndex(index, index)));
  EXPECT_TRUE(
      absl::IsFailedPrecondition(CheckNextImageIndex(Next(index), index)));
}

TEST(NextImages, KeepWhatIsListed) {
  const auto after = [](const std::function<void(ImageIndex&)>& edit) {
    ImageIndex next = Next(Index());
    edit(next);
    return ListingReasonOf(CheckNextImageIndex(Index(), next));
  };
  EXPECT_EQ(after([](auto& i) { i.images.erase(i.images.begin()); }),
            ListingReason::kImageLost);
  EXPECT_EQ(after([](auto& i) { i.images[0].received += absl::Seconds(1); }),
            ListingReason::kImageChanged);
  EXPECT_EQ(after([](auto& i) { i.images[0].product = "other"; }),
            ListingReason::kImageChanged);
  EXPECT_EQ(after([](auto& i) { i.images[0].version = "9"; }),
            ListingReason::kImageChanged);
  EXPECT_EQ(after([](auto& i) { i.images[0].producer = "old"; }),
            ListingReason::kImageChanged);
  EXPECT_EQ(after([](auto& i) { i.images[0].bundle_sha256 = Hex('0'); }),
            ListingReason::kImageChanged);
  EXPECT_EQ(after([](auto& i) { i.images[0].chunks.pop_back(); }),
            ListingReason::kImageChanged);
  EXPECT_EQ(after([](auto& i) { i.images[2].status = ImageStatus::kActive; }),
            ListingReason::kWithdrawnUndone);
  EXPECT_EQ(after([](auto& i) { i.images[1].disk_sha256 = ""; }),
            ListingReason::kLocationLost);
  EXPECT_EQ(after([](auto& i) { i.images[1].locations.pop_back(); }),
            ListingReason::kLocationLost);
  EXPECT_EQ(after([](auto& i) { i.floors.clear(); }),
            ListingReason::kFloorLowered);
  EXPECT_EQ(after([](auto& i) { i.floors[0].least_version = "1.1"; }),
            ListingReason::kFloorLowered);
}

TEST(NextImages, MayWithdrawAndAdd) {
  ImageIndex next = Next(Index());
  next.images[0].status = ImageStatus::kWithdrawn;
  next.images[0].disk_sha256 = Hex('9');
  next.images[0].locations = {{"eu-west-1", "", "ami-1"}};
  next.images.push_back(Listed("ledger", "2", '0'));
  next.floors.push_back({"signer", "2"});
  EXPECT_TRUE(CheckNextImageIndex(Index(), next).ok());
}

TEST(NextImages, AnImageMayGoBelowAFloorAlone) {
  ImageIndex next = Next(Index());
  next.images.erase(next.images.begin());
  next.floors[0].least_version = "1.9";
  EXPECT_EQ(ListingReasonOf(CheckNextImageIndex(Index(), next)),
            ListingReason::kImageLost)
      << "1.9 is not below 1.9";
  next.floors[0].least_version = "1.9.0.1";
  EXPECT_TRUE(CheckNextImageIndex(Index(), next).ok());
}

// --- Finding -----------------------------------------------------------------

TEST(Find, ByWhatIdentifiesAnImage) {
  const ImageIndex index = Index();
  EXPECT_EQ(FindByManifest(index, Hex('d'))->version, "1.9");
  EXPECT_EQ(FindByManifest(index, Hex('0')), nullptr);
  EXPECT_EQ(FindByDisk(index, Hex('f'))->version, "1.10");
  EXPECT_EQ(FindByDisk(index, ""), nullptr) << "many have no disk";
  const char* const ami = "ami-0123456789abcdef0";
  EXPECT_EQ(FindByImageId(index, ami, "", "")->version, "1.10");
  EXPECT_EQ(FindByImageId(index, ami, "eu-west-1", "123456789012")->version,
            "1.10");
  EXPECT_EQ(FindByImageId(index, ami, "us-east-1", ""), nullptr);
  EXPECT_EQ(FindByImageId(index, ami, "eu-west-1", "999999999999"), nullptr);
}

TEST(Floor, IsOfItsProduct) {
  const ImageIndex index = Index();
  EXPECT_TRUE(IsBelowFloor(index, "ledger", "1.1.9"));
  EXPECT_FALSE(IsBelowFloor(index, "ledger", "1.2.0"));
  EXPECT_TRUE(IsBelowFloor(index, "ledger", "no version"));
  EXPECT_FALSE(IsBelowFloor(index, "signer", "0"));
}

TEST(ListingReasons, HaveNames) {
  for (const ListingReason reason : AllListingReasons()) {
    const absl::Status status = RefusedByListing(reason, "a\nb");
    EXPECT_EQ(ListingReasonOf(status), reason);
    EXPECT_FALSE(NameOf(reason).empty());
  }
  EXPECT_EQ(ListingReasonOf(absl::OkStatus()), std::nullopt);
}

}  // namespace
}  // namespace anchorage::anchors
