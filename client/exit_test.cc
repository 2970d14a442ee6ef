// Processes that end while a client of theirs is at work. Alone in its program,
// so that nothing is loaded before.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/http_transport.h"
#include "client/trust_client.h"
#include "test/support/repository_simulator.h"

namespace anchorage::client {
namespace {

// Returns how a child ends that makes `clients` clients and calls exit(0)
// `after` that.
int EndOfChild(const TrustClientOptions& options, int clients,
               absl::Duration after) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    for (int i = 0; i < clients; ++i) {
      auto client = TrustClient::CreateWith(options, &OpenHttpTransport);
      if (!client.ok()) ::_exit(99);
      (void)client->release();
    }
    ::usleep(static_cast<useconds_t>(absl::ToInt64Microseconds(after)));
    std::exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TrustClientOptions Options(const std::string& url) {
  TrustClientOptions options;
  options.metadata_url = url;
  options.trusted_root =
      anchors::tuf::RepositorySimulator(absl::Now()).published("root", 1);
  return options;
}

// The client's thread was loading libcurl while exit() took OpenSSL apart.
TEST(ExitTest, BesideAYoungClientIsNoCrash) {
  const TrustClientOptions options = Options("http://127.0.0.1:1/");
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(EndOfChild(options, 1 + i % 3, i * absl::Milliseconds(1)), 0)
        << i;
  }
}

}  // namespace
}  // namespace anchorage::client
