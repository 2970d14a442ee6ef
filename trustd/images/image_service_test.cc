// ImageService over real TLS: who may submit what, what is refused, and what is
// served of it.

#include "trustd/images/image_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "anchors/base/gzip.h"
#include "anchors/images/image_proto.h"
#include "proto/anchorage/v1/image_service.grpc.pb.h"
#include "test/support/admin_calls.h"
#include "test/support/image_producer.h"
#include "trustd/base/store_keys.h"
#include "trustd/images/image_store.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using Images = v1::ImageService;
using test::ImageProducer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ImageServiceTest : public ::testing::Test {
 protected:
  ImageServiceTest() {
    world_.change_settings = [](AdminSettings& settings) {
      settings.people["builder-bea"] = {.role = v1::Person::ROLE_PRODUCER,
                                        .products = {"ledger"}};
      settings.people["builder-bob"] = {.role = v1::Person::ROLE_PRODUCER,
                                        .products = {"signer"}};
    };
    world_.server_options.add_more = [this](const Access& access,
                                            CallGate& gate) {
      auto store = ImageStore::Open(world_.store(), limits_);
      ASSERT_TRUE(store.ok()) << store.status();
      store_ = *std::move(store);
      service_ = std::make_unique<ImageServiceImpl>(
          ImageServiceImpl::Options{
              .clock = [this] { return world_.now(); },
              .uptime = [this] { return world_.now() - absl::UnixEpoch(); }},
          *store_, world_.mirror(), world_.hub());
      service_->AddReading(gate);
      service_->AddSubmitting(access, gate);
    };
    producers_.sequence = 1;
    producers_.created = world_.now();
    producers_.producers = {acme_.Listed({"ledger", "signer"})};
    index_.sequence = 1;
    index_.created = world_.now();
    world_.Start();
  }

  // Publishes both lists with the next sequences.
  void Publish() {
    ++producers_.sequence;
    ++index_.sequence;
    producers_.created = index_.created = world_.now();
    const absl::Status status = world_.publisher().PublishBeside(
        {{std::string(anchors::kProducersTargetPath),
          anchors::SerializeProducers(producers_)},
         {std::string(anchors::kImagesTargetPath),
          anchors::SerializeImageIndex(index_)}},
        world_.now());
    ASSERT_TRUE(status.ok()) << status;
  }

  grpc::Status Send(const std::string& who, const std::string& packed,
                    v1::SubmitManifestResponse* response = nullptr,
                    std::size_t piece = 100'000) {
    const auto stub = Images::NewStub(world_.ConnectAs(who));
    grpc::ClientContext context;
    SetDeadline(context);
    v1::SubmitManifestResponse ignored;
    const auto writer = stub->SubmitManifest(
        &context, response == nullptr ? &ignored : response);
    for (std::size_t at = 0; at < packed.size(); at += piece) {
      v1::SubmitManifestRequest request;
      request.set_piece(packed.substr(at, piece));
      if (!writer->Write(request)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }

  std::string Packed(const verify::ImageManifest& manifest) const {
    return *anchors::Gzip(acme_.Sign(manifest));
  }
  verify::ImageManifest Ledger(const std::string& version = "1.2") const {
    return ImageProducer::Manifest("ledger", version, world_.now());
  }
  grpc::Status Submit(const verify::ImageManifest& manifest,
                      v1::SubmitManifestResponse* response = nullptr) {
    return Send("builder-bea", Packed(manifest), response);
  }

  template <typename Request, typename Response>
  grpc::Status Read(grpc::Status (Images::Stub::*method)(grpc::ClientContext*,
                                                         const Request&,
                                                         Response*),
                    const Request& request, Response& response) {
    return Call<Images>(world_.ConnectAs("viewer-vera"), method, request,
                        response);
  }
  std::vector<v1::ServedImage> List(const std::string& product = "") {
    v1::ListImagesRequest request;
    request.set_product(product);
    v1::ListImagesResponse response;
    const grpc::Status status =
        Read(&Images::Stub::ListImages, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return {response.images().begin(), response.images().end()};
  }
  grpc::Status Get(const std::string& digest, std::uint32_t chunk,
                   v1::GetManifestResponse& response) {
    v1::GetManifestRequest request;
    request.set_manifest_sha256(digest);
    request.set_chunk(chunk);
    return Read(&Images::Stub::GetManifest, request, response);
  }

  // Outlive the world's server.
  ImageLimits limits_;
  std::unique_ptr<ImageStore> store_;
  std::unique_ptr<ImageServiceImpl> service_;
  AdminWorld world_;
  const ImageProducer acme_{"acme", world_.now() - absl::Hours(24),
                            world_.now() + absl::Hours(24)};
  anchors::ProducerList producers_;
  anchors::ImageIndex index_;
};

TEST_F(ImageServiceTest, TakesAManifestAndServesItAsUnlisted) {
  Publish();
  const auto manifest = Ledger();
  v1::SubmitManifestResponse submitted;
  const grpc::Status status = Submit(manifest, &submitted);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const std::string digest = ImageProducer::DigestOf(manifest);
  EXPECT_EQ(submitted.image().manifest_sha256(), digest);
  EXPECT_EQ(submitted.image().product(), "ledger");
  EXPECT_EQ(submitted.image().version(), "1.2");
  EXPECT_EQ(submitted.image().producer(), "acme");
  EXPECT_EQ(submitted.image().received_time().seconds(),
            absl::ToUnixSeconds(world_.now()));
  EXPECT_FALSE(submitted.was_known());
  const auto images = List("ledger");
  ASSERT_EQ(images.size(), 1u);
  EXPECT_FALSE(images[0].listed());
  EXPECT_TRUE(images[0].stored());
  EXPECT_TRUE(List("signer").empty());
  v1::GetManifestResponse chunk;
  ASSERT_TRUE(Get(digest, 0, chunk).ok());
  EXPECT_EQ(chunk.chunk(), Packed(manifest));
  EXPECT_EQ(ReasonOf(Get(digest, 1, chunk)), "REQUEST_INVALID");
  EXPECT_EQ(ReasonOf(Get(std::string(64, 'a'), 0, chunk)),
            "MANIFEST_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Get("../x", 0, chunk)), "REQUEST_INVALID");
}

TEST_F(ImageServiceTest, PutsItOnTheRecord) {
  Publish();
  const auto before = world_.mirror().ledger().head().size;
  ASSERT_TRUE(Submit(Ledger()).ok());
  const auto record = world_.mirror().ledger().Read(before);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->manifest().by(), "builder-bea");
  EXPECT_EQ(record->manifest().product(), "ledger");
  EXPECT_EQ(record->manifest().manifest_sha256(),
            ImageProducer::DigestOf(Ledger()));
  EXPECT_EQ(record->manifest().certificate_sha256().size(), 64u);
}

TEST_F(ImageServiceTest, KnowsWhatItHas) {
  Publish();
  const std::string packed = Packed(Ledger());
  ASSERT_TRUE(Send("builder-bea", packed).ok());
  const auto size = world_.mirror().ledger().head().size;
  world_.Advance(absl::Minutes(5));
  v1::SubmitManifestResponse again;
  ASSERT_TRUE(Send("builder-bea", packed, &again).ok());
  EXPECT_TRUE(again.was_known());
  EXPECT_EQ(again.image().received_time().seconds(),
            absl::ToUnixSeconds(world_.now() - absl::Minutes(5)))
      << "the time of its first reception stays";
  EXPECT_EQ(world_.mirror().ledger().head().size, size);
}

// Nobody keeps another out by being first with the same manifest.
TEST_F(ImageServiceTest, TakesTheManifestOfOneWhoWasSquattedOn) {
  const ImageProducer squatter("squatter", world_.now() - absl::Hours(24),
                               world_.now() + absl::Hours(24));
  producers_.producers.push_back(squatter.Listed({"ledger"}));
  Publish();
  const auto manifest = Ledger();
  const std::string theirs = *anchors::Gzip(squatter.Sign(manifest));
  const std::string ours = Packed(manifest);
  ASSERT_TRUE(Send("builder-bea", theirs).ok());
  const grpc::Status refused = Send("builder-bea", ours);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(ReasonOf(refused), "MANIFEST_OF_ANOTHER");
  for (const auto status :
       {anchors::ProducerStatus::kRetired, anchors::ProducerStatus::kRevoked}) {
    producers_.producers[1].status = status;
    Publish();
    v1::SubmitManifestResponse taken;
    const grpc::Status now = Send("builder-bea", ours, &taken);
    ASSERT_TRUE(now.ok()) << now.error_message();
    EXPECT_EQ(taken.image().producer(), "acme");
  }
  v1::GetManifestResponse chunk;
  ASSERT_TRUE(Get(ImageProducer::DigestOf(manifest), 0, chunk).ok());
  EXPECT_EQ(chunk.chunk(), ours);
  // The same producer signs again.
  const std::string again = *anchors::Gzip("\n" + acme_.Sign(manifest));
  v1::SubmitManifestResponse taken;
  ASSERT_TRUE(Send("builder-bea", again, &taken).ok());
  EXPECT_FALSE(taken.was_known());
  ASSERT_TRUE(Get(ImageProducer::DigestOf(manifest), 0, chunk).ok());
  EXPECT_EQ(chunk.chunk(), again);
  EXPECT_EQ(List().size(), 1u);
}

TEST_F(ImageServiceTest, SurvivesARestart) {
  Publish();
  ASSERT_TRUE(Submit(Ledger()).ok());
  const auto before = List();
  world_.Start();
  const auto after = List();
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].SerializeAsString(), before[0].SerializeAsString());
  v1::GetManifestResponse chunk;
  EXPECT_TRUE(Get(after[0].image().manifest_sha256(), 0, chunk).ok());
}

TEST_F(ImageServiceTest, IsForProducersAndTheirProducts) {
  Publish();
  for (const char* who : {"viewer-vera", "approver-alice", "instance-ines"}) {
    EXPECT_EQ(ReasonOf(Send(who, Packed(Ledger()))), "ROLE_INSUFFICIENT");
  }
  EXPECT_EQ(ReasonOf(Send("stranger", Packed(Ledger()))), "NAME_UNKNOWN");
  const grpc::Status other = Send("builder-bob", Packed(Ledger()));
  EXPECT_EQ(ReasonOf(other), "PRODUCT_NOT_ALLOWED");
  EXPECT_NE(other.error_message().find("'admin.people'"), std::string::npos)
      << other.error_message();
  EXPECT_TRUE(List().empty());
  EXPECT_TRUE(Send("operator-olga", Packed(Ledger())).ok());
  // A producer may do nothing else.
  EXPECT_EQ(ReasonOf(Try<Audit>(world_.ConnectAs("builder-bea"),
                                &Audit::Stub::ListRotations,
                                v1::ListRotationsRequest())),
            "ROLE_INSUFFICIENT");
}

TEST_F(ImageServiceTest, NeedsAListOfProducers) {
  EXPECT_EQ(ReasonOf(Submit(Ledger())), "NO_PRODUCERS");
}

TEST_F(ImageServiceTest, VerifiesWhoSigned) {
  Publish();
  const ImageProducer other("other");
  EXPECT_EQ(ReasonOf(Send("builder-bea", *anchors::Gzip(other.Sign(Ledger())))),
            "PRODUCER_NOT_TRUSTED");
  world_.Advance(absl::Hours(48));
  EXPECT_EQ(ReasonOf(Submit(Ledger())), "CERTIFICATE_EXPIRED");
  // It cannot be dated back: what counts is when it came.
  EXPECT_EQ(ReasonOf(Submit(ImageProducer::Manifest(
                "ledger", "1.2", world_.now() - absl::Hours(48)))),
            "CERTIFICATE_EXPIRED");
  EXPECT_TRUE(List().empty());
}

TEST_F(ImageServiceTest, TakesNothingOfAProducerThatIsNotActive) {
  producers_.producers[0].status = anchors::ProducerStatus::kRetired;
  Publish();
  EXPECT_EQ(ReasonOf(Submit(Ledger())), "PRODUCER_RETIRED");
  producers_.producers[0].status = anchors::ProducerStatus::kRevoked;
  Publish();
  EXPECT_EQ(ReasonOf(Submit(Ledger())), "PRODUCER_REVOKED");
}

TEST_F(ImageServiceTest, TakesNoProductThatItsProducerMayNotSign) {
  producers_.producers[0].products = {"signer"};
  Publish();
  EXPECT_EQ(ReasonOf(Submit(Ledger())), "PRODUCT_NOT_OF_PRODUCER");
}

TEST_F(ImageServiceTest, TakesNothingBelowAFloorOrFromTheFuture) {
  index_.floors = {{"ledger", "1.3"}};
  Publish();
  EXPECT_EQ(ReasonOf(Submit(Ledger())), "VERSION_BELOW_FLOOR");
  EXPECT_EQ(ReasonOf(Submit(ImageProducer::Manifest(
                "ledger", "1.3", world_.now() + absl::Hours(1)))),
            "MANIFEST_FROM_THE_FUTURE");
}

TEST_F(ImageServiceTest, RefusesWhatIsNoBundle) {
  Publish();
  const std::string packed = Packed(Ledger());
  EXPECT_EQ(ReasonOf(Send("builder-bea", "")), "REQUEST_INVALID");
  EXPECT_EQ(ReasonOf(Send("builder-bea", "no gzip")), "REQUEST_INVALID");
  EXPECT_EQ(ReasonOf(Send("builder-bea", packed.substr(0, packed.size() - 9))),
            "REQUEST_INVALID");
  EXPECT_EQ(ReasonOf(Send("builder-bea", packed + packed)), "REQUEST_INVALID");
  EXPECT_EQ(ReasonOf(Send("builder-bea", *anchors::Gzip("{}"))),
            "BUNDLE_MALFORMED");
  EXPECT_TRUE(Send("builder-bea", packed, nullptr, 1000).ok());
}

TEST_F(ImageServiceTest, UnpacksNoMoreThanItsLimit) {
  Publish();
  limits_.bundle_bytes = 1024 * 1024;
  world_.Start();
  EXPECT_EQ(ReasonOf(Send("builder-bea",
                          *anchors::Gzip(std::string(1024 * 1024 + 1, 'x')))),
            "REQUEST_INVALID");
}

// The limit of one submission is below what a connection may send.
TEST_F(ImageServiceTest, EndsASubmissionThatDoesNotEnd) {
  Publish();
  const grpc::Status status =
      Send("builder-bea", std::string(kMaxSubmittedBytes + 1, 'x'));
  EXPECT_EQ(ReasonOf(status), "REQUEST_INVALID");
  EXPECT_THAT(status.error_message(), HasSubstr("24 MiB"));
  // And the next is taken.
  EXPECT_TRUE(Submit(Ledger()).ok());
}

TEST_F(ImageServiceTest, TakesOneSubmissionOfANameAtATime) {
  Publish();
  const auto stub = Images::NewStub(world_.ConnectAs("builder-bea"));
  grpc::ClientContext context;
  SetDeadline(context);
  v1::SubmitManifestResponse response;
  const auto writer = stub->SubmitManifest(&context, &response);
  v1::SubmitManifestRequest piece;
  piece.set_piece("x");
  ASSERT_TRUE(writer->Write(piece));
  // Wait until the first one is there.
  grpc::Status second;
  do {
    second = Send("builder-bea", "no gzip");
  } while (ReasonOf(second) == "REQUEST_INVALID");
  EXPECT_EQ(ReasonOf(second), "TOO_MANY_REQUESTS");
  EXPECT_TRUE(Send("operator-olga", Packed(Ledger())).ok())
      << "others are taken meanwhile";
  context.TryCancel();
  (void)writer->Finish();
}

TEST_F(ImageServiceTest, TakesOnlySoManyOfAName) {
  Publish();
  grpc::Status status;
  for (int i = 0; i < 20; ++i) status = Send("builder-bea", "no gzip");
  EXPECT_EQ(ReasonOf(status), "REQUEST_INVALID");
  EXPECT_EQ(ReasonOf(Submit(Ledger())), "TOO_MANY_REQUESTS");
  world_.Advance(absl::Seconds(30));
  EXPECT_TRUE(Submit(Ledger()).ok());
}

TEST_F(ImageServiceTest, WhatIsBelowAFloorMakesRoom) {
  Publish();
  v1::SubmitManifestResponse submitted;
  ASSERT_TRUE(Submit(Ledger("1.2"), &submitted).ok());
  index_.images = {*anchors::FromProto(submitted.image())};
  Publish();
  limits_.total_bytes = 2 * (Packed(Ledger("1.2")).size() + 100);
  world_.Start();
  EXPECT_EQ(ReasonOf(Submit(Ledger("1.3"))), "MANIFESTS_FULL");
  index_.images.clear();
  index_.floors = {{"ledger", "1.3"}};
  Publish();
  ASSERT_TRUE(Submit(Ledger("1.3")).ok());
  const auto images = List();
  ASSERT_EQ(images.size(), 1u);
  EXPECT_EQ(images[0].image().version(), "1.3");
  int keys = 0;
  ASSERT_TRUE(world_.store()
                  .Scan("manifest/",
                        [&](std::string_view, std::string_view) {
                          ++keys;
                          return true;
                        })
                  .ok());
  EXPECT_EQ(keys, 2) << "nothing is left of the other";
}

// Each producer has its share, and its oldest makes room for what it submits.
TEST_F(ImageServiceTest, AProducerFillsNoMoreThanItsShare) {
  const ImageProducer other("other", world_.now() - absl::Hours(24),
                            world_.now() + absl::Hours(24));
  producers_.producers.push_back(other.Listed({"ledger"}));
  Publish();
  limits_.total_bytes = 4 * (Packed(Ledger("1.2")).size() + 100);
  world_.Start();
  ASSERT_TRUE(
      Send("builder-bea", *anchors::Gzip(other.Sign(Ledger("1.0")))).ok());
  for (const char* version : {"1.4", "1.3", "1.2", "1.1"}) {
    world_.Advance(absl::Minutes(1));
    ASSERT_TRUE(Submit(Ledger(version)).ok()) << version;
  }
  std::vector<std::string> versions;
  for (const auto& image : List()) versions.push_back(image.image().version());
  EXPECT_THAT(versions, ElementsAre("1.0", "1.1", "1.2"));
}

// Nothing could ever be above it.
TEST_F(ImageServiceTest, TakesNoVersionThatNoFloorCouldBeAbove) {
  Publish();
  EXPECT_EQ(ReasonOf(Submit(Ledger("4294967295"))), "VERSION_TOO_HIGH");
  EXPECT_EQ(ReasonOf(Submit(Ledger("4294967295.0.1"))), "VERSION_TOO_HIGH");
  EXPECT_TRUE(Submit(Ledger("4294967294.4294967295")).ok());
}

TEST_F(ImageServiceTest, SaysWhatTheIndexSays) {
  Publish();
  v1::SubmitManifestResponse submitted;
  ASSERT_TRUE(Submit(Ledger(), &submitted).ok());
  anchors::Image listed = *anchors::FromProto(submitted.image());
  listed.disk_sha256 = std::string(64, 'd');
  listed.locations = {{"eu-west-1", "123456789012", "ami-1"}};
  index_.images = {listed};
  Publish();
  auto images = List();
  ASSERT_EQ(images.size(), 1u);
  EXPECT_TRUE(images[0].listed());
  EXPECT_EQ(*anchors::FromProto(images[0].image()), listed);

  const auto find = [&](auto edit) {
    v1::FindImageRequest request;
    edit(request);
    v1::FindImageResponse response;
    const grpc::Status status =
        Read(&Images::Stub::FindImage, request, response);
    return status.ok() ? response.image().image().version() : ReasonOf(status);
  };
  EXPECT_EQ(find([](auto& r) { r.set_image_id("ami-1"); }), "1.2");
  EXPECT_EQ(find([](auto& r) {
              r.set_image_id("ami-1");
              r.set_region("eu-west-1");
              r.set_account("123456789012");
            }),
            "1.2");
  EXPECT_EQ(find([](auto& r) {
              r.set_image_id("ami-1");
              r.set_region("us-east-1");
            }),
            "IMAGE_NOT_FOUND");
  EXPECT_EQ(find([](auto& r) { r.set_disk_sha256(std::string(64, 'd')); }),
            "1.2");
  EXPECT_EQ(find([](auto& r) { r.set_disk_sha256(std::string(64, 'e')); }),
            "IMAGE_NOT_FOUND");
  EXPECT_EQ(find([](auto& r) { r.set_disk_sha256("d"); }), "REQUEST_INVALID");
  EXPECT_EQ(find([](auto&) {}), "REQUEST_INVALID");
  EXPECT_EQ(find([](auto& r) {
              r.set_image_id("ami-1");
              r.set_disk_sha256(std::string(64, 'd'));
            }),
            "REQUEST_INVALID");

  index_.images[0].status = anchors::ImageStatus::kWithdrawn;
  Publish();
  images = List();
  EXPECT_EQ(images[0].image().status(), v1::IMAGE_STATUS_WITHDRAWN);
  // And it is not taken again.
  EXPECT_EQ(ReasonOf(Submit(Ledger())), "IMAGE_WITHDRAWN");
}

// After the loss of the store: the index has the hashes that count.
TEST_F(ImageServiceTest, TakesWhatIsListedAgainInTheSameBytes) {
  const auto manifest = Ledger();
  anchors::Image listed = acme_.Entry(manifest, world_.now(), Packed(manifest));
  index_.images = {listed};
  producers_.producers[0].status = anchors::ProducerStatus::kRetired;
  Publish();
  ASSERT_EQ(List().size(), 1u);
  EXPECT_FALSE(List()[0].stored());
  world_.Advance(absl::Hours(100));
  // The same manifest, signed again, is another bundle.
  const std::string other = *anchors::Gzip("\n" + acme_.Sign(manifest));
  EXPECT_EQ(ReasonOf(Send("builder-bea", other)), "LISTING_DIFFERS");
  EXPECT_TRUE(Send("builder-bea", Packed(manifest)).ok());
  EXPECT_TRUE(List()[0].stored());
}

TEST_F(ImageServiceTest, ListsInPages) {
  Publish();
  for (const char* version : {"1.10", "1.2", "1.9"}) {
    ASSERT_TRUE(Submit(Ledger(version)).ok());
  }
  v1::ListImagesRequest request;
  request.set_page_size(2);
  v1::ListImagesResponse page;
  ASSERT_TRUE(Read(&Images::Stub::ListImages, request, page).ok());
  ASSERT_EQ(page.images_size(), 2);
  EXPECT_EQ(page.images(0).image().version(), "1.2");
  EXPECT_EQ(page.images(1).image().version(), "1.9");
  request.set_page_token(page.next_page_token());
  ASSERT_TRUE(Read(&Images::Stub::ListImages, request, page).ok());
  ASSERT_EQ(page.images_size(), 1);
  EXPECT_EQ(page.images(0).image().version(), "1.10");
  EXPECT_EQ(page.next_page_token(), "");
  request.set_page_token("nothing");
  EXPECT_EQ(ReasonOf(Read(&Images::Stub::ListImages, request, page)),
            "PAGE_TOKEN_INVALID");
  request.clear_page_token();
  request.set_page_size(201);
  EXPECT_EQ(ReasonOf(Read(&Images::Stub::ListImages, request, page)),
            "REQUEST_INVALID");
  request.set_page_size(1);
  request.set_product(std::string(65, 'a'));
  EXPECT_EQ(ReasonOf(Read(&Images::Stub::ListImages, request, page)),
            "REQUEST_INVALID");
}

TEST_F(ImageServiceTest, NothingIsKeptThatIsNotOnTheDisk) {
  Publish();
  world_.store().FailWith(absl::UnavailableError("disk full"));
  EXPECT_EQ(ReasonOf(Submit(Ledger())), "STORE_UNAVAILABLE");
  world_.store().FailWith(absl::OkStatus());
  EXPECT_TRUE(List().empty());
  EXPECT_TRUE(Submit(Ledger()).ok());
}

TEST_F(ImageServiceTest, ServesNoDamagedChunk) {
  Publish();
  ASSERT_TRUE(Submit(Ledger()).ok());
  const std::string digest = ImageProducer::DigestOf(Ledger());
  world_.store().Damage(std::string(keys::kManifestChunkPrefix) + digest +
                        "/0000");
  v1::GetManifestResponse chunk;
  EXPECT_EQ(ReasonOf(Get(digest, 0, chunk)), "STORE_UNAVAILABLE");
}

TEST_F(ImageServiceTest, HealsADamagedChunkThatIsSubmittedAgain) {
  Publish();
  const std::string packed = Packed(Ledger());
  ASSERT_TRUE(Send("builder-bea", packed).ok());
  const std::string digest = ImageProducer::DigestOf(Ledger());
  world_.store().Damage(std::string(keys::kManifestChunkPrefix) + digest +
                        "/0000");
  world_.Advance(absl::Minutes(5));
  v1::SubmitManifestResponse again;
  ASSERT_TRUE(Send("builder-bea", packed, &again).ok());
  EXPECT_FALSE(again.was_known());
  EXPECT_EQ(again.image().received_time().seconds(),
            absl::ToUnixSeconds(world_.now() - absl::Minutes(5)));
  v1::GetManifestResponse chunk;
  ASSERT_TRUE(Get(digest, 0, chunk).ok());
  EXPECT_EQ(chunk.chunk(), packed);
}

}  // namespace
}  // namespace anchorage::trustd
