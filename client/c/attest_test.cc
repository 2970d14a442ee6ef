// anchorage_attest() as a C program sees it, on a machine without a /dev/nsm.

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "client/c/anchorage.h"
#include "test/support/failing_new.h"

namespace {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* handle) const {
    kFree(handle);
  }
};
using Request =
    std::unique_ptr<anchorage_request, Freer<anchorage_request_free>>;
using Attested =
    std::unique_ptr<anchorage_attested, Freer<anchorage_attested_free>>;
using Error = std::unique_ptr<anchorage_error, Freer<anchorage_error_free>>;
using PublicKey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

class AttestTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access("/dev/nsm", F_OK) == 0) GTEST_SKIP() << "this is an enclave";
    SetProgram(
        std::filesystem::canonical("test/support/fake_nitro_tpm_attest"));
  }

  void SetProgram(const std::string& path) {
    anchorage_request_set_attest_program(request_.get(), path.data(),
                                         path.size());
  }

  Attested Attest() {
    return Attested(anchorage_attest(request_.get(), &error_));
  }

  // The reason of the last failure, which it forgets.
  std::string TakeReason() {
    const Error error(error_);
    error_ = nullptr;
    if (error == nullptr) return "";
    const std::string reason = anchorage_error_reason(error.get());
    // What could not be had decides nothing.
    EXPECT_EQ(anchorage_error_code(error.get()),
              reason == "USAGE" ? ANCHORAGE_USAGE : ANCHORAGE_UNDECIDED);
    EXPECT_EQ(anchorage_error_json(error.get(), nullptr), nullptr);
    return reason;
  }

  const Request request_{anchorage_request_new()};
  anchorage_error* error_ = nullptr;
};

std::string_view DocumentOf(const Attested& attested) {
  std::size_t size = 0;
  const void* const document =
      anchorage_attested_document(attested.get(), &size);
  return {static_cast<const char*>(document), size};
}

TEST_F(AttestTest, GivesADocumentThatHoldsWhatWasAskedFor) {
  anchorage_request_set_nonce(request_.get(), "of this session", 15);
  const Attested attested = Attest();
  ASSERT_NE(attested, nullptr) << TakeReason();
  EXPECT_EQ(error_, nullptr);
  EXPECT_NE(DocumentOf(attested).find("of this session"),
            std::string_view::npos);
  EXPECT_EQ(anchorage_attested_source(attested.get()),
            ANCHORAGE_SOURCE_PROGRAM);
  std::size_t size = 1;
  EXPECT_EQ(anchorage_attested_private_key(attested.get(), &size), nullptr);
  EXPECT_EQ(size, 0u);
}

TEST_F(AttestTest, GivesTheKeyOfTheDocument) {
  const Attested attested(anchorage_attest_new_key(request_.get(), &error_));
  ASSERT_NE(attested, nullptr) << TakeReason();
  std::size_t size = 0;
  const auto* der = static_cast<const unsigned char*>(
      anchorage_attested_private_key(attested.get(), &size));
  const PublicKey key(
      d2i_AutoPrivateKey(nullptr, &der, static_cast<long>(size)));
  ASSERT_NE(key, nullptr);
  unsigned char* bytes = nullptr;
  const int length = i2d_PUBKEY(key.get(), &bytes);
  ASSERT_GT(length, 0);
  EXPECT_NE(DocumentOf(attested).find({reinterpret_cast<const char*>(bytes),
                                       static_cast<std::size_t>(length)}),
            std::string_view::npos);
  OPENSSL_free(bytes);
}

TEST_F(AttestTest, WhatCannotBeHadHasAReason) {
  SetProgram("/none/nitro-tpm-attest");
  EXPECT_EQ(Attest(), nullptr);
  EXPECT_EQ(TakeReason(), "ATTESTATION_ABSENT");
  SetProgram("/bin/false");
  EXPECT_EQ(Attest(), nullptr);
  EXPECT_EQ(TakeReason(), "ATTESTATION_REFUSED");
  SetProgram("/bin/echo");
  EXPECT_EQ(Attested(anchorage_attest_new_key(request_.get(), &error_)),
            nullptr);
  EXPECT_EQ(TakeReason(), "ATTESTATION_ANSWER_INVALID");
}

TEST_F(AttestTest, EndsWithItsTime) {
  SetProgram("/usr/bin/yes");
  anchorage_request_set_attest_timeout(request_.get(), 1);
  EXPECT_EQ(Attest(), nullptr);
  const std::string reason = TakeReason();
  EXPECT_TRUE(reason == "ATTESTATION_TIMEOUT" ||
              reason == "ATTESTATION_ANSWER_INVALID")
      << reason;
}

TEST_F(AttestTest, WhatDoesNotBelongTogetherIsAMistake) {
  using Set = void (*)(anchorage_request*);
  const std::string long_nonce(1025, 'n');
  anchorage_request_set_nonce(request_.get(), long_nonce.data(),
                              long_nonce.size());
  EXPECT_EQ(Attest(), nullptr);
  EXPECT_EQ(TakeReason(), "USAGE");
  for (const Set set : {
           Set{[](auto* r) { anchorage_request_set_document(r, "", 0); }},
           Set{[](auto* r) { anchorage_request_set_recorded_at(r, 0); }},
           Set{[](auto* r) { anchorage_request_set_imds_timeout(r, 1); }},
           Set{[](auto* r) { anchorage_request_set_nonce(r, nullptr, 0); }},
           Set{[](auto* r) { anchorage_request_set_attest_timeout(r, 0); }},
           Set{[](auto* r) { anchorage_request_set_attest_timeout(r, -1); }},
           Set{[](auto* r) {
             anchorage_request_set_attest_timeout(r, INT64_MAX);
           }},
           Set{[](auto* r) {
             anchorage_request_set_attest_program(r, nullptr, 0);
           }},
           Set{[](auto* r) { anchorage_request_set_attest_program(r, "", 0); }},
           Set{[](auto* r) {
             anchorage_request_set_attest_program(r, "nitro-tpm-attest", 16);
           }},
       }) {
    const Request request(anchorage_request_new());
    set(request.get());
    EXPECT_EQ(Attested(anchorage_attest(request.get(), &error_)), nullptr);
    EXPECT_EQ(TakeReason(), "USAGE");
  }
  const Request with_key(anchorage_request_new());
  anchorage_request_set_public_key(with_key.get(), "key", 3);
  EXPECT_EQ(Attested(anchorage_attest_new_key(with_key.get(), &error_)),
            nullptr);
  EXPECT_EQ(TakeReason(), "USAGE");
}

std::ptrdiff_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

TEST_F(AttestTest, NoMemoryIsUndecidedAndLeavesNothing) {
  const std::ptrdiff_t before = OpenDescriptors();
  bool has_failed = true;
  for (int fails = 0; has_failed; fails += 1 + fails / 4) {
    Attested attested;
    {
      const anchorage::anchors::FailAllocation fail(fails);
      attested = Attest();
      has_failed = fail.has_failed();
    }
    EXPECT_NE(attested == nullptr, error_ == nullptr);
    if (error_ != nullptr) {
      EXPECT_EQ(TakeReason(), "RESOURCES_EXHAUSTED");
    }
  }
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(AttestTest, NoObjectIsTakenForAnother) {
  auto* const other = reinterpret_cast<anchorage_attested*>(request_.get());
  for (anchorage_attested* const none : {other, (anchorage_attested*)nullptr}) {
    std::size_t size = 1;
    EXPECT_EQ(anchorage_attested_document(none, &size), nullptr);
    EXPECT_EQ(size, 0u);
    EXPECT_EQ(anchorage_attested_source(none), 0);
    EXPECT_EQ(anchorage_attested_private_key(none, nullptr), nullptr);
    anchorage_attested_free(none);
  }
  const Attested attested = Attest();
  ASSERT_NE(attested, nullptr);
  EXPECT_EQ(Attested(anchorage_attest(
                reinterpret_cast<anchorage_request*>(attested.get()), &error_)),
            nullptr);
  EXPECT_EQ(TakeReason(), "USAGE");
}

}  // namespace
