#include "test/fuzz/corpus.h"

namespace anchorage::test {

Seeds RequestHeadSeeds() {
  return {
      "GET /tuf/timestamp.json HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n"
      "If-None-Match: \"a\", W/\"b\"\r\nConnection: keep-alive\r\n\r\nrest",
      "HEAD /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
      "POST /tuf/ HTTP/1.1\r\nContent-Length: 3\r\nText: \t\xc3\xa9 "
      "\r\n\r\nabc",
  };
}

Seeds ConsoleRequestSeeds() {
  return {"/changes?state=open&page=2",
          "/record?page=12",
          "/changes/17",
          "Trustd.Example:8443",
          "[::1]:7445",
          "Basic bmlnaHQ6c2hpZnQ="};
}

Seeds PkiIndexSeeds() {
  const std::string ca = "2031-11-28T21:20:00Z " + std::string(32, '4') + " " +
                         std::string(64, 'a') + " ca - anchorage pki 4a5b\n";
  const std::string server = "2027-02-27T21:20:00Z " + std::string(32, '5') +
                             " " + std::string(64, 'b') +
                             " server - trustd.example.com,192.0.2.7,::1\n";
  const std::string person = "2027-02-27T21:20:00Z " + std::string(32, '6') +
                             " " + std::string(64, 'c') +
                             " person approver alice\n";
  return {ca, server, person, ca + server + person};
}

Seeds ContextsSeeds() {
  return {
      "current-context: a\ncontexts:\n  a:\n    server: t:7443\n"
      "    client-key: k\n  \"1.5\": {cache: /c}\n",
      "{contexts: {a: {admin-server: 'unix:/s'}}}", "contexts: {a: {}}"};
}

Seeds RetryAfterSeeds() { return {"120", "Sun, 06 Nov 1994 08:50:37 GMT"}; }

}  // namespace anchorage::test
