#include "test/fake_imds/fake_imds.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "verify/identity/identity_form.h"

namespace anchorage::test {
namespace {

constexpr char kTokenPath[] = "api/token";
constexpr char kIdentityPath[] = "dynamic/instance-identity/";
constexpr char kLatest[] = "/latest/";
constexpr std::size_t kMaxRequestBytes = 16 * 1024;

constexpr std::pair<std::string_view, ImdsFault> kFaults[] = {
    {"off", ImdsFault::kOff},
    {"html", ImdsFault::kHtml},
    {"empty", ImdsFault::kEmpty},
    {"redirect", ImdsFault::kRedirect},
    {"hang", ImdsFault::kHang},
    {"slow-head", ImdsFault::kSlowHead},
    {"slow-body", ImdsFault::kSlowBody},
    {"endless", ImdsFault::kEndless},
    {"close", ImdsFault::kClose},
    {"azure", ImdsFault::kAzure},
    {"google", ImdsFault::kGoogle},
};

[[noreturn]] void Give(const char* what) {
  std::perror(what);
  std::abort();
}

std::string Answer(const std::string& status, const std::string& body,
                   const std::string& header = "") {
  return absl::StrCat("HTTP/1.1 ", status, "\r\nServer: EC2ws\r\n",
                      "Content-Type: text/plain\r\nConnection: close\r\n",
                      header, "Content-Length: ", body.size(), "\r\n\r\n",
                      body);
}

bool Send(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

// Whether the peer closes the connection within that time, or it was shut down;
// for ever where `milliseconds` is -1.
bool IsClosedWithin(int fd, int milliseconds) {
  pollfd peer{.fd = fd, .events = POLLIN, .revents = 0};
  char buffer[256];
  while (::poll(&peer, 1, milliseconds) > 0) {
    if (::recv(fd, buffer, sizeof(buffer), 0) <= 0) return true;
  }
  return false;
}

// Sets how many hops what is sent from now on may travel.
void SetHopLimit(int fd, int hops) {
  if (::setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)) !=
          0 &&
      ::setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops)) != 0) {
    Give("hop limit");
  }
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Returns the value of a text in a document of AWS's; empty where there is none.
std::string TextIn(const std::string& document, const std::string& name) {
  const std::size_t found = document.find("\"" + name + "\"");
  if (found == std::string::npos) return "";
  const std::size_t colon = document.find(':', found);
  const std::size_t begin = document.find('"', colon);
  if (begin == std::string::npos) return "";
  return document.substr(begin + 1, document.find('"', begin + 1) - begin - 1);
}

}  // namespace

struct FakeImds::Request {
  std::string method;
  std::string target;
  std::string head;

  // Below "/latest/".
  std::string path() const {
    return std::string(absl::StripPrefix(target, kLatest));
  }
  std::string Header(std::string_view name) const {
    for (const absl::string_view line : absl::StrSplit(head, "\r\n")) {
      const std::pair<std::string, std::string> field =
          absl::StrSplit(line, absl::MaxSplits(':', 1));
      if (absl::EqualsIgnoreCase(field.first,
                                 absl::string_view(name.data(), name.size()))) {
        return std::string(absl::StripAsciiWhitespace(field.second));
      }
    }
    return "";
  }
};

std::optional<ImdsFault> ImdsFaultNamed(std::string_view name) {
  for (const auto& [fault_name, fault] : kFaults) {
    if (fault_name == name) return fault;
  }
  return std::nullopt;
}

FakeImds::FakeImds(FakeImdsOptions options) : options_(std::move(options)) {
  Listen();
  thread_ = std::thread(&FakeImds::Serve, this);
}

FakeImds::~FakeImds() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (active_ >= 0) ::shutdown(active_, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

std::string FakeImds::url() const {
  const bool is_ipv6 = absl::StrContains(options_.address, ':');
  return absl::StrCat("http://", is_ipv6 ? "[" : "", options_.address,
                      is_ipv6 ? "]:" : ":", port_);
}

std::vector<std::string> FakeImds::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

void FakeImds::Listen() {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(options_.address.c_str(),
                    std::to_string(options_.port).c_str(), &hints,
                    &found) != 0) {
    Give("address");
  }
  const int yes = 1;
  listener_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (::bind(listener_, found->ai_addr, found->ai_addrlen) != 0) Give("bind");
  if (::listen(listener_, 16) != 0) Give("listen");
  ::freeaddrinfo(found);
  sockaddr_in6 bound{};
  socklen_t size = sizeof(bound);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size);
  // The port of an IPv4 address is at the same place.
  port_ = ntohs(bound.sin6_port);
}

void FakeImds::Serve() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    {
      absl::MutexLock lock(&mutex_);
      if (fd < 0 || stopping_) {
        if (fd >= 0) ::close(fd);
        return;
      }
      active_ = fd;
    }
    Talk(fd);
    absl::MutexLock lock(&mutex_);
    active_ = -1;
    ::close(fd);
  }
}

void FakeImds::Talk(int fd) {
  Request request;
  char buffer[4096];
  while (!absl::StrContains(request.head, "\r\n\r\n")) {
    const ssize_t got = ::recv(fd, buffer, sizeof(buffer), 0);
    if (got <= 0 || request.head.size() > kMaxRequestBytes) return;
    request.head.append(buffer, static_cast<std::size_t>(got));
  }
  const std::vector<std::string> words =
      absl::StrSplit(request.head.substr(0, request.head.find("\r\n")), ' ');
  if (words.size() != 3) return;
  request.method = words[0];
  request.target = words[1];
  {
    absl::MutexLock lock(&mutex_);
    requests_.push_back(request.method + " " + request.target);
  }
  if (options_.before) options_.before(request.path(), options_.pages);
  if (options_.refusals != 0) {
    if (options_.refusals > 0) --options_.refusals;
    Send(fd, Answer("503 Service Unavailable", ""));
    return;
  }
  if (options_.fault != ImdsFault::kNone &&
      absl::StrContains(request.target, options_.fault_at)) {
    Misbehave(fd, request);
    return;
  }
  const std::string answer = AnswerTo(request);
  if (options_.hop_limit > 0 && request.method == "PUT") {
    SetHopLimit(fd, options_.hop_limit);
  }
  Send(fd, answer);
}

std::string FakeImds::AnswerTo(const Request& request) {
  if (request.method == "PUT" && request.path() == kTokenPath) {
    // What comes by way of a proxy.
    if (!request.Header("X-Forwarded-For").empty()) {
      return Answer("403 Forbidden", "");
    }
    const int seconds = std::atoi(
        request.Header("X-aws-ec2-metadata-token-ttl-seconds").c_str());
    if (seconds < 1 || seconds > 21600) return Answer("400 Bad Request", "");
    token_ =
        absl::StrCat("AQAAA", std::string(47, 'x'), pages_left_ % 10, "_==");
    pages_left_ = options_.pages_of_token;
    return Answer("200 OK", token_,
                  absl::StrCat("X-Aws-Ec2-Metadata-Token-Ttl-Seconds: ",
                               seconds, "\r\n"));
  }
  return request.method == "GET" ? PageFor(request)
                                 : Answer("405 Method Not Allowed", "");
}

std::string FakeImds::PageFor(const Request& request) {
  const std::string token = request.Header("X-aws-ec2-metadata-token");
  if (token.empty() ? !options_.tokens_optional : token != token_) {
    return Answer("401 Unauthorized", "");
  }
  if (options_.pages_of_token > 0 && !token.empty() && --pages_left_ == 0) {
    token_ = "over";
  }
  const auto page = options_.pages.find(request.path());
  return page != options_.pages.end() ? Answer("200 OK", page->second)
                                      : Answer("404 Not Found", "<html/>");
}

void FakeImds::Misbehave(int fd, const Request& request) {
  constexpr char kPage[] =
      "<!DOCTYPE html>\n<html><body>Sign in to go on.</body></html>\n";
  switch (options_.fault) {
    case ImdsFault::kNone:
    case ImdsFault::kClose:
      return;
    case ImdsFault::kOff:
      Send(fd, Answer("403 Forbidden", ""));
      return;
    case ImdsFault::kHtml:
      Send(fd, Answer("200 OK", kPage));
      return;
    case ImdsFault::kEmpty:
      Send(fd, Answer("200 OK", ""));
      return;
    case ImdsFault::kRedirect:
      Send(fd, Answer("302 Found", "",
                      absl::StrCat("Location: ", url(), request.target,
                                   "?again\r\n")));
      return;
    case ImdsFault::kHang:
      IsClosedWithin(fd, -1);
      return;
    case ImdsFault::kSlowHead:
    case ImdsFault::kSlowBody: {
      std::string rest = Answer("200 OK", std::string(1000, 'x'));
      if (options_.fault == ImdsFault::kSlowBody) {
        const std::size_t head = rest.find("\r\n\r\n") + 4;
        Send(fd, rest.substr(0, head));
        rest = rest.substr(head);
      }
      for (const char c : rest) {
        if (!Send(fd, {&c, 1}) || IsClosedWithin(fd, 1000)) return;
      }
      return;
    }
    case ImdsFault::kEndless: {
      const std::string much(64 * 1024, 'x');
      if (!Send(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")) return;
      while (Send(fd, much)) {
      }
      return;
    }
    case ImdsFault::kAzure:
      Send(fd, Answer("400 Bad Request",
                      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Error>"
                      "<Code>InvalidHttpVerb</Code></Error>"));
      return;
    case ImdsFault::kGoogle:
      Send(fd, Answer("405 Method Not Allowed", kPage,
                      "Metadata-Flavor: Google\r\n"));
      return;
  }
}

void AddMetaData(ImdsPages& pages) {
  const std::string& document = pages[absl::StrCat(kIdentityPath, "document")];
  const std::pair<const char*, const char*> repeated[] = {
      {"meta-data/ami-id", "imageId"},
      {"meta-data/instance-id", "instanceId"},
      {"meta-data/instance-type", "instanceType"},
      {"meta-data/placement/availability-zone", "availabilityZone"},
      {"meta-data/placement/region", "region"},
  };
  for (const auto& [path, name] : repeated) {
    pages[path] = TextIn(document, name);
  }
  std::string list;
  for (const auto& [path, body] : pages) {
    if (absl::StartsWith(path, kIdentityPath) && path != kIdentityPath) {
      absl::StrAppend(&list, path.substr(sizeof(kIdentityPath) - 1), "\n");
    }
  }
  pages[kIdentityPath] = list;
}

ImdsPages PagesOf(const FakeIdentity& aws, std::string_view region) {
  using verify::AnchorKind;
  const std::string document = aws.Document(region).Text();
  const std::string folder = kIdentityPath;
  const bool is_china =
      aws.Anchor(region, AnchorKind::kIidRsa1024).slot.partition == "aws-cn";
  ImdsPages pages;
  pages[folder + "document"] = document;
  pages[folder + "signature"] = Base64(aws.Signature(region, document), 64);
  pages[folder + "pkcs7"] =
      Base64(Encode(aws.Genuine(region, AnchorKind::kIidDsa, document)), 64);
  if (!is_china) {
    pages[folder + "rsa2048"] = Base64(
        Encode(aws.Genuine(region, AnchorKind::kIidRsa2048, document)), 64);
  }
  AddMetaData(pages);
  return pages;
}

ImdsPages PagesIn(const std::string& folder) {
  ImdsPages pages;
  pages[absl::StrCat(kIdentityPath, "document")] =
      ReadFile(folder + "/document");
  for (const verify::IdentityFormRow& row : verify::kIdentityForms) {
    const std::string name(row.name);
    const std::string text = ReadFile(folder + "/" + name + ".b64");
    if (!text.empty()) pages[kIdentityPath + name] = text;
  }
  AddMetaData(pages);
  return pages;
}

}  // namespace anchorage::test
