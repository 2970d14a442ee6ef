// A web server on the loopback interface that does what a test tells it to:
// also stall, cut, lie about lengths, and answer in no HTTP at all.
//
//   HostileServer server([](Peer& peer) {
//     peer.Send(Answer("200 OK", {}, "hello"));
//   });
//   Get(server.Url("/page"));
//
// One connection at a time, one request on each.

#ifndef ANCHORAGE_TEST_SUPPORT_HOSTILE_SERVER_H_
#define ANCHORAGE_TEST_SUPPORT_HOSTILE_SERVER_H_

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace anchorage::trustd {

// One connection whose request has been read.
class Peer {
 public:
  Peer(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {}

  // Its first line and headers, and perhaps some of its body.
  std::string request;

  // Whether all of it could be sent.
  bool Send(std::string_view bytes);
  // The body of the request, by its Content-Length; reads what is not there
  // yet. For a server without TLS.
  std::string Body();
  // Keeps the connection open, silent, until the client gives up or the
  // server is destroyed.
  void WaitForClose();
  // What is asked for, such as "/page".
  std::string Target() const;
  // The value of a header of the request; empty if there is none.
  std::string Header(std::string_view name) const;

 private:
  const int fd_;
  SSL* const ssl_;
};

// A certificate for a test server, and its key.
struct TestIdentity {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;
  // `certificate` as PEM.
  std::string pem;
};

// Makes a self-signed certificate for `address` (an IP address), good from
// `begins` on for a day.
TestIdentity MakeTestIdentity(const std::string& address, absl::Time begins);

class HostileServer {
 public:
  using Script = std::function<void(Peer&)>;

  // With an identity: over TLS. Port 0 is a free one.
  explicit HostileServer(Script script, int port = 0);
  HostileServer(Script script, const TestIdentity& identity);
  ~HostileServer();

  // Of the server, such as "http://127.0.0.1:1234/page".
  std::string Url(std::string_view path) const;
  int port() const { return port_; }

  // What was asked for so far, in order.
  std::vector<std::string> targets() const;

 private:
  void Listen(int port);
  void Serve();
  void Talk(int fd);

  const Script script_;
  std::shared_ptr<SSL_CTX> tls_;
  int listener_ = -1;
  int port_ = 0;
  mutable absl::Mutex mutex_;
  std::vector<std::string> targets_ ABSL_GUARDED_BY(mutex_);
  int active_ ABSL_GUARDED_BY(mutex_) = -1;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// An answer with its Content-Length. Each of `headers` is a line without its
// end.
std::string Answer(std::string_view status,
                   const std::vector<std::string>& headers,
                   std::string_view body);

// Packs as gzip.
std::string Gzip(std::string_view plain);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_HOSTILE_SERVER_H_
