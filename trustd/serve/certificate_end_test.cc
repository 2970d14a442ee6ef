#include "trustd/serve/certificate_end.h"

#include <gtest/gtest.h>

#include <string>

#include "anchors/base/atomic_file.h"
#include "test/support/hostile_server.h"

namespace anchorage::trustd {
namespace {

TEST(CertificateEnd, IsOfTheFirstInTheFile) {
  const absl::Time begin = absl::FromUnixSeconds(1'800'000'000);
  const std::string first = MakeTestIdentity("127.0.0.1", begin).pem;
  const std::string path = ::testing::TempDir() + "chain.pem";
  const auto end = [&](const std::string& pem) {
    EXPECT_TRUE(anchors::WriteFileAtomically(path, pem).ok());
    return ReadCertificateEnd(path);
  };
  const auto alone = end(first);
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_GT(*alone, begin);
  const std::string later =
      MakeTestIdentity("127.0.0.1", begin + absl::Hours(24)).pem;
  EXPECT_EQ(*end(first + later), *alone);
  EXPECT_EQ(*end(later + first), *alone + absl::Hours(24));
  for (const std::string& bad :
       {std::string(), std::string("no PEM"), first.substr(0, 200)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(end(bad).status())) << bad;
  }
  EXPECT_TRUE(absl::IsNotFound(ReadCertificateEnd("/nowhere.pem").status()));
}

}  // namespace
}  // namespace anchorage::trustd
