// A CA for tests, and the certificates that it makes for people and servers.
//
//   TestAuthority authority("people");
//   TlsIdentity alice = authority.Issue({.names = {"alice"}});
//
// Whatever cannot be done fails the test.

#ifndef ANCHORAGE_TEST_SUPPORT_TEST_AUTHORITY_H_
#define ANCHORAGE_TEST_SUPPORT_TEST_AUTHORITY_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace anchorage::trustd {

// PEM.
struct TlsIdentity {
  std::string certificate;
  std::string key;
};

class TestAuthority {
 public:
  struct Request {
    // Common names of the subject, in their order.
    std::vector<std::string> names = {};
    // As OpenSSL's configuration has it, such as "IP:127.0.0.1"; empty: none.
    std::string alternative_names = "";
    // As OpenSSL's configuration has it.
    std::string purpose = "clientAuth";
    absl::Time not_after = absl::Now() + absl::Hours(24);
  };

  explicit TestAuthority(const std::string& name);

  TlsIdentity Issue(const Request& request) const;

  const std::string& pem() const { return pem_; }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  Key key_;
  Certificate certificate_;
  std::string pem_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_TEST_AUTHORITY_H_
