// The three values of an attestation document that are of one session, as flags:
// what it is to hold, for who asks for one and for who verifies it.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_SESSION_FLAGS_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_SESSION_FLAGS_H_

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace anchorage::trustctl {

// As bytes; nullopt for what is not given.
struct Session {
  std::optional<std::string> nonce;
  std::optional<std::string> user_data;
  std::optional<std::string> public_key;
};

class SessionFlags {
 public:
  // Adds --nonce, --user-data and --public-key for hex, and the same with -file
  // for a file.
  void AddTo(CLI::App& command, const std::string& group);

  bool given() const {
    return nonce_.given() || user_data_.given() || public_key_.given();
  }

  // Reads what was given; of a PEM file the public key in it. No value is empty.
  absl::StatusOr<Session> Read() const;

 private:
  // Bytes: as hex, or as those of a file.
  struct Bytes {
    std::string hex;
    std::string file;
    bool given() const { return !hex.empty() || !file.empty(); }
    absl::StatusOr<std::optional<std::string>> Read() const;
  };

  Bytes nonce_;
  Bytes user_data_;
  Bytes public_key_;
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_SESSION_FLAGS_H_
