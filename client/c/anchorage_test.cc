// The C interface, as a C program sees it: over what AWS really made, with
// every mistake that a caller can make.

#include "client/c/anchorage.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "test/fake_imds/fake_imds.h"
#include "test/support/failing_new.h"

namespace {

constexpr std::size_t kHuge = SIZE_MAX;

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* handle) const {
    kFree(handle);
  }
};
using Options =
    std::unique_ptr<anchorage_options, Freer<anchorage_options_free>>;
using Client = std::unique_ptr<anchorage_client, Freer<anchorage_client_free>>;
using State = std::unique_ptr<anchorage_state, Freer<anchorage_state_free>>;
using Policy = std::unique_ptr<anchorage_identity_policy,
                               Freer<anchorage_identity_policy_free>>;
using AttestationPolicy =
    std::unique_ptr<anchorage_attestation_policy,
                    Freer<anchorage_attestation_policy_free>>;
using Request =
    std::unique_ptr<anchorage_request, Freer<anchorage_request_free>>;
using Ledger = std::unique_ptr<anchorage_ledger, Freer<anchorage_ledger_free>>;
using Identity =
    std::unique_ptr<anchorage_identity, Freer<anchorage_identity_free>>;
using Attestation =
    std::unique_ptr<anchorage_attestation, Freer<anchorage_attestation_free>>;
using Error = std::unique_ptr<anchorage_error, Freer<anchorage_error_free>>;
using Json = std::unique_ptr<char, Freer<anchorage_string_free>>;

std::string ReadVector(const std::string& path) {
  std::ifstream file("test/vectors/real/" + path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

const char kRsa2048[] = "iid/apse2-2026-ts-verify/rsa2048.b64";
const char kSignature[] = "iid/apse2-2026-ts-verify/signature.b64";
const char kDocument[] = "iid/apse2-2026-ts-verify/document";
const char kPkcs7[] = "iid/use1-2018-node-identity-document/pkcs7.b64";
const char kTpm[] = "nitro-tpm/live-usw2-i-000fa553.cbor";
// When the NitroTPM's document was made.
constexpr std::int64_t kTpmTime = 1'786'642'608'000;

const char kTpmPolicy[] = R"(
type: TYPE_NITRO_TPM
condition:
  all_of:
    - {key: NitroTPMPCR4, values: [3c428daf639a86655cbe8aeff1eeb298f59c6a82d8ea6fdc34c6f3af1d2582f091a25aca4a6f390c32f0f7701952829a]}
    - {key: NitroTPMPCR12, values: [000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000]}
regions: [us-west-2]
)";
const char kAnyTpm[] = "ignore_the_rest: a test\n";

// What a failure was; the error is freed.
struct Failure {
  std::int32_t code = ANCHORAGE_OK;
  std::string reason;
  std::string check;
  std::string message;
  std::string json;
};

std::string TextOf(const char* text) { return text != nullptr ? text : ""; }

class CTest : public testing::Test {
 protected:
  CTest() : client_(anchorage_client_new(nullptr, &error_)) {
    EXPECT_NE(client_, nullptr) << TakeFailure().message;
  }
  ~CTest() override {
    EXPECT_EQ(error_, nullptr) << "an error nobody expected";
  }

  Failure TakeFailure() {
    const Error error(std::exchange(error_, nullptr));
    if (error == nullptr) return {};
    const Json json(anchorage_error_json(error.get(), nullptr));
    return {anchorage_error_code(error.get()),
            anchorage_error_reason(error.get()),
            TextOf(anchorage_error_check(error.get())),
            anchorage_error_message(error.get()), TextOf(json.get())};
  }

  Policy ReadPolicy(std::string_view text) {
    return Policy(anchorage_identity_policy_read(text.data(), text.size(), "p",
                                                 1, &error_));
  }
  AttestationPolicy ReadTpmPolicy(const std::string& text) {
    return AttestationPolicy(anchorage_attestation_policy_read(
        text.data(), text.size(), "p", 1, &error_));
  }
  Identity Verify(std::string_view text,
                  const anchorage_identity_policy* policy,
                  const anchorage_request* request = nullptr) {
    return Identity(anchorage_verify_identity(
        client_.get(), text.data(), text.size(), policy, request, &error_));
  }
  Attestation VerifyTpm(std::string_view bytes,
                        const anchorage_attestation_policy* policy,
                        const anchorage_request* request) {
    return Attestation(anchorage_verify_attestation(
        client_.get(), bytes.data(), bytes.size(), policy, request, &error_));
  }
  Request AtTpmTime() {
    Request request(anchorage_request_new());
    anchorage_request_set_recorded_at(request.get(), kTpmTime);
    return request;
  }

  // What a client made with options that `set` says fails with.
  Failure WhyNoClient(const std::function<void(anchorage_options*)>& set) {
    const Options options(anchorage_options_new());
    set(options.get());
    EXPECT_EQ(Client(anchorage_client_new(options.get(), &error_)), nullptr);
    return TakeFailure();
  }

  anchorage_error* error_ = nullptr;
  Client client_;
};

TEST_F(CTest, HasTheVersionOfItsHeaderAndOfTheFile) {
  EXPECT_EQ(anchorage_version_number(), ANCHORAGE_VERSION_NUMBER);
  std::ifstream file("VERSION");
  std::string version;
  file >> version;
  EXPECT_EQ(version, std::to_string(ANCHORAGE_VERSION_MAJOR) + "." +
                         std::to_string(ANCHORAGE_VERSION_MINOR) + "." +
                         std::to_string(ANCHORAGE_VERSION_PATCH));
  const std::string said = anchorage_version();
  EXPECT_EQ(said.substr(0, said.find(' ')), version);
}

TEST_F(CTest, VerifiesEachFormAndSaysWhatItProves) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  const Identity identity = Verify(ReadVector(kRsa2048), any.get());
  ASSERT_NE(identity, nullptr) << TakeFailure().message;
  EXPECT_STREQ(anchorage_identity_account_id(identity.get()), "189292791360");
  EXPECT_STREQ(anchorage_identity_region(identity.get()), "ap-southeast-2");
  EXPECT_STREQ(anchorage_identity_instance_id(identity.get()),
               "i-0c5541936caf78c12");
  EXPECT_STREQ(anchorage_identity_instance_type(identity.get()), "t4g.small");
  EXPECT_STREQ(anchorage_identity_image_id(identity.get()),
               "ami-0cbde744623b7506b");
  std::size_t size = 99;
  EXPECT_STREQ(anchorage_identity_field(identity.get(), "partition", &size),
               "aws");
  EXPECT_EQ(size, 3u);
  EXPECT_STREQ(anchorage_identity_field(identity.get(), "private_ip", nullptr),
               "10.0.1.242");
  EXPECT_EQ(anchorage_identity_field(identity.get(), "kernel_id", &size),
            nullptr);
  EXPECT_EQ(size, 0u);
  EXPECT_EQ(anchorage_identity_field(identity.get(), "no_field", nullptr),
            nullptr);
  EXPECT_EQ(anchorage_identity_product_codes(identity.get(), &size), 0);
  EXPECT_EQ(anchorage_identity_product_code(identity.get(), 0), nullptr);
  EXPECT_EQ(anchorage_identity_billing_products(identity.get(), &size), 0);
  EXPECT_EQ(anchorage_identity_billing_product(identity.get(), 0), nullptr);
  EXPECT_EQ(anchorage_identity_note(identity.get(), 0), nullptr);
  EXPECT_EQ(anchorage_identity_form(identity.get()), ANCHORAGE_FORM_RSA2048);
  EXPECT_EQ(anchorage_identity_pending_time(identity.get()), 1771202307000);
  std::int64_t time = 0;
  EXPECT_EQ(anchorage_identity_signing_time(identity.get(), &time), 1);
  EXPECT_EQ(time, 1771202308000);
  const void* const document =
      anchorage_identity_document(identity.get(), &size);
  EXPECT_EQ(std::string(static_cast<const char*>(document), size),
            ReadVector(kDocument));

  const Identity old = Verify(ReadVector(kPkcs7), any.get());
  ASSERT_NE(old, nullptr) << TakeFailure().message;
  EXPECT_EQ(anchorage_identity_form(old.get()), ANCHORAGE_FORM_PKCS7);

  const Request request(anchorage_request_new());
  const std::string beside = ReadVector(kDocument);
  anchorage_request_set_document(request.get(), beside.data(), beside.size());
  const Identity bare =
      Verify(ReadVector(kSignature), any.get(), request.get());
  ASSERT_NE(bare, nullptr) << TakeFailure().message;
  EXPECT_EQ(anchorage_identity_form(bare.get()), ANCHORAGE_FORM_SIGNATURE);
  EXPECT_EQ(anchorage_identity_signing_time(bare.get(), &time), 0);
}

TEST_F(CTest, AnEmptyDocumentIsOneThatIsGiven) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  const Request request(anchorage_request_new());
  anchorage_request_set_document(request.get(), "", 0);
  EXPECT_EQ(Verify(ReadVector(kRsa2048), any.get(), request.get()), nullptr);
  EXPECT_EQ(TakeFailure().reason, "CONTENT_MISMATCH");
  EXPECT_EQ(Verify(ReadVector(kSignature), any.get(), request.get()), nullptr);
  EXPECT_EQ(TakeFailure().code, ANCHORAGE_UNREADABLE);
}

TEST_F(CTest, AFormThatIsNamedIsTheOneThatIsRead) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  const Request request(anchorage_request_new());
  anchorage_request_set_form(request.get(), ANCHORAGE_FORM_PKCS7);
  EXPECT_EQ(Verify(ReadVector(kRsa2048), any.get(), request.get()), nullptr);
  EXPECT_EQ(TakeFailure().reason, "ALGORITHM_MISMATCH");
  anchorage_request_set_form(request.get(), ANCHORAGE_FORM_RSA2048);
  EXPECT_NE(Verify(ReadVector(kRsa2048), any.get(), request.get()), nullptr);
}

TEST_F(CTest, ARefusalSaysWhatAndWhyAndAsJson) {
  const Policy policy =
      ReadPolicy("product_codes: {any_of: [abc]}\nignore_the_rest: a test");
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(Verify(ReadVector(kRsa2048), policy.get()), nullptr);
  const Failure failure = TakeFailure();
  EXPECT_EQ(failure.code, ANCHORAGE_REFUSED_BY_POLICY);
  EXPECT_EQ(failure.reason, "PRODUCT_CODE_NOT_ALLOWED");
  EXPECT_EQ(failure.check, "product-codes");
  EXPECT_EQ(failure.message,
            "product-codes: none in the document, one of [abc] expected");
  EXPECT_NE(failure.json.find("\"check\": \"product-codes\""),
            std::string::npos);
  EXPECT_NE(failure.json.find("\"trace\": []"), std::string::npos);
}

TEST_F(CTest, AChangedDocumentIsNotFromAws) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  std::string document = ReadVector(kDocument);
  document[document.find("189292791360")] = '2';
  const Request request(anchorage_request_new());
  anchorage_request_set_document(request.get(), document.data(),
                                 document.size());
  EXPECT_EQ(Verify(ReadVector(kSignature), any.get(), request.get()), nullptr);
  const Failure failure = TakeFailure();
  EXPECT_EQ(failure.code, ANCHORAGE_NOT_FROM_AWS);
  EXPECT_EQ(failure.reason, "SIGNATURE_MISMATCH");
  EXPECT_EQ(failure.check, "signature");
}

TEST_F(CTest, TheTraceIsInTheJsonOfResultAndError) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  const Request request(anchorage_request_new());
  anchorage_request_set_trace(request.get(), 1);
  const Identity identity =
      Verify(ReadVector(kRsa2048), any.get(), request.get());
  std::size_t size = 0;
  const Json json(anchorage_identity_json(identity.get(), &size));
  ASSERT_NE(json, nullptr);
  EXPECT_EQ(std::strlen(json.get()), size);
  EXPECT_NE(std::strstr(json.get(), "\"check\": \"signature\""), nullptr);
  EXPECT_NE(std::strstr(json.get(), "\"freshness\": \"BAKED_IN\""), nullptr);
  EXPECT_EQ(Verify("MIAG", any.get(), request.get()), nullptr);
  EXPECT_NE(TakeFailure().json.find("\"outcome\": \"--\""), std::string::npos);
}

class ImdsTest : public CTest {
 protected:
  Request At(const anchorage::test::FakeImds& imds) {
    Request request(anchorage_request_new());
    const std::string url = imds.url();
    anchorage_request_set_imds_url(request.get(), url.data(), url.size());
    return request;
  }
  Identity VerifyHere(const anchorage_request* request) {
    return Identity(anchorage_verify_this_instance(client_.get(), any_.get(),
                                                   request, &error_));
  }

  const Policy any_ = ReadPolicy("authenticity_only: a test");
  const anchorage::test::FakeImds imds_{
      {.pages = anchorage::test::PagesIn(
           "test/vectors/real/iid/apse2-2026-ts-verify")}};
};

TEST_F(ImdsTest, VerifiesThisInstance) {
  const Request request = At(imds_);
  anchorage_request_set_trace(request.get(), 1);
  const Identity identity = VerifyHere(request.get());
  ASSERT_NE(identity, nullptr) << TakeFailure().message;
  EXPECT_STREQ(anchorage_identity_instance_id(identity.get()),
               "i-0c5541936caf78c12");
  EXPECT_EQ(anchorage_identity_form(identity.get()), ANCHORAGE_FORM_RSA2048);
  const Json json(anchorage_identity_json(identity.get(), nullptr));
  EXPECT_NE(std::strstr(json.get(), "\"check\": \"signature\""), nullptr);
  EXPECT_NE(std::strstr(json.get(), "\"freshness\": \"BAKED_IN\""), nullptr);
}

TEST_F(ImdsTest, ARefusalIsOneOfEvidence) {
  const Request request = At(imds_);
  const Policy policy =
      ReadPolicy("accounts: ['123456789012']\nignore_the_rest: a test");
  EXPECT_EQ(Identity(anchorage_verify_this_instance(client_.get(), policy.get(),
                                                    request.get(), &error_)),
            nullptr);
  const Failure failure = TakeFailure();
  EXPECT_EQ(failure.code, ANCHORAGE_REFUSED_BY_POLICY);
  EXPECT_EQ(failure.reason, "ACCOUNT_NOT_ALLOWED");
  EXPECT_EQ(failure.check, "account");
  EXPECT_NE(failure.json, "");
}

TEST_F(ImdsTest, WhatCannotBeHadDecidesNothing) {
  const anchorage::test::FakeImds off(
      {.fault = anchorage::test::ImdsFault::kOff});
  const Request request = At(off);
  EXPECT_EQ(VerifyHere(request.get()), nullptr);
  const Failure failure = TakeFailure();
  EXPECT_EQ(failure.code, ANCHORAGE_UNDECIDED);
  EXPECT_EQ(failure.reason, "IMDS_DISABLED");
  EXPECT_EQ(failure.check, "");
  EXPECT_EQ(failure.json, "");
}

TEST_F(ImdsTest, ALedgerKnowsTheInstance) {
  const Request request = At(imds_);
  const Ledger ledger(anchorage_ledger_new(10));
  anchorage_request_set_ledger(request.get(), ledger.get(),
                               ANCHORAGE_REPLAY_SINGLE_USE, "", 0);
  EXPECT_NE(VerifyHere(request.get()), nullptr);
  EXPECT_EQ(VerifyHere(request.get()), nullptr);
  EXPECT_EQ(TakeFailure().code, ANCHORAGE_STALE_OR_FOR_ANOTHER);
}

TEST_F(ImdsTest, AsksWithoutATokenOnlyWhereItIsTold) {
  const Request request = At(imds_);
  anchorage_request_set_imds_version_1(request.get(), 1);
  EXPECT_EQ(VerifyHere(request.get()), nullptr);
  EXPECT_EQ(TakeFailure().reason, "IMDS_TOKEN_REQUIRED");
}

TEST_F(ImdsTest, EndsWithItsTime) {
  const anchorage::test::FakeImds silent(
      {.fault = anchorage::test::ImdsFault::kHang});
  const Request request = At(silent);
  anchorage_request_set_imds_timeout(request.get(), 200);
  EXPECT_EQ(VerifyHere(request.get()), nullptr);
  EXPECT_EQ(TakeFailure().reason, "IMDS_HOP_LIMIT");
}

TEST_F(ImdsTest, WhatDoesNotBelongTogetherIsAMistake) {
  using Set = void (*)(anchorage_request*);
  for (const Set set : {
           Set{[](auto* r) { anchorage_request_set_document(r, "", 0); }},
           Set{[](auto* r) { anchorage_request_set_recorded_at(r, 0); }},
           Set{[](auto* r) { anchorage_request_set_form(r, 3); }},
           Set{[](auto* r) { anchorage_request_set_nonce(r, "a", 1); }},
           Set{[](auto* r) { anchorage_request_set_imds_timeout(r, 0); }},
           Set{[](auto* r) { anchorage_request_set_imds_timeout(r, -1); }},
           Set{[](auto* r) { anchorage_request_set_imds_version_1(r, 2); }},
           Set{[](auto* r) { anchorage_request_set_imds_url(r, nullptr, 0); }},
           Set{[](auto* r) { anchorage_request_set_imds_url(r, "a", 1); }},
           Set{[](auto* r) {
             anchorage_request_set_imds_url(r, "http://a/", 9);
           }},
       }) {
    const Request request = At(imds_);
    set(request.get());
    EXPECT_EQ(VerifyHere(request.get()), nullptr);
    EXPECT_EQ(TakeFailure().code, ANCHORAGE_USAGE);
  }
  const Request request = At(imds_);
  EXPECT_EQ(Verify(ReadVector(kRsa2048), any_.get(), request.get()), nullptr);
  EXPECT_EQ(TakeFailure().code, ANCHORAGE_USAGE);
  const AttestationPolicy policy =
      ReadTpmPolicy(std::string(kTpmPolicy) + kAnyTpm);
  EXPECT_EQ(VerifyTpm(ReadVector(kTpm), policy.get(), request.get()), nullptr);
  EXPECT_EQ(TakeFailure().code, ANCHORAGE_USAGE);
  EXPECT_EQ(Identity(anchorage_verify_this_instance(nullptr, any_.get(),
                                                    nullptr, &error_)),
            nullptr);
  EXPECT_EQ(TakeFailure().code, ANCHORAGE_USAGE);
  EXPECT_EQ(Identity(anchorage_verify_this_instance(client_.get(), nullptr,
                                                    nullptr, &error_)),
            nullptr);
  EXPECT_EQ(TakeFailure().code, ANCHORAGE_USAGE);
}

TEST_F(CTest, VerifiesANitroTpm) {
  const AttestationPolicy policy =
      ReadTpmPolicy(std::string(kTpmPolicy) + kAnyTpm);
  ASSERT_NE(policy, nullptr) << TakeFailure().message;
  const std::string document = ReadVector(kTpm);
  // Not live any more.
  EXPECT_EQ(VerifyTpm(document, policy.get(), nullptr), nullptr);
  const Failure old = TakeFailure();
  EXPECT_EQ(old.code, ANCHORAGE_STALE_OR_FOR_ANOTHER) << old.message;
  EXPECT_NE(old.json.find("\"attestation\": null"), std::string::npos);

  const Request request = AtTpmTime();
  const Attestation tpm = VerifyTpm(document, policy.get(), request.get());
  ASSERT_NE(tpm, nullptr) << TakeFailure().message;
  EXPECT_EQ(anchorage_attestation_type(tpm.get()), ANCHORAGE_TYPE_NITRO_TPM);
  EXPECT_STREQ(anchorage_attestation_module_id(tpm.get()),
               "i-000fa553dad58a9f1-tpm0000000000000000");
  EXPECT_STREQ(anchorage_attestation_instance_id(tpm.get()),
               "i-000fa553dad58a9f1");
  EXPECT_STREQ(anchorage_attestation_region(tpm.get()), "us-west-2");
  EXPECT_STREQ(anchorage_attestation_partition(tpm.get()), "aws");
  EXPECT_EQ(anchorage_attestation_release(tpm.get()), nullptr);
  EXPECT_EQ(anchorage_attestation_time(tpm.get()) / 1000, kTpmTime / 1000);
  std::size_t size = 0;
  EXPECT_NE(anchorage_attestation_public_key(tpm.get(), &size), nullptr);
  EXPECT_EQ(size, 91u);
  EXPECT_EQ(anchorage_attestation_user_data(tpm.get(), &size), nullptr);
  EXPECT_EQ(size, 0u);
  EXPECT_NE(anchorage_attestation_pcr(tpm.get(), 4, &size), nullptr);
  EXPECT_EQ(size, 48u);
  EXPECT_EQ(anchorage_attestation_pcr(tpm.get(), 24, &size), nullptr);
  EXPECT_EQ(anchorage_attestation_pcr(tpm.get(), -1, &size), nullptr);
  EXPECT_EQ(anchorage_attestation_note(tpm.get(), 0), nullptr);
  const Json json(anchorage_attestation_json(tpm.get(), nullptr));
  EXPECT_NE(std::strstr(json.get(), "\"type\": \"nitrotpm\""), nullptr);

  const void* const nonce = anchorage_attestation_nonce(tpm.get(), &size);
  ASSERT_NE(nonce, nullptr);
  anchorage_request_set_nonce(request.get(), nonce, size);
  EXPECT_NE(VerifyTpm(document, policy.get(), request.get()), nullptr);
  anchorage_request_set_nonce(request.get(), nonce, size - 1);
  EXPECT_EQ(VerifyTpm(document, policy.get(), request.get()), nullptr);
  EXPECT_EQ(TakeFailure().reason, "NONCE_MISMATCH");
}

// A policy that waits for the nonce of a session never goes without one.
TEST_F(CTest, ANonceThatIsNotGivenIsAMistake) {
  const AttestationPolicy policy = ReadTpmPolicy(
      std::string(kTpmPolicy) +
      "modules: [i-000fa553dad58a9f1-tpm0000000000000000]\n"
      "user_data: {ignored: a test}\npublic_key: {ignored: a test}\n");
  ASSERT_NE(policy, nullptr) << TakeFailure().message;
  EXPECT_EQ(VerifyTpm(ReadVector(kTpm), policy.get(), AtTpmTime().get()),
            nullptr);
  const Failure failure = TakeFailure();
  EXPECT_EQ(failure.code, ANCHORAGE_USAGE);
  EXPECT_EQ(failure.reason, "POLICY_INCOMPLETE");
  EXPECT_EQ(failure.json, "");

  const Request request = AtTpmTime();
  anchorage_request_set_nonce(request.get(), "", 0);
  EXPECT_EQ(VerifyTpm(ReadVector(kTpm), policy.get(), request.get()), nullptr);
  EXPECT_NE(TakeFailure().code, ANCHORAGE_OK);
  const Request none = AtTpmTime();
  anchorage_request_set_nonce(none.get(), nullptr, 0);
  EXPECT_EQ(VerifyTpm(ReadVector(kTpm), policy.get(), none.get()), nullptr);
  EXPECT_EQ(TakeFailure().message, "nonce is NULL");
}

TEST_F(CTest, EachFieldOfASessionIsExpectedExactly) {
  const AttestationPolicy policy =
      ReadTpmPolicy(std::string(kTpmPolicy) + kAnyTpm);
  const Request key = AtTpmTime();
  anchorage_request_set_public_key(key.get(), "", 0);
  EXPECT_EQ(VerifyTpm(ReadVector(kTpm), policy.get(), key.get()), nullptr);
  EXPECT_EQ(TakeFailure().reason, "PUBLIC_KEY_MISMATCH");
  const Request data = AtTpmTime();
  anchorage_request_set_user_data(data.get(), "", 0);
  EXPECT_EQ(VerifyTpm(ReadVector(kTpm), policy.get(), data.get()), nullptr);
  EXPECT_EQ(TakeFailure().reason, "USER_DATA_MISMATCH");
}

TEST_F(CTest, AReleaseThatNobodyListsIsRefused) {
  const AttestationPolicy policy = ReadTpmPolicy(
      "type: TYPE_NITRO_TPM\nrelease: shop\nignore_the_rest: a test\n");
  ASSERT_NE(policy, nullptr) << TakeFailure().message;
  EXPECT_EQ(VerifyTpm(ReadVector(kTpm), policy.get(), AtTpmTime().get()),
            nullptr);
  EXPECT_EQ(TakeFailure().reason, "RELEASE_UNKNOWN");
}

TEST_F(CTest, ALedgerRemembers) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  Ledger ledger(anchorage_ledger_new(10));
  const Request request(anchorage_request_new());
  anchorage_request_set_ledger(request.get(), ledger.get(),
                               ANCHORAGE_REPLAY_SINGLE_USE, nullptr, 0);
  EXPECT_NE(Verify(ReadVector(kRsa2048), any.get(), request.get()), nullptr);
  EXPECT_EQ(Verify(ReadVector(kRsa2048), any.get(), request.get()), nullptr);
  const Failure failure = TakeFailure();
  EXPECT_EQ(failure.reason, "REPLAYED");
  EXPECT_EQ(failure.check, "replay");
  EXPECT_EQ(anchorage_ledger_forget_before(ledger.get(), INT64_MAX), 1u);
  EXPECT_NE(Verify(ReadVector(kRsa2048), any.get(), request.get()), nullptr);
  ledger.reset();
  EXPECT_EQ(Verify(ReadVector(kRsa2048), any.get(), request.get()), nullptr);
  EXPECT_EQ(TakeFailure().reason, "REPLAYED") << "the request has it too";

  anchorage_request_set_recorded_at(request.get(), kTpmTime);
  EXPECT_EQ(Verify(ReadVector(kRsa2048), any.get(), request.get()), nullptr);
  EXPECT_EQ(TakeFailure().code, ANCHORAGE_USAGE);
}

TEST_F(CTest, AnInstanceIsBoundToItsFirstSender) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  const Ledger ledger(anchorage_ledger_new(10));
  for (const auto& [sender, accepted] :
       {std::pair("one", true), {"one", true}, {"two", false}}) {
    const Request request(anchorage_request_new());
    anchorage_request_set_ledger(request.get(), ledger.get(),
                                 ANCHORAGE_REPLAY_FIRST_USE_BINDS, sender, 3);
    EXPECT_EQ(Verify(ReadVector(kRsa2048), any.get(), request.get()) != nullptr,
              accepted)
        << sender;
    EXPECT_EQ(TakeFailure().reason, accepted ? "" : "REPLAYED");
  }
}

TEST_F(CTest, TheStateSaysWhatTheClientHas) {
  const State state(anchorage_client_state(client_.get(), &error_));
  ASSERT_NE(state, nullptr);
  EXPECT_EQ(anchorage_state_origin(state.get()), ANCHORAGE_ORIGIN_BAKED_IN);
  EXPECT_EQ(anchorage_state_freshness(state.get()),
            ANCHORAGE_FRESHNESS_BAKED_IN);
  EXPECT_EQ(anchorage_state_sequence(state.get()), 1u);
  EXPECT_GT(anchorage_state_as_of(state.get()), 1'700'000'000'000);
  std::int64_t time = -1;
  EXPECT_EQ(anchorage_state_fresh_until(state.get(), &time), 0);
  EXPECT_EQ(time, -1);
  const Json json(anchorage_state_json(state.get(), nullptr));
  EXPECT_NE(std::strstr(json.get(), "\"equivocations\": 0"), nullptr);
  EXPECT_NE(std::strstr(json.get(), "\"last_refresh_error\": null"), nullptr);
}

TEST_F(CTest, NobodyToAskIsAMistake) {
  EXPECT_EQ(anchorage_client_refresh(client_.get(), &error_), ANCHORAGE_USAGE);
  EXPECT_EQ(TakeFailure().reason, "USAGE");
  // Who does not ask why is told as much.
  EXPECT_EQ(anchorage_client_refresh(client_.get(), nullptr), ANCHORAGE_USAGE);
}

// --- Bad input ---------------------------------------------------------------

TEST_F(CTest, TheErrorIsSetWhateverComes) {
  auto* const nothing = reinterpret_cast<anchorage_error*>(1);
  anchorage_error* error = nothing;
  const Policy any(anchorage_identity_policy_read("authenticity_only: a", 20,
                                                  "p", 1, &error));
  EXPECT_EQ(error, nullptr);
  error = nothing;
  const std::string text = ReadVector(kRsa2048);
  EXPECT_NE(
      Identity(anchorage_verify_identity(
          client_.get(), text.data(), text.size(), any.get(), nullptr, &error)),
      nullptr);
  EXPECT_EQ(error, nullptr);
  error = nothing;
  EXPECT_NE(State(anchorage_client_state(client_.get(), &error)), nullptr);
  EXPECT_EQ(error, nullptr);
}

TEST_F(CTest, OptionsThatAreWrongAreNamed) {
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_url(o, nullptr, 0);
            }).message,
            "url is NULL");
  EXPECT_EQ(
      WhyNoClient([](auto* o) { anchorage_options_set_url(o, "", 0); }).message,
      "url is empty");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_url(o, "http://a\0b", 10);
            }).message,
            "url holds a NUL");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_targets_url(o, "http://\xff", 8);
            }).message,
            "targets url is not UTF-8");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_cache_folder(o, "/tmp", kHuge);
            }).message,
            "cache folder is larger than 16 MiB");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_trusted_root(o, "", 0);
            }).message,
            "trusted root is empty");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_tls_roots(o, nullptr, 5);
            }).message,
            "TLS roots is NULL");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_baked_bundle(o, "\xff\xff", 2, 0);
            }).message,
            "baked bundle is no bundle");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_identity_when_expired(o, 0);
            }).message,
            "when expired is neither SERVE_LAST_GOOD nor REFUSE");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_event_callback(o, nullptr, nullptr);
            }).message,
            "event callback is NULL");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_background_refresh(o, 2);
            }).message,
            "background refresh is neither 0 nor 1");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_events_while_verifying(o, 2);
            }).message,
            "events while verifying is neither 0 nor 1");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_metrics_file(o, "", 0);
            }).message,
            "metrics file is empty");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_metrics_file(o, "x.prom", 6);
            }).code,
            ANCHORAGE_USAGE);
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_report_outcomes(o, 2);
            }).message,
            "report outcomes is neither 0 nor 1");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_report_outcomes(o, 1);
            }).message,
            "there is nobody to report outcomes to");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_report_interval(o, 59'999);
            }).code,
            ANCHORAGE_USAGE);
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_report_sample(o, -1);
            }).code,
            ANCHORAGE_USAGE);
  EXPECT_EQ(
      WhyNoClient([](auto* o) { anchorage_options_add_url(o, "", 0); }).message,
      "url is empty");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_add_url(o, "http://127.0.0.1:1/", 19);
            }).code,
            ANCHORAGE_USAGE)
      << "a further one, and no first";
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_proxy(o, nullptr, 0);
            }).message,
            "proxy is NULL");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_proxy(o, "ftp://a", 7);
            }).code,
            ANCHORAGE_USAGE);
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_proxy_of_environment(o, 2);
            }).message,
            "proxy of environment is neither 0 nor 1");
  for (const auto set :
       {anchorage_options_set_timeout, anchorage_options_set_refresh_interval,
        anchorage_options_set_refresh_budget,
        anchorage_options_set_max_stale}) {
    EXPECT_EQ(WhyNoClient([&](auto* o) { set(o, -1); }).code, ANCHORAGE_USAGE);
  }
  const Failure no_root = WhyNoClient([](auto* o) {
    anchorage_options_set_url(o, "http://127.0.0.1:1/", 19);
    anchorage_options_set_trusted_root(o, "{}", 2);
  });
  EXPECT_EQ(no_root.code, ANCHORAGE_USAGE) << "no server was asked";
  EXPECT_EQ(no_root.reason, "METADATA_MALFORMED");
  // The first mistake counts, and a server needs a root.
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_url(o, nullptr, 0);
              anchorage_options_set_cache_folder(o, "", 0);
            }).message,
            "url is NULL");
  EXPECT_EQ(WhyNoClient([](auto* o) {
              anchorage_options_set_url(o, "http://127.0.0.1:1/", 19);
            }).code,
            ANCHORAGE_USAGE);
}

TEST_F(CTest, RequestsThatAreWrongAreNamed) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  const Ledger ledger(anchorage_ledger_new(10));
  const auto why = [&](const std::function<void(anchorage_request*)>& set) {
    const Request request(anchorage_request_new());
    set(request.get());
    EXPECT_EQ(Verify(ReadVector(kRsa2048), any.get(), request.get()), nullptr);
    const Failure failure = TakeFailure();
    EXPECT_EQ(failure.code, ANCHORAGE_USAGE);
    return failure.message;
  };
  EXPECT_EQ(why([](auto* r) { anchorage_request_set_form(r, 4); }),
            "form is none of the forms");
  EXPECT_EQ(why([](auto* r) { anchorage_request_set_trace(r, -1); }),
            "trace is neither 0 nor 1");
  EXPECT_EQ(why([](auto* r) { anchorage_request_set_document(r, nullptr, 0); }),
            "document is NULL");
  EXPECT_EQ(why([](auto* r) { anchorage_request_set_document(r, "x", kHuge); }),
            "document is larger than 16 MiB");
  EXPECT_EQ(why([](auto* r) {
              anchorage_request_set_ledger(
                  r, nullptr, ANCHORAGE_REPLAY_SINGLE_USE, nullptr, 0);
            }),
            "ledger is NULL");
  EXPECT_EQ(why([&](auto* r) {
              anchorage_request_set_ledger(r, ledger.get(), 0, nullptr, 0);
            }),
            "mode is none of the modes of a ledger");
  EXPECT_EQ(why([&](auto* r) {
              anchorage_request_set_ledger(
                  r, ledger.get(), ANCHORAGE_REPLAY_FIRST_USE_BINDS, "", 0);
            }),
            "binding is empty");
  EXPECT_EQ(why([&](auto* r) {
              anchorage_request_set_ledger(r, ledger.get(),
                                           ANCHORAGE_REPLAY_SINGLE_USE, "a", 1);
            }),
            "binding is only for FIRST_USE_BINDS");
  EXPECT_EQ(why([](auto* r) { anchorage_request_set_nonce(r, "a", 1); }),
            "request has a nonce, user data or public key, which no identity "
            "document has");
  const Request form(anchorage_request_new());
  anchorage_request_set_form(form.get(), ANCHORAGE_FORM_PKCS7);
  const AttestationPolicy tpm =
      ReadTpmPolicy(std::string(kTpmPolicy) + kAnyTpm);
  EXPECT_EQ(VerifyTpm(ReadVector(kTpm), tpm.get(), form.get()), nullptr);
  EXPECT_EQ(TakeFailure().code, ANCHORAGE_USAGE);
}

TEST_F(CTest, EvidenceOfAnySizeIsRefused) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  const AttestationPolicy tpm =
      ReadTpmPolicy(std::string(kTpmPolicy) + kAnyTpm);
  EXPECT_EQ(Identity(anchorage_verify_identity(client_.get(), "", 0, any.get(),
                                               nullptr, &error_)),
            nullptr);
  EXPECT_EQ(TakeFailure().code, ANCHORAGE_UNREADABLE);
  EXPECT_EQ(Identity(anchorage_verify_identity(client_.get(), "a", kHuge,
                                               any.get(), nullptr, &error_)),
            nullptr);
  EXPECT_EQ(TakeFailure().reason, "INPUT_TOO_LARGE");
  EXPECT_EQ(VerifyTpm("", tpm.get(), nullptr), nullptr);
  EXPECT_EQ(TakeFailure().code, ANCHORAGE_UNREADABLE);
  EXPECT_EQ(VerifyTpm({"a", kHuge}, tpm.get(), nullptr), nullptr);
  EXPECT_EQ(TakeFailure().reason, "INPUT_TOO_LARGE");
}

TEST_F(CTest, APolicyThatCannotBeSaysWhy) {
  for (const auto& [text, reason] :
       {std::pair("", "DOCUMENT_MALFORMED"),
        {"ignore_the_rest: x", "POLICY_EMPTY"},
        {"regions: [a]", "POLICY_INCOMPLETE"},
        {"regoins: [a]", "FIELD_UNKNOWN"},
        {"regions: [\"\xff\"]", "DOCUMENT_MALFORMED"}}) {
    EXPECT_EQ(ReadPolicy(text), nullptr) << text;
    const Failure failure = TakeFailure();
    EXPECT_EQ(failure.code, ANCHORAGE_USAGE);
    EXPECT_EQ(failure.reason, reason) << text;
  }
  for (const auto& [text, reason] :
       {std::pair("", "DOCUMENT_MALFORMED"),
        {"type: TYPE_ENCLAVE", "POLICY_INCOMPLETE"},
        {"ignore_the_rest: x", "FIELD_MISSING"}}) {
    EXPECT_EQ(ReadTpmPolicy(text), nullptr) << text;
    EXPECT_EQ(TakeFailure().reason, reason) << text;
  }
  EXPECT_EQ(Policy(anchorage_identity_policy_read(nullptr, 0, "p", 1, &error_)),
            nullptr);
  EXPECT_EQ(TakeFailure().message, "policy is NULL");
  EXPECT_EQ(Policy(anchorage_identity_policy_read("a", 1, "\xff", 1, &error_)),
            nullptr);
  EXPECT_EQ(TakeFailure().message, "name is not UTF-8");
  EXPECT_EQ(Policy(anchorage_identity_policy_read("a", kHuge, "p", 1, &error_)),
            nullptr);
  EXPECT_EQ(TakeFailure().message, "policy is larger than 16 MiB");
}

TEST_F(CTest, NullIsAMistakeOrNothing) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  EXPECT_EQ(anchorage_client_refresh(nullptr, &error_), ANCHORAGE_USAGE);
  EXPECT_EQ(TakeFailure().message, "client is NULL");
  EXPECT_EQ(anchorage_client_state(nullptr, &error_), nullptr);
  EXPECT_EQ(TakeFailure().message, "client is NULL");
  EXPECT_EQ(
      anchorage_verify_identity(nullptr, "a", 1, any.get(), nullptr, &error_),
      nullptr);
  EXPECT_EQ(TakeFailure().message, "client is NULL");
  EXPECT_EQ(anchorage_verify_identity(client_.get(), nullptr, 0, any.get(),
                                      nullptr, &error_),
            nullptr);
  EXPECT_EQ(TakeFailure().message, "evidence is NULL");
  EXPECT_EQ(anchorage_verify_identity(client_.get(), "a", 1, nullptr, nullptr,
                                      &error_),
            nullptr);
  EXPECT_EQ(TakeFailure().message, "policy is NULL");
  EXPECT_EQ(anchorage_verify_attestation(client_.get(), "a", 1, nullptr,
                                         nullptr, &error_),
            nullptr);
  EXPECT_EQ(TakeFailure().message, "policy is NULL");

  anchorage_options_free(nullptr);
  anchorage_client_cancel(nullptr);
  anchorage_client_free(nullptr);
  anchorage_identity_policy_free(nullptr);
  anchorage_attestation_policy_free(nullptr);
  anchorage_request_free(nullptr);
  anchorage_ledger_free(nullptr);
  anchorage_identity_free(nullptr);
  anchorage_attestation_free(nullptr);
  anchorage_state_free(nullptr);
  anchorage_error_free(nullptr);
  anchorage_string_free(nullptr);
  anchorage_options_set_url(nullptr, "a", 1);
  anchorage_request_set_nonce(nullptr, "a", 1);
  EXPECT_EQ(anchorage_ledger_forget_before(nullptr, 0), 0u);
  EXPECT_EQ(anchorage_error_code(nullptr), ANCHORAGE_USAGE);
  EXPECT_EQ(anchorage_error_reason(nullptr), nullptr);
  EXPECT_EQ(anchorage_error_json(nullptr, nullptr), nullptr);
}

// Of what is no such object, everything is absent.
TEST_F(CTest, NothingIsGotFromWhatIsNoResult) {
  const Request request(anchorage_request_new());
  for (void* const object :
       {static_cast<void*>(nullptr), static_cast<void*>(request.get())}) {
    auto* const identity = static_cast<anchorage_identity*>(object);
    std::size_t size = 99;
    for (const auto get :
         {anchorage_identity_account_id, anchorage_identity_region,
          anchorage_identity_instance_id, anchorage_identity_image_id,
          anchorage_identity_instance_type}) {
      EXPECT_EQ(get(identity), nullptr);
    }
    for (const auto get :
         {anchorage_identity_product_code, anchorage_identity_billing_product,
          anchorage_identity_note}) {
      EXPECT_EQ(get(identity, 0), nullptr);
    }
    for (const auto count : {anchorage_identity_product_codes,
                             anchorage_identity_billing_products}) {
      size = 99;
      EXPECT_EQ(count(identity, &size), 0);
      EXPECT_EQ(size, 0u);
    }
    EXPECT_EQ(anchorage_identity_field(identity, "region", &size), nullptr);
    EXPECT_EQ(anchorage_identity_document(identity, &size), nullptr);
    EXPECT_EQ(anchorage_identity_json(identity, &size), nullptr);
    EXPECT_EQ(anchorage_identity_form(identity), ANCHORAGE_FORM_RECOGNISED);
    EXPECT_EQ(anchorage_identity_pending_time(identity), 0);
    EXPECT_EQ(anchorage_identity_signing_time(identity, nullptr), 0);

    auto* const attestation = static_cast<anchorage_attestation*>(object);
    for (const auto get :
         {anchorage_attestation_module_id, anchorage_attestation_instance_id,
          anchorage_attestation_region, anchorage_attestation_partition,
          anchorage_attestation_release}) {
      EXPECT_EQ(get(attestation), nullptr);
    }
    for (const auto get :
         {anchorage_attestation_public_key, anchorage_attestation_user_data,
          anchorage_attestation_nonce}) {
      size = 99;
      EXPECT_EQ(get(attestation, &size), nullptr);
      EXPECT_EQ(size, 0u);
    }
    EXPECT_EQ(anchorage_attestation_pcr(attestation, 0, &size), nullptr);
    EXPECT_EQ(anchorage_attestation_note(attestation, 0), nullptr);
    EXPECT_EQ(anchorage_attestation_json(attestation, &size), nullptr);
    EXPECT_EQ(anchorage_attestation_type(attestation), 0);
    EXPECT_EQ(anchorage_attestation_time(attestation), 0);

    auto* const state = static_cast<anchorage_state*>(object);
    EXPECT_EQ(anchorage_state_freshness(state), ANCHORAGE_FRESHNESS_EXPIRED);
    EXPECT_EQ(anchorage_state_origin(state), 0);
    EXPECT_EQ(anchorage_state_sequence(state), 0u);
    EXPECT_EQ(anchorage_state_as_of(state), 0);
    EXPECT_EQ(anchorage_state_fresh_until(state, nullptr), 0);
    EXPECT_EQ(anchorage_state_json(state, &size), nullptr);

    auto* const event = static_cast<anchorage_event*>(object);
    for (const auto get :
         {anchorage_event_name, anchorage_event_reason, anchorage_event_check,
          anchorage_event_message, anchorage_event_slot}) {
      EXPECT_EQ(get(event), nullptr);
    }
    EXPECT_EQ(anchorage_event_sequence(event), 0u);
    EXPECT_EQ(anchorage_event_left_out(event), 0u);

    auto* const error = static_cast<anchorage_error*>(object);
    EXPECT_EQ(anchorage_error_code(error), ANCHORAGE_USAGE);
    EXPECT_EQ(anchorage_error_check(error), nullptr);
    EXPECT_EQ(anchorage_error_message(error), nullptr);
    EXPECT_EQ(anchorage_error_certificate_index(error), -1);
  }
}

TEST_F(CTest, AnObjectOfAnotherTypeIsAMistakeOrNothing) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  const Request request(anchorage_request_new());
  auto* const client = reinterpret_cast<anchorage_client*>(request.get());
  EXPECT_EQ(anchorage_client_refresh(client, &error_), ANCHORAGE_USAGE);
  EXPECT_EQ(TakeFailure().message,
            "client was freed, or is an object of another type");
  auto* const policy = reinterpret_cast<anchorage_identity_policy*>(client);
  EXPECT_EQ(Verify("MIAG", policy), nullptr);
  EXPECT_EQ(TakeFailure().code, ANCHORAGE_USAGE);
  auto* const as_request = reinterpret_cast<anchorage_request*>(any.get());
  anchorage_request_set_trace(as_request, 1);
  EXPECT_EQ(Verify("MIAG", any.get(), as_request), nullptr);
  EXPECT_EQ(TakeFailure().code, ANCHORAGE_USAGE);
  auto* const identity = reinterpret_cast<anchorage_identity*>(request.get());
  EXPECT_EQ(anchorage_identity_account_id(identity), nullptr);
  anchorage_identity_free(identity);
  anchorage_client_cancel(client);
  anchorage_client_free(client);
}

// A disk that takes nothing costs the cache alone.
TEST_F(CTest, ACacheThatCannotBeWrittenIsSaidInTheState) {
  const Options options(anchorage_options_new());
  const std::string root =
      ReadVector("../recovery/root-alone/served-1/1.root.json");
  anchorage_options_set_trusted_root(options.get(), root.data(), root.size());
  anchorage_options_set_cache_folder(options.get(), "/proc/none", 10);
  const Client client(anchorage_client_new(options.get(), &error_));
  ASSERT_NE(client, nullptr) << TakeFailure().message;
  const Policy any = ReadPolicy("authenticity_only: a test");
  const std::string text = ReadVector(kRsa2048);
  EXPECT_NE(
      Identity(anchorage_verify_identity(client.get(), text.data(), text.size(),
                                         any.get(), nullptr, &error_)),
      nullptr);
  const State state(anchorage_client_state(client.get(), &error_));
  const Json json(anchorage_state_json(state.get(), nullptr));
  EXPECT_NE(std::strstr(json.get(), "/proc/none"), nullptr) << json.get();
}

// --- Threads, processes, events ----------------------------------------------

TEST_F(CTest, AHundredThreadsShareAClient) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  const std::string text = ReadVector(kRsa2048);
  std::atomic<int> accepted = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 100; ++i) {
    threads.emplace_back([&, i] {
      anchorage_error* error = nullptr;
      const Identity identity(anchorage_verify_identity(
          client_.get(), i % 2 == 0 ? text.data() : "MIAG",
          i % 2 == 0 ? text.size() : 4, any.get(), nullptr, &error));
      const Error freed(error);
      const State state(anchorage_client_state(client_.get(), nullptr));
      const Json json(anchorage_identity_json(identity.get(), nullptr));
      if (identity != nullptr) ++accepted;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(accepted, 50);
}

TEST_F(CTest, AForkedChildVerifiesAndDoesNotRefresh) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  const std::string text = ReadVector(kRsa2048);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    anchorage_identity* const identity = anchorage_verify_identity(
        client_.get(), text.data(), text.size(), any.get(), nullptr, nullptr);
    const bool as_expected =
        identity != nullptr &&
        anchorage_client_refresh(client_.get(), nullptr) == ANCHORAGE_USAGE;
    _exit(as_expected ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// Runs this program once more, with the flag.
TEST(DebugTest, WhatWasFreedIsKnown) {
  if (getenv("ANCHORAGE_DEBUG") == nullptr) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      setenv("ANCHORAGE_DEBUG", "1", 1);
      // What is kept is meant to be.
      setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
      unsetenv("XML_OUTPUT_FILE");
      execl("/proc/self/exe", "again", "--gtest_filter=DebugTest.*", nullptr);
      _exit(99);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    return;
  }
  anchorage_client* const client = anchorage_client_new(nullptr, nullptr);
  ASSERT_NE(client, nullptr);
  anchorage_client_free(client);
  // Takes the memory, had it been given back.
  const Client another(anchorage_client_new(nullptr, nullptr));
  anchorage_error* error = nullptr;
  EXPECT_EQ(anchorage_client_refresh(client, &error), ANCHORAGE_USAGE);
  const Error freed(error);
  EXPECT_STREQ(anchorage_error_message(error),
               "client was freed, or is an object of another type");
  anchorage_client_cancel(client);
  anchorage_client_free(client);
}

// Calls `call`, which returns whether it was given what it asked for, and the
// error, with each of its allocations failing in turn.
void ExpectNoMemoryIsSaid(
    const std::function<bool(anchorage_error** error)>& call) {
  int failures = 0;
  for (const auto then :
       {anchorage::anchors::FailAllocation::Then::kRecovers,
        anchorage::anchors::FailAllocation::Then::kStaysFull}) {
    for (int before = 0;; before += 1 + before / 8) {
      anchorage_error* error = nullptr;
      bool given = false;
      bool has_failed = false;
      {
        anchorage::anchors::FailAllocation fail(before, then);
        given = call(&error);
        has_failed = fail.has_failed();
      }
      const Error freed(error);
      // What fails inside may be answered inside: a hint is left out.
      EXPECT_NE(given, error != nullptr) << before;
      if (!given) {
        ++failures;
        EXPECT_EQ(anchorage_error_code(error), ANCHORAGE_UNDECIDED)
            << before << ": " << anchorage_error_message(error);
      }
      if (!has_failed) break;
    }
  }
  EXPECT_GT(failures, 1) << "it allocates";
}

TEST_F(CTest, NoMemoryIsUndecidedAndNeverAnException) {
  const std::string text = ReadVector(kRsa2048);
  const Policy any = ReadPolicy("authenticity_only: a test");
  ExpectNoMemoryIsSaid([&](anchorage_error** error) {
    return Identity(anchorage_verify_identity(client_.get(), text.data(),
                                              text.size(), any.get(), nullptr,
                                              error)) != nullptr;
  });
  ExpectNoMemoryIsSaid([&](anchorage_error** error) {
    return Policy(anchorage_identity_policy_read(
               "regions: [a]\nignore_the_rest: b", 31, "p", 1, error)) !=
           nullptr;
  });
  ExpectNoMemoryIsSaid([](anchorage_error** error) {
    const Options options(anchorage_options_new());
    return Client(anchorage_client_new(options.get(), error)) != nullptr;
  });
  const std::string document = ReadVector(kTpm);
  const AttestationPolicy tpm =
      ReadTpmPolicy(std::string(kTpmPolicy) + kAnyTpm);
  ExpectNoMemoryIsSaid([&](anchorage_error** error) {
    Request request(anchorage_request_new());
    anchorage_request_set_recorded_at(request.get(), kTpmTime);
    return Attestation(anchorage_verify_attestation(
               client_.get(), document.data(), document.size(), tpm.get(),
               request.get(), error)) != nullptr;
  });
  const std::string tpm_policy = std::string(kTpmPolicy) + kAnyTpm;
  ExpectNoMemoryIsSaid([&](anchorage_error** error) {
    return AttestationPolicy(anchorage_attestation_policy_read(
               tpm_policy.data(), tpm_policy.size(), "p", 1, error)) != nullptr;
  });
  ExpectNoMemoryIsSaid([&](anchorage_error** error) {
    return State(anchorage_client_state(client_.get(), error)) != nullptr;
  });
}

// A request that could not be made, or not filled, never passes for none.
TEST_F(CTest, ARequestWithoutMemoryIsNoRequestForLess) {
  const AttestationPolicy policy =
      ReadTpmPolicy(std::string(kTpmPolicy) + kAnyTpm);
  const std::string document = ReadVector(kTpm);
  const std::string nonce(100, 'x');
  for (int before = 0; before < 2; ++before) {
    anchorage_request* made = nullptr;
    {
      anchorage::anchors::FailAllocation fail(before);
      made = anchorage_request_new();
      anchorage_request_set_recorded_at(made, kTpmTime);
      anchorage_request_set_nonce(made, nonce.data(), nonce.size());
      ASSERT_TRUE(fail.has_failed());
    }
    const Request request(made);
    EXPECT_EQ(VerifyTpm(document, policy.get(), request.get()), nullptr);
    EXPECT_EQ(TakeFailure().code, ANCHORAGE_UNDECIDED);
  }
}

// What returns a text has none, or all of it.
TEST_F(CTest, ATextWithoutMemoryIsNull) {
  const Policy any = ReadPolicy("authenticity_only: a test");
  const Identity identity = Verify(ReadVector(kRsa2048), any.get());
  const State state(anchorage_client_state(client_.get(), &error_));
  const Json whole(anchorage_identity_json(identity.get(), nullptr));
  for (int before = 0;; ++before) {
    std::size_t size = 99;
    anchorage::anchors::FailAllocation fail(before);
    const Json json(anchorage_identity_json(identity.get(), &size));
    const Json other(anchorage_state_json(state.get(), nullptr));
    if (json != nullptr) {
      EXPECT_STREQ(json.get(), whole.get());
    } else {
      EXPECT_EQ(size, 0u);
    }
    if (!fail.has_failed()) break;
  }
  anchorage::anchors::FailAllocation fail(0);
  EXPECT_EQ(Ledger(anchorage_ledger_new(5)), nullptr);
}

struct Told {
  int times = 0;
  std::string name;
  std::string reason;
  std::uint64_t sequence = 0;
  // What the callback calls with.
  anchorage_client* client = nullptr;
};

// Counts, and does with the client whatever a callback may, and may not.
void Tell(const anchorage_event* event, void* user) {
  Told& told = *static_cast<Told*>(user);
  told.name = anchorage_event_name(event);
  told.reason = TextOf(anchorage_event_reason(event));
  told.sequence = anchorage_event_sequence(event);
  if (++told.times > 1 || told.client == nullptr) return;
  EXPECT_NE(State(anchorage_client_state(told.client, nullptr)), nullptr);
  EXPECT_EQ(anchorage_client_refresh(told.client, nullptr), ANCHORAGE_USAGE);
  anchorage_client_cancel(told.client);
  anchorage_client_free(told.client);
}

class EventTest : public CTest {
 protected:
  // A client that tells, and whose server does not listen.
  Client MakeClient(Told& told, bool in_background) {
    return MakeClient(&Tell, &told, in_background);
  }
  Client MakeClient(anchorage_event_callback callback, void* user,
                    bool in_background, int port = 1) {
    const Options options(anchorage_options_new());
    const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";
    anchorage_options_set_url(options.get(), url.data(), url.size());
    const std::string root =
        ReadVector("../recovery/root-alone/served-1/1.root.json");
    anchorage_options_set_trusted_root(options.get(), root.data(), root.size());
    anchorage_options_set_background_refresh(options.get(), in_background);
    anchorage_options_set_event_callback(options.get(), callback, user);
    Client client(anchorage_client_new(options.get(), &error_));
    EXPECT_NE(client, nullptr) << TakeFailure().message;
    return client;
  }
};

TEST_F(EventTest, ARefreshIsAnEvent) {
  Told told;
  const Client client = MakeClient(told, false);
  EXPECT_EQ(told.times, 0);
  EXPECT_EQ(anchorage_client_refresh(client.get(), &error_),
            ANCHORAGE_UNREACHABLE);
  const Failure failure = TakeFailure();
  EXPECT_EQ(failure.reason, "FETCH_FAILED");
  // Said once, where a program prints both.
  EXPECT_EQ(failure.message.find("FETCH_FAILED"), std::string::npos);
  EXPECT_EQ(told.times, 1);
  EXPECT_EQ(told.name, "UNREACHABLE");
  EXPECT_EQ(told.reason, "FETCH_FAILED");
  EXPECT_EQ(told.sequence, 1u);
}

TEST_F(EventTest, ARefusalIsAnEventWhereThatIsWanted) {
  struct Refusal {
    int times = 0;
    std::string text;
    std::uint64_t left_out = 99;
  };
  const auto callback = [](const anchorage_event* event, void* user) {
    auto& refusal = *static_cast<Refusal*>(user);
    ++refusal.times;
    refusal.text = TextOf(anchorage_event_name(event)) + " " +
                   TextOf(anchorage_event_reason(event)) + " " +
                   TextOf(anchorage_event_check(event)) + " " +
                   TextOf(anchorage_event_slot(event));
    refusal.left_out = anchorage_event_left_out(event);
  };
  const Policy policy =
      ReadPolicy("product_codes: {any_of: [abc]}\nignore_the_rest: a test");
  for (const std::int32_t wanted : {0, 1}) {
    Refusal refusal;
    const Options options(anchorage_options_new());
    anchorage_options_set_event_callback(options.get(), callback, &refusal);
    anchorage_options_set_events_while_verifying(options.get(), wanted);
    client_.reset(anchorage_client_new(options.get(), &error_));
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(Verify(ReadVector(kRsa2048), policy.get()), nullptr);
      EXPECT_EQ(TakeFailure().reason, "PRODUCT_CODE_NOT_ALLOWED");
    }
    EXPECT_EQ(refusal.times, wanted);
    if (wanted == 1) {
      EXPECT_EQ(refusal.text,
                "VERIFICATION_REFUSED PRODUCT_CODE_NOT_ALLOWED product-codes "
                "aws/ap-southeast-2/iid-rsa2048");
      EXPECT_EQ(refusal.left_out, 0u);
    }
    EXPECT_EQ(Verify("<html>", policy.get()), nullptr);
    EXPECT_EQ(TakeFailure().reason, "ENCODING_MALFORMED");
    EXPECT_EQ(refusal.times, 2 * wanted);
    const State state(anchorage_client_state(client_.get(), nullptr));
    const Json json(anchorage_state_json(state.get(), nullptr));
    EXPECT_NE(std::strstr(json.get(), "\"PRODUCT_CODE_NOT_ALLOWED\""), nullptr);
    EXPECT_NE(std::strstr(json.get(), "\"ENCODING_MALFORMED\""), nullptr);
  }
}

TEST_F(EventTest, ARefreshSaysWhenToComeAgain) {
  Told told;
  const Client client = MakeClient(told, false);
  EXPECT_EQ(anchorage_client_first_pause(client.get()), 0);
  std::int64_t pause = 0;
  EXPECT_EQ(anchorage_client_refresh_once(client.get(), &pause, &error_),
            ANCHORAGE_UNREACHABLE);
  EXPECT_EQ(TakeFailure().reason, "FETCH_FAILED");
  EXPECT_GE(pause, 4'500);
  EXPECT_LE(pause, 5'500);
  EXPECT_EQ(anchorage_client_refresh_once(client_.get(), &pause, nullptr),
            ANCHORAGE_USAGE);
  EXPECT_EQ(pause, -1) << "there is nobody to ask";
  EXPECT_EQ(anchorage_client_first_pause(client_.get()), -1);
  EXPECT_EQ(anchorage_client_first_pause(nullptr), -1);
  pause = 0;
  EXPECT_EQ(anchorage_client_refresh_once(nullptr, &pause, nullptr),
            ANCHORAGE_USAGE);
  EXPECT_EQ(pause, -1);
}

TEST_F(EventTest, FurtherUrlsAreAskedThroughTheProxy) {
  const Options options(anchorage_options_new());
  const std::string root =
      ReadVector("../recovery/root-alone/served-1/1.root.json");
  anchorage_options_set_url(options.get(), "http://a.example/", 17);
  anchorage_options_add_url(options.get(), "http://b.example/", 17);
  anchorage_options_set_proxy(options.get(), "http://127.0.0.1:1", 18);
  anchorage_options_set_refresh_budget(options.get(), 10'000);
  anchorage_options_set_trusted_root(options.get(), root.data(), root.size());
  anchorage_options_set_background_refresh(options.get(), 0);
  const Client client(anchorage_client_new(options.get(), &error_));
  ASSERT_NE(client, nullptr) << TakeFailure().message;
  EXPECT_EQ(anchorage_client_refresh(client.get(), nullptr),
            ANCHORAGE_UNREACHABLE);
  const State state(anchorage_client_state(client.get(), &error_));
  const Json json(anchorage_state_json(state.get(), nullptr));
  const std::string text = json.get();
  EXPECT_NE(text.find("\"name\": \"http://b.example/\""), std::string::npos)
      << text;
  EXPECT_NE(text.find("connect to server"), std::string::npos)
      << "and not that the name is unknown: " << text;
}

// A signal that the host handles, or waits for, never goes to our thread.
TEST_F(EventTest, TheClientsThreadTakesNoSignals) {
  const auto threads = [] {
    std::map<std::string, std::string> blocked;
    for (const auto& task :
         std::filesystem::directory_iterator("/proc/self/task")) {
      std::ifstream status(task.path() / "status");
      for (std::string line; std::getline(status, line);) {
        if (line.starts_with("SigBlk:")) {
          blocked[task.path().filename()] = line.substr(8);
        }
      }
    }
    return blocked;
  };
  const auto before = threads();
  Told told;
  const Client client = MakeClient(told, true);
  auto after = threads();
  for (const auto& [thread, blocked] : before) {
    EXPECT_EQ(after[thread], blocked) << "the caller's";
    after.erase(thread);
  }
  ASSERT_EQ(after.size(), 1u);
  // Nobody blocks KILL and STOP; 32 and 33 are the C library's.
  EXPECT_EQ(std::stoull(after.begin()->second, nullptr, 16) | 0x180040100,
            UINT64_MAX);
}

TEST_F(EventTest, ACallbackMayCallTheClientAndDoesNotFreeIt) {
  Told told;
  const Client client = MakeClient(told, false);
  told.client = client.get();
  EXPECT_EQ(anchorage_client_refresh(client.get(), nullptr),
            ANCHORAGE_UNREACHABLE);
  EXPECT_EQ(told.times, 1);
  EXPECT_NE(State(anchorage_client_state(client.get(), &error_)), nullptr);
}

// The server takes the connection and never answers.
TEST_F(EventTest, ARefreshUnderWayIsCancelled) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const where = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(server, where, size), 0);
  ASSERT_EQ(listen(server, 8), 0);
  ASSERT_EQ(getsockname(server, where, &size), 0);
  const Client client = MakeClient([](const anchorage_event*, void*) {},
                                   nullptr, false, ntohs(address.sin_port));
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::future<std::int32_t>> refreshes;
  for (int i = 0; i < 3; ++i) {
    refreshes.push_back(std::async(std::launch::async, [&client] {
      return anchorage_client_refresh(client.get(), nullptr);
    }));
  }
  const int asked = accept(server, nullptr, nullptr);
  EXPECT_GE(asked, 0);
  anchorage_client_cancel(client.get());
  for (auto& refresh : refreshes) {
    EXPECT_EQ(refresh.get(), ANCHORAGE_UNREACHABLE);
  }
  EXPECT_EQ(anchorage_client_refresh(client.get(), &error_),
            ANCHORAGE_UNREACHABLE);
  EXPECT_EQ(TakeFailure().reason, "FETCH_FAILED");
  // Half of the timeout.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_NE(State(anchorage_client_state(client.get(), &error_)), nullptr);
  close(asked);
  close(server);
}

// It would wait for itself.
TEST_F(EventTest, NorOnTheClientsThread) {
  struct Meeting {
    std::promise<anchorage_client*> client;
    std::promise<void> done;
    std::once_flag once;
  } meeting;
  const Client client = MakeClient(
      [](const anchorage_event*, void* user) {
        auto& meeting = *static_cast<Meeting*>(user);
        std::call_once(meeting.once, [&] {
          anchorage_client_free(meeting.client.get_future().get());
          meeting.done.set_value();
        });
      },
      &meeting, true);
  meeting.client.set_value(client.get());
  meeting.done.get_future().wait();
  EXPECT_NE(State(anchorage_client_state(client.get(), &error_)), nullptr);
}

}  // namespace
