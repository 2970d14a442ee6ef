#include "client/instance/nsm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/instance/instance_error.h"
#include "test/fake_aws/cbor_writer.h"
#include "test/fake_aws/fake_nitro.h"

namespace anchorage::client {
namespace {

using test::CborBytes;
using test::CborIndefiniteMap;
using test::CborMap;
using test::CborNull;
using test::CborText;

// A file that opens, in place of the device.
constexpr char kDevice[] = "/dev/null";

std::string Document(const AttestationRequest& request) {
  using test::OptionalField;
  const auto field = [](const std::optional<std::string>& value) {
    return value.has_value() ? OptionalField::Bytes(*value)
                             : OptionalField::Null();
  };
  auto spec = test::FakeNitro().Genuine(test::NitroType::kEnclave);
  spec.document.user_data = field(request.user_data);
  spec.document.nonce = field(request.nonce);
  spec.document.public_key = field(request.public_key);
  return Encode(spec);
}

std::string Answer(const std::string& document) {
  return CborMap({{CborText("Attestation"),
                   CborMap({{CborText("document"), CborBytes(document)}})}});
}

// The driver, below ioctl(2): what it was asked, and what it answers.
struct FakeDriver {
  int operator()(int, unsigned long request, void* argument) {
    ++calls;
    // As uapi/linux/nsm.h lays them out.
    EXPECT_EQ(request, 0xC0200A00ul);
    std::uint64_t message[4];
    std::memcpy(message, argument, sizeof(message));
    asked = std::string(reinterpret_cast<const char*>(message[0]), message[1]);
    EXPECT_EQ(message[3], 0x3000u);
    if (!errors.empty()) {
      errno = errors.back();
      errors.pop_back();
      return -1;
    }
    std::memcpy(reinterpret_cast<void*>(message[2]), answer.data(),
                std::min<std::size_t>(answer.size(), message[3]));
    message[3] = length.value_or(answer.size());
    std::memcpy(argument, message, sizeof(message));
    return 0;
  }

  std::string answer = {};
  std::optional<std::uint64_t> length = {};
  // The next call fails with the last.
  std::vector<int> errors = {};
  std::string asked = {};
  int calls = 0;
};

absl::StatusOr<std::string> Ask(FakeDriver& driver,
                                const AttestationRequest& request = {}) {
  return AskNsm(kDevice, request, std::ref(driver));
}

std::optional<InstanceReason> ReasonOfAnswer(const std::string& answer) {
  FakeDriver driver{.answer = answer};
  return InstanceReasonOf(Ask(driver).status());
}

std::optional<InstanceReason> ReasonOfError(int error) {
  FakeDriver driver{.errors = {error}};
  return InstanceReasonOf(Ask(driver).status());
}

TEST(AskNsm, AsksForWhatIsToBeAttested) {
  const AttestationRequest request = {
      .user_data = "data", .nonce = std::string(300, 'n'), .public_key = ""};
  FakeDriver driver{.answer = Answer(Document(request))};
  const auto document = Ask(driver, request);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(*document, Document(request));
  EXPECT_EQ(
      driver.asked,
      CborMap({{CborText("Attestation"),
                CborMap({{CborText("user_data"), CborBytes("data")},
                         {CborText("nonce"), CborBytes(std::string(300, 'n'))},
                         {CborText("public_key"), CborBytes("")}})}}));
}

TEST(AskNsm, AsksForNothing) {
  FakeDriver driver{.answer = Answer(Document({}))};
  EXPECT_TRUE(Ask(driver).ok());
  EXPECT_EQ(driver.asked,
            CborMap({{CborText("Attestation"),
                      CborMap({{CborText("user_data"), CborNull()},
                               {CborText("nonce"), CborNull()},
                               {CborText("public_key"), CborNull()}})}}));
}

TEST(AskNsm, AsksForAsMuchAsADocumentHolds) {
  const std::string most(1024, 'm');
  const AttestationRequest request = {
      .user_data = most, .nonce = most, .public_key = most};
  FakeDriver driver{.answer = Answer(Document(request))};
  EXPECT_TRUE(Ask(driver, request).ok());
  EXPECT_LE(driver.asked.size(), 0x1000u);
}

TEST(AskNsm, AsksForNoMore) {
  const std::string more(1025, 'm');
  for (const AttestationRequest& request :
       {AttestationRequest{.user_data = more},
        AttestationRequest{.nonce = more},
        AttestationRequest{.public_key = more}}) {
    FakeDriver driver{.answer = Answer(Document({}))};
    const auto document = Ask(driver, request);
    EXPECT_EQ(document.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(InstanceReasonOf(document.status()), std::nullopt);
    EXPECT_EQ(driver.calls, 0);
  }
}

TEST(AskNsm, ASignalInterruptsNothing) {
  FakeDriver driver{.answer = Answer(Document({})), .errors = {EINTR, EINTR}};
  EXPECT_TRUE(Ask(driver).ok());
  EXPECT_EQ(driver.calls, 3);
}

TEST(AskNsm, EachErrorOfTheDriverHasAReason) {
  EXPECT_EQ(ReasonOfError(EPERM), InstanceReason::kAttestationForbidden);
  EXPECT_EQ(ReasonOfError(EACCES), InstanceReason::kAttestationForbidden);
  EXPECT_EQ(ReasonOfError(ETIMEDOUT), InstanceReason::kAttestationTimeout);
  EXPECT_EQ(ReasonOfError(EMSGSIZE), InstanceReason::kAttestationRefused);
  EXPECT_EQ(ReasonOfError(EINVAL), InstanceReason::kAttestationRefused);
}

TEST(AskNsm, WithoutADeviceThereIsNone) {
  EXPECT_EQ(InstanceReasonOf(AskNsm("/dev/null/nsm", {}).status()),
            InstanceReason::kAttestationAbsent);
  EXPECT_EQ(InstanceReasonOf(AskNsm("/dev/no-nsm", {}).status()),
            InstanceReason::kAttestationAbsent);
}

TEST(AskNsm, AnotherDeviceRefuses) {
  EXPECT_EQ(InstanceReasonOf(AskNsm(kDevice, {}).status()),
            InstanceReason::kAttestationRefused);
}

TEST(AskNsm, EachErrorOfTheModuleIsARefusal) {
  for (const char* const word :
       {"InvalidArgument", "InvalidResponse", "InvalidOperation",
        "BufferTooSmall", "InputTooLarge", "InternalError", "AndNewOnes"}) {
    EXPECT_EQ(ReasonOfAnswer(CborMap({{CborText("Error"), CborText(word)}})),
              InstanceReason::kAttestationRefused);
  }
}

TEST(AskNsm, RefusesWhatIsNoAnswer) {
  const std::string document = Document({});
  const std::string key = CborText("Attestation");
  const std::string field = CborText("document");
  const std::string good = CborMap({{field, CborBytes(document)}});
  for (const std::string& answer :
       {std::string(),
        std::string("\0", 1),
        std::string("garbage"),
        CborText("Attestation"),
        CborMap({}),
        good,
        CborMap({{key, CborNull()}}),
        CborMap({{key, CborMap({})}}),
        CborMap({{key, CborMap({{field, CborText("text")}})}}),
        CborMap({{key, CborMap({{CborText("Document"), CborBytes("a")}})}}),
        CborMap({{key, CborMap({{field, CborBytes(document)},
                                {field, CborBytes(document)}})}}),
        CborMap({{key, CborMap({{field, CborBytes(document)},
                                {CborText("more"), CborNull()}})}}),
        CborMap({{key, good}, {key, good}}),
        CborMap({{key, good}, {CborText("Error"), CborText("InternalError")}}),
        CborMap({{CborText("Error"), CborText("InternalError")}, {key, good}}),
        CborMap({{CborText("Error"), CborNull()}}),
        CborMap({{CborText("DescribeNSM"), good}}),
        CborMap({{CborBytes("Attestation"), good}}),
        Answer(document) + CborNull(),
        Answer(document).substr(0, 1000)}) {
    EXPECT_EQ(ReasonOfAnswer(answer), InstanceReason::kAttestationAnswerInvalid)
        << answer.substr(0, 64);
  }
}

TEST(AskNsm, ReadsMapsOfEitherLength) {
  FakeDriver driver{.answer = CborIndefiniteMap(
                        {{CborText("Attestation"),
                          CborIndefiniteMap({{CborText("document"),
                                              CborBytes(Document({}))}})}})};
  EXPECT_TRUE(Ask(driver).ok());
}

TEST(AskNsm, BelievesNoLengthBeyondItsBuffer) {
  FakeDriver driver{.answer = Answer(Document({})), .length = 0x3001};
  EXPECT_EQ(InstanceReasonOf(Ask(driver).status()),
            InstanceReason::kAttestationAnswerInvalid);
}

TEST(AskNsm, RefusesWhatIsNoDocument) {
  EXPECT_EQ(ReasonOfAnswer(Answer("")),
            InstanceReason::kAttestationAnswerInvalid);
  EXPECT_EQ(ReasonOfAnswer(Answer("garbage")),
            InstanceReason::kAttestationAnswerInvalid);
}

TEST(AskNsm, RefusesADocumentThatWasNotAskedFor) {
  const AttestationRequest asked = {
      .user_data = "u", .nonce = "n", .public_key = "k"};
  for (const AttestationRequest& other :
       {AttestationRequest{.user_data = "U", .nonce = "n", .public_key = "k"},
        AttestationRequest{.user_data = "u", .nonce = "N", .public_key = "k"},
        AttestationRequest{.user_data = "u", .nonce = "n", .public_key = "K"},
        AttestationRequest{}}) {
    FakeDriver driver{.answer = Answer(Document(other))};
    EXPECT_EQ(InstanceReasonOf(Ask(driver, asked).status()),
              InstanceReason::kAttestationAnswerInvalid);
  }
}

TEST(AskNsm, ANonceThatNobodyAskedForIsRefused) {
  EXPECT_EQ(ReasonOfAnswer(Answer(Document({.nonce = "old"}))),
            InstanceReason::kAttestationAnswerInvalid);
}

}  // namespace
}  // namespace anchorage::client
