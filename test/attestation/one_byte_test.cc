// No change of one byte of a real document is ever accepted, with a cache that
// knows its chain: for one document of each type, every bit of every byte; and
// with ANCHORAGE_EVERY_BYTE_VALUE set (half an hour), each of the 255 other
// values of every byte.

#include <bit>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "test/attestation/real_documents.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using verify::AnchorSet;
using verify::AttestationType;
using verify::ChainCache;
using verify::ReasonOf;
using verify::RecordedTime;

constexpr char kWhy[] = "every change must be refused by itself";

absl::Status Verify(const RealDocument& document, std::string_view bytes,
                    const AnchorSet& anchors, ChainCache& cache) {
  const RecordedTime at = RecordedTime::At(document.made_at);
  if (document.type == AttestationType::kEnclave) {
    return VerifyRecordedEnclave(bytes, anchors,
                                 *verify::EnclavePolicy::Builder()
                                      .AuthenticityOnly(kWhy)
                                      .AllowDebug(kWhy)
                                      .Build(),
                                 at, &cache)
        .status();
  }
  return VerifyRecordedNitroTpm(
             bytes, anchors,
             *verify::NitroTpmPolicy::Builder().AuthenticityOnly(kWhy).Build(),
             at, &cache)
      .status();
}

// The values to put in place of `byte`.
std::vector<char> ValuesFor(char byte) {
  std::vector<char> values;
  const bool all = std::getenv("ANCHORAGE_EVERY_BYTE_VALUE") != nullptr;
  for (int change = 1; change < 256; ++change) {
    if (all || std::has_single_bit(static_cast<unsigned>(change))) {
      values.push_back(static_cast<char>(byte ^ change));
    }
  }
  return values;
}

// A document, and one of the parts that it is cut into for as many processes.
constexpr std::size_t kParts = 4;

class OneByte
    : public ::testing::TestWithParam<std::tuple<std::size_t, std::size_t>> {
 protected:
  const RealDocument document_ = CarriedDocuments()[std::get<0>(GetParam())];
  const std::size_t begin_ =
      document_.bytes.size() * std::get<1>(GetParam()) / kParts;
  const std::size_t end_ =
      document_.bytes.size() * (std::get<1>(GetParam()) + 1) / kParts;
  const std::shared_ptr<const AnchorSet> anchors_ = RealNitroRoots();
  ChainCache cache_;
};

TEST_P(OneByte, ChangedIsNeverAccepted) {
  ASSERT_TRUE(Verify(document_, document_.bytes, *anchors_, cache_).ok());
  std::string changed = document_.bytes;
  for (std::size_t i = begin_; i < end_; ++i) {
    for (const char value : ValuesFor(document_.bytes[i])) {
      changed[i] = value;
      const absl::Status status = Verify(document_, changed, *anchors_, cache_);
      ASSERT_TRUE(ReasonOf(status).has_value())
          << "byte " << i << " as " << static_cast<int>(value);
    }
    changed[i] = document_.bytes[i];
  }
  // Nothing that was refused has been remembered: the four certificates below
  // the root are all there is.
  EXPECT_EQ(cache_.stats().size, 4u);
}

TEST_P(OneByte, CutOffAnywhereIsNeverAccepted) {
  for (std::size_t size = begin_; size < end_; ++size) {
    const absl::Status status =
        Verify(document_, std::string_view(document_.bytes).substr(0, size),
               *anchors_, cache_);
    ASSERT_TRUE(ReasonOf(status).has_value()) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Real, OneByte,
    ::testing::Combine(::testing::Range<std::size_t>(0, 2),
                       ::testing::Range<std::size_t>(0, kParts)));

}  // namespace
}  // namespace anchorage::test
