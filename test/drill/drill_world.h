// The world of a drill: a documentation site, a receiver of alerts, a trustd
// and its clients, all in one process and all over real connections.
//
//   World world(TrustdMode::kOnline, first_catalog);
//   world.docs().Publish(page);
//   world.WaitFor("published", [&] { return world.sequence() == 2; });
//
// Each step prints a line with the time since the start. A step that does not
// come within kPatience ends the program with exit code 1.

#ifndef ANCHORAGE_TEST_DRILL_DRILL_WORLD_H_
#define ANCHORAGE_TEST_DRILL_DRILL_WORLD_H_

#include <grpcpp/channel.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "anchors/publishing/signer.h"
#include "client/trust_client.h"
#include "proto/anchorage/v1/report_service.grpc.pb.h"
#include "test/support/test_authority.h"
#include "trustd/service.h"

namespace httplib {
class Server;
}

namespace anchorage::test {

inline constexpr absl::Duration kPatience = absl::Seconds(60);

// A server on a free port of the loopback interface.
class LocalServer {
 public:
  LocalServer();
  ~LocalServer();
  // To be called once all handlers are there.
  void Start();
  httplib::Server& http() { return *http_; }
  std::string Url(std::string_view path) const;

 private:
  std::unique_ptr<httplib::Server> http_;
  int port_ = 0;
  std::thread thread_;
};

// AWS's documentation, as far as it matters here.
class FakeDocs {
 public:
  FakeDocs();
  // What a page says from now on; a page that was never published is absent.
  void Publish(const std::string& path, std::string text);
  std::string Url(std::string_view path) const { return server_.Url(path); }

 private:
  absl::Mutex mutex_;
  std::map<std::string, std::string> pages_ ABSL_GUARDED_BY(mutex_);
  LocalServer server_;
};

// Where alerts arrive.
class FakeReceiver {
 public:
  FakeReceiver();
  std::string Url() const { return server_.Url("/alerts"); }
  // The first alert of that kind whose body has `text`; empty if none came.
  std::string Find(std::string_view kind, std::string_view text) const;
  // How many alerts of that kind came.
  std::size_t Count(std::string_view kind) const;

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> bodies_ ABSL_GUARDED_BY(mutex_);
  LocalServer server_;
};

// The load balancer before one instance: passes on what the instance asks a
// trustd over HTTP, and says from which address it was asked.
class FakeBalancer {
 public:
  FakeBalancer(const std::string& trustd, const std::string& address);
  std::string Url(std::string_view path) const { return server_.Url(path); }

 private:
  LocalServer server_;
};

enum class TrustdMode { kOnline, kOffline };

struct Approver {
  std::string name;
  std::unique_ptr<anchors::tuf::SoftwareKey> key;
};

class World {
 public:
  // Starts all of it. In kOffline, alice, bob and carol hold the keys of root
  // and targets, two of whom must sign.
  World(TrustdMode mode, const anchors::Catalog& first, int clients);
  ~World();

  FakeDocs& docs() { return docs_; }
  FakeReceiver& receiver() { return receiver_; }
  trustd::Service& trustd() { return *service_; }
  // A connection to the listener for people, with a certificate of that name.
  // alice may decide, olga may change anchors too, fleet may submit evidence.
  std::shared_ptr<grpc::Channel> ConnectAs(const std::string& name) const;
  const std::vector<Approver>& approvers() const { return approvers_; }
  const std::string& folder() const { return folder_; }
  std::string ceremony_folder() const { return folder_ + "/data/ceremony"; }
  const std::vector<std::unique_ptr<client::TrustClient>>& clients() const {
    return clients_;
  }

  // Has every client start again, with what it keeps, behind a balancer of its
  // own, and from now on report what it accepts and refuses.
  void RestartReporting();

  // Publishes the pages that AWS would have for a catalog, and has trustd look
  // at them: it would by itself, at its own time.
  void PublishPages(const anchors::Catalog& catalog);

  // What trustd and the clients take for the time: that of the system, and what
  // was added.
  absl::Time Now() const;
  // Lets time pass, for trustd and the clients.
  void Pass(absl::Duration time);

  // Reports one outcome of a region's rsa2048 documents, in the name of the
  // sender of that number: from an address of its own, as the proxy on this
  // machine forwards it. The first numbers are those of the clients. Returns
  // whether it was counted.
  bool ReportAs(int sender, const std::string& region,
                const std::string& reason);

  std::uint64_t sequence() const;
  // Whether every client has that sequence, after a refresh of each.
  bool ClientsHave(std::uint64_t sequence);

  // Prints a line of the timeline.
  void Say(const std::string& text);
  // Waits until `done` is true, then prints `text`.
  void WaitFor(const std::string& text, const std::function<bool()>& done);
  // Prints `text` if `is_so`; otherwise ends the program.
  void Check(const std::string& text, bool is_so);

 private:
  void MakeCertificates();
  void MakeCeremony(const anchors::Catalog& first);
  void WriteConfig(TrustdMode mode, const anchors::Catalog& first);
  // The options of a client, but for where it asks.
  client::TrustClientOptions OptionsOf(int client) const;

  const absl::Time start_;
  std::atomic<std::int64_t> passed_seconds_ = 0;
  std::string folder_;
  FakeDocs docs_;
  FakeReceiver receiver_;
  std::vector<Approver> approvers_;
  trustd::TestAuthority authority_{"the drill's people"};
  std::unique_ptr<trustd::Service> service_;
  std::unique_ptr<v1::ReportService::Stub> reports_;
  std::vector<std::unique_ptr<FakeBalancer>> balancers_;
  std::vector<std::unique_ptr<client::TrustClient>> clients_;
};

// The pages that a drill's trustd looks at.
inline constexpr std::string_view kPagePath = "/regions-certs.md";
inline constexpr std::string_view kChinaPagePath = "/cn/regions-certs.md";

// Publishes the two pages that AWS would have for a catalog.
void PublishPages(FakeDocs& docs, const anchors::Catalog& catalog);

// What a fake AWS has, as the first catalog of a trustd; `created` now.
class FakeIdentity;
anchors::Catalog CatalogOf(const FakeIdentity& aws);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_DRILL_DRILL_WORLD_H_
