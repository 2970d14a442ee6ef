// Input: two lists of producers, or two indices of images, JSON, with a zero
// byte between them; either may be either.
// Holds for any bytes:
//   1. a reader accepts, or it gives a reason;
//   2. what is read is written and read again as the same list, and written
//      again as the same text: one list has one text;
//   3. no text is both kinds of list;
//   4. a list may follow itself, one number later;
//   5. where one index may follow the other, what was WITHDRAWN or revoked is
//      so, or below a floor, and no manifest was received at another time;
//   6. if one may follow the other, the other may not follow it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "anchors/images/image_index.h"
#include "anchors/images/producers.h"
#include "test/fuzz/fuzz.h"

namespace anchorage::test {
namespace {

using anchors::Image;
using anchors::ImageIndex;
using anchors::ImageStatus;
using anchors::Producer;
using anchors::ProducerList;
using anchors::ProducerStatus;

bool IsKnown(const ImageIndex& index) {
  for (const Image& image : index.images) {
    if (image.status == ImageStatus::kUnknown) return false;
  }
  return true;
}

void CheckText(const ImageIndex& index) {
  if (!IsKnown(index)) return;
  const std::string written = anchors::SerializeImageIndex(index);
  // A text that is longer was written in another way.
  if (written.size() > anchors::kMaxImageIndexBytes) return;
  const auto again = anchors::ParseImageIndex(written);
  Require(again.ok() && *again == index, "the same index comes back");
  Require(anchors::SerializeImageIndex(*again) == written,
          "one index has one text");
  for (const Image& image : index.images) {
    Require(anchors::FindByManifest(index, image.manifest_sha256) == &image,
            "a manifest is listed once");
  }
}

void CheckText(ProducerList list) {
  list.skipped = 0;
  const std::string written = anchors::SerializeProducers(list);
  if (written.size() > anchors::kMaxProducersBytes) return;
  const auto again = anchors::ParseProducers(written);
  Require(again.ok() && *again == list, "the same list comes back");
  Require(anchors::SerializeProducers(*again) == written,
          "one list has one text");
}

void CheckPair(const ImageIndex& before, const ImageIndex& after) {
  if (!anchors::CheckNextImageIndex(before, after).ok()) return;
  Require(!anchors::CheckNextImageIndex(after, before).ok(),
          "nothing goes back");
  for (const Image& image : before.images) {
    const Image* const now =
        anchors::FindByManifest(after, image.manifest_sha256);
    if (now == nullptr) {
      Require(anchors::IsBelowFloor(after, image.product, image.version),
              "what is gone is below a floor");
      continue;
    }
    Require(now->received == image.received, "it was received once");
    Require(image.status == ImageStatus::kActive ||
                now->status != ImageStatus::kActive,
            "what is withdrawn stays so");
  }
}

void CheckPair(const ProducerList& before, const ProducerList& after) {
  if (!anchors::CheckNextProducers(before, after).ok()) return;
  Require(!anchors::CheckNextProducers(after, before).ok(),
          "nothing goes back");
  for (const Producer& producer : before.producers) {
    if (producer.status != ProducerStatus::kRevoked) continue;
    const Producer* const now = anchors::FindProducer(after, producer.name);
    Require(now != nullptr && now->status == ProducerStatus::kRevoked,
            "what is revoked stays so");
  }
}

void CheckItself(const ImageIndex& index) {
  ImageIndex next = index;
  ++next.sequence;
  if (anchors::CheckImageIndex(next).ok()) {
    Require(anchors::CheckNextImageIndex(index, next).ok(),
            "an index may follow itself");
  }
}

template <typename List, typename Parse>
bool Check(std::string_view first, std::string_view second,
           const Parse& parse) {
  const auto before = parse(first);
  if (!Decided(before.status())) return false;
  CheckText(*before);
  if constexpr (std::is_same_v<List, ImageIndex>) CheckItself(*before);
  const auto after = parse(second);
  if (!Decided(after.status())) return true;
  CheckPair(*before, *after);
  CheckPair(*after, *before);
  return true;
}

void CheckAll(std::string_view input) {
  const std::size_t end = input.find('\0');
  const std::string_view first = input.substr(0, end);
  const std::string_view second =
      end == input.npos ? first : input.substr(end + 1);
  const bool is_index =
      Check<ImageIndex>(first, second, anchors::ParseImageIndex);
  const bool is_producers =
      Check<ProducerList>(first, second, anchors::ParseProducers);
  Require(!is_index || !is_producers, "a text is one kind of list");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::CheckAll(anchorage::test::InputOf(data, size));
  return 0;
}
