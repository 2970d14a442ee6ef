#include "test/bench/load_generator.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "test/bench/report.h"

namespace anchorage::bench {
namespace {

// Connections, and calls under way on each.
constexpr int kChannels = 4;
constexpr int kCallsAtATime = 16;

// One of the calls under way: when it ends, it makes the next.
class Caller {
 public:
  Caller(grpc::GenericStub* stub, const std::string& method,
         const grpc::ByteBuffer& request, std::size_t response_bytes, int count,
         absl::BlockingCounter* done)
      : stub_(stub),
        method_(method),
        request_(request),
        response_bytes_(response_bytes),
        left_(count),
        done_(done) {}

  void Next() {
    if (left_-- == 0) {
      done_->DecrementCount();
      return;
    }
    context_ = std::make_unique<grpc::ClientContext>();
    response_.Clear();
    stub_->UnaryCall(context_.get(), method_, grpc::StubOptions(), &request_,
                     &response_, [this](grpc::Status status) {
                       if (!status.ok()) Fail(status.error_message());
                       if (response_.Length() != response_bytes_) {
                         Fail("an answer of another length");
                       }
                       Next();
                     });
  }

 private:
  grpc::GenericStub* const stub_;
  const std::string& method_;
  const grpc::ByteBuffer& request_;
  const std::size_t response_bytes_;
  int left_;
  absl::BlockingCounter* const done_;
  std::unique_ptr<grpc::ClientContext> context_;
  grpc::ByteBuffer response_;
};

double Call(const std::vector<std::unique_ptr<grpc::GenericStub>>& stubs,
            const std::string& method, const std::string& request,
            std::size_t response_bytes, int count) {
  const grpc::Slice slice(request);
  const grpc::ByteBuffer buffer(&slice, 1);
  const int callers = kChannels * kCallsAtATime;
  const int each = (count + callers - 1) / callers;
  absl::BlockingCounter done(callers);
  std::vector<std::unique_ptr<Caller>> all;
  const absl::Time begin = absl::Now();
  for (int i = 0; i < callers; ++i) {
    all.push_back(std::make_unique<Caller>(stubs[i % kChannels].get(), method,
                                           buffer, response_bytes, each,
                                           &done));
    all.back()->Next();
  }
  done.Wait();
  return callers * each / absl::ToDoubleSeconds(absl::Now() - begin);
}

void Generate(Line line) {
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
  const std::string address = line.Read();
  for (int i = 0; i < kChannels; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stubs.push_back(
        std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(
            address, grpc::InsecureChannelCredentials(), arguments)));
  }
  while (true) {
    const std::string method = line.Read();
    const std::string request = line.Read();
    std::size_t response_bytes = 0;
    int count = 0;
    if (!absl::SimpleAtoi(line.Read(), &response_bytes) ||
        !absl::SimpleAtoi(line.Read(), &count)) {
      Fail("not a number");
    }
    line.Write(
        absl::StrCat(Call(stubs, method, request, response_bytes, count)));
  }
}

}  // namespace

LoadGenerator::LoadGenerator() : process_(&Generate) {}

void LoadGenerator::Connect(const std::string& address) {
  process_.line().Write(address);
}

double LoadGenerator::Run(const std::string& method, const std::string& request,
                          std::size_t response_bytes, int count) {
  const Line line = process_.line();
  line.Write(method);
  line.Write(request);
  line.Write(absl::StrCat(response_bytes));
  line.Write(absl::StrCat(count));
  double rate = 0;
  if (!absl::SimpleAtod(line.Read(), &rate)) Fail("not a rate");
  return rate;
}

}  // namespace anchorage::bench
