#include "verify/image/boot_pcr.h"

#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace anchorage::verify {
namespace {

std::string Hex(const Sha384Bytes& bytes) {
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

// Computed by Python's hashlib.
TEST(BootPcr, KnownAnswers) {
  Sha256Bytes digest{};
  digest.fill(0x11);
  EXPECT_EQ(Hex(*BootEvent(digest)),
            "bb86e5abe515289d24ae1072adb93b953375a5d5a457bc35"
            "8a4842c47a63cefe6482fcf100a1bca0886187b393b4db6b");
  EXPECT_EQ(Hex(*RegisterAfter(*BootEvent(digest))),
            "6f7263eab92b1284a9a73d7aaf54a93626c00c2d38c8eae7"
            "b514a1493a580c8843096a1d6e6ebc97c6b69bdc57f03348");
  EXPECT_EQ(Hex(*FailedBootEvent()),
            "747d16b4277db84b56955101fd343ccd576410fa95ecabdd"
            "97bd904244f8a7fbf3ab7489bf24e58d6cc82d386ada778d");
  EXPECT_EQ(Hex(*RegisterAfter(*FailedBootEvent())),
            "469b0da05067f8690211bc7f005bdc5b63b33e519da4b213"
            "ca9d6a5d3c3a785a84fed0db928e900a2cc270ae598b9455");
}

}  // namespace
}  // namespace anchorage::verify
