#include "tools/trustctl/selftest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "tools/trustctl/anchor_source.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

const verify::AnchorSet& BuiltIn() {
  static const auto& anchors = *new Anchors(*AnchorSource().Load({}));
  return *anchors.set;
}

// How many cases of each group are not as they should be.
std::vector<int> FailedOf(const Verifiers& verifiers,
                          const SelftestVectors& vectors = BuiltInVectors()) {
  std::vector<int> failed;
  for (const auto& group : RunSelftest(verifiers, vectors, BuiltIn())) {
    failed.push_back(group.failed);
  }
  return failed;
}

bool AnyFailed(const std::vector<int>& failed) {
  return std::any_of(failed.begin(), failed.end(), [](int n) { return n > 0; });
}

// Little of each kind, for what needs one failure only.
SelftestVectors Few() {
  SelftestVectors few = BuiltInVectors();
  few.identities.resize(1);
  few.documents = {few.documents.front(), few.documents.back()};
  return few;
}

TEST(Selftest, ThisProgramIsSound) {
  for (const auto& group :
       RunSelftest(ThisProgramsVerifiers(), BuiltInVectors(), BuiltIn())) {
    EXPECT_GT(group.cases, 0) << group.name;
    EXPECT_EQ(group.failed, 0)
        << group.name << ": "
        << (group.failures.empty() ? "" : group.failures.front());
  }
}

TEST(Selftest, AVerifierThatAcceptsEverythingFails) {
  Verifiers damaged = ThisProgramsVerifiers();
  damaged.identity = [](const auto&...) { return absl::OkStatus(); };
  damaged.enclave = [](const auto&...) { return absl::OkStatus(); };
  damaged.nitro_tpm = [](const auto&...) { return absl::OkStatus(); };
  const std::vector<int> failed = FailedOf(damaged, Few());
  // All but the groups of what is genuine.
  EXPECT_EQ(failed[0], 0);
  EXPECT_GT(failed[1], 0);
  EXPECT_GT(failed[2], 0);
  EXPECT_GT(failed[5], 0);
  EXPECT_GT(failed[6], 0);
}

TEST(Selftest, AVerifierThatRefusesEverythingFails) {
  const absl::Status no =
      verify::Reject(verify::Reason::kSignatureMismatch, "no");
  Verifiers damaged = ThisProgramsVerifiers();
  damaged.identity = [no](const auto&...) { return no; };
  damaged.enclave = [no](const auto&...) { return no; };
  damaged.nitro_tpm = [no](const auto&...) { return no; };
  const std::vector<int> failed = FailedOf(damaged, Few());
  EXPECT_EQ(failed[0], 1);
  EXPECT_EQ(failed[3], 1);
  EXPECT_EQ(failed[4], 1);
}

TEST(Selftest, AVerifierWithoutATimeFails) {
  Verifiers damaged = ThisProgramsVerifiers();
  damaged.enclave = [](std::string_view document,
                       const verify::AnchorSet& anchors,
                       const verify::EnclavePolicy& policy, absl::Time) {
    return verify::VerifyRecordedEnclave(document, anchors, policy,
                                         verify::RecordedTime::kAtDocumentTime)
        .status();
  };
  EXPECT_EQ(FailedOf(damaged, Few()), (std::vector<int>{0, 0, 0, 0, 0, 0, 1}));
}

TEST(Selftest, AVerifierWithoutAReasonFails) {
  Verifiers damaged = ThisProgramsVerifiers();
  damaged.identity = [real = damaged.identity](const auto&... all) {
    const absl::Status status = real(all...);
    return status.ok() ? status : absl::InternalError("no");
  };
  const std::vector<int> failed = FailedOf(damaged, Few());
  EXPECT_EQ(failed[0], 0);
  EXPECT_GT(failed[1], 0);
  EXPECT_GT(failed[2], 0);
}

TEST(Selftest, ADamagedVectorFails) {
  SelftestVectors vectors = Few();
  vectors.documents.front().bytes[1000] ^= 1;
  EXPECT_TRUE(AnyFailed(FailedOf(ThisProgramsVerifiers(), vectors)));
  vectors = Few();
  vectors.documents.back().bytes.clear();
  EXPECT_TRUE(AnyFailed(FailedOf(ThisProgramsVerifiers(), vectors)));
  vectors = Few();
  vectors.identities.front().document[20] ^= 1;
  EXPECT_TRUE(AnyFailed(FailedOf(ThisProgramsVerifiers(), vectors)));
  vectors = Few();
  vectors.identities.front().signature = "?";
  EXPECT_TRUE(AnyFailed(FailedOf(ThisProgramsVerifiers(), vectors)));
}

}  // namespace
}  // namespace anchorage::trustctl
