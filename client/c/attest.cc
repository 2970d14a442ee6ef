#include <cstdint>
#include <memory>
#include <utility>

#include "client/c/calls.h"
#include "client/instance/attestation.h"

namespace client = anchorage::client;
using anchorage::c::CheckHandle;
using anchorage::c::CheckSaid;
using anchorage::c::Free;
using anchorage::c::Live;
using anchorage::c::Mistake;
using anchorage::c::New;
using anchorage::c::Stage;
using anchorage::c::Text;
using anchorage::c::View;

namespace {

// What is to be attested, and how; a request may be none.
struct Asked {
  client::AttestationRequest request;
  client::AttestationOptions options;
};

absl::StatusOr<Asked> Read(const anchorage_request* request) {
  if (request == nullptr) return Asked{};
  if (absl::Status s = CheckHandle("request", request); !s.ok()) return s;
  if (!request->fault().ok()) return request->fault();
  if (request->is_for_identity() || request->is_for_this_instance() ||
      request->recorded_at.has_value()) {
    return Mistake("request", "has something that is not for an attestation");
  }
  return Asked{{.user_data = request->user_data,
                .nonce = request->nonce,
                .public_key = request->public_key},
               request->attest};
}

}  // namespace

void anchorage_request_set_attest_program(anchorage_request* request,
                                          const char* path, size_t size) {
  if (Live(request) == nullptr) return;
  request->Try([&] {
    absl::Status s = CheckSaid("program", path, size);
    if (s.ok()) request->attest.program = View(path, size);
    return s;
  });
}

void anchorage_request_set_attest_timeout(anchorage_request* request,
                                          int64_t ms) {
  if (Live(request) == nullptr) return;
  request->Try([&] {
    request->attest.timeout = absl::Milliseconds(ms);
    return absl::OkStatus();
  });
}

anchorage_attested* anchorage_attest(const anchorage_request* request,
                                     anchorage_error** error) {
  return New<anchorage_attested>(
      Stage::kUsage, error,
      [&]() -> absl::StatusOr<std::unique_ptr<anchorage_attested>> {
        const auto asked = Read(request);
        if (!asked.ok()) return asked.status();
        auto attested = client::Attest(asked->request, asked->options);
        if (!attested.ok()) return attested.status();
        auto made = std::make_unique<anchorage_attested>();
        made->attested = *std::move(attested);
        return made;
      });
}

anchorage_attested* anchorage_attest_new_key(const anchorage_request* request,
                                             anchorage_error** error) {
  return New<anchorage_attested>(
      Stage::kUsage, error,
      [&]() -> absl::StatusOr<std::unique_ptr<anchorage_attested>> {
        const auto asked = Read(request);
        if (!asked.ok()) return asked.status();
        auto attested = client::AttestNewKey(asked->request, asked->options);
        if (!attested.ok()) return attested.status();
        auto made = std::make_unique<anchorage_attested>();
        made->attested = std::move(attested->attested);
        made->key = std::move(attested->key);
        return made;
      });
}

void anchorage_attested_free(anchorage_attested* attested) { Free(attested); }

const void* anchorage_attested_document(const anchorage_attested* attested,
                                        size_t* size) {
  return Text(
      Live(attested) != nullptr ? &attested->attested.document : nullptr, size);
}

int32_t anchorage_attested_source(const anchorage_attested* attested) {
  if (Live(attested) == nullptr) return 0;
  return attested->attested.source == client::AttestationSource::kNsm
             ? ANCHORAGE_SOURCE_NSM
             : ANCHORAGE_SOURCE_PROGRAM;
}

const void* anchorage_attested_private_key(const anchorage_attested* attested,
                                           size_t* size) {
  const bool has_key = Live(attested) != nullptr && attested->key.has_value();
  if (size != nullptr)
    *size = has_key ? attested->key->private_key().size() : 0;
  return has_key ? attested->key->private_key().data() : nullptr;
}
