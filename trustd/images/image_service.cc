#include "trustd/images/image_service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/gzip.h"
#include "anchors/images/image_proto.h"
#include "anchors/images/judgement.h"
#include "anchors/releases.h"
#include "trustd/admin/caller.h"
#include "trustd/rpc/rpc_status.h"
#include "verify/crypto/public_key.h"
#include "verify/image/image_error.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 200;
constexpr std::size_t kMaxPieceBytes = 128 * 1024;

bool IsSha256Hex(std::string_view text) {
  return text.size() == 64 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The status for a manifest that was refused: with the name of the reason.
grpc::Status RefusedManifest(const absl::Status& status) {
  std::string_view reason = kRequestInvalid;
  if (const auto listing = anchors::ListingReasonOf(status)) {
    reason = anchors::NameOf(*listing);
  } else if (const auto image = verify::ImageReasonOf(status)) {
    reason = verify::NameOf(*image);
  }
  return RpcError(static_cast<grpc::StatusCode>(status.code()), reason,
                  std::string(status.message()));
}

anchors::ImageListings ListingsOf(const Publication& publication) {
  return {.producers = publication.producers.has_value()
                           ? &*publication.producers
                           : nullptr,
          .images =
              publication.images.has_value() ? &*publication.images : nullptr};
}

anchors::Image NewImage(const anchors::ManifestVerdict& verdict,
                        const std::string& bundle_sha256, absl::Time now) {
  const verify::ImageManifest& manifest = verdict.verified.manifest();
  const verify::Sha256Bytes& digest = verdict.verified.digest();
  anchors::Image image;
  image.product = manifest.product;
  image.version = manifest.version.ToString();
  image.producer = verdict.producer;
  image.manifest_sha256 = absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(digest.data()), digest.size()));
  image.bundle_sha256 = bundle_sha256;
  image.received = absl::FromUnixSeconds(absl::ToUnixSeconds(now));
  return image;
}

bool IsActive(const anchors::ProducerList& list, const std::string& name) {
  const anchors::Producer* const producer = anchors::FindProducer(list, name);
  return producer != nullptr &&
         producer->status == anchors::ProducerStatus::kActive;
}

// Whether the first number of a version is the highest that there is.
bool HasHighestNumber(const std::string& version) {
  return version.substr(0, version.find('.')) == "4294967295";
}

grpc::Status NotFound(std::string_view reason, std::string_view what) {
  return RpcError(grpc::StatusCode::NOT_FOUND, reason, std::string(what));
}

}  // namespace

// Reads the pieces of one bundle, of who was admitted before.
class ImageServiceImpl::Submission final : public ServerUpload {
 public:
  Submission(ImageServiceImpl& service, const Access& access,
             const CallGate& gate, std::string by,
             std::string certificate_sha256)
      : service_(service),
        access_(access),
        gate_(gate),
        by_(std::move(by)),
        certificate_sha256_(std::move(certificate_sha256)),
        ends_(service.options_.uptime() + kMaxSubmissionTime) {}
  ~Submission() override { End(); }

  grpc::Status OnMessage(const Caller& caller,
                         const grpc::ByteBuffer& message) override {
    grpc::Status status = Take(caller, message);
    if (!status.ok()) End();
    return status;
  }

  grpc::Status OnEnd(grpc::ByteBuffer& response) override {
    v1::SubmitManifestResponse submitted;
    grpc::Status status =
        service_.Submit(access_, by_, certificate_sha256_, packed_, submitted);
    if (status.ok()) {
      response = CallGate::ToBuffer(submitted);
    } else {
      spdlog::warn("refused a manifest of {}: {}", verify::Printable(by_),
                   status.error_message());
    }
    End();
    return status;
  }

 private:
  grpc::Status Take(const Caller& caller, const grpc::ByteBuffer& message) {
    v1::SubmitManifestRequest request;
    if (grpc::Status status = gate_.Read(caller, message, request);
        !status.ok()) {
      return status;
    }
    if (request.piece().empty() || request.piece().size() > kMaxPieceBytes) {
      return RequestError("a piece has 1 to 131072 bytes");
    }
    if (packed_.size() + request.piece().size() > kMaxSubmittedBytes) {
      return RequestError("a submission has at most 24 MiB");
    }
    if (service_.options_.uptime() > ends_) {
      return RpcError(grpc::StatusCode::DEADLINE_EXCEEDED, kRequestInvalid,
                      "a submission takes at most 10 minutes");
    }
    packed_ += request.piece();
    return grpc::Status::OK;
  }

  // Before the answer is sent, so that whoever has it can submit again.
  void End() {
    if (!std::exchange(ended_, true)) service_.EndSubmission(by_);
  }

  ImageServiceImpl& service_;
  const Access& access_;
  const CallGate& gate_;
  const std::string by_;
  const std::string certificate_sha256_;
  const absl::Duration ends_;
  std::string packed_;
  bool ended_ = false;
};

ImageServiceImpl::ImageServiceImpl(Options options, ImageStore& images,
                                   Mirror& mirror, PublicationHub& hub)
    : options_(std::move(options)),
      images_(images),
      mirror_(mirror),
      hub_(hub),
      limit_(options_.submissions) {}

void ImageServiceImpl::AddReading(CallGate& gate) {
  gate.AddUnary<v1::GetManifestRequest, v1::GetManifestResponse>(
      "/anchorage.v1.ImageService/GetManifest",
      [this](const Caller&, const v1::GetManifestRequest& request,
             v1::GetManifestResponse& response) {
        return GetManifest(request, response);
      });
  gate.AddUnary<v1::ListImagesRequest, v1::ListImagesResponse>(
      "/anchorage.v1.ImageService/ListImages",
      [this](const Caller&, const v1::ListImagesRequest& request,
             v1::ListImagesResponse& response) {
        return ListImages(request, response);
      });
  gate.AddUnary<v1::FindImageRequest, v1::FindImageResponse>(
      "/anchorage.v1.ImageService/FindImage",
      [this](const Caller&, const v1::FindImageRequest& request,
             v1::FindImageResponse& response) {
        return FindImage(request, response);
      });
}

void ImageServiceImpl::AddSubmitting(const Access& access, CallGate& gate) {
  gate.AddUpload("/anchorage.v1.ImageService/SubmitManifest",
                 [this, &access, &gate](const Caller& caller,
                                        std::unique_ptr<ServerUpload>& upload) {
                   return BeginSubmission(access, gate, caller, upload);
                 });
}

grpc::Status ImageServiceImpl::BeginSubmission(
    const Access& access, const CallGate& gate, const Caller& caller,
    std::unique_ptr<ServerUpload>& upload) {
  std::string by;
  if (grpc::Status status = Admit(access, caller, Action::kSubmitManifest, by);
      !status.ok()) {
    return status;
  }
  if (!limit_.Take(by, options_.uptime())) {
    return RpcError(grpc::StatusCode::RESOURCE_EXHAUSTED, kTooManyRequests,
                    "too many submissions under this name: wait a minute");
  }
  const absl::MutexLock lock(&mutex_);
  if (submitting_.size() >= kMaxSubmissions || !submitting_.insert(by).second) {
    return RpcError(grpc::StatusCode::RESOURCE_EXHAUSTED, kTooManyRequests,
                    "another submission is under way: try again when it is "
                    "done");
  }
  upload = std::make_unique<Submission>(*this, access, gate, by,
                                        CertificateSha256(caller.context));
  return grpc::Status::OK;
}

void ImageServiceImpl::EndSubmission(const std::string& by) {
  const absl::MutexLock lock(&mutex_);
  submitting_.erase(by);
}

grpc::Status ImageServiceImpl::Submit(const Access& access,
                                      const std::string& by,
                                      const std::string& certificate_sha256,
                                      const std::string& packed,
                                      v1::SubmitManifestResponse& response) {
  const absl::MutexLock work(&work_mutex_);
  const auto publication = hub_.Current();
  if (publication == nullptr || !publication->producers.has_value()) {
    return RpcError(grpc::StatusCode::FAILED_PRECONDITION, kNoProducers,
                    "no list of producers is published: 'trustctl producers "
                    "add' makes one");
  }
  auto bundle = anchors::Gunzip(packed, images_.limits().bundle_bytes);
  if (!bundle.ok()) return RequestError(std::string(bundle.status().message()));
  const std::string bundle_sha256 = verify::Sha256Hex(*bundle);
  const absl::Time now = options_.clock();
  const auto verdict =
      anchors::JudgeManifest(*std::move(bundle), ListingsOf(*publication),
                             {.now = now, .received = now});
  if (!verdict.ok()) return RefusedManifest(verdict.status());
  const std::string& product = verdict->verified.manifest().product;
  if (!access.MaySubmit(by, product)) {
    return RpcError(grpc::StatusCode::PERMISSION_DENIED, kProductNotAllowed,
                    absl::StrCat(by, " may not submit manifests of ", product,
                                 ": its line in 'admin.people' names the "
                                 "products"));
  }
  anchors::Image image = NewImage(*verdict, bundle_sha256, now);
  if (HasHighestNumber(image.version)) {
    return RpcError(grpc::StatusCode::PERMISSION_DENIED, kVersionTooHigh,
                    "no floor could be above a version that begins with "
                    "4294967295");
  }
  if (const auto known = images_.Find(image.manifest_sha256);
      known.has_value()) {
    if (known->bundle_sha256 == bundle_sha256) {
      if (images_.CheckChunks(*known).ok()) {
        *response.mutable_image() = anchors::ToProto(*known);
        response.set_was_known(true);
        return grpc::Status::OK;
      }
      // What is damaged is written anew, below.
      image.received = known->received;
    }
    // What is listed is compared with its listing below.
    if (!verdict->listed.has_value() && known->producer != image.producer &&
        IsActive(*publication->producers, known->producer)) {
      return RpcError(
          grpc::StatusCode::ALREADY_EXISTS, kManifestOfAnother,
          absl::StrCat("this manifest is here, signed by ", known->producer));
    }
  }
  auto addition = images_.Prepare(
      image, packed,
      publication->images.has_value() ? &*publication->images : nullptr);
  if (absl::IsResourceExhausted(addition.status())) {
    return RpcError(grpc::StatusCode::RESOURCE_EXHAUSTED, kManifestsFull,
                    std::string(addition.status().message()));
  }
  if (!addition.ok()) {
    return RequestError(std::string(addition.status().message()));
  }
  // What is listed is had by the hashes of the index alone.
  if (verdict->listed.has_value() &&
      (verdict->listed->bundle_sha256 != bundle_sha256 ||
       verdict->listed->chunks != addition->image.chunks)) {
    return RefusedManifest(anchors::RefusedByListing(
        anchors::ListingReason::kListingDiffers,
        "the index lists this manifest in another bundle"));
  }
  v1::ManifestFact fact;
  fact.set_by(by);
  fact.set_certificate_sha256(certificate_sha256);
  fact.set_product(image.product);
  fact.set_version(image.version);
  fact.set_producer(image.producer);
  fact.set_manifest_sha256(image.manifest_sha256);
  fact.set_bundle_sha256(image.bundle_sha256);
  if (absl::Status s = mirror_.ReceiveManifest(fact, addition->batch, now);
      !s.ok()) {
    return ErrorOf(s, kManifestNotFound, kNotApplicable);
  }
  images_.Kept(*addition);
  spdlog::info("{} submitted {} {} of {}: manifest {}", by, image.product,
               image.version, image.producer, image.manifest_sha256);
  *response.mutable_image() = anchors::ToProto(addition->image);
  return grpc::Status::OK;
}

v1::ServedImage ImageServiceImpl::Describe(
    const anchors::Image& image, const Publication* publication) const {
  v1::ServedImage served;
  const anchors::Image* const listed =
      publication == nullptr || !publication->images.has_value()
          ? nullptr
          : anchors::FindByManifest(*publication->images,
                                    image.manifest_sha256);
  *served.mutable_image() =
      anchors::ToProto(listed == nullptr ? image : *listed);
  served.set_listed(listed != nullptr);
  served.set_stored(images_.Find(image.manifest_sha256).has_value());
  return served;
}

grpc::Status ImageServiceImpl::GetManifest(
    const v1::GetManifestRequest& request,
    v1::GetManifestResponse& response) const {
  if (!IsSha256Hex(request.manifest_sha256())) {
    return RequestError("'manifest_sha256' is 64 lower-case hex digits");
  }
  const auto image = images_.Find(request.manifest_sha256());
  if (!image.has_value()) {
    return NotFound(kManifestNotFound, "no manifest with that digest is here");
  }
  if (request.chunk() >= image->chunks.size()) {
    return RequestError(
        absl::StrCat("the manifest has ", image->chunks.size(), " chunks"));
  }
  auto bytes = images_.ReadChunk(*image, request.chunk());
  if (!bytes.ok()) {
    spdlog::error("{}", std::string(bytes.status().message()));
    return RpcError(grpc::StatusCode::UNAVAILABLE, kStoreUnavailable,
                    "the manifest cannot be read");
  }
  *response.mutable_image() = Describe(*image, hub_.Current().get());
  *response.mutable_chunk() = *std::move(bytes);
  return grpc::Status::OK;
}

std::shared_ptr<const ImageServiceImpl::Listing>
ImageServiceImpl::CurrentListing() {
  const auto publication = hub_.Current();
  const std::uint64_t generation = images_.generation();
  const absl::MutexLock lock(&mutex_);
  if (listing_ != nullptr && listing_->publication == publication &&
      listing_->generation == generation) {
    return listing_;
  }
  anchors::ImageIndex all;
  if (publication != nullptr && publication->images.has_value()) {
    all.images = publication->images->images;
  }
  std::set<std::string> listed;
  for (const anchors::Image& image : all.images) {
    listed.insert(image.manifest_sha256);
  }
  std::set<std::string> stored;
  images_.Visit([&](const anchors::Image& image) {
    stored.insert(image.manifest_sha256);
    if (!listed.contains(image.manifest_sha256)) all.images.push_back(image);
  });
  anchors::Sort(all);
  auto next = std::make_shared<Listing>();
  next->publication = publication;
  next->generation = generation;
  next->images.reserve(all.images.size());
  for (const anchors::Image& image : all.images) {
    v1::ServedImage& served = next->images.emplace_back();
    *served.mutable_image() = anchors::ToProto(image);
    served.set_listed(listed.contains(image.manifest_sha256));
    served.set_stored(stored.contains(image.manifest_sha256));
  }
  listing_ = next;
  return next;
}

grpc::Status ImageServiceImpl::ListImages(const v1::ListImagesRequest& request,
                                          v1::ListImagesResponse& response) {
  if (request.page_size() < 0 || request.page_size() > kMaxPageSize) {
    return RequestError(
        absl::StrCat("'page_size' is from 0 to ", kMaxPageSize));
  }
  if (request.product().size() > anchors::kMaxProductBytes) {
    return RequestError("'product' is at most 64 bytes");
  }
  const auto listing = CurrentListing();
  const auto& images = listing->images;
  // A token is the digest of the last image of the page before.
  auto at = images.begin();
  if (!request.page_token().empty()) {
    at = std::find_if(images.begin(), images.end(), [&](const auto& one) {
      return one.image().manifest_sha256() == request.page_token();
    });
    if (at == images.end()) {
      return RpcError(grpc::StatusCode::INVALID_ARGUMENT, kPageTokenInvalid,
                      "the page token is not one of this server");
    }
    ++at;
  }
  const int size =
      request.page_size() == 0 ? kDefaultPageSize : request.page_size();
  for (; at != images.end(); ++at) {
    if (!request.product().empty() &&
        at->image().product() != request.product()) {
      continue;
    }
    if (response.images_size() == size) {
      response.set_next_page_token(
          response.images(size - 1).image().manifest_sha256());
      break;
    }
    *response.add_images() = *at;
  }
  if (listing->publication != nullptr &&
      listing->publication->images.has_value()) {
    response.set_index_sequence(listing->publication->images->sequence);
  }
  return grpc::Status::OK;
}

grpc::Status ImageServiceImpl::FindImage(
    const v1::FindImageRequest& request,
    v1::FindImageResponse& response) const {
  if (request.image_id().empty() == request.disk_sha256().empty() ||
      request.image_id().size() > anchors::kMaxImageIdBytes ||
      request.region().size() > anchors::kMaxRegionBytes ||
      request.account().size() > anchors::kAccountDigits ||
      (request.image_id().empty() &&
       (!IsSha256Hex(request.disk_sha256()) || !request.region().empty() ||
        !request.account().empty()))) {
    return RequestError(
        "give either 'image_id', with or without 'region' and 'account', or "
        "'disk_sha256' as 64 lower-case hex digits");
  }
  const auto publication = hub_.Current();
  const anchors::Image* found = nullptr;
  if (publication != nullptr && publication->images.has_value()) {
    const anchors::ImageIndex& index = *publication->images;
    found = request.image_id().empty()
                ? anchors::FindByDisk(index, request.disk_sha256())
                : anchors::FindByImageId(index, request.image_id(),
                                         request.region(), request.account());
  }
  if (found == nullptr) {
    return NotFound(kImageNotFound, "the published index has no such image");
  }
  *response.mutable_image() = Describe(*found, publication.get());
  return grpc::Status::OK;
}

}  // namespace anchorage::trustd
