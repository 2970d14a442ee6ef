#include "client/instance/imds.h"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/base/no_throw.h"
#include "client/instance/instance_error.h"

namespace anchorage::client {
namespace {

constexpr std::string_view kTokenPath = "api/token";
// Longer than a session.
constexpr char kTokenLifetime[] = "X-aws-ec2-metadata-token-ttl-seconds: 60";
constexpr char kTokenHeader[] = "X-aws-ec2-metadata-token: ";
constexpr char kIdentityPath[] = "dynamic/instance-identity/";
// AWS's tokens have 56 characters.
constexpr std::size_t kMaxTokenBytes = 1024;

// libcurl takes none for "for ever".
constexpr absl::Duration kLeast = absl::Milliseconds(1);
constexpr absl::Duration kMost = absl::Hours(1);

// How often a document is fetched again that changed while its signature was.
constexpr int kMostDocuments = 3;

// Before the attempt after a refusal: doubled each time, and up to as much again
// by chance, so that what started together does not ask together.
constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{1000};

std::string_view View(absl::string_view text) {
  return {text.data(), text.size()};
}

bool IsToken(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTokenBytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 0x7f; });
}

// Seeded by the time alone: it spreads requests, and keeps nothing secret.
std::chrono::milliseconds UpTo(std::chrono::milliseconds longest) {
  thread_local std::minstd_rand engine(static_cast<unsigned>(
      std::chrono::steady_clock::now().time_since_epoch().count()));
  return std::chrono::milliseconds(engine() % (longest.count() + 1));
}

bool IsForTheMoment(int status) {
  return status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

// Returns why an answer is none.
absl::Status Judge(const std::string& url, const HttpAnswer& answer) {
  const std::string what = absl::StrCat(url, ": HTTP ", answer.status);
  switch (answer.status) {
    case 200:
      if (answer.too_long) {
        return NotFromInstance(
            InstanceReason::kImdsAnswerInvalid,
            absl::StrCat(what, ", more than ", kMaxImdsAnswerBytes, " bytes"));
      }
      if (answer.body.empty()) {
        return NotFromInstance(InstanceReason::kImdsAnswerInvalid,
                               what + " with nothing in it");
      }
      return absl::OkStatus();
    case 401:
      return NotFromInstance(InstanceReason::kImdsTokenRequired, what);
    case 403:
      return NotFromInstance(InstanceReason::kImdsDisabled,
                             what +
                                 ": IMDS is turned off for this instance, "
                                 "or for this process");
    case 404:
      return absl::NotFoundError(what);
    case 429:
    case 503:
      return NotFromInstance(InstanceReason::kImdsThrottled,
                             what + " to every attempt");
    default:
      return NotFromInstance(InstanceReason::kImdsAnswerInvalid, what);
  }
}

}  // namespace

verify::IdentityEvidence ImdsIdentity::evidence() const {
  verify::IdentityEvidence evidence;
  evidence.form = form;
  evidence.signature = signature;
  if (!verify::RowOf(form).carries_document()) evidence.document = document;
  return evidence;
}

Imds::Imds(ImdsOptions options)
    : options_(std::move(options)),
      deadline_(Clock::now() +
                absl::ToChronoMilliseconds(options_.total_timeout)) {}

absl::Duration Imds::Left() const {
  return absl::FromChrono(deadline_ - Clock::now());
}

absl::StatusOr<std::unique_ptr<Imds>> Imds::Open(ImdsOptions options) {
  return anchors::NoThrow([&]() -> absl::StatusOr<std::unique_ptr<Imds>> {
    for (const absl::Duration time :
         {options.connect_timeout, options.answer_timeout,
          options.total_timeout}) {
      if (time < kLeast || time > kMost) {
        return absl::InvalidArgumentError(
            "the times of IMDS are from 1 ms to 1 h each");
      }
    }
    std::unique_ptr<Imds> imds(new Imds(std::move(options)));
    if (absl::Status s = imds->OpenOrThrow(); !s.ok()) return s;
    return imds;
  });
}

absl::Status Imds::OpenOrThrow() {
  absl::Status worst;
  bool found = false;
  for (const std::string& endpoint : options_.endpoints) {
    if (Left() < kLeast) break;
    endpoint_ = endpoint;
    const absl::Status opened = OpenEndpoint();
    if (opened.ok()) {
      is_open_ = true;
      return opened;
    }
    const bool absent = InstanceReasonOf(opened) == InstanceReason::kImdsAbsent;
    // Where none is found, the first address is the one that people know.
    if (worst.ok() || (!absent && !found)) worst = opened;
    found = found || !absent;
  }
  return worst.ok()
             ? NotFromInstance(InstanceReason::kImdsAbsent, "no address to ask")
             : worst;
}

absl::Status Imds::OpenEndpoint() {
  token_.clear();
  auto token = options_.version_1 ? Ask("GET", kIdentityPath, {})
                                  : Ask("PUT", kTokenPath, {kTokenLifetime});
  if (token.ok() && options_.version_1) return absl::OkStatus();
  if (token.ok() && IsToken(*token)) {
    token_ = *std::move(token);
    return absl::OkStatus();
  }
  if (token.ok()) {
    return NotFromInstance(InstanceReason::kImdsAnswerInvalid,
                           endpoint_ + ": what came is no token");
  }
  if (absl::IsNotFound(token.status())) {
    return NotFromInstance(InstanceReason::kImdsAbsent,
                           View(token.status().message()));
  }
  return token.status();
}

absl::StatusOr<std::string> Imds::Ask(const char* method, std::string_view path,
                                      std::vector<std::string> headers) {
  const bool for_token = path == kTokenPath;
  HttpRequest request;
  request.url = absl::StrCat(endpoint_, "/latest/", std::string(path));
  request.method = method;
  request.headers = std::move(headers);
  request.max_bytes = kMaxImdsAnswerBytes;
  request.connect_timeout = options_.connect_timeout;
  request.proxy = "";
  // What the attempt before was answered: that, and not the time that is over, is
  // then why there is nothing.
  absl::Status refused;
  for (std::chrono::milliseconds pause = kFirstPause;;
       pause = std::min(2 * pause, kLongestPause)) {
    const absl::Duration left = Left();
    if (left < kLeast) {
      if (!refused.ok()) return refused;
      return NotFromInstance(InstanceReason::kImdsTimeout,
                             request.url + ": no time is left");
    }
    request.timeout = std::clamp(options_.answer_timeout, kLeast, left);
    auto answer = connection_.Ask(request);
    if (!answer.ok()) {
      const std::string why(answer.status().message());
      if (absl::IsResourceExhausted(answer.status())) return answer.status();
      if (!refused.ok() && absl::IsDeadlineExceeded(answer.status())) {
        return refused;
      }
      if (absl::IsFailedPrecondition(answer.status())) {
        return NotFromInstance(InstanceReason::kInstanceUnavailable, why);
      }
      if (absl::IsDataLoss(answer.status())) {
        return NotFromInstance(InstanceReason::kImdsAnswerInvalid, why);
      }
      if (is_open_) return NotFromInstance(InstanceReason::kImdsTimeout, why);
      if (!absl::IsDeadlineExceeded(answer.status())) {
        return NotFromInstance(InstanceReason::kImdsAbsent, why);
      }
      if (!for_token) return NotFromInstance(InstanceReason::kImdsTimeout, why);
      return NotFromInstance(
          InstanceReason::kImdsHopLimit,
          absl::StrCat(why,
                       ": it takes connections, and its token does not "
                       "arrive: a container needs an instance whose "
                       "HttpPutResponseHopLimit is 2 or more"));
    }
    const auto wait = pause + UpTo(pause);
    if (IsForTheMoment(answer->status) && Clock::now() + wait < deadline_) {
      refused = Judge(request.url, *answer);
      std::this_thread::sleep_for(wait);
      continue;
    }
    // A server that is not EC2's has no such address, or no such method: Azure
    // says 400, Google 405.
    if (for_token && (answer->status == 400 || answer->status == 405)) {
      return NotFromInstance(
          InstanceReason::kImdsAbsent,
          absl::StrCat(request.url, ": HTTP ", answer->status,
                       ": whoever answers is not EC2"));
    }
    if (absl::Status s = Judge(request.url, *answer); !s.ok()) return s;
    return std::move(answer->body);
  }
}

absl::StatusOr<std::string> Imds::Get(std::string_view path) {
  return anchors::NoThrow([&] { return GetOrThrow(path); });
}

absl::StatusOr<std::string> Imds::GetOrThrow(std::string_view path) {
  auto body = GetWithToken(path);
  if (options_.version_1 ||
      InstanceReasonOf(body.status()) != InstanceReason::kImdsTokenRequired) {
    return body;
  }
  // The machine may have been suspended since, and the token be over.
  if (absl::Status s = OpenEndpoint(); !s.ok()) return s;
  return GetWithToken(path);
}

absl::StatusOr<std::string> Imds::GetWithToken(std::string_view path) {
  std::vector<std::string> headers;
  if (!token_.empty()) headers.push_back(kTokenHeader + token_);
  return Ask("GET", path, std::move(headers));
}

absl::StatusOr<ImdsIdentity> Imds::FetchIdentity(verify::IdentityForm form) {
  return anchors::NoThrow([&] { return FetchOrThrow(form); });
}

absl::StatusOr<ImdsIdentity> Imds::FetchOrThrow(verify::IdentityForm form) {
  const std::string name(verify::NameOf(form));
  const bool is_bare = !verify::RowOf(form).carries_document();
  ImdsIdentity identity;
  identity.form = form;
  std::string text;
  for (int i = 0;; ++i) {
    auto served = GetOrThrow(kIdentityPath + name);
    if (!served.ok()) return served.status();
    const bool is_same = i > 0 && *served == text;
    text = *std::move(served);
    // A signature of the document has one on either side of it, so that they
    // belong together also where the machine was suspended between two
    // requests, and started anew.
    if (!is_bare || is_same) break;
    if (i == kMostDocuments) {
      return NotFromInstance(InstanceReason::kImdsAnswerInvalid,
                             endpoint_ + ": another signature each time");
    }
    auto document = GetOrThrow(absl::StrCat(kIdentityPath, "document"));
    if (!document.ok()) return document.status();
    identity.document = *std::move(document);
  }
  auto signature = verify::DecodeIdentitySignature(form, text);
  if (!signature.ok()) return signature.status();
  identity.signature = *std::move(signature);
  return identity;
}

absl::StatusOr<ImdsIdentity> Imds::FetchFirst(
    absl::Span<const verify::IdentityForm> forms) {
  return anchors::NoThrow([&]() -> absl::StatusOr<ImdsIdentity> {
    for (const verify::IdentityForm form : forms) {
      auto identity = FetchOrThrow(form);
      if (!absl::IsNotFound(identity.status())) return identity;
    }
    return NotFromInstance(
        InstanceReason::kIdentityFormNotServed,
        absl::StrCat(endpoint_, " serves none of [",
                     absl::StrJoin(forms, ", ",
                                   [](std::string* out, auto form) {
                                     out->append(verify::NameOf(form));
                                   }),
                     "]"));
  });
}

}  // namespace anchorage::client
