// Every call that comes to a port of ours, before anything of it is believed.
//
//   CallGate gate(options, connections, shed);
//   gate.AddUnary<v1::GetServiceInfoRequest, v1::GetServiceInfoResponse>(
//       "/anchorage.v1.AnchorService/GetServiceInfo",
//       [&](const Caller& caller, const auto& request, auto& response) {
//         return grpc::Status::OK;
//       });
//   builder.RegisterCallbackGenericService(&gate);
//
// gRPC calls a registered method when its request has come, and until then a
// stream that a peer opened and never went on with is invisible: it costs 18 KB
// and has no time limit, and a peer that never acknowledges our settings opens
// as many as it likes. So no method is registered with gRPC: as a generic
// service the gate has each stream from its first header on, counts it (in all,
// for the peer's address, for its connection), gives its request so long to
// come and its answer so long to be taken, refuses what is compressed and looks
// at the bytes before protobuf does. Exceptions end here.
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

// Who calls.
struct Caller {
  const grpc::CallbackServerContext& context;
  IpAddress address;
};

class CallGate;

// An answer of many messages. A class of one's own derives from it, and is kept
// by the call until gRPC is done with it. Others may have it as soon as it is
// made: what it is told before its call begins is done when that does.
class ServerStream {
 public:
  virtual ~ServerStream() = default;

  // The first call of all: from now on it may write.
  virtual void OnStart() = 0;
  // What was written has gone, or never will.
  virtual void OnWriteDone(bool ok) = 0;
  // The peer wants no more of it.
  virtual void OnCancel() = 0;
  // gRPC is done: nothing else is called.
  virtual void OnDone() = 0;

 protected:
  // One at a time, and none after Finish(). `message` stays until
  // OnWriteDone(). Any thread, at any time before OnDone().
  void StartWrite(const grpc::ByteBuffer* message);
  // Once. Any thread, at any time before OnDone().
  void Finish(const grpc::Status& status);

 private:
  friend class CallGate;

  // Its call begins: does what was asked for before.
  void Attach(grpc::ServerGenericBidiReactor& call);

  absl::Mutex call_mutex_;
  // Null until the call begins.
  grpc::ServerGenericBidiReactor* call_ ABSL_GUARDED_BY(call_mutex_) = nullptr;
  const grpc::ByteBuffer* early_message_ ABSL_GUARDED_BY(call_mutex_) = nullptr;
  std::optional<grpc::Status> early_end_ ABSL_GUARDED_BY(call_mutex_);
};

// A request of many messages, which has one answer. Kept by the call.
class ServerUpload {
 public:
  virtual ~ServerUpload() = default;

  // The next message; another status than OK ends the call with it.
  virtual grpc::Status OnMessage(const Caller& caller,
                                 const grpc::ByteBuffer& message) = 0;
  // The peer has sent all of it: one that is gone meanwhile has not.
  virtual grpc::Status OnEnd(grpc::ByteBuffer& response) = 0;
};

class CallGate final : public grpc::CallbackGenericService {
 public:
  struct Options {
    // How many calls there may be whose request has not come or whose answer
    // has not been taken. Streams have limits of their own.
    int most_calls = 4096;
    // The same for calls of health.
    int most_health_calls = 64;
    // On one connection, streams too; what gRPC tells peers in its settings.
    int calls_per_connection = 100;
    // Beyond that so many are refused, and then the connection is cut.
    int refused_per_connection = 100;
    AddressList proxies;
    // From a call's first header until its request is here.
    absl::Duration request_time = absl::Seconds(10);
    // From then on until its answer was taken.
    absl::Duration answer_time = absl::Seconds(60);
    anchors::WireLimits wire;
  };

  // Each is called on a thread of gRPC; what it throws ends the call alone.
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

  // Whose share a method's calls are of.
  enum class Share { kCalls, kHealth };

  // `connections` outlives the gate; null, as in a test, limits no connection.
  CallGate(const Options& options, Connections* connections, ShedFunction shed);
  ~CallGate() override;

  // A method, by its path: "/package.Service/Method".
  void AddRawUnary(const std::string& path, Unary method,
                   Share share = Share::kCalls);
  void AddRawStreaming(const std::string& path, Streaming method,
                       Share share = Share::kCalls);
  // One whose peer sends request after request, each of which is answered.
  void AddConversation(const std::string& path, Unary method);
  // `method` is called before anything of the request is read.
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

  // Whether a call of a peer that has none would be admitted now.
  bool HasRoom() const { return calls_.HasRoom(); }

  // Ends calls whose time is over, and connections on which requests do not come
  // to an end; called many times a second.
  void Sweep();

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  struct Method {
    Unary unary;
    Streaming streaming;
    Uploading uploading;
    bool is_conversation = false;
    Share share = Share::kCalls;
  };
  class Call;

  const Options options_;
  Connections* const connections_;
  const ShedFunction shed_;
  Admission calls_;
  Admission health_calls_;
  absl::flat_hash_map<std::string, Method> methods_;
  absl::Mutex mutex_;
  // Those that have a time limit.
  absl::flat_hash_set<std::shared_ptr<Call>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_CALL_GATE_H_
