// A fake IMDS: EC2's instance metadata service as it answers on an instance,
// and, on request, with any one thing wrong.
//
//   FakeImds imds({.pages = PagesOf(aws, "us-east-1")});
//   Ask(imds.url());                       // "http://127.0.0.1:1234"
//
// It is made of sockets, so that it can answer wrongly too and say how many
// hops an answer may travel. One connection at a time, one request on each, as
// EC2 closes them. What it cannot do aborts.

#ifndef ANCHORAGE_TEST_FAKE_IMDS_FAKE_IMDS_H_
#define ANCHORAGE_TEST_FAKE_IMDS_FAKE_IMDS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "test/fake_aws/fake_identity.h"

namespace anchorage::test {

// What is below "/latest/", such as "dynamic/instance-identity/rsa2048".
using ImdsPages = std::map<std::string, std::string>;

enum class ImdsFault {
  kNone,
  // 403: IMDS is turned off.
  kOff,
  // A page of HTML with 200, as of a captive portal.
  kHtml,
  // 200 with nothing in it.
  kEmpty,
  // A redirect to the same path.
  kRedirect,
  // No answer to a request.
  kHang,
  // One byte of an answer a second: of its head, or of its body.
  kSlowHead,
  kSlowBody,
  // 200, and bytes that never end.
  kEndless,
  // The connection is closed without an answer.
  kClose,
  // What the services of other clouds say to a PUT.
  kAzure,
  kGoogle,
};

// Returns the fault of that name: "off", "html", "empty", "redirect", "hang",
// "slow-head", "slow-body", "endless", "close", "azure", "google".
std::optional<ImdsFault> ImdsFaultNamed(std::string_view name);

struct FakeImdsOptions {
  // IPv4 or IPv6; port 0 is a free one.
  std::string address = "127.0.0.1";
  int port = 0;
  ImdsPages pages = {};
  // How many network hops the answer with the token may travel
  // (HttpPutResponseHopLimit); 0: as many as the system's packets.
  int hop_limit = 0;
  // Whether a page is given without a token, too (HttpTokens=optional).
  bool tokens_optional = false;
  // After how many pages a token is over; 0: never.
  int pages_of_token = 0;
  // How many requests get 503 before the others are answered; -1: all.
  int refusals = 0;
  // What is wrong with each answer whose path contains `fault_at`.
  ImdsFault fault = ImdsFault::kNone;
  std::string fault_at = {};
  // Called before each answer, with the path below "/latest/" that is asked for;
  // may change the pages.
  std::function<void(const std::string& path, ImdsPages& pages)> before = {};
};

class FakeImds {
 public:
  explicit FakeImds(FakeImdsOptions options = {});
  ~FakeImds();
  FakeImds(const FakeImds&) = delete;
  FakeImds& operator=(const FakeImds&) = delete;

  // Such as "http://127.0.0.1:1234".
  std::string url() const;

  // Method and path of each request so far, such as "PUT /latest/api/token".
  std::vector<std::string> requests() const;

 private:
  struct Request;

  void Listen();
  void Serve();
  void Talk(int fd);
  std::string AnswerTo(const Request& request);
  std::string PageFor(const Request& request);
  void Misbehave(int fd, const Request& request);

  FakeImdsOptions options_;
  int listener_ = -1;
  int port_ = 0;
  std::string token_;
  int pages_left_ = 0;
  mutable absl::Mutex mutex_;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);
  // The connection that is being answered; -1: none.
  int active_ ABSL_GUARDED_BY(mutex_) = -1;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// Returns the pages of an instance of the region that the fake AWS started, with
// all forms that the region has: no "rsa2048" in China.
ImdsPages PagesOf(const FakeIdentity& aws, std::string_view region);

// Returns the pages for evidence in a folder: its files "document" and, for any
// of the forms, "FORM.b64".
ImdsPages PagesIn(const std::string& folder);

// Adds the pages that repeat what the document says ("meta-data/instance-id",
// "meta-data/placement/region", …), and the list of what is signed.
void AddMetaData(ImdsPages& pages);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FAKE_IMDS_FAKE_IMDS_H_
