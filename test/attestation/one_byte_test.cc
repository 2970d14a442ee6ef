// No change of one byte of a real document is ever accepted: every bit of
// every byte of one document of each type, with a cache that knows its chain.

#include <string>
#include <string_view>

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

class OneByte : public ::testing::TestWithParam<std::size_t> {
 protected:
  const RealDocument document_ = CarriedDocuments()[GetParam()];
  const std::shared_ptr<const AnchorSet> anchors_ = RealNitroRoots();
  ChainCache cache_;
};

TEST_P(OneByte, ChangedIsNeverAccepted) {
  ASSERT_TRUE(Verify(document_, document_.bytes, *anchors_, cache_).ok());
  std::string changed = document_.bytes;
  for (std::size_t i = 0; i < changed.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      changed[i] = static_cast<char>(document_.bytes[i] ^ (1 << bit));
      const absl::Status status = Verify(document_, changed, *anchors_, cache_);
      ASSERT_TRUE(ReasonOf(status).has_value())
          << "byte " << i << " bit " << bit << ": " << status;
    }
    changed[i] = document_.bytes[i];
  }
  // Nothing that was refused has been remembered: the four certificates below
  // the root are all there is.
  EXPECT_EQ(cache_.stats().size, 4u);
}

TEST_P(OneByte, CutOffAnywhereIsNeverAccepted) {
  for (std::size_t size = 0; size < document_.bytes.size(); ++size) {
    const absl::Status status =
        Verify(document_, std::string_view(document_.bytes).substr(0, size),
               *anchors_, cache_);
    ASSERT_TRUE(ReasonOf(status).has_value()) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Real, OneByte, ::testing::Values(0, 1),
                         [](const auto& info) {
                           return info.param == 0 ? "Enclave" : "NitroTpm";
                         });

}  // namespace
}  // namespace anchorage::test
