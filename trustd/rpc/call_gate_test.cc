// A listener over its real port, as peers meet it that follow no rule.

#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/server_credentials.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "proto/grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "test/floods/raw_http2.h"
#include "trustd/rpc/grpc_listener.h"

namespace anchorage::trustd {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using test::RawPeer;

constexpr char kCheck[] = "/test.Test/Check";
constexpr char kEarly[] = "/test.Test/Early";
constexpr absl::Duration kLong = absl::Seconds(20);

// Written to and ended before it is handed to its call, as by another thread
// that has it already.
class EarlyStream final : public ServerStream {
 public:
  EarlyStream() {
    HealthCheckResponse response;
    response.set_status(HealthCheckResponse::SERVING);
    message_ = CallGate::ToBuffer(response);
    StartWrite(&message_);
    Finish(grpc::Status(grpc::StatusCode::ABORTED, "ended early"));
  }
  void OnStart() override {}
  void OnWriteDone(bool) override {}
  void OnCancel() override {}
  void OnDone() override {}

 private:
  grpc::ByteBuffer message_;
};

// Connects from `port` of the loopback interface, which it sets if it is 0.
RawPeer ConnectFrom(std::uint16_t& port, const std::string& host,
                    std::uint16_t to_port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  from.sin_port = htons(port);
  socklen_t size = sizeof(from);
  auto* address = reinterpret_cast<sockaddr*>(&from);
  EXPECT_EQ(::bind(socket, address, size), 0);
  EXPECT_EQ(::getsockname(socket, address, &size), 0);
  port = ntohs(from.sin_port);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(to_port);
  EXPECT_EQ(::inet_pton(AF_INET, host.c_str(), &to.sin_addr), 1);
  EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0)
      << host;
  return RawPeer(socket);
}

class CallGateTest : public ::testing::Test {
 protected:
  CallGateTest() {
    options_.address = "127.0.0.1:0";
    options_.setting = "listen_address";
    options_.credentials = grpc::InsecureServerCredentials();
    options_.grace = absl::Milliseconds(200);
    options_.shed = [this](const std::string& what) {
      const absl::MutexLock lock(&mutex_);
      ++shed_[what];
    };
  }

  void Start() {
    auto listener = GrpcListener::Start(options_, [this](CallGate& gate) {
      gate.AddUnary<HealthCheckRequest, HealthCheckResponse>(
          kCheck, [this](const Caller&, const HealthCheckRequest& request,
                         HealthCheckResponse& response) {
            if (request.service() == "throw") throw std::bad_alloc();
            ++answered_;
            response.set_status(HealthCheckResponse::SERVING);
            return grpc::Status::OK;
          });
      gate.AddStreaming<HealthCheckRequest>(
          kEarly, [](const Caller&, const HealthCheckRequest&,
                     std::shared_ptr<ServerStream>& stream) {
            stream = std::make_shared<EarlyStream>();
            return grpc::Status::OK;
          });
    });
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }

  std::shared_ptr<grpc::Channel> Channel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(
        listener_->address(), grpc::InsecureChannelCredentials(), arguments);
  }

  // One call of a client that follows the rules, on a connection of its own.
  grpc::Status Call(const std::string& service = "") const {
    HealthCheckRequest message;
    message.set_service(service);
    const grpc::ByteBuffer request = CallGate::ToBuffer(message);
    grpc::GenericStub stub(Channel());
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(20));
    grpc::ByteBuffer response;
    grpc::Status status;
    absl::Notification done;
    stub.UnaryCall(&context, kCheck, {}, &request, &response,
                   [&](grpc::Status result) {
                     status = std::move(result);
                     done.Notify();
                   });
    done.WaitForNotification();
    return status;
  }

  HealthCheckResponse::ServingStatus Health(
      const std::shared_ptr<grpc::Channel>& channel) const {
    HealthCheckResponse response;
    grpc::ClientContext context;
    const grpc::Status status =
        ::grpc::health::v1::Health::NewStub(channel)->Check(&context, {},
                                                            &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.status();
  }

  int Shed(const std::string& what) {
    const absl::MutexLock lock(&mutex_);
    return shed_[what];
  }

  RawPeer Connect() const { return RawPeer::To(listener_->address()); }

  GrpcListener::Options options_;
  std::atomic<int> answered_ = 0;
  absl::Mutex mutex_;
  std::map<std::string, int> shed_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<GrpcListener> listener_;
};

TEST_F(CallGateTest, Answers) {
  Start();
  const grpc::Status status = Call();
  EXPECT_TRUE(status.ok()) << status.error_message();
  grpc::GenericStub stub(Channel());
  EXPECT_EQ(answered_, 1);
}

TEST_F(CallGateTest, ACompressedMessageIsAnErrorOfTheTransport) {
  Start();
  RawPeer peer = Connect();
  const std::string bomb = test::Gzip(std::string(60'000, '\0'));
  peer.Send(test::ClientPreface() + test::RequestHeaders(1, kCheck, "gzip") +
            test::MessageFrames(1, true, bomb, test::kEndStream));
  const std::string answer = peer.ReadUntil("is disabled", kLong);
  EXPECT_TRUE(absl::StrContains(answer, "'gzip' is disabled"));
  EXPECT_EQ(answered_, 0);
}

// The bytes are those of a good message.
TEST_F(CallGateTest, SoIsAMessageThatIsOnlyFlaggedAsCompressed) {
  Start();
  for (const char* encoding : {"", "identity"}) {
    RawPeer peer = Connect();
    peer.Send(test::ClientPreface() +
              test::RequestHeaders(1, kCheck, encoding) +
              test::MessageFrames(1, true, "", test::kEndStream));
    const std::string answer = peer.ReadUntil("compressed", kLong);
    EXPECT_TRUE(absl::StrContains(answer, "flagged as compressed")) << encoding;
  }
  EXPECT_EQ(answered_, 0);
}

TEST_F(CallGateTest, FieldsAreCountedBeforeProtobufSeesThem) {
  Start();
  std::string fields;
  while (fields.size() < 60'000) fields += std::string("\x7a\x00", 2);
  RawPeer peer = Connect();
  peer.Send(test::ClientPreface() + test::RequestHeaders(1, kCheck) +
            test::MessageFrames(1, false, fields, test::kEndStream));
  EXPECT_TRUE(absl::StrContains(peer.ReadUntil("more fields", kLong),
                                "more fields than a message may have"));
  EXPECT_EQ(answered_, 0);
}

TEST_F(CallGateTest, AStreamWithoutARequestHasATimeLimit) {
  options_.calls.request_time = absl::Milliseconds(200);
  Start();
  RawPeer peer = Connect();
  peer.Send(test::ClientPreface() + test::RequestHeaders(1, kCheck));
  EXPECT_TRUE(absl::StrContains(peer.ReadUntil("in time", kLong),
                                "the request did not come in time"));
  EXPECT_EQ(Shed("request_time"), 1);
}

// One that acknowledges our settings is held to them by gRPC. 20,000 streams of
// one that does not cost 370 MB.
TEST_F(CallGateTest, APeerThatIgnoresTheLimitOfStreamsIsCutOff) {
  Start();
  ASSERT_TRUE(Call().ok());
  const long before = test::MemoryKiB("self", "VmRSS");
  RawPeer peer = Connect();
  ASSERT_TRUE(peer.Send(test::ClientPreface()));
  bool open = true;
  for (std::uint32_t i = 0; i < 100'000 && open; ++i) {
    open = peer.Send(test::RequestHeaders(2 * i + 1, kCheck));
  }
  EXPECT_TRUE(!open || peer.IsClosedWithin(kLong));
  EXPECT_GE(Shed("calls_connection"), options_.calls.refused_per_connection);
  EXPECT_LT(test::MemoryKiB("self", "VmRSS") - before,
            100 * 1024 * test::kSanitizerFactor);
  EXPECT_TRUE(Call().ok());
}

TEST_F(CallGateTest, CallsHaveALimitInAll) {
  options_.calls.most_calls = 3;
  Start();
  RawPeer peer = Connect();
  peer.Send(test::ClientPreface());
  for (std::uint32_t i = 0; i < 3; ++i) {
    peer.Send(test::RequestHeaders(2 * i + 1, kCheck));
  }
  grpc::Status status;
  for (int i = 0; i < 200 && status.ok(); ++i) {
    status = Call();
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_GE(Shed("calls_all"), 1);
  // A probe has calls of its own, and is told that others have none.
  EXPECT_EQ(Health(Channel()), HealthCheckResponse::NOT_SERVING);
  peer = RawPeer(-1);
  for (int i = 0; i < 200 && !status.ok(); ++i) {
    status = Call();
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_TRUE(status.ok()) << "the places were given back";
  EXPECT_EQ(Health(Channel()), HealthCheckResponse::SERVING);
}

TEST_F(CallGateTest, ConnectionsAreShedAndTheirPlacesComeBack) {
  options_.connections.most = 8;
  Start();
  const auto known = Channel();
  EXPECT_EQ(Health(known), HealthCheckResponse::SERVING);
  std::vector<RawPeer> peers;
  for (int i = 0; i < 40; ++i) peers.push_back(Connect());
  int closed = 0;
  for (RawPeer& peer : peers) {
    if (peer.IsClosedWithin(absl::Milliseconds(100))) ++closed;
  }
  EXPECT_GE(closed, 32);
  EXPECT_GE(Shed("connections_all"), 32);
  EXPECT_EQ(Health(known), HealthCheckResponse::NOT_SERVING)
      << "a new client is turned away";
  peers.clear();
  for (int i = 0; i < 500 && Health(known) != HealthCheckResponse::SERVING;
       ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_EQ(Health(known), HealthCheckResponse::SERVING);
  EXPECT_TRUE(Call().ok());
}

// From one port to several addresses of ours there are several connections, and
// each of them counts.
TEST_F(CallGateTest, OnePortOfAPeerHasOneConnection) {
  options_.address = "0.0.0.0:0";
  Start();
  const std::string& address = listener_->address();
  int port = 0;
  ASSERT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
  const auto to = static_cast<std::uint16_t>(port);
  std::uint16_t from = 0;
  RawPeer first = ConnectFrom(from, "127.0.0.1", to);
  EXPECT_TRUE(first.Send(test::ClientPreface()));
  EXPECT_FALSE(first.ReadUntil(std::string(1, '\4'), kLong).empty());
  RawPeer second = ConnectFrom(from, "127.0.0.2", to);
  EXPECT_TRUE(second.IsClosedWithin(kLong));
  EXPECT_EQ(Shed("connections_port"), 1);
  // The first one is served, and once it is gone the port is free.
  first.Send(test::RequestHeaders(1, kCheck) +
             test::MessageFrames(1, false, "", test::kEndStream));
  EXPECT_TRUE(
      absl::StrContains(first.ReadUntil("grpc-status", kLong), "grpc-status"));
  first = RawPeer(-1);
  second = RawPeer(-1);
  bool served = false;
  for (int i = 0; i < 200 && !served; ++i) {
    RawPeer third = ConnectFrom(from, absl::StrCat("127.0.0.", i + 3), to);
    third.Send(test::ClientPreface() + test::RequestHeaders(1, kCheck) +
               test::MessageFrames(1, false, "", test::kEndStream));
    served =
        absl::StrContains(third.ReadUntil("grpc-status", kLong), "grpc-status");
  }
  EXPECT_TRUE(served);
}

TEST_F(CallGateTest, AConnectionThatSaysNothingIsClosed) {
  options_.handshake_time = absl::Milliseconds(300);
  Start();
  EXPECT_TRUE(Connect().IsClosedWithin(kLong));
  // Half of a preface, too.
  RawPeer half = Connect();
  half.Send("PRI * HTTP/2.0\r\n");
  EXPECT_TRUE(half.IsClosedWithin(kLong));
}

TEST_F(CallGateTest, SoIsOneThatCallsNothing) {
  options_.idle_time = absl::Milliseconds(1200);
  Start();
  RawPeer idle = Connect();
  idle.Send(test::ClientPreface());
  EXPECT_TRUE(idle.IsClosedWithin(kLong));
}

// gRPC keeps a message of any length until its last byte.
TEST_F(CallGateTest, AMessageWithoutAnEndIsBounded) {
  options_.connections.most = 8;
  Start();
  ASSERT_TRUE(Call().ok());
  const long before = test::MemoryKiB("self", "VmRSS");
  RawPeer peer = Connect();
  peer.Send(test::ClientPreface() + test::RequestHeaders(1, kCheck));
  const std::string length("\0\x77\x35\x94\0", 5);
  const std::uint64_t sent =
      peer.SendData(1, length, 400 << 20, absl::Seconds(8));
  EXPECT_LT(sent, 400u << 20);
  EXPECT_LT(test::MemoryKiB("self", "VmHWM") - before,
            200 * 1024 * test::kSanitizerFactor);
  EXPECT_TRUE(Call().ok());
}

TEST_F(CallGateTest, AnExceptionEndsTheCallAlone) {
  Start();
  EXPECT_EQ(Call("throw").error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Call().ok());
}

TEST_F(CallGateTest, AStreamMayBeToldBeforeItsCallBegins) {
  Start();
  RawPeer peer = Connect();
  peer.Send(test::ClientPreface() + test::RequestHeaders(1, kEarly) +
            test::MessageFrames(1, false, "", test::kEndStream));
  const std::string answer = peer.ReadUntil("ended early", kLong);
  EXPECT_TRUE(absl::StrContains(answer, std::string("\0\0\0\0\2\10\1", 7)));
  EXPECT_TRUE(absl::StrContains(answer, "ended early"));
  EXPECT_TRUE(Call().ok());
}

TEST_F(CallGateTest, HealthIsToldToWhoWatches) {
  std::atomic<bool> has_answers = false;
  options_.has_answers = [&] { return has_answers.load(); };
  Start();
  const auto stub = ::grpc::health::v1::Health::NewStub(Channel());
  grpc::ClientContext context;
  const auto stream = stub->Watch(&context, {});
  HealthCheckResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  has_answers = true;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  listener_->Stop();
  while (stream->Read(&response)) {
  }
  EXPECT_FALSE(stream->Finish().ok());
}

TEST_F(CallGateTest, HealthKnowsTheServicesThatThereAre) {
  Start();
  const auto stub = ::grpc::health::v1::Health::NewStub(Channel());
  for (const auto& [service, code] :
       std::vector<std::pair<std::string, grpc::StatusCode>>{
           {"", grpc::StatusCode::OK},
           {"test.Test", grpc::StatusCode::OK},
           {"test.Other", grpc::StatusCode::NOT_FOUND}}) {
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    grpc::ClientContext context;
    EXPECT_EQ(stub->Check(&context, request, &response).error_code(), code)
        << service;
  }
}

TEST_F(CallGateTest, ReflectionIsAConversation) {
  Start();
  const auto stub =
      ::grpc::reflection::v1alpha::ServerReflection::NewStub(Channel());
  grpc::ClientContext context;
  const auto stream = stub->ServerReflectionInfo(&context);
  ::grpc::reflection::v1alpha::ServerReflectionRequest request;
  ::grpc::reflection::v1alpha::ServerReflectionResponse response;
  request.set_list_services("*");
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_EQ(names, (std::vector<std::string>{
                       "grpc.health.v1.Health", "test.Test",
                       "grpc.reflection.v1alpha.ServerReflection"}));
  request.set_file_containing_symbol("grpc.health.v1.Health");
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.file_descriptor_response().file_descriptor_proto_size(),
            1);
  request.set_file_by_filename("nowhere.proto");
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.error_response().error_code(),
            grpc::StatusCode::NOT_FOUND);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(CallGateTest, AnUnknownMethodIsUnimplemented) {
  Start();
  RawPeer peer = Connect();
  peer.Send(test::ClientPreface() + test::RequestHeaders(1, "/test.Test/No"));
  EXPECT_TRUE(absl::StrContains(peer.ReadUntil("grpc-status\x02"
                                               "12",
                                               kLong),
                                "grpc-status\x02"
                                "12"));
}

}  // namespace
}  // namespace anchorage::trustd
