#include "test/fuzz/corpus.h"
#include "test/fuzz/fuzz.h"

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

Seeds ImageSystemSeeds() {
  return {
      WithMode(0,
               "1 0 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
               "2 1 0:5 / /a\\040b ro,nosuid,noexec - overlay o "
               "rw,lowerdir=/l,upperdir=/u,workdir=/w\n"),
      WithMode(1,
               "55d0c0a1e000-55d0c0a20000 r-xp 00002000 fe:00 24   /usr/bin/a\n"
               "7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"),
      WithMode(2, Part(":win:M::\\x4d\\x5aX:\\xff\\xffX:/usr/bin/wine:\n"
                       ":text:E::abc::/bin/x:\n") +
                      Part("usr/lib/modules/a.ko") +
                      "\x7f"
                      "ELF"),
      WithMode(2, Part("") + Part("home/a/.ssh/authorized_keys") + "text"),
      WithMode(3,
               "Package: bash\nStatus: install ok installed\n"
               "Architecture: amd64\nVersion: 5.2-1\n\nPackage: x\n"),
  };
}

Seeds RetryAfterSeeds() { return {"120", "Sun, 06 Nov 1994 08:50:37 GMT"}; }

}  // namespace anchorage::test
