#include "trustd/console/console_config.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/host_port.h"
#include "trustd/base/config_reader.h"
#include "trustd/net/socket_file.h"

namespace anchorage::trustd {
namespace {

constexpr char kDefaultAddress[] = "127.0.0.1:7445";
constexpr std::size_t kMaxUserBytes = 64;

void ReadAddress(const v1::ConsoleConfig& proto, ConfigReader& reader,
                 ConsoleSettings& settings) {
  if (!proto.unix_socket().empty()) {
    settings.unix_socket = reader.Path(proto.unix_socket(), "unix_socket");
    if (!proto.listen_address().empty()) {
      reader.Fail("'unix_socket' and 'listen_address' exclude each other");
    }
    if (settings.unix_socket.size() > kMaxSocketPathBytes) {
      reader.Fail(absl::StrCat("'unix_socket' must be at most ",
                               kMaxSocketPathBytes, " bytes"));
    }
    return;
  }
  settings.listen_address =
      reader.Address(proto.listen_address(), kDefaultAddress, "listen_address");
  const auto address = anchors::ParseHostPort(settings.listen_address);
  settings.is_local =
      address.has_value() && anchors::IsLoopbackHost(address->host);
}

void ReadHostNames(const v1::ConsoleConfig& proto, ConfigReader& reader,
                   ConsoleSettings& settings) {
  if (proto.host_names_size() > kMaxConsoleHostNames) {
    reader.Fail(
        absl::StrCat("'host_names' are at most ", kMaxConsoleHostNames));
  }
  for (const std::string& name : proto.host_names()) {
    const bool is_host =
        !name.empty() && name.size() <= kMaxHostNameBytes &&
        std::all_of(name.begin(), name.end(), [](unsigned char c) {
          return absl::ascii_isalnum(c) ||
                 std::string_view("-._[]:").find(static_cast<char>(c)) !=
                     std::string_view::npos;
        });
    if (!is_host ||
        (name.front() != '[' && name.find(':') != std::string::npos)) {
      reader.Fail(absl::StrCat("'", name,
                               "' of 'host_names' is no name of a host "
                               "without a port"));
    }
    settings.host_names.push_back(absl::AsciiStrToLower(name));
  }
  if (!settings.is_local && settings.host_names.empty()) {
    reader.Fail("'host_names' is required: no browser could reach it");
  }
}

void ReadReader(const v1::BasicConfig& proto, ConfigReader& reader,
                ConsoleSettings& settings) {
  const std::string& user = proto.user();
  const bool is_user =
      !user.empty() && user.size() <= kMaxUserBytes &&
      std::all_of(user.begin(), user.end(), [](unsigned char c) {
        return absl::ascii_isprint(c) && c != ':';
      });
  if (!is_user) {
    reader.Fail(
        "'basic' needs a 'user' of 1 to 64 printable characters but ':'");
  }
  if (proto.password_hash_path().empty()) {
    reader.Fail("'basic' needs 'password_hash_path'");
  }
  settings.user = user;
  settings.password_hash_path =
      reader.Path(proto.password_hash_path(), "basic.password_hash_path");
}

void ReadTls(const v1::TrustdConfig& config, ConfigReader& reader,
             ConsoleSettings& settings) {
  const v1::ConsoleConfig& proto = config.console();
  const bool by_certificate = !proto.client_ca_path().empty();
  if (!proto.has_tls()) {
    if (!settings.is_local) {
      reader.Fail(absl::StrCat("'", settings.listen_address,
                               "' is not of the loopback interface: set "
                               "'tls', and 'client_ca_path' or 'basic'"));
    }
    if (by_certificate || proto.has_basic()) {
      reader.Fail("'client_ca_path' and 'basic' need 'tls'");
    }
    return;
  }
  if (proto.tls().certificate_path().empty() ||
      proto.tls().key_path().empty()) {
    reader.Fail("'tls' needs 'certificate_path' and 'key_path'");
  }
  if (by_certificate == proto.has_basic()) {
    reader.Fail("with 'tls' set either 'client_ca_path' or 'basic'");
  }
  if (by_certificate && !config.has_admin()) {
    reader.Fail("'client_ca_path' needs 'admin', whose 'people' may read");
  }
  settings.tls_certificate_path =
      reader.Path(proto.tls().certificate_path(), "tls.certificate_path");
  settings.tls_key_path = reader.Path(proto.tls().key_path(), "tls.key_path");
  settings.client_ca_path =
      reader.Path(proto.client_ca_path(), "client_ca_path");
  if (proto.has_basic()) ReadReader(proto.basic(), reader, settings);
}

}  // namespace

absl::StatusOr<ConsoleSettings> ReadConsoleSettings(v1::TrustdConfig& config,
                                                    const std::string& path) {
  ConfigReader reader(path, "'console'", config.mutable_console());
  ConsoleSettings settings;
  ReadAddress(config.console(), reader, settings);
  ReadTls(config, reader, settings);
  ReadHostNames(config.console(), reader, settings);
  if (!reader.status().ok()) return reader.status();
  return settings;
}

}  // namespace anchorage::trustd
