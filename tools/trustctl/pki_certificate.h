// The certificates of `trustctl pki`: of its CA, of listeners, of people.
//
//   auto ca = PkiAuthority::Open(certificate_pem, key_pem, std::nullopt);
//   auto alice = ca->Issue({.kind = PkiKind::kPerson, .names = {"alice"},
//                           .public_key_pem = pem, .not_after = end}, now);
//
// All keys are ECDSA P-256 and all signatures ECDSA with SHA-256: what gRPC and
// browsers take. Values; OpenSSL's error queue is empty after every call.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_PKI_CERTIFICATE_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_PKI_CERTIFICATE_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::trustctl {

enum class PkiKind { kAuthority, kServer, kPerson };

// "ca", "server", "person".
std::string_view NameOf(PkiKind kind);
std::optional<PkiKind> PkiKindNamed(std::string_view name);

inline constexpr std::size_t kMaxPkiNameBytes = 64;
inline constexpr std::size_t kMaxPkiHosts = 20;

// Certificates are valid from so long before they are made, for clocks that are
// behind.
inline constexpr absl::Duration kPkiBackdate = absl::Minutes(5);

// Whether a certificate can have the name of a person: 1 to 64 bytes, ASCII
// letters, digits and " ._@+-", of which the first is a letter or digit and the
// last is no space. No other letters, because a letter that looks like another
// would make two names of one. INVALID_ARGUMENT.
absl::Status CheckPersonName(std::string_view name);

// Whether `host` is a DNS name without a wildcard, or an IPv4 or IPv6 address
// without brackets. INVALID_ARGUMENT.
absl::Status CheckHost(std::string_view host);

struct PkiRequest {
  PkiKind kind = PkiKind::kPerson;
  // The name of a person or of a CA; the hosts of a server.
  std::vector<std::string> names;
  // SubjectPublicKeyInfo.
  std::string public_key_pem;
  absl::Time not_after;
};

struct PkiCertificate {
  std::string pem;
  // Lower-case hex.
  std::string serial;
  // SHA-256 of the DER, lower-case hex.
  std::string sha256;
};

// Returns the SHA-256 of a certificate's DER, and its public key in PEM.
// INVALID_ARGUMENT for what is no certificate.
struct PkiCertificateFacts {
  std::string sha256;
  std::string public_key_pem;
};
absl::StatusOr<PkiCertificateFacts> ReadPkiCertificate(std::string_view pem);

// A private key that signs certificates.
class PkiAuthority {
 public:
  // Reads the private key of a CA: P-256 in PEM, with its passphrase where it
  // is encrypted. INVALID_ARGUMENT.
  static absl::StatusOr<PkiAuthority> FromKey(
      std::string_view key_pem, std::optional<std::string_view> passphrase);

  // Makes the CA's own certificate, with a path length of 0 and a new serial,
  // and issues under it from then on. `name` may be empty for a name of its
  // own: two CAs are never called the same.
  absl::StatusOr<PkiCertificate> MakeOwn(const std::string& name,
                                         absl::Time not_after, absl::Time now);

  // Issues under `certificate_pem` from then on. FAILED_PRECONDITION if it is
  // not of this key, or no CA's.
  absl::Status Use(std::string_view certificate_pem);

  // The common name of the CA's certificate, and when it ends.
  std::string name() const;
  absl::Time not_after() const;

  // Issues a certificate, with a random serial of 127 bits. INVALID_ARGUMENT
  // for names that it cannot have or a key that is not P-256;
  // FAILED_PRECONDITION if it would outlive the CA's.
  absl::StatusOr<PkiCertificate> Issue(const PkiRequest& request,
                                       absl::Time now) const;

 private:
  explicit PkiAuthority(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}

  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_PKI_CERTIFICATE_H_
