// One repository behind both of a client's transports: files on a web server,
// and a trustd that sends everything whatever the caller has.
//
//   RepositoryServers servers;
//   servers.PublishCatalog(5);
//   servers.repository.Publish({"timestamp"});
//   options.server = servers.grpc_address();  // or metadata_url = http_url()
//
// What is served is what `repository` holds at the moment of the call; a test
// changes it between two calls of its client.

#ifndef ANCHORAGE_TEST_CHANNEL_SERVERS_H_
#define ANCHORAGE_TEST_CHANNEL_SERVERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "proto/anchorage/v1/anchor_service.pb.h"
#include "test/support/repository_simulator.h"

namespace httplib {
struct Response;
}

namespace anchorage::test {

// A catalog of that sequence, as a file.
std::string CatalogOf(std::uint64_t sequence);
// The same in which the first anchor is REVOKED.
std::string CatalogThatRevokes(std::uint64_t sequence);

class RepositoryServers {
 public:
  explicit RepositoryServers(absl::Time now);
  ~RepositoryServers();

  // Signs a catalog of that sequence, and all that vouches for it.
  void PublishCatalog(std::uint64_t sequence);
  // The same with any file.
  void PublishFile(const std::string& catalog);

  // Has `bytes` served as the newest file of a role, whatever they are.
  void Serve(const std::string& role, const std::string& bytes);
  // The same for the catalog that the newest targets name.
  void ServeCatalog(const std::string& bytes);

  // The newest file of a role.
  std::string Newest(const std::string& role) const;
  std::string first_root() const { return repository.published("root", 1); }

  std::string http_url() const;
  std::string grpc_address() const;

  // Nothing is answered any more.
  void Stop();

  anchors::tuf::RepositorySimulator repository;
  // Names of metadata over HTTP that are answered by this instead.
  std::map<std::string, std::function<void(httplib::Response&)>> over_http;
  // Changes every answer over gRPC.
  std::function<void(v1::GetUpdateResponse&)> over_grpc;

 private:
  class Http;
  class Grpc;

  std::unique_ptr<Http> http_;
  std::unique_ptr<Grpc> grpc_;
};

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_CHANNEL_SERVERS_H_
