#include "client/grpc_fetcher.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"
#include "anchors/base/steady_clock.h"
#include "anchors/bundle_proto.h"
#include "anchors/tuf/metadata.h"
#include "anchors/wire/plain_message.h"

namespace anchorage::client {
namespace {

// The limit that GetUpdateResponse documents.
constexpr int kMaxAnswerBytes = 16 * 1024 * 1024;
// gRPC checks a message's length only when all of it is there, so a server
// could send gigabytes: beyond this quota gRPC ends the call.
constexpr std::size_t kMaxTransportBytes = 4 * kMaxAnswerBytes;
// Roots are the only field of which an answer has many: 2 MiB, of a kilobyte
// each.
constexpr anchors::WireLimits kAnswerLimits = {.fields = 4096, .depth = 4};

constexpr char kGetUpdate[] = "/anchorage.v1.AnchorService/GetUpdate";

constexpr std::string_view kRootSuffix = ".root.json";
constexpr std::string_view kSnapshotSuffix = ".snapshot.json";
constexpr std::string_view kTargetsSuffix = ".targets.json";

std::shared_ptr<grpc::Channel> MakeChannel(const GrpcEndpoint& endpoint) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  anchors::RefuseCompression(arguments);
  grpc::ResourceQuota quota("anchorage client");
  quota.Resize(kMaxTransportBytes);
  arguments.SetResourceQuota(quota);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, endpoint.proxy != "" ? 1 : 0);
  if (!endpoint.proxy.value_or("").empty()) {
    arguments.SetString(GRPC_ARG_HTTP_PROXY, *endpoint.proxy);
  }
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Short, so that a server that comes back is found within seconds, not
  // minutes.
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 10'000);
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (endpoint.plaintext) {
    credentials = grpc::InsecureChannelCredentials();
  } else {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = endpoint.tls_roots_pem;
    credentials = grpc::SslCredentials(options);
  }
  return grpc::CreateCustomChannel(endpoint.server, credentials, arguments);
}

absl::Status ToStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  auto code = static_cast<absl::StatusCode>(status.error_code());
  // Anybody between us and the server can invent a status, so none may mean
  // "there is nothing newer".
  if (code == absl::StatusCode::kNotFound ||
      code == absl::StatusCode::kOutOfRange) {
    code = absl::StatusCode::kUnavailable;
  }
  return absl::Status(code, status.error_message());
}

// Whether `name` is that of the target `path`: the name has a hash in front of
// the path's last segment.
bool InFolderOf(std::string_view path, std::string_view name) {
  return name.starts_with(path.substr(0, path.rfind('/') + 1));
}

absl::StatusOr<std::string> AtMost(std::size_t max_bytes,
                                   absl::StatusOr<std::string> bytes) {
  if (bytes.ok() && bytes->size() > max_bytes) {
    return absl::OutOfRangeError("longer than its limit");
  }
  return bytes;
}

}  // namespace

GrpcConnection::GrpcConnection(const GrpcEndpoint& endpoint)
    : timeout_(endpoint.timeout), stub_(MakeChannel(endpoint)) {}

absl::StatusOr<v1::GetUpdateResponse> GrpcConnection::GetUpdate(
    const v1::GetUpdateRequest& request, absl::Duration time) {
  return anchors::NoThrow([&] { return Call(request, time); });
}

absl::StatusOr<v1::GetUpdateResponse> GrpcConnection::Call(
    const v1::GetUpdateRequest& request, absl::Duration time) {
  if (time <= absl::ZeroDuration()) {
    return absl::DeadlineExceededError("no time is left to ask this server");
  }
  const grpc::Slice slice(request.SerializeAsString());
  const grpc::ByteBuffer bytes(&slice, 1);
  grpc::ByteBuffer answer;
  grpc::Status status;
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoNanoseconds(std::min(time, timeout_)));
  {
    absl::MutexLock lock(&mutex_);
    if (cancelled_) return absl::CancelledError("the client stops");
    active_ = &context;
  }
  const absl::Cleanup done = [this] {
    absl::MutexLock lock(&mutex_);
    active_ = nullptr;
  };
  const auto call = stub_.PrepareUnaryCall(&context, kGetUpdate, bytes, &queue);
  call->StartCall();
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!status.ok()) return ToStatus(status);
  v1::GetUpdateResponse response;
  const absl::Status read =
      anchors::ReadMessage(answer, context.c_call(), kAnswerLimits, response);
  if (read.ok()) return response;
  // An answer that is not a message is the server's fault, not the request's.
  return read.code() == absl::StatusCode::kInvalidArgument
             ? absl::InternalError(read.message())
             : read;
}

void GrpcConnection::Cancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
  if (active_ != nullptr) active_->TryCancel();
}

GrpcFetcher::GrpcFetcher(GrpcConnection& connection,
                         const anchors::BundleVersions& have,
                         std::string held_timestamp, absl::Duration time)
    : connection_(connection),
      have_(have),
      held_timestamp_(std::move(held_timestamp)),
      end_(anchors::SteadyNow() + time) {}

absl::StatusOr<v1::GetUpdateResponse> GrpcFetcher::Call(
    const v1::GetUpdateRequest& request) {
  return connection_.GetUpdate(request, end_ - anchors::SteadyNow());
}

absl::Status GrpcFetcher::Ask(bool all) {
  v1::GetUpdateRequest request;
  *request.mutable_have() = anchors::ToProto(
      all ? anchors::BundleVersions{.root = have_.root, .target_sha256 = {}}
          : have_);
  auto answer = Call(request);
  if (!answer.ok()) return answer.status();
  answer_ = *std::move(answer);
  asked_all_ = all;
  first_root_ = have_.root + 1;
  return absl::OkStatus();
}

absl::StatusOr<std::string> GrpcFetcher::Root(std::uint64_t version) {
  if (!answer_.has_value()) {
    have_.root = version - 1;
    if (absl::Status s = Ask(false); !s.ok()) return s;
  }
  const auto count = static_cast<std::uint64_t>(answer_->roots_size());
  if (version >= first_root_ && version - first_root_ < count) {
    return answer_->roots(static_cast<int>(version - first_root_));
  }
  // The updater asks for one version after another, so this is the first one
  // that was not sent.
  if (!answer_->more_roots()) return absl::NotFoundError("no newer root");
  if (count > 0) {
    have_.root = version - 1;
    if (absl::Status s = Ask(false); !s.ok()) return s;
  }
  if (answer_->roots_size() == 0) {
    return absl::UnavailableError("the server announced a root and sent none");
  }
  return answer_->roots(0);
}

absl::StatusOr<std::string> GrpcFetcher::Part(
    absl::FunctionRef<const std::string&(const v1::GetUpdateResponse&)> file,
    std::string_view name) {
  if (!answer_.has_value()) {
    if (absl::Status s = Ask(false); !s.ok()) return s;
  }
  if (file(*answer_).empty() && !asked_all_) {
    if (absl::Status s = Ask(true); !s.ok()) return s;
  }
  const std::string& bytes = file(*answer_);
  if (bytes.empty()) {
    return absl::NotFoundError(
        absl::StrCat("the server did not send ", std::string(name)));
  }
  return bytes;
}

// A server that was rolled back learns of it from us. Whatever it answers, its
// timestamp is refused.
void GrpcFetcher::ShowHeldTimestamp(const std::string& served) {
  if (held_timestamp_.empty()) return;
  const auto older = anchors::tuf::ParseTimestamp(served);
  if (!older.ok() ||
      older->envelope.version >= static_cast<std::int64_t>(have_.timestamp)) {
    return;
  }
  v1::GetUpdateRequest request;
  *request.mutable_have() = anchors::ToProto(have_);
  request.set_held_timestamp(held_timestamp_);
  (void)Call(request);
}

absl::StatusOr<std::string> GrpcFetcher::FetchMetadata(std::string_view name,
                                                       std::size_t max_bytes) {
  if (name.ends_with(kRootSuffix)) {
    std::uint64_t version = 0;
    if (!absl::SimpleAtoi(
            std::string(name.substr(0, name.size() - kRootSuffix.size())),
            &version)) {
      return absl::InvalidArgumentError("not the name of a root");
    }
    return AtMost(max_bytes, Root(version));
  }
  if (name == "timestamp.json") {
    if (answer_.has_value() && !asked_all_ && answer_->timestamp().empty() &&
        !held_timestamp_.empty()) {
      return AtMost(max_bytes, held_timestamp_);
    }
    auto timestamp = Part(&v1::GetUpdateResponse::timestamp, name);
    if (timestamp.ok()) ShowHeldTimestamp(*timestamp);
    return AtMost(max_bytes, std::move(timestamp));
  }
  if (name.ends_with(kSnapshotSuffix)) {
    return AtMost(max_bytes, Part(&v1::GetUpdateResponse::snapshot, name));
  }
  if (name.ends_with(kTargetsSuffix)) {
    return AtMost(max_bytes, Part(&v1::GetUpdateResponse::targets, name));
  }
  return absl::NotFoundError("a trustd has no delegated roles");
}

absl::StatusOr<std::string> GrpcFetcher::FetchTarget(std::string_view name,
                                                     std::size_t max_bytes) {
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    if (!InFolderOf(kind.path, name)) continue;
    const auto target =
        [&](const v1::GetUpdateResponse& answer) -> const std::string& {
      return anchors::TargetIn(answer, kind.path);
    };
    return AtMost(max_bytes, Part(target, name));
  }
  return absl::NotFoundError("a trustd has no other targets");
}

}  // namespace anchorage::client
