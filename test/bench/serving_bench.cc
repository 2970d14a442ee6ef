// What trustd's answers cost, against those of a service that does nothing on
// the same server; and what a client spends on what it is sent.

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/resource.h>
#include <time.h>
#include <zlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "anchors/bundle_proto.h"
#include "client/bundle.h"
#include "test/bench/baseline.grpc.pb.h"
#include "test/bench/load_generator.h"
#include "test/bench/published.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"
#include "trustd/serve/anchor_service.h"
#include "trustd/serve/server.h"

namespace anchorage::bench {
namespace {

constexpr double kMinRatio = 0.80;
constexpr double kMaxVerifyMilliseconds = 5;
// Calls of one turn.
constexpr int kSmallCalls = 1024;
constexpr int kLargeCalls = 256;
constexpr char kGetUpdate[] = "/anchorage.v1.AnchorService/GetUpdate";
constexpr char kEmpty[] = "/anchorage.bench.Baseline/Empty";
constexpr char kFixed[] = "/anchorage.bench.Baseline/Fixed";

// An empty answer as anybody would write it, and a fixed one as cheap as it
// can be: bytes that are kept.
class BaselineService final
    : public Baseline::WithCallbackMethod_Empty<
          Baseline::WithRawCallbackMethod_Fixed<Baseline::Service>> {
 public:
  explicit BaselineService(const std::string& fixed) {
    const grpc::Slice slice(fixed);
    fixed_ = grpc::ByteBuffer(&slice, 1);
  }

  grpc::ServerUnaryReactor* Empty(grpc::CallbackServerContext* context,
                                  const Nothing*, Nothing*) override {
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerUnaryReactor* Fixed(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer*,
                                  grpc::ByteBuffer* response) override {
    *response = fixed_;
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  grpc::ByteBuffer fixed_;
};

double CpuSeconds(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double ProcessCpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return CpuSeconds(usage);
}

// A method under load, and what was measured of it.
struct Method {
  std::string name;
  std::string path;
  std::string request;
  std::size_t response_bytes = 0;
  int calls = 0;
  std::vector<double> rates = {};
  // Of this process, which is the server, for one call.
  std::vector<double> cpu_microseconds = {};

  void Run(LoadGenerator& load) {
    const double before = ProcessCpuSeconds();
    rates.push_back(load.Run(path, request, response_bytes, calls));
    cpu_microseconds.push_back((ProcessCpuSeconds() - before) * 1e6 / calls);
  }

  std::string Figures() const {
    return absl::StrFormat("%s/s, %.1f us of CPU", WithCommas(Median(rates)),
                           Median(cpu_microseconds));
  }
};

// Has the two take turns.
void Compare(LoadGenerator& load, Method method, Method baseline, int rounds,
             Report& report) {
  method.Run(load);
  baseline.Run(load);
  method.rates.clear();
  baseline.rates.clear();
  std::vector<double> ratios;
  for (int i = 0; i < rounds; ++i) {
    Method& first = i % 2 == 0 ? method : baseline;
    Method& second = i % 2 == 0 ? baseline : method;
    first.Run(load);
    second.Run(load);
    ratios.push_back(method.rates.back() / baseline.rates.back());
  }
  const double ratio = Median(ratios);
  report.Add({.name = baseline.name, .absolute = baseline.Figures()});
  report.Add({.name = method.name,
              .absolute = method.Figures(),
              .measured = absl::StrFormat("%.2f", ratio),
              .goal = absl::StrFormat(">= %.2f", kMinRatio),
              .met = ratio >= kMinRatio});
}

std::size_t GzipSize(const std::string& bytes) {
  uLongf size = compressBound(bytes.size());
  std::string compressed(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(compressed.data()), &size,
                reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(),
                Z_DEFAULT_COMPRESSION) != Z_OK) {
    Fail("zlib does not compress");
  }
  return size;
}

// What a client does with a whole bundle, from the bytes of the answer to the
// set that it verifies with.
double VerifyMilliseconds(const trustd::Publication& publication,
                          const std::string& answer) {
  std::vector<double> times;
  for (int i = 0; i < 50; ++i) {
    timespec begin{}, end{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    v1::GetUpdateResponse message;
    if (!message.ParseFromString(answer)) Fail("the answer is no message");
    // The caller was built with the first root.
    message.mutable_roots()->DeleteSubrange(0, 1);
    const anchors::BundleFiles files = anchors::FromProto(message);
    const auto bundle =
        client::OpenFiles(publication.files.roots.front(), files, absl::Now());
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    if (!bundle.ok()) Fail(bundle.status().ToString());
    times.push_back(static_cast<double>(end.tv_sec - begin.tv_sec) * 1e3 +
                    static_cast<double>(end.tv_nsec - begin.tv_nsec) * 1e-6);
  }
  return Median(times);
}

v1::GetUpdateRequest HasEverything(const trustd::Publication& publication) {
  v1::GetUpdateRequest request;
  v1::BundleVersions& have = *request.mutable_have();
  have.set_root_version(publication.files.roots.size());
  have.set_timestamp_version(publication.timestamp_version);
  have.set_snapshot_version(publication.snapshot_version);
  have.set_targets_version(publication.targets_version);
  have.set_catalog_sha256(publication.catalog_sha256());
  return request;
}

std::string AnswerTo(const trustd::Publication& publication,
                     const v1::GetUpdateRequest& request) {
  trustd::UpdateParts parts;
  v1::GetUpdateResponse answer;
  if (!trustd::SelectUpdate(publication, request, parts).ok()) {
    Fail("a request that is refused");
  }
  trustd::FillUpdate(publication, parts, answer);
  return answer.SerializeAsString();
}

int Main(const Options& options) {
  LoadGenerator load;
  const auto publication = PublishBakedIn();
  trustd::PublicationHub hub;
  hub.Publish(publication);
  const std::string request = HasEverything(*publication).SerializeAsString();
  const std::string not_modified =
      AnswerTo(*publication, HasEverything(*publication));
  const std::string full = AnswerTo(*publication, {});

  trustd::Metrics metrics(v1::TrustdConfig::MODE_ONLINE);
  trustd::AnchorServiceImpl service({.server_version = "bench",
                                     .timestamp_interval = absl::Hours(1),
                                     .metrics = &metrics},
                                    hub);
  BaselineService baseline(full);
  int port = 0;
  grpc::ServerBuilder builder;
  trustd::GrpcListener::Options arguments;
  trustd::SetServerArguments(arguments, builder);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  trustd::CallGate gate({}, nullptr, [](const std::string&) {});
  service.AddTo(gate);
  builder.RegisterCallbackGenericService(&gate);
  builder.RegisterService(&baseline);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) Fail("cannot listen");
  load.Connect(absl::StrCat("127.0.0.1:", port));

  Report serving("serving: two processes on this machine", "ratio");
  Compare(load,
          {.name = "GetUpdate, nothing newer",
           .path = kGetUpdate,
           .request = request,
           .response_bytes = not_modified.size(),
           .calls = kSmallCalls},
          {.name = "an empty call",
           .path = kEmpty,
           .request = "",
           .response_bytes = 0,
           .calls = kSmallCalls},
          options.rounds, serving);
  Compare(load,
          {.name = "GetUpdate, everything",
           .path = kGetUpdate,
           .request = "",
           .response_bytes = full.size(),
           .calls = kLargeCalls},
          {.name = "fixed bytes, as many",
           .path = kFixed,
           .request = "",
           .response_bytes = full.size(),
           .calls = kLargeCalls},
          options.rounds, serving);
  server->Shutdown();

  Report bundle("a whole bundle", "CPU ms");
  bundle.Add({.name = "size", .absolute = WithCommas(full.size()) + " bytes"});
  bundle.Add({.name = "size, deflated",
              .absolute = WithCommas(GzipSize(full)) + " bytes"});
  const double verify = VerifyMilliseconds(*publication, full);
  bundle.Add({.name = "verify",
              .measured = absl::StrFormat("%.1f", verify),
              .goal = absl::StrFormat("<= %.1f", kMaxVerifyMilliseconds),
              .met = verify <= kMaxVerifyMilliseconds});
  return serving.Finish(options) | bundle.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  return anchorage::bench::Main(anchorage::bench::ParseOptions(argc, argv));
}
