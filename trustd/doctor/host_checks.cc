// The host that a trustd runs on: folders, clock, disk, ports, descriptors.

#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/host_port.h"
#include "trustd/doctor/checks.h"
#include "trustd/net/socket_file.h"
#include "trustd/net/tcp_listener.h"

namespace anchorage::trustd {
namespace {

namespace fs = std::filesystem;
using anchors::CheckLine;

constexpr absl::Duration kMostClockError = absl::Minutes(5);
constexpr absl::Duration kCertificateEndsSoon = absl::Hours(30 * 24);
// Less than this is a warning.
constexpr std::uint64_t kLittleSpace = std::uint64_t{1} << 30;
constexpr std::size_t kMaxPemBytes = 1024 * 1024;

std::string Text(const absl::Status& status) {
  return std::string(status.message());
}

// --- ports ---------------------------------------------------------------------

// The inodes of the sockets that listen on `port`.
std::set<std::uint64_t> SocketsOn(int port) {
  std::set<std::uint64_t> sockets;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream table(path);
    std::string line;
    while (std::getline(table, line)) {
      std::istringstream words(line);
      std::vector<std::string> fields;
      for (std::string word; fields.size() < 10 && words >> word;) {
        fields.push_back(word);
      }
      std::uint32_t local_port = 0;
      std::uint64_t inode = 0;
      if (fields.size() == 10 && fields[3] == "0A" &&
          absl::SimpleHexAtoi(fields[1].substr(fields[1].rfind(':') + 1),
                              &local_port) &&
          static_cast<int>(local_port) == port &&
          absl::SimpleAtoi(fields[9], &inode)) {
        sockets.insert(inode);
      }
    }
  }
  return sockets;
}

// Whether process `pid` has one of these sockets; nullopt where it may not be
// looked at.
std::optional<bool> Has(pid_t pid, const std::set<std::uint64_t>& sockets) {
  std::error_code error;
  for (auto at =
           fs::directory_iterator(absl::StrCat("/proc/", pid, "/fd"), error);
       !error && at != fs::directory_iterator(); at.increment(error)) {
    std::error_code gone;
    const std::string target = fs::read_symlink(at->path(), gone).string();
    for (const std::uint64_t inode : sockets) {
      if (target == absl::StrCat("socket:[", inode, "]")) return true;
    }
  }
  if (error) return std::nullopt;
  return false;
}

CheckLine CheckPort(const Look& look, const DoctorPlace::Listener& listener) {
  const auto address = anchors::ParseHostPort(listener.address);
  if (!address.has_value() || address->port == 0) {
    return Ok(listener.address);
  }
  const auto bound = TcpListener::Bind(listener.address, listener.setting);
  if (bound.ok()) {
    return look.running
               ? Warn("PORT_NOT_LISTENED_ON",
                      absl::StrCat(listener.setting, ": trustd runs and does ",
                                   "not listen on ", listener.address),
                      "does it run with this configuration?")
               : Ok(absl::StrCat(listener.address, " is free"));
  }
  const std::set<std::uint64_t> sockets = SocketsOn(address->port);
  if (look.running && !sockets.empty()) {
    const std::optional<bool> ours = Has(*look.running, sockets);
    if (ours == true) {
      return Ok(absl::StrCat(listener.address, " is trustd's"));
    }
    if (!ours.has_value()) {
      return Warn("PORT_NOT_SEEN",
                  absl::StrCat(listener.setting, ": somebody listens on ",
                               listener.address),
                  "as root this says whether it is trustd");
    }
  }
  return Fail("PORT_UNUSABLE", Text(bound.status()),
              "end the program that has the port, or use an address of this "
              "machine");
}

// --- certificates --------------------------------------------------------------

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* value) const {
    kFree(value);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

Bio BioOf(const std::string& bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// Never asks at a terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

CheckLine CheckCertificate(const Look& look, const std::string& setting,
                           const std::string& path,
                           const std::string& key_path) {
  const auto pem = anchors::ReadFile(path, kMaxPemBytes);
  if (!pem.ok()) {
    return Fail("CERTIFICATE_UNREADABLE",
                absl::StrCat(setting, ": ", Text(pem.status())),
                "trustctl pki makes one");
  }
  const Bio bio = BioOf(*pem);
  absl::Time first_end = absl::InfiniteFuture();
  Certificate first;
  while (bio != nullptr) {
    Certificate certificate(
        PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr));
    if (certificate == nullptr) break;
    tm end = {};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) == 1) {
      first_end = std::min(first_end, absl::FromTM(end, absl::UTCTimeZone()));
    }
    if (first == nullptr) first = std::move(certificate);
  }
  if (first == nullptr) {
    return Fail("CERTIFICATE_UNREADABLE",
                absl::StrCat(setting, ": ", path, " has no certificate in PEM"),
                "trustctl pki makes one");
  }
  if (!key_path.empty()) {
    const auto key_pem = anchors::ReadPrivateFile(key_path, kMaxPemBytes);
    if (!key_pem.ok()) {
      return Fail("CERTIFICATE_KEY_UNREADABLE",
                  absl::StrCat(setting, ": ", Text(key_pem.status())),
                  absl::StrCat("chmod 600 ", key_path,
                               "; run this as the user of trustd or as root"));
    }
    const PrivateKey key(PEM_read_bio_PrivateKey(BioOf(*key_pem).get(), nullptr,
                                                 NoPassphrase, nullptr));
    if (key == nullptr || X509_check_private_key(first.get(), key.get()) != 1) {
      return Fail("CERTIFICATE_KEY_OF_ANOTHER",
                  absl::StrCat(setting, ": ", key_path,
                               " is not the key of the certificate in ", path),
                  "put the pair there that belongs together");
    }
  }
  const std::string text =
      absl::StrCat(setting, ": ", path, " until ", DateOf(first_end));
  if (first_end <= look.now) {
    return Fail("CERTIFICATE_EXPIRED", text, "trustctl pki renew");
  }
  if (first_end - look.now < kCertificateEndsSoon) {
    return Warn("CERTIFICATE_ENDS_SOON", text, "trustctl pki renew");
  }
  return Ok(text);
}

}  // namespace

CheckLine CheckDataDir(const Look& look) {
  const std::string& path = look.place.publisher.data_dir;
  const std::string state =
      look.running ? absl::StrCat("process ", *look.running, " uses it")
                   : "no process of this host uses it";
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) {
    return errno == ENOENT
               ? Ok(absl::StrCat(path,
                                 " is not there yet: the first start "
                                 "makes it"))
               : Fail("DATA_DIR_UNREADABLE",
                      Text(anchors::FileError(errno, "look at", path)),
                      "run this as the user of trustd or as root");
  }
  if (!S_ISDIR(status.st_mode)) {
    return Fail("DATA_DIR_UNREADABLE", absl::StrCat(path, " is not a folder"),
                "set data_dir to a folder of trustd's own");
  }
  if ((status.st_mode & 022) != 0) {
    return Fail("DATA_DIR_WRITABLE_BY_OTHERS",
                absl::StrCat(path,
                             ": whoever writes there decides what is "
                             "published"),
                absl::StrCat("chmod 700 ", path));
  }
  const uid_t user = ::geteuid();
  if (user != 0 && user != status.st_uid) {
    return Warn("DATA_DIR_OF_ANOTHER",
                absl::StrCat(path, " is of user ", status.st_uid),
                "run this as that user or as root, so that it sees all");
  }
  if ((status.st_mode & 055) != 0) {
    return Warn("DATA_DIR_READABLE_BY_OTHERS", absl::StrCat(path, ", ", state),
                absl::StrCat("chmod 700 ", path));
  }
  return Ok(absl::StrCat(path, ", ", state));
}

CheckLine CheckDisk(const Look& look) {
  fs::path folder = look.place.publisher.data_dir;
  std::error_code error;
  while (!fs::exists(folder, error) && folder.has_parent_path() &&
         folder != folder.parent_path()) {
    folder = folder.parent_path();
  }
  const auto space = fs::space(folder, error);
  if (error) {
    return Warn("DISK_UNKNOWN", error.message(), "look at it with df");
  }
  const std::string text = absl::StrCat(space.available >> 20, " MiB free");
  if (space.available < RocksDbStore::kMinFreeBytes) {
    return Fail("DISK_FULL", text, "free some space: trustd writes nothing");
  }
  if (space.available < kLittleSpace) {
    return Warn("DISK_NEARLY_FULL", text, "free some space");
  }
  return Ok(text);
}

CheckLine CheckClock(const Look& look) {
  // Where sources would keep what they remember; they are asked once.
  std::string scratch =
      (fs::temp_directory_path() / "trustd-doctor-XXXXXX").string();
  if (::mkdtemp(scratch.data()) == nullptr) {
    return Skipped("there is no room for a temporary folder");
  }
  absl::Mutex mutex;
  std::optional<absl::Duration> error;
  std::string by;
  std::vector<std::string> silent;
  int asked = 0;
  for (const SourceSettings& source : look.place.sources) {
    if (asked == kMostClocks || error.has_value()) break;
    SourceSettings quick = source;
    quick.limits.timeout = std::min(quick.limits.timeout, kClockTimeout);
    quick.limits.connect_timeout =
        std::min(quick.limits.connect_timeout, kClockTimeout);
    SourceEnvironment environment;
    environment.state_folder = scratch;
    auto done = std::make_shared<std::atomic<bool>>(false);
    environment.cancelled = done;
    environment.saw_date = [&, done](const std::string& name, absl::Time date) {
      const absl::MutexLock lock(&mutex);
      if (!error.has_value()) {
        error = absl::Now() - date;
        by = name;
      }
      // The file itself is not wanted.
      *done = true;
    };
    auto made = MakeSource(quick, environment);
    if (!made.ok()) continue;
    const auto answer = (*made)->Poll(look.now);
    const absl::MutexLock lock(&mutex);
    if (error.has_value()) break;
    // One that answers without a date is no server.
    if (answer.ok()) continue;
    ++asked;
    silent.push_back(source.profile.name);
  }
  std::error_code ignored;
  fs::remove_all(scratch, ignored);
  const absl::MutexLock lock(&mutex);
  if (!error.has_value() && silent.empty()) {
    return Skipped("no source is a server whose date could be asked for");
  }
  if (!error.has_value()) {
    return Warn("CLOCK_NOT_COMPARED",
                absl::StrCat("no answer with a date from ",
                             absl::StrJoin(silent, ", ")),
                "can this host reach its sources? Compare the clock by hand");
  }
  const std::string text =
      absl::StrCat("this clock is ",
                   absl::FormatDuration(absl::Trunc(absl::AbsDuration(*error),
                                                    absl::Seconds(1))),
                   *error < absl::ZeroDuration() ? " behind" : " ahead of",
                   " the date of ", by);
  if (absl::AbsDuration(*error) > kMostClockError) {
    return Fail("CLOCK_WRONG", text,
                "set the clock right: trustd/INCIDENTS.md, \"A clock was "
                "wrong\"");
  }
  return Ok(text);
}

CheckLine CheckPorts(const Look& look) {
  std::vector<CheckLine> lines;
  for (const DoctorPlace::Listener& listener : look.place.listeners) {
    if (!listener.address.empty()) lines.push_back(CheckPort(look, listener));
  }
  return Worst(std::move(lines), "there is no listener");
}

CheckLine CheckSockets(const Look& look) {
  // Root looks at it for the user of trustd.
  uid_t user = ::geteuid();
  struct stat status;
  if (user == 0 &&
      ::stat(look.place.publisher.data_dir.c_str(), &status) == 0) {
    user = status.st_uid;
  }
  std::vector<CheckLine> lines;
  for (const DoctorPlace::Socket& socket : look.place.sockets) {
    const absl::Status safe = CheckSocketFolder(socket.path, user);
    const std::string text = absl::StrCat(socket.setting, ": ", Text(safe));
    lines.push_back(
        safe.ok() ? Ok(absl::StrCat(socket.setting, ": ", socket.path))
        : absl::IsFailedPrecondition(safe)
            ? Fail("SOCKET_FOLDER_WRITABLE_BY_OTHERS", text,
                   "nobody but root and trustd's user may write there or "
                   "above it")
        : absl::IsNotFound(safe) && !look.running
            ? Warn("SOCKET_FOLDER_GONE", text,
                   "the unit makes it (RuntimeDirectory); without one, mkdir")
            : Fail("SOCKET_FOLDER_UNUSABLE", text,
                   "make the folder, for trustd's user; run this as that user "
                   "or as root"));
  }
  return Worst(std::move(lines), "there is no Unix socket");
}

CheckLine CheckCertificates(const Look& look) {
  std::vector<CheckLine> lines;
  for (const DoctorPlace::Listener& listener : look.place.listeners) {
    if (!listener.certificate_path.empty()) {
      lines.push_back(CheckCertificate(look, listener.setting,
                                       listener.certificate_path,
                                       listener.key_path));
    }
    if (!listener.client_ca_path.empty()) {
      lines.push_back(CheckCertificate(look, listener.setting + " (CA)",
                                       listener.client_ca_path, ""));
    }
  }
  return Worst(std::move(lines), "no listener has TLS");
}

CheckLine CheckSecrets(const Look& look) {
  std::vector<CheckLine> lines;
  for (const DoctorPlace::Secret& secret : look.place.secrets) {
    if (secret.path.empty()) continue;
    const auto read = anchors::ReadPrivateFile(secret.path, kMaxPemBytes);
    lines.push_back(
        read.ok() ? Ok(secret.name)
        : absl::IsFailedPrecondition(read.status())
            ? Fail("SECRET_READABLE_BY_OTHERS",
                   absl::StrCat(secret.name, ": ", Text(read.status())),
                   absl::StrCat("chmod 600 ", secret.path))
            : Fail("SECRET_UNREADABLE",
                   absl::StrCat(secret.name, ": ", Text(read.status())),
                   "run this as the user of trustd or as root; if it is gone, "
                   "make another, and give it to those who need it"));
  }
  return Worst(std::move(lines), "there is none");
}

CheckLine CheckDescriptors(const Look& look) {
  if (!look.running) {
    return Skipped("no trustd runs, and only its unit says how many it has");
  }
  std::ifstream limits(absl::StrCat("/proc/", *look.running, "/limits"));
  std::string line;
  while (std::getline(limits, line)) {
    constexpr absl::string_view kName = "Max open files";
    if (!absl::StartsWith(line, kName)) continue;
    std::istringstream words(line.substr(kName.size()));
    std::string soft, hard;
    std::int64_t most = 0;
    words >> soft >> hard;
    if (hard != "unlimited" && absl::SimpleAtoi(hard, &most) &&
        most < look.place.descriptors) {
      return Warn("DESCRIPTORS_TOO_FEW",
                  absl::StrCat(most, " of ", look.place.descriptors),
                  "LimitNOFILE of the unit, or lower 'limits'");
    }
    return Ok(
        absl::StrCat(hard, ", and ", look.place.descriptors, " are needed"));
  }
  return Skipped("the limits of the process cannot be read");
}

}  // namespace anchorage::trustd
