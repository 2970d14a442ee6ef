// Receives every call on a port of ours, before anything in it is believed.
//
//   CallGate gate(options, connections, shed);
//   gate.AddUnary<v1::GetServiceInfoRequest, v1::GetServiceInfoResponse>(
//       "/anchorage.v1.AnchorService/GetServiceInfo",
//       [&](const Caller& caller, const auto& request, auto& response) {
//         return grpc::Status::OK;
//       });
//   builder.RegisterCallbackGenericService(&gate);
//
// gRPC calls a registered method only when its request has arrived. Until then
// a stream that a peer opened and left idle is invisible: it costs 18 KB and
// has no time limit, and a peer that never acknowledges our settings can open
// as many as it likes. So no method is registered with gRPC: as a generic
// service the gate sees each stream from its first header on, counts it (in
// all, for the peer's address, for its connection), limits the time in which
// its request must arrive and its answer must be read, refuses what is
// compressed and scans the bytes before protobuf does. Exceptions end here.
//
// Methods are added before the server starts. Thread-safe after that.

#ifndef ANCHORAGE_TRUSTD_RPC_CALL_GATE_H_
#define ANCHORAGE_TRUSTD_RPC_CALL_GATE_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anchors/wire/wire_scan.h"
#include "trustd/net/admission.h"
#include "trustd/rpc/connections.h"

namespace anchorage::trustd {

// The caller of a method.
struct Caller {
  const grpc::CallbackServerContext& context;
  IpAddress address;
  // As CallGate::Options has it.
  const std::string& local_user;
};

// Told how long a call took that was answered, and its grpc::StatusCode. Any
// thread.
using CallTimer = std::function<void(absl::Duration time, int code)>;

class CallGate;

// An answer of many messages. Derive a class from it; the call keeps the object
// until gRPC is done with it. Others may use it as soon as it is made: what it
// is asked to do before its call begins is done when the call begins.
class ServerStream {
 public:
  virtual ~ServerStream() = default;

  // Called first: from now on the stream may write.
  virtual void OnStart() = 0;
  // The message was written (`ok`), or never will be.
  virtual void OnWriteDone(bool ok) = 0;
  // The peer has cancelled the call.
  virtual void OnCancel() = 0;
  // gRPC is done: nothing else is called.
  virtual void OnDone() = 0;

 protected:
  // One at a time, and none after Finish(). `message` must stay valid until
  // OnWriteDone(). Any thread, at any time before OnDone().
  void StartWrite(const grpc::ByteBuffer* message);
  // Call it once. Any thread, at any time before OnDone().
  void Finish(const grpc::Status& status);

 private:
  friend class CallGate;

  // Called when the stream's call begins: does what was asked for before.
  void Attach(grpc::ServerGenericBidiReactor& call);

  absl::Mutex call_mutex_;
  // Null until the call begins.
  grpc::ServerGenericBidiReactor* call_ ABSL_GUARDED_BY(call_mutex_) = nullptr;
  const grpc::ByteBuffer* early_message_ ABSL_GUARDED_BY(call_mutex_) = nullptr;
  std::optional<grpc::Status> early_end_ ABSL_GUARDED_BY(call_mutex_);
};

// A request of many messages with one answer. The call keeps the object.
class ServerUpload {
 public:
  virtual ~ServerUpload() = default;

  // Takes the next message; a status other than OK ends the call with it.
  virtual grpc::Status OnMessage(const Caller& caller,
                                 const grpc::ByteBuffer& message) = 0;
  // Called when the peer has sent all messages; never for a peer that has gone
  // away before that.
  virtual grpc::Status OnEnd(grpc::ByteBuffer& response) = 0;
};

class CallGate final : public grpc::CallbackGenericService {
 public:
  struct Options {
    // How many calls there may be whose request has not arrived or whose answer
    // has not been read. Streams have limits of their own.
    int most_calls = 4096;
    // The same limit for calls of health.
    int most_health_calls = 64;
    // How many calls one connection may have, streams included; gRPC tells
    // peers so in its settings.
    int calls_per_connection = 100;
    // How many calls beyond that are refused before the connection is cut.
    int refused_per_connection = 100;
    AddressList proxies;
    // The user of this host all of whose calls these are, such as "unix:1000".
    // Empty where gRPC's name of the peer says who calls.
    std::string local_user = {};
    // The time from a call's first header until its request has arrived.
    absl::Duration request_time = absl::Seconds(10);
    // The time from then on until its answer has been read.
    absl::Duration answer_time = absl::Seconds(60);
    anchors::WireLimits wire;
    // Called once for each method that gives one answer, when it is added;
    // returns what is told how long each call took here and how it ended. Empty:
    // nobody is told.
    std::function<CallTimer(const std::string& path)> timer;
  };

  // Each is called on a gRPC thread; an exception in it ends only the call.
  using Unary = std::function<grpc::Status(const Caller& caller,
                                           const grpc::ByteBuffer& request,
                                           grpc::ByteBuffer& response)>;
  using Streaming = std::function<grpc::Status(
      const Caller& caller, const grpc::ByteBuffer& request,
      std::shared_ptr<ServerStream>& stream)>;
  using Uploading = std::function<grpc::Status(
      const Caller& caller, std::unique_ptr<ServerUpload>& upload)>;
  template <typename Request, typename Response>
  using TypedUnary = std::function<grpc::Status(
      const Caller& caller, const Request& request, Response& response)>;
  template <typename Request>
  using TypedStreaming =
      std::function<grpc::Status(const Caller& caller, const Request& request,
                                 std::shared_ptr<ServerStream>& stream)>;

  // Which limit a method's calls count towards.
  enum class Share { kCalls, kHealth };

  // `connections` must outlive the gate; null, as in a test, limits no
  // connection.
  CallGate(const Options& options, Connections* connections, ShedFunction shed);
  ~CallGate() override;

  // Adds a method under its path: "/package.Service/Method".
  void AddRawUnary(const std::string& path, Unary method,
                   Share share = Share::kCalls);
  void AddRawStreaming(const std::string& path, Streaming method,
                       Share share = Share::kCalls);
  // Adds a method whose peer sends request after request, each of which is
  // answered.
  void AddConversation(const std::string& path, Unary method);
  // Adds a method with a ServerUpload. `method` is called before anything of
  // the request is read.
  void AddUpload(const std::string& path, Uploading method);

  template <typename Request, typename Response>
  void AddUnary(const std::string& path, TypedUnary<Request, Response> method,
                Share share = Share::kCalls) {
    AddRawUnary(
        path,
        [this, method = std::move(method)](const Caller& caller,
                                           const grpc::ByteBuffer& bytes,
                                           grpc::ByteBuffer& answer) {
          Request request;
          grpc::Status status = Read(caller, bytes, request);
          Response response;
          if (status.ok()) status = method(caller, request, response);
          if (status.ok()) answer = ToBuffer(response);
          return status;
        },
        share);
  }
  template <typename Request>
  void AddStreaming(const std::string& path, TypedStreaming<Request> method,
                    Share share = Share::kCalls) {
    AddRawStreaming(
        path,
        [this, method = std::move(method)](
            const Caller& caller, const grpc::ByteBuffer& bytes,
            std::shared_ptr<ServerStream>& stream) {
          Request request;
          const grpc::Status status = Read(caller, bytes, request);
          return status.ok() ? method(caller, request, stream) : status;
        },
        share);
  }

  // Reads a request: INVALID_ARGUMENT with REQUEST_INVALID, or INTERNAL for
  // one that is compressed.
  grpc::Status Read(const Caller& caller, const grpc::ByteBuffer& bytes,
                    google::protobuf::Message& request) const;
  static grpc::ByteBuffer ToBuffer(const google::protobuf::Message& message);

  // The full names of the services that have methods here.
  std::vector<std::string> Services() const;

  // Whether a call from a peer that has no other would be admitted now.
  bool HasRoom() const { return calls_.HasRoom(); }

  // Ends calls that have run out of time, and connections whose requests never
  // end. Call it many times a second.
  void Sweep();

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  CallTimer TimerOf(const std::string& path) const {
    return options_.timer ? options_.timer(path) : nullptr;
  }

  struct Method {
    Unary unary;
    Streaming streaming;
    Uploading uploading;
    bool is_conversation = false;
    Share share = Share::kCalls;
    CallTimer timer;
  };
  class Call;

  const Options options_;
  Connections* const connections_;
  const ShedFunction shed_;
  Admission calls_;
  Admission health_calls_;
  absl::flat_hash_map<std::string, Method> methods_;
  absl::Mutex mutex_;
  // The calls that have a time limit.
  absl::flat_hash_set<std::shared_ptr<Call>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_CALL_GATE_H_
