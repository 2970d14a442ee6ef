#include "tools/trustctl/pki_certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustctl {
namespace {

constexpr std::string_view kKindNames[] = {"ca", "server", "person"};
// The common name of every listener; clients look at its hosts.
constexpr char kServerName[] = "trustd";
// What the record calls what no person decided.
constexpr std::string_view kPolicyName = "policy";
constexpr std::size_t kSerialBytes = 16;
constexpr std::size_t kMaxHostBytes = 253;
constexpr std::size_t kMaxLabelBytes = 63;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

// Whatever happens, nobody else finds an error of ours.
struct ErrorQueue {
  ~ErrorQueue() { ERR_clear_error(); }
};

absl::Status CannotSign() {
  return absl::InternalError("OpenSSL could not make the certificate");
}

Bio ReaderOf(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
          &BIO_free};
}

// What `write` wrote; empty if it failed.
template <typename Write>
std::string Written(const Write& write) {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  if (bio == nullptr || write(bio.get()) != 1) return "";
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

std::string DerOf(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  if (size <= 0) return "";
  std::string der(reinterpret_cast<char*>(bytes),
                  static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

X509Ptr ReadCertificate(std::string_view pem) {
  const Bio bio = ReaderOf(pem);
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free};
}

// Never asks at a terminal.
int GivePassphrase(char* buffer, int size, int, void* data) {
  const auto* const passphrase =
      static_cast<const std::optional<std::string_view>*>(data);
  if (!passphrase->has_value() ||
      (*passphrase)->size() > static_cast<std::size_t>(size)) {
    return -1;
  }
  std::copy((*passphrase)->begin(), (*passphrase)->end(), buffer);
  return static_cast<int>((*passphrase)->size());
}

bool IsP256(EVP_PKEY* key) {
  std::array<char, 80> group{};
  std::size_t size = 0;
  return EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
         std::string_view(group.data(), size) == "prime256v1";
}

// Sets a random positive serial.
bool SetSerial(X509* certificate) {
  std::array<unsigned char, kSerialBytes> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return false;
  }
  // Positive, and all of its bytes count.
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr),
      &BN_free);
  return number != nullptr &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) !=
             nullptr;
}

std::string SerialOf(const X509* certificate) {
  const ASN1_INTEGER* const serial = X509_get0_serialNumber(certificate);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(serial->data),
                        static_cast<std::size_t>(serial->length)));
}

bool SetName(X509* certificate, const std::string& name) {
  return X509_NAME_add_entry_by_txt(
             X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
             reinterpret_cast<const unsigned char*>(name.data()),
             static_cast<int>(name.size()), -1, 0) == 1;
}

// `value` is OpenSSL's configuration language, and none of it a caller's.
bool Extend(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

// The address as TLS has it, 4 or 16 bytes; empty for a DNS name.
std::string AddressBytes(const std::string& host) {
  std::array<char, 16> bytes{};
  if (::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1) {
    return std::string(bytes.data(), 4);
  }
  if (::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) {
    return std::string(bytes.data(), bytes.size());
  }
  return "";
}

// Adds `host` to the names, which then own it.
bool AddHost(GENERAL_NAMES* names, const std::string& host) {
  const std::string address = AddressBytes(host);
  const std::string& value = address.empty() ? host : address;
  ASN1_STRING* const text =
      address.empty() ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
  GENERAL_NAME* const name = GENERAL_NAME_new();
  if (text == nullptr || name == nullptr ||
      ASN1_STRING_set(text, value.data(), static_cast<int>(value.size())) !=
          1) {
    ASN1_STRING_free(text);
    GENERAL_NAME_free(name);
    return false;
  }
  GENERAL_NAME_set0_value(name, address.empty() ? GEN_DNS : GEN_IPADD, text);
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

bool AddHosts(X509* certificate, const std::vector<std::string>& hosts) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      GENERAL_NAMES_new(), &GENERAL_NAMES_free);
  return names != nullptr &&
         std::all_of(
             hosts.begin(), hosts.end(),
             [&](const auto& host) { return AddHost(names.get(), host); }) &&
         X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0,
                           X509V3_ADD_DEFAULT) == 1;
}

// A certificate that lacks its subject, its extensions and a signature.
X509Ptr Begin(EVP_PKEY* key, absl::Time not_after, absl::Time now) {
  X509Ptr certificate(X509_new(), &X509_free);
  if (certificate == nullptr ||
      X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !SetSerial(certificate.get()) ||
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()),
                    absl::ToTimeT(now - kPkiBackdate)) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()),
                    absl::ToTimeT(not_after)) == nullptr ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    certificate.reset();
  }
  return certificate;
}

// Signs, and says what came of it.
absl::StatusOr<PkiCertificate> Finish(X509* certificate, EVP_PKEY* key) {
  if (X509_sign(certificate, key, EVP_sha256()) <= 0) return CannotSign();
  PkiCertificate made;
  made.pem =
      Written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
  const std::string der = DerOf(certificate);
  if (made.pem.empty() || der.empty()) return CannotSign();
  made.serial = SerialOf(certificate);
  made.sha256 = verify::Sha256Hex(der);
  return made;
}

bool AddLeafExtensions(X509* certificate, X509* issuer,
                       const PkiRequest& request) {
  const bool is_server = request.kind == PkiKind::kServer;
  return Extend(certificate, issuer, NID_basic_constraints,
                "critical,CA:FALSE") &&
         Extend(certificate, issuer, NID_key_usage,
                "critical,digitalSignature") &&
         Extend(certificate, issuer, NID_ext_key_usage,
                is_server ? "serverAuth" : "clientAuth") &&
         Extend(certificate, issuer, NID_subject_key_identifier, "hash") &&
         Extend(certificate, issuer, NID_authority_key_identifier,
                "keyid:always") &&
         (!is_server || AddHosts(certificate, request.names));
}

absl::Status CheckNames(const PkiRequest& request) {
  if (request.kind == PkiKind::kPerson && request.names.size() == 1) {
    return CheckPersonName(request.names.front());
  }
  if (request.kind != PkiKind::kServer || request.names.empty() ||
      request.names.size() > kMaxPkiHosts) {
    return absl::InvalidArgumentError(
        absl::StrCat("a server has 1 to ", kMaxPkiHosts, " hosts"));
  }
  for (const std::string& host : request.names) {
    if (absl::Status s = CheckHost(host); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status BadHost(std::string_view host) {
  return absl::InvalidArgumentError(absl::StrCat(
      "'", std::string(host),
      "' is no DNS name and no IP address: a host stands here without a port, "
      "brackets or wildcards"));
}

bool IsLabel(absl::string_view label) {
  return !label.empty() && label.size() <= kMaxLabelBytes &&
         label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-';
         });
}

}  // namespace

std::string_view NameOf(PkiKind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}

std::optional<PkiKind> PkiKindNamed(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kKindNames); ++i) {
    if (kKindNames[i] == name) return static_cast<PkiKind>(i);
  }
  return std::nullopt;
}

absl::Status CheckPersonName(std::string_view name) {
  if (name.empty() || name.size() > kMaxPkiNameBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a name has 1 to ", kMaxPkiNameBytes, " bytes, not ", name.size()));
  }
  const bool fits = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) ||
           std::string_view(" ._@+-").find(static_cast<char>(c)) !=
               std::string_view::npos;
  });
  if (!fits || !absl::ascii_isalnum(static_cast<unsigned char>(name.front())) ||
      name.back() == ' ') {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", std::string(name),
        "' is no name for a certificate: ASCII letters, digits and \" ._@+-\", "
        "the first of them a letter or digit"));
  }
  if (name == kPolicyName) {
    return absl::InvalidArgumentError(
        "nobody can be called 'policy': the record would not tell them from "
        "the policy");
  }
  return absl::OkStatus();
}

absl::Status CheckHost(std::string_view host) {
  if (host.empty() || host.size() > kMaxHostBytes) return BadHost(host);
  if (host.find('\0') == host.npos &&
      !AddressBytes(std::string(host)).empty()) {
    return absl::OkStatus();
  }
  const std::vector<absl::string_view> labels =
      absl::StrSplit(absl::string_view(host.data(), host.size()), '.');
  const absl::string_view last = labels.back();
  // What ends with a number is an address, and not a good one.
  if (!std::all_of(labels.begin(), labels.end(), IsLabel) ||
      std::all_of(last.begin(), last.end(),
                  [](unsigned char c) { return absl::ascii_isdigit(c); })) {
    return BadHost(host);
  }
  return absl::OkStatus();
}

absl::StatusOr<PkiCertificateFacts> ReadPkiCertificate(std::string_view pem) {
  const ErrorQueue errors;
  const X509Ptr certificate = ReadCertificate(pem);
  if (certificate == nullptr) {
    return absl::InvalidArgumentError("not a certificate in PEM");
  }
  PkiCertificateFacts facts;
  facts.sha256 = verify::Sha256Hex(DerOf(certificate.get()));
  facts.public_key_pem = Written([&](BIO* bio) {
    return PEM_write_bio_PUBKEY(bio, X509_get0_pubkey(certificate.get()));
  });
  return facts;
}

absl::StatusOr<PkiAuthority> PkiAuthority::FromKey(
    std::string_view key_pem, std::optional<std::string_view> passphrase) {
  const ErrorQueue errors;
  const Bio bio = ReaderOf(key_pem);
  std::shared_ptr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, &GivePassphrase, &passphrase),
      &EVP_PKEY_free);
  if (key == nullptr) {
    return absl::InvalidArgumentError(
        "not a private key in PEM, or the passphrase is not its own");
  }
  if (!IsP256(key.get())) {
    return absl::InvalidArgumentError("not an ECDSA P-256 key");
  }
  return PkiAuthority(std::move(key));
}

absl::StatusOr<PkiCertificate> PkiAuthority::MakeOwn(const std::string& name,
                                                     absl::Time not_after,
                                                     absl::Time now) {
  const ErrorQueue errors;
  X509Ptr certificate = Begin(key_.get(), not_after, now);
  if (certificate == nullptr) return CannotSign();
  X509* const x509 = certificate.get();
  const std::string own =
      !name.empty()
          ? name
          : absl::StrCat("anchorage pki ", SerialOf(x509).substr(0, 8));
  if (!SetName(x509, own) ||
      X509_set_issuer_name(x509, X509_get_subject_name(x509)) != 1 ||
      !Extend(x509, x509, NID_basic_constraints,
              "critical,CA:TRUE,pathlen:0") ||
      !Extend(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !Extend(x509, x509, NID_subject_key_identifier, "hash")) {
    return CannotSign();
  }
  auto made = Finish(x509, key_.get());
  if (made.ok()) certificate_ = std::move(certificate);
  return made;
}

absl::Status PkiAuthority::Use(std::string_view certificate_pem) {
  const ErrorQueue errors;
  X509Ptr certificate = ReadCertificate(certificate_pem);
  if (certificate == nullptr) {
    return absl::FailedPreconditionError("not a certificate in PEM");
  }
  if (X509_check_private_key(certificate.get(), key_.get()) != 1 ||
      X509_check_ca(certificate.get()) != 1) {
    return absl::FailedPreconditionError(
        "not the certificate of a CA with this key");
  }
  certificate_ = std::move(certificate);
  return absl::OkStatus();
}

std::string PkiAuthority::name() const {
  std::array<char, kMaxPkiNameBytes + 1> text{};
  const ErrorQueue errors;
  const int size = X509_NAME_get_text_by_NID(
      X509_get_subject_name(certificate_.get()), NID_commonName, text.data(),
      static_cast<int>(text.size()));
  return size < 0 ? "" : std::string(text.data());
}

absl::Time PkiAuthority::not_after() const {
  tm time{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate_.get()), &time) != 1) {
    return absl::InfinitePast();
  }
  return absl::FromTM(time, absl::UTCTimeZone());
}

absl::StatusOr<PkiCertificate> PkiAuthority::Issue(const PkiRequest& request,
                                                   absl::Time now) const {
  if (absl::Status s = CheckNames(request); !s.ok()) return s;
  if (request.not_after > not_after()) {
    return absl::FailedPreconditionError(
        "a certificate cannot outlive its CA: fewer --days, or first "
        "'trustctl pki renew --ca'");
  }
  const ErrorQueue errors;
  const Bio bio = ReaderOf(request.public_key_pem);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr),
      &EVP_PKEY_free);
  if (key == nullptr || !IsP256(key.get())) {
    return absl::InvalidArgumentError("not a public ECDSA P-256 key in PEM");
  }
  const X509Ptr certificate = Begin(key.get(), request.not_after, now);
  if (certificate == nullptr) return CannotSign();
  X509* const issuer = certificate_.get();
  const std::string& subject =
      request.kind == PkiKind::kServer ? kServerName : request.names.front();
  if (!SetName(certificate.get(), subject) ||
      X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer)) !=
          1 ||
      !AddLeafExtensions(certificate.get(), issuer, request)) {
    return CannotSign();
  }
  return Finish(certificate.get(), key_.get());
}

}  // namespace anchorage::trustctl
