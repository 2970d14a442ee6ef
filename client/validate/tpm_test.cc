#include "client/validate/tpm.h"

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/validate/validate_error.h"
#include "gtest/gtest.h"
#include "test/support/fake_tpm.h"

namespace anchorage::client {
namespace {

using test::FakeTpm;
using Reason = ValidateReason;

constexpr absl::Duration kLimit = absl::Seconds(20);
// For what never comes.
constexpr absl::Duration kShort = absl::Milliseconds(100);

class TpmTest : public ::testing::Test {
 protected:
  TpmTest() {
    ::signal(SIGPIPE, SIG_IGN);
    char folder[] = "/tmp/tpm_test.XXXXXX";
    folder_ = ::mkdtemp(folder);
    fake_.emplace(folder_ + "/tpm");
  }
  ~TpmTest() override {
    fake_.reset();
    std::filesystem::remove_all(folder_);
  }

  Tpm Open(absl::Duration limit = kLimit) {
    auto tpm = Tpm::Open(fake_->path(), absl::ZeroDuration(), limit);
    EXPECT_TRUE(tpm.ok()) << tpm.status();
    return *std::move(tpm);
  }
  std::optional<Reason> ReasonToOpen(const std::string& path) {
    return ValidateReasonOf(
        Tpm::Open(path, absl::ZeroDuration(), kLimit).status());
  }

  std::string folder_;
  std::optional<FakeTpm> fake_;
};

const std::string kZero(48, '\0');
const std::string kDigest(48, 'd');

TEST_F(TpmTest, ReadsAndExtendsOneRegister) {
  Tpm tpm = Open();
  ASSERT_EQ(tpm.ReadPcr(8).value(), kZero);
  ASSERT_TRUE(tpm.ExtendPcr(8, kDigest).ok());
  const std::string once = fake_->Pcr(8);
  EXPECT_NE(once, kZero);
  EXPECT_EQ(tpm.ReadPcr(8).value(), once);
  ASSERT_TRUE(tpm.ExtendPcr(8, kDigest).ok());
  EXPECT_NE(fake_->Pcr(8), once);
  EXPECT_EQ(fake_->Pcr(9), kZero);
  EXPECT_EQ(fake_->Pcr(0), kZero);
}

TEST_F(TpmTest, ReadsEachOf24Registers) {
  Tpm tpm = Open();
  for (int pcr = 0; pcr < 24; ++pcr) {
    fake_->SetPcr(pcr, std::string(48, static_cast<char>('a' + pcr)));
    EXPECT_EQ(tpm.ReadPcr(pcr).value(), fake_->Pcr(pcr)) << pcr;
  }
}

TEST_F(TpmTest, IsAbsentWhereNothingIsOrSomethingElse) {
  EXPECT_EQ(ReasonToOpen(folder_ + "/none"), Reason::kTpmAbsent);
  EXPECT_EQ(ReasonToOpen(folder_), Reason::kTpmAbsent);
  std::ofstream(folder_ + "/file") << "TPM";
  EXPECT_EQ(ReasonToOpen(folder_ + "/file"), Reason::kTpmAbsent);
  EXPECT_EQ(ReasonToOpen(folder_ + "/file/below"), Reason::kTpmAbsent);
}

TEST_F(TpmTest, IsAbsentWhereNobodyListens) {
  const std::string path = fake_->path();
  const std::string moved = folder_ + "/moved";
  std::filesystem::rename(path, moved);
  fake_.reset();
  EXPECT_EQ(ReasonToOpen(moved), Reason::kTpmAbsent);
}

TEST_F(TpmTest, WaitsForADeviceThatAppears) {
  const std::string later = folder_ + "/later";
  std::optional<FakeTpm> appearing;
  std::thread thread([&] {
    ::usleep(120'000);
    appearing.emplace(later);
  });
  EXPECT_TRUE(Tpm::Open(later, kLimit, kLimit).ok());
  thread.join();
}

TEST_F(TpmTest, RefusesADeviceThatIsNoTpm) {
  auto zero = Tpm::Open("/dev/zero", absl::ZeroDuration(), kLimit);
  ASSERT_TRUE(zero.ok());
  EXPECT_EQ(ValidateReasonOf(zero->ReadPcr(8).status()),
            Reason::kTpmAnswerInvalid);
  auto null = Tpm::Open("/dev/null", absl::ZeroDuration(), kLimit);
  ASSERT_TRUE(null.ok());
  EXPECT_EQ(ValidateReasonOf(null->ExtendPcr(8, kDigest)),
            Reason::kTpmAnswerInvalid);
}

TEST_F(TpmTest, SendsAgainWhatTheTpmWantsAgain) {
  for (const unsigned code : {0x922u, 0x908u, 0x90Au}) {
    const int before_this = fake_->commands();
    fake_->AnswerWith([&](const std::string& command, int before) {
      return before < before_this + 3 ? FakeTpm::Response(code)
                                      : fake_->Execute(command);
    });
    Tpm tpm = Open();
    EXPECT_TRUE(tpm.ReadPcr(8).ok()) << code;
    EXPECT_EQ(fake_->commands() - before_this, 4);
  }
}

TEST_F(TpmTest, DoesNotSendForEver) {
  fake_->AnswerWith(
      [](const std::string&, int) { return FakeTpm::Response(0x922); });
  Tpm tpm = Open();
  EXPECT_EQ(ValidateReasonOf(tpm.ExtendPcr(8, kDigest)), Reason::kTpmRefused);
  EXPECT_EQ(fake_->commands(), 6);
}

// --- What is answered, each with one thing wrong -----------------------------

struct Answer {
  const char* name;
  Reason expected;
  std::function<std::string(std::string right)> change;
};

class WrongAnswer : public TpmTest,
                    public ::testing::WithParamInterface<Answer> {};

std::string At(std::string bytes, std::size_t at, char value) {
  bytes[at] = value;
  return bytes;
}

// With its own length in its head.
std::string Sized(std::string bytes) {
  bytes[4] = static_cast<char>(bytes.size() >> 8);
  bytes[5] = static_cast<char>(bytes.size());
  return bytes;
}

class WrongRead : public WrongAnswer {};
class WrongExtend : public WrongAnswer {};

TEST_P(WrongRead, IsRefused) {
  fake_->AnswerWith([&](const std::string& command, int) {
    return GetParam().change(fake_->Execute(command));
  });
  Tpm tpm = Open(GetParam().expected == Reason::kTpmTimeout ? kShort : kLimit);
  EXPECT_EQ(ValidateReasonOf(tpm.ReadPcr(8).status()), GetParam().expected);
}

TEST_P(WrongExtend, IsRefused) {
  fake_->AnswerWith([&](const std::string& command, int) {
    return GetParam().change(fake_->Execute(command));
  });
  Tpm tpm = Open(GetParam().expected == Reason::kTpmTimeout ? kShort : kLimit);
  EXPECT_EQ(ValidateReasonOf(tpm.ExtendPcr(8, kDigest)), GetParam().expected);
}

const Answer kOfAnyCommand[] = {
    {"Never", Reason::kTpmTimeout,
     [](std::string) { return std::string(FakeTpm::kNever); }},
    {"HalfOfIt", Reason::kTpmTimeout,
     [](std::string right) { return right.substr(0, right.size() - 1); }},
    {"HalfOfItsHead", Reason::kTpmTimeout,
     [](std::string right) { return right.substr(0, 9); }},
    {"Closed", Reason::kTpmAnswerInvalid, [](std::string) { return ""; }},
    {"Garbage", Reason::kTpmAnswerInvalid,
     [](std::string) { return std::string(64, 'x'); }},
    {"MoreThanItSays", Reason::kTpmAnswerInvalid,
     [](std::string right) { return right + "x"; }},
    {"AByteMore", Reason::kTpmAnswerInvalid,
     [](std::string right) { return Sized(right + "x"); }},
    {"AByteLess", Reason::kTpmAnswerInvalid,
     [](std::string right) {
       return Sized(right.substr(0, right.size() - 1));
     }},
    {"NoLength", Reason::kTpmAnswerInvalid,
     [](std::string right) { return At(At(right, 4, 0), 5, 0); }},
    {"HugeLength", Reason::kTpmAnswerInvalid,
     [](std::string right) { return At(right, 2, '\x7f'); }},
    {"UnknownTag", Reason::kTpmAnswerInvalid,
     [](std::string right) { return At(right, 1, 3); }},
    {"OtherTag", Reason::kTpmAnswerInvalid,
     [](std::string right) { return At(right, 1, right[1] ^ 3); }},
    {"Refusal", Reason::kTpmRefused,
     [](std::string) { return FakeTpm::Response(0x921); }},
    {"RefusalWithMore", Reason::kTpmAnswerInvalid,
     [](std::string) { return Sized(FakeTpm::Response(0x921) + "x"); }},
    {"OfATpm1", Reason::kTpmRefused,
     [](std::string) {
       return At(At(FakeTpm::Response(0x1E), 0, '\0'), 1, '\xC4');
     }},
};

const Answer kOfRead[] = {
    {"NoSuchBank", Reason::kTpmBankAbsent,
     [](std::string right) {
       return Sized(At(right.substr(0, 24) + std::string(4, '\0'), 22, 0));
     }},
    {"AnotherRegister", Reason::kTpmAnswerInvalid,
     [](std::string right) { return At(right, 22, 2); }},
    {"AnotherBank", Reason::kTpmAnswerInvalid,
     [](std::string right) { return At(right, 19, 0x0B); }},
    {"TwoDigests", Reason::kTpmAnswerInvalid,
     [](std::string right) { return At(right, 27, 2); }},
    {"ShorterDigest", Reason::kTpmAnswerInvalid,
     [](std::string right) {
       return Sized(At(right.substr(0, right.size() - 16), 29, 32));
     }},
};

const Answer kOfExtend[] = {
    {"Parameters", Reason::kTpmAnswerInvalid,
     [](std::string right) { return At(right, 13, 1); }},
    {"Nonce", Reason::kTpmAnswerInvalid,
     [](std::string right) { return At(right, 15, 1); }},
    {"Acknowledgment", Reason::kTpmAnswerInvalid,
     [](std::string right) { return At(right, 18, 1); }},
};

constexpr auto kNamed = [](const auto& info) {
  return std::string(info.param.name);
};

INSTANTIATE_TEST_SUITE_P(Any, WrongRead, ::testing::ValuesIn(kOfAnyCommand),
                         kNamed);
INSTANTIATE_TEST_SUITE_P(Any, WrongExtend, ::testing::ValuesIn(kOfAnyCommand),
                         kNamed);
INSTANTIATE_TEST_SUITE_P(Read, WrongRead, ::testing::ValuesIn(kOfRead), kNamed);
INSTANTIATE_TEST_SUITE_P(Extend, WrongExtend, ::testing::ValuesIn(kOfExtend),
                         kNamed);

}  // namespace
}  // namespace anchorage::client
