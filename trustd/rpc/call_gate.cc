#include "trustd/rpc/call_gate.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"
#include "anchors/wire/plain_message.h"
#include "trustd/rpc/handover.h"
#include "trustd/rpc/rpc_status.h"

namespace anchorage::trustd {
namespace {

// The most messages of one conversation, or of one upload.
constexpr int kMaxMessages = 1000;

// Not the time of day: no time limit may change when the clock is set.
absl::Duration Uptime() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

grpc::Status TooMany(const std::string& what) {
  return RpcError(grpc::StatusCode::RESOURCE_EXHAUSTED, kTooManyRequests, what);
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message()));
}

}  // namespace

void ServerStream::StartWrite(const grpc::ByteBuffer* message) {
  const absl::MutexLock lock(&call_mutex_);
  if (call_ == nullptr) {
    early_message_ = message;
  } else {
    HandOver(call_);
    call_->StartWrite(message);
  }
}

void ServerStream::Finish(const grpc::Status& status) {
  const absl::MutexLock lock(&call_mutex_);
  if (call_ == nullptr) {
    early_end_ = status;
  } else {
    HandOver(call_);
    call_->Finish(status);
  }
}

void ServerStream::Attach(grpc::ServerGenericBidiReactor& call) {
  const absl::MutexLock lock(&call_mutex_);
  call_ = &call;
  HandOver(call_);
  if (early_message_ != nullptr) call.StartWrite(early_message_);
  if (early_end_.has_value()) call.Finish(*early_end_);
}

// One call. It owns itself until gRPC is done with it.
class CallGate::Call final : public grpc::ServerGenericBidiReactor,
                             public std::enable_shared_from_this<Call> {
 public:
  Call(CallGate& gate, grpc::GenericCallbackServerContext& context)
      : gate_(gate), context_(&context) {}

  // Reads the request, or refuses the call.
  void Begin() {
    self_ = shared_from_this();
    grpc::Status status = Admit();
    if (status.ok() && method_->uploading != nullptr) {
      status = method_->uploading(ToCaller(), upload_);
    }
    {
      const absl::MutexLock lock(&gate_.mutex_);
      gate_.waiting_.insert(self_);
    }
    const absl::MutexLock lock(&mutex_);
    if (!status.ok()) return FinishLocked(status);
    deadline_ = Uptime() + gate_.options_.request_time;
    HandOver(reactor());
    StartRead(&request_);
  }

  // Undoes Begin(): gRPC never learns of the call.
  void Abandon() { Release(); }

  // Cuts its connection if that has sent too much, or ends the call if its time
  // is over.
  void Expire(absl::Duration now) {
    if (connection_ != nullptr) gate_.connections_->CutIfGreedy(connection_);
    const absl::MutexLock lock(&mutex_);
    if (context_ == nullptr || now < deadline_) return;
    if (finished_ || answering_) {
      gate_.shed_("answer_time");
      deadline_ = absl::InfiniteDuration();
      return context_->TryCancel();
    }
    gate_.shed_("request_time");
    FinishLocked(RpcError(grpc::StatusCode::DEADLINE_EXCEEDED, kRequestInvalid,
                          "the request did not come in time"));
  }

  void OnReadDone(bool ok) override {
    const Reaction reaction(reactor());
    const absl::Status caught = anchors::NoThrow([&] {
      HandleRead(ok);
      return absl::OkStatus();
    });
    if (!caught.ok()) Fail(caught);
  }

  void OnWriteDone(bool ok) override {
    const Reaction reaction(reactor());
    const absl::Status caught = anchors::NoThrow([&] {
      if (stream_ != nullptr) {
        stream_->OnWriteDone(ok);
      } else {
        AwaitNext(ok);
      }
      return absl::OkStatus();
    });
    if (!caught.ok()) Fail(caught);
  }

  void OnCancel() override {
    const Reaction reaction(reactor());
    std::shared_ptr<ServerStream> stream;
    {
      const absl::MutexLock lock(&mutex_);
      stream = stream_;
      if (stream == nullptr) return FinishLocked(grpc::Status::CANCELLED);
    }
    const absl::Status caught = anchors::NoThrow([&] {
      stream->OnCancel();
      return absl::OkStatus();
    });
    if (!caught.ok()) Fail(caught);
  }

  void OnDone() override {
    TakeOver(reactor());
    (void)anchors::NoThrow([&] {
      if (stream_ != nullptr) stream_->OnDone();
      return absl::OkStatus();
    });
    Release();
  }

 private:
  grpc::ServerGenericBidiReactor* reactor() { return this; }
  Caller ToCaller() const {
    return {*context_, address_, gate_.options_.local_user};
  }

  // Gives back everything that it holds; the object may be destroyed by then.
  void Release() {
    CallGate& gate = gate_;
    if (connection_ != nullptr) --connection_->calls;
    place_.Leave();
    {
      const absl::MutexLock lock(&mutex_);
      context_ = nullptr;
    }
    StopWaiting();
    { const std::shared_ptr<Call> last = std::move(self_); }
    HandOver(&gate);
  }

  // Returns OK if the call is accepted. Sets `method_`, and takes places.
  grpc::Status Admit() {
    address_ = IpAddress::Loopback();
    if (gate_.options_.local_user.empty()) {
      const grpc::Status status = FindConnection();
      if (!status.ok()) return status;
    }
    const auto found = gate_.methods_.find(context_->method());
    if (found == gate_.methods_.end()) {
      return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "");
    }
    const bool is_health = found->second.share == Share::kHealth;
    const Refusal refusal = (is_health ? gate_.health_calls_ : gate_.calls_)
                                .Admit(address_, place_);
    if (refusal != Refusal::kNone) {
      gate_.shed_(absl::StrCat(is_health ? "health_calls_" : "calls_",
                               NameOf(refusal)));
      return TooMany("too many calls at a time: wait a moment");
    }
    method_ = &found->second;
    return grpc::Status::OK;
  }

  // Sets `address_` and `connection_`, and counts the call on it.
  grpc::Status FindConnection() {
    const auto peer = Endpoint::OfGrpcPeer(context_->peer());
    // A call that has already ended has no known peer.
    if (!peer.has_value()) return grpc::Status::CANCELLED;
    address_ = peer->address;
    if (gate_.connections_ == nullptr) return grpc::Status::OK;
    connection_ = gate_.connections_->Find(*peer);
    if (connection_ == nullptr) return grpc::Status::CANCELLED;
    if (++connection_->calls <= gate_.options_.calls_per_connection) {
      return grpc::Status::OK;
    }
    gate_.shed_("calls_connection");
    if (++connection_->refused_calls > gate_.options_.refused_per_connection) {
      gate_.connections_->Cut(connection_);
    }
    return TooMany("too many calls on one connection");
  }

  void HandleRead(bool ok) {
    if (ok && method_->uploading != nullptr) return HandlePiece();
    {
      const absl::MutexLock lock(&mutex_);
      if (finished_) return;
      if (!ok && method_->uploading != nullptr) {
        if (context_->IsCancelled()) {
          return FinishLocked(grpc::Status::CANCELLED);
        }
      } else if (!ok) {
        // In a conversation this is its end; in every other call the peer is
        // gone or sent no message.
        return FinishLocked(method_->is_conversation
                                ? grpc::Status::OK
                                : RpcError(grpc::StatusCode::INVALID_ARGUMENT,
                                           kRequestInvalid, "no request came"));
      }
      answering_ = true;
      deadline_ = Uptime() + gate_.options_.answer_time;
    }
    // `context_` stays valid here: only a reaction of gRPC's ends it, and this
    // is one.
    const Caller caller = ToCaller();
    if (method_->streaming != nullptr) return Open(caller);
    const absl::Duration begun = Uptime();
    grpc::Status status = method_->uploading != nullptr
                              ? upload_->OnEnd(response_)
                              : method_->unary(caller, request_, response_);
    if (method_->timer) method_->timer(Uptime() - begun, status.error_code());
    request_.Clear();
    const absl::MutexLock lock(&mutex_);
    if (finished_) return;
    if (!status.ok()) return FinishLocked(status);
    HandOver(reactor());
    if (method_->is_conversation) return StartWrite(&response_);
    finished_ = true;
    StartWriteAndFinish(&response_, grpc::WriteOptions(), std::move(status));
  }

  // Handles one message of an upload.
  void HandlePiece() {
    const grpc::Status status = upload_->OnMessage(ToCaller(), request_);
    request_.Clear();
    const absl::MutexLock lock(&mutex_);
    if (finished_) return;
    if (!status.ok()) return FinishLocked(status);
    if (++answered_ == kMaxMessages) {
      return FinishLocked(TooMany("too many messages in one call"));
    }
    deadline_ = Uptime() + gate_.options_.request_time;
    HandOver(reactor());
    StartRead(&request_);
  }

  void Open(const Caller& caller) {
    std::shared_ptr<ServerStream> stream;
    const grpc::Status status = method_->streaming(caller, request_, stream);
    request_.Clear();
    {
      const absl::MutexLock lock(&mutex_);
      if (finished_) {
        // Cancelled meanwhile: the stream never begins.
        if (stream == nullptr) return;
      } else if (!status.ok() || stream == nullptr) {
        return FinishLocked(status);
      }
      deadline_ = absl::InfiniteDuration();
      if (!finished_) stream_ = stream;
    }
    StopWaiting();
    // From now on it counts towards the limits of streams.
    place_.Leave();
    if (stream_ == nullptr) return stream->OnDone();
    stream_->Attach(*this);
    stream_->OnStart();
  }

  // Called after each answer of a conversation.
  void AwaitNext(bool ok) {
    const absl::MutexLock lock(&mutex_);
    if (finished_) return;
    if (!ok || ++answered_ == kMaxMessages) {
      return FinishLocked(grpc::Status::OK);
    }
    answering_ = false;
    deadline_ = Uptime() + gate_.options_.request_time;
    HandOver(reactor());
    StartRead(&request_);
  }

  void Fail(const absl::Status& status) {
    const absl::MutexLock lock(&mutex_);
    // A stream ends itself.
    if (stream_ == nullptr) {
      FinishLocked(ToGrpc(status));
    } else if (context_ != nullptr) {
      context_->TryCancel();
    }
  }

  void FinishLocked(const grpc::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::exchange(finished_, true)) return;
    deadline_ = Uptime() + gate_.options_.answer_time;
    HandOver(reactor());
    grpc::ServerGenericBidiReactor::Finish(status);
  }

  // Ends the call's time limit.
  void StopWaiting() {
    std::shared_ptr<Call> removed;
    const absl::MutexLock lock(&gate_.mutex_);
    const auto found = gate_.waiting_.find(self_);
    if (found == gate_.waiting_.end()) return;
    removed = *found;
    gate_.waiting_.erase(found);
  }

  CallGate& gate_;
  std::shared_ptr<Call> self_;
  IpAddress address_;
  std::shared_ptr<GrpcConnectionRecord> connection_;
  Place place_;
  const Method* method_ = nullptr;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  std::unique_ptr<ServerUpload> upload_;
  // Set once, before it starts.
  std::shared_ptr<ServerStream> stream_;
  absl::Mutex mutex_;
  // Null once gRPC is done.
  grpc::GenericCallbackServerContext* context_;
  absl::Duration deadline_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  bool answering_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  int answered_ ABSL_GUARDED_BY(mutex_) = 0;
};

CallGate::CallGate(const Options& options, Connections* connections,
                   ShedFunction shed)
    : options_(options),
      connections_(connections),
      shed_(std::move(shed)),
      calls_(options.most_calls, options.proxies),
      health_calls_(options.most_health_calls, options.proxies) {}

CallGate::~CallGate() { TakeOver(this); }

void CallGate::AddRawUnary(const std::string& path, Unary method, Share share) {
  Method& added = methods_[path];
  added.unary = std::move(method);
  added.share = share;
  added.timer = TimerOf(path);
}

void CallGate::AddRawStreaming(const std::string& path, Streaming method,
                               Share share) {
  Method& added = methods_[path];
  added.streaming = std::move(method);
  added.share = share;
}

void CallGate::AddUpload(const std::string& path, Uploading method) {
  Method& added = methods_[path];
  added.uploading = std::move(method);
  added.timer = TimerOf(path);
}

void CallGate::AddConversation(const std::string& path, Unary method) {
  Method& added = methods_[path];
  added.unary = std::move(method);
  added.is_conversation = true;
}

grpc::Status CallGate::Read(const Caller& caller, const grpc::ByteBuffer& bytes,
                            google::protobuf::Message& request) const {
  // The context is const for callers, and is only read here.
  auto& context = const_cast<grpc::CallbackServerContext&>(caller.context);
  const absl::Status status =
      anchors::ReadMessage(bytes, context.c_call(), options_.wire, request);
  if (status.ok()) return grpc::Status::OK;
  if (status.code() == absl::StatusCode::kInternal) {
    return RpcError(grpc::StatusCode::INTERNAL, kRequestInvalid,
                    std::string(status.message()));
  }
  return RpcError(grpc::StatusCode::INVALID_ARGUMENT, kRequestInvalid,
                  std::string(status.message()));
}

grpc::ByteBuffer CallGate::ToBuffer(const google::protobuf::Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

std::vector<std::string> CallGate::Services() const {
  std::vector<std::string> services;
  for (const auto& [path, method] : methods_) {
    services.push_back(path.substr(1, path.rfind('/') - 1));
  }
  std::sort(services.begin(), services.end());
  services.erase(std::unique(services.begin(), services.end()), services.end());
  return services;
}

void CallGate::Sweep() {
  const absl::Duration now = Uptime();
  std::vector<std::shared_ptr<Call>> waiting;
  {
    const absl::MutexLock lock(&mutex_);
    waiting.assign(waiting_.begin(), waiting_.end());
  }
  for (const auto& call : waiting) call->Expire(now);
}

grpc::ServerGenericBidiReactor* CallGate::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  TakeOver(this);
  std::shared_ptr<Call> call;
  const absl::Status caught = anchors::NoThrow([&] {
    call = std::make_shared<Call>(*this, *context);
    call->Begin();
    return absl::OkStatus();
  });
  if (caught.ok()) return call.get();
  if (call != nullptr) call->Abandon();
  // gRPC answers UNIMPLEMENTED.
  return nullptr;
}

}  // namespace anchorage::trustd
