#include "trustd/rpc/tls_files.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <time.h>

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "verify/encoding/base64.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kMaxTlsFileBytes = 1024 * 1024;

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio Reader(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
             &BIO_free);
}

// Nobody is there to type a password.
int NoPassword(char*, int, int, void*) { return 0; }

// Returns the first certificate, once all have been read: gRPC takes those
// before a broken one and is silent about the rest.
absl::StatusOr<Certificate> FirstOf(const std::string& pem,
                                    const std::string& path) {
  std::size_t expected = 0;
  for (std::size_t at = pem.find(verify::kCertificateBegin); at != pem.npos;
       at = pem.find(verify::kCertificateBegin, at + 1)) {
    ++expected;
  }
  const Bio bio = Reader(pem);
  Certificate first(nullptr, &X509_free);
  std::size_t count = 0;
  while (true) {
    Certificate next(
        PEM_read_bio_X509(bio.get(), nullptr, &NoPassword, nullptr),
        &X509_free);
    if (next == nullptr) break;
    if (count++ == 0) first = std::move(next);
  }
  ERR_clear_error();
  if (count > 0 && count == expected) return first;
  return absl::InvalidArgumentError(absl::StrCat(
      path, count == 0 ? " has no certificate in PEM"
                       : " has a certificate that cannot be read"));
}

absl::Time ExpiryOf(const X509& certificate) {
  tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &parts) != 1) {
    return absl::InfinitePast();
  }
  return absl::FromTM(parts, absl::UTCTimeZone());
}

// Credentials of gRPC's that ask TlsFiles at each new connection, which only its
// C interface can. One for each server: the library asks for as long as the
// server lives, and is told what is new since it was last asked.
class ReloadedCredentials final : public grpc::ServerCredentials {
 public:
  explicit ReloadedCredentials(std::shared_ptr<TlsFiles> files,
                               bool asks_clients)
      : files_(std::move(files)), asks_clients_(asks_clients) {}

  // trustd looks at no metadata before a call.
  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  // One server, and which files it has.
  struct Asker {
    TlsFiles* files;
    std::uint64_t has = 0;
  };

  int AddPortToServer(const std::string& address,
                      grpc_server* server) override {
    Asker* asker = nullptr;
    {
      const absl::MutexLock lock(&mutex_);
      askers_.push_back(std::make_unique<Asker>(Asker{files_.get()}));
      asker = askers_.back().get();
    }
    grpc_server_credentials* const credentials =
        grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                asks_clients_
                    ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                    : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
                &Fetch, asker));
    const int port =
        grpc_server_add_http2_port(server, address.c_str(), credentials);
    grpc_server_credentials_release(credentials);
    return port;
  }

  // gRPC asks for one server at a time.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* data, grpc_ssl_server_certificate_config** config) {
    auto& asker = *static_cast<Asker*>(data);
    std::uint64_t generation = 0;
    const auto files = asker.files->Current(generation);
    if (generation == asker.has) {
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    const grpc_ssl_pem_key_cert_pair pair = {
        .private_key = files->key.c_str(),
        .cert_chain = files->certificate.c_str()};
    // gRPC insists on CAs, also where it asks no client for a certificate and
    // does not look at them.
    const std::string& client_ca =
        files->client_ca.empty() ? files->certificate : files->client_ca;
    *config =
        grpc_ssl_server_certificate_config_create(client_ca.c_str(), &pair, 1);
    asker.has = generation;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<TlsFiles> files_;
  const bool asks_clients_;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Asker>> askers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::shared_ptr<TlsFiles>> TlsFiles::Open(Paths paths,
                                                         Watcher watcher) {
  std::shared_ptr<TlsFiles> files(
      new TlsFiles(std::move(paths), std::move(watcher)));
  const absl::MutexLock refresh(&files->refresh_mutex_);
  files->read_ = files->seen_ = files->StampNow();
  auto read = files->Read();
  if (!read.ok()) return read.status();
  files->watcher_({.is_current = true, .expires = read->expires});
  const absl::MutexLock lock(&files->mutex_);
  files->current_ = std::make_shared<const TlsIdentityFiles>(*std::move(read));
  files->generation_ = 1;
  return files;
}

TlsFiles::Stamp TlsFiles::StampNow() const {
  Stamp stamp;
  for (const std::string& path :
       {paths_.certificate, paths_.key, paths_.client_ca}) {
    struct stat status {};
    if (path.empty() || ::stat(path.c_str(), &status) != 0) {
      stamp.push_back(-1);
      continue;
    }
    for (const std::int64_t part :
         {static_cast<std::int64_t>(status.st_dev),
          static_cast<std::int64_t>(status.st_ino),
          static_cast<std::int64_t>(status.st_size),
          absl::ToInt64Nanoseconds(absl::DurationFromTimespec(status.st_mtim)),
          absl::ToInt64Nanoseconds(
              absl::DurationFromTimespec(status.st_ctim))}) {
      stamp.push_back(part);
    }
  }
  return stamp;
}

absl::StatusOr<TlsIdentityFiles> TlsFiles::Read() const {
  TlsIdentityFiles files;
  auto chain = anchors::ReadFile(paths_.certificate, kMaxTlsFileBytes);
  if (!chain.ok()) return chain.status();
  auto key = anchors::ReadPrivateFile(paths_.key, kMaxTlsFileBytes);
  if (!key.ok()) return key.status();
  const auto own = FirstOf(*chain, paths_.certificate);
  if (!own.ok()) return own.status();
  const Bio bio = Reader(*key);
  const Key read_key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr),
      &EVP_PKEY_free);
  const bool is_own = read_key != nullptr &&
                      X509_check_private_key(own->get(), read_key.get()) == 1;
  ERR_clear_error();
  if (read_key == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        paths_.key, " has no private key in PEM without password"));
  }
  if (!is_own) {
    return absl::InvalidArgumentError(
        absl::StrCat(paths_.key, " is not the key of ", paths_.certificate));
  }
  if (!paths_.client_ca.empty()) {
    auto client_ca = anchors::ReadFile(paths_.client_ca, kMaxTlsFileBytes);
    if (!client_ca.ok()) return client_ca.status();
    if (const auto first = FirstOf(*client_ca, paths_.client_ca); !first.ok()) {
      return first.status();
    }
    files.client_ca = *std::move(client_ca);
  }
  files.expires = ExpiryOf(**own);
  files.certificate = *std::move(chain);
  files.key = *std::move(key);
  return files;
}

void TlsFiles::Refresh() {
  const absl::MutexLock refresh(&refresh_mutex_);
  Stamp stamp = StampNow();
  const bool is_settled = stamp == seen_;
  seen_ = stamp;
  if (!is_settled || stamp == read_) return;
  read_ = std::move(stamp);
  auto read = Read();
  std::uint64_t generation = 0;
  if (!read.ok()) {
    spdlog::error("TLS goes on as before: {}",
                  verify::Printable(std::string(read.status().message())));
    return watcher_(
        {.is_current = false, .expires = Current(generation)->expires});
  }
  spdlog::info(
      "TLS: {} is used for new connections, and expires on {}",
      paths_.certificate,
      absl::FormatTime(absl::RFC3339_sec, read->expires, absl::UTCTimeZone()));
  const State state = {.is_current = true, .expires = read->expires};
  {
    const absl::MutexLock lock(&mutex_);
    current_ = std::make_shared<const TlsIdentityFiles>(*std::move(read));
    ++generation_;
  }
  watcher_(state);
}

std::shared_ptr<grpc::ServerCredentials> TlsFiles::Credentials() {
  return std::make_shared<ReloadedCredentials>(shared_from_this(),
                                               !paths_.client_ca.empty());
}

std::shared_ptr<const TlsIdentityFiles> TlsFiles::Current(
    std::uint64_t& generation) const {
  const absl::MutexLock lock(&mutex_);
  generation = generation_;
  return current_;
}

}  // namespace anchorage::trustd
