#include "client/instance/attestation_program.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/instance/bounded_process.h"
#include "client/instance/instance_error.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/printable.h"

namespace anchorage::client {
namespace {

constexpr int kMaxLinks = 16;
constexpr std::size_t kMaxMessagesBytes = 1024;

absl::Status Fail(InstanceReason reason, absl::string_view detail) {
  return NotFromInstance(reason, {detail.data(), detail.size()});
}

// --- The file ----------------------------------------------------------------

absl::Status CannotLook(const std::string& path, int error) {
  const std::string detail = absl::StrCat(path, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return Fail(InstanceReason::kAttestationAbsent, detail);
    case EACCES:
      return Fail(InstanceReason::kAttestationForbidden, detail);
    default:
      return Fail(InstanceReason::kInstanceUnavailable, detail);
  }
}

absl::Status CheckOwner(const std::string& path, const struct stat& found) {
  if (found.st_uid != 0 && found.st_uid != ::geteuid()) {
    return Fail(InstanceReason::kAttestationForbidden,
                absl::StrCat(path, " belongs to the user ", found.st_uid,
                             ": it must be root's, or this process's user's"));
  }
  // Nobody writes a link, and its own mode says that everybody does.
  if (!S_ISLNK(found.st_mode) && (found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Fail(InstanceReason::kAttestationForbidden,
                absl::StrCat(path, " can be written by others than its owner: ",
                             // A folder for everybody, such as /tmp, stays so.
                             (found.st_mode & S_ISVTX) != 0
                                 ? "keep the program elsewhere"
                                 : "'chmod go-w' it, or keep the program "
                                   "elsewhere"));
  }
  return absl::OkStatus();
}

absl::StatusOr<struct stat> Look(const std::string& path) {
  struct stat found;
  if (::lstat(path.c_str(), &found) != 0) return CannotLook(path, errno);
  if (absl::Status s = CheckOwner(path, found); !s.ok()) return s;
  return found;
}

absl::StatusOr<std::string> ReadLink(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t length = ::readlink(path.c_str(), target, sizeof(target));
  if (length < 0) return CannotLook(path, errno);
  return std::string(target, static_cast<std::size_t>(length));
}

// Takes the first name off `rest`; empty where there is none.
std::string TakeName(std::string& rest) {
  rest.erase(0, rest.find_first_not_of('/'));
  const std::string name = rest.substr(0, rest.find('/'));
  rest.erase(0, name.size());
  return name;
}

// --- The answer --------------------------------------------------------------

// What the program said, behind what is wrong.
std::string WithMessages(const std::string& what, const ProcessResult& result) {
  const std::string said =
      verify::Printable(result.messages, kMaxMessagesBytes);
  return absl::StrCat(what, said.empty() ? "" : "; on standard error: ", said);
}

absl::Status CannotStart(const absl::Status& why) {
  return Fail(absl::IsPermissionDenied(why)
                  ? InstanceReason::kAttestationForbidden
                  : InstanceReason::kInstanceUnavailable,
              why.message());
}

absl::StatusOr<std::string> DocumentOf(const std::string& program,
                                       ProcessResult result,
                                       const AttestationRequest& request) {
  switch (result.end) {
    case ProcessEnd::kTimedOut:
      return Fail(
          InstanceReason::kAttestationTimeout,
          WithMessages(absl::StrCat(program, " took too long"), result));
    case ProcessEnd::kTooMuchOutput:
      return Fail(
          InstanceReason::kAttestationAnswerInvalid,
          WithMessages(
              absl::StrCat(program, " printed more than ",
                           verify::kMaxAttestationDocumentBytes, " bytes"),
              result));
    case ProcessEnd::kSignalled:
      return Fail(InstanceReason::kAttestationRefused,
                  WithMessages(absl::StrCat(program, " was ended by signal ",
                                            result.code),
                               result));
    case ProcessEnd::kExited:
      if (result.code == 0) break;
      return Fail(InstanceReason::kAttestationRefused,
                  WithMessages(
                      absl::StrCat(program, " ended with status ", result.code),
                      result));
    case ProcessEnd::kNotKnown:
      // A whole document is one, however the program ended.
      break;
  }
  if (absl::Status s = CheckAttestationAnswer(result.output, request);
      !s.ok()) {
    return Fail(
        InstanceReason::kAttestationAnswerInvalid,
        WithMessages(absl::StrCat("what ", program, " printed: ", s.message()),
                     result));
  }
  return std::move(result.output);
}

}  // namespace

absl::StatusOr<std::string> TrustedProgram(const std::string& path) {
  if (path.empty() || path.front() != '/' ||
      path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", verify::Printable(path), "' is no absolute path"));
  }
  auto found = Look("/");
  std::string at;
  std::string rest = path;
  int links = 0;
  for (std::string name = TakeName(rest); found.ok() && !name.empty();
       name = TakeName(rest)) {
    if (name == ".") continue;
    if (name == "..") {
      at.erase(at.empty() ? 0 : at.rfind('/'));
      found = Look(at.empty() ? "/" : at);
      continue;
    }
    const std::string next = absl::StrCat(at, "/", name);
    found = Look(next);
    if (!found.ok() || !S_ISLNK(found->st_mode)) {
      at = next;
      continue;
    }
    if (++links > kMaxLinks) return CannotLook(path, ELOOP);
    const auto target = ReadLink(next);
    if (!target.ok()) return target.status();
    if (target->front() == '/') at.clear();
    rest = absl::StrCat(*target, rest);
  }
  if (!found.ok()) return found.status();
  if (!S_ISREG(found->st_mode)) {
    return Fail(InstanceReason::kAttestationForbidden,
                absl::StrCat(path, " is no regular file"));
  }
  return at;
}

absl::StatusOr<std::string> AskAttestationProgram(
    const std::string& program, absl::Duration timeout,
    const AttestationRequest& request) {
  if (absl::Status s = CheckAttestationRequest(request); !s.ok()) return s;
  const auto trusted = TrustedProgram(program);
  if (!trusted.ok()) return trusted.status();
  BoundedProcess process = {
      .program = *trusted,
      .timeout = timeout,
      .max_output_bytes = verify::kMaxAttestationDocumentBytes,
      .max_messages_bytes = kMaxMessagesBytes};
  const auto add = [&process](const char* flag,
                              const std::optional<std::string>& value) {
    if (!value.has_value()) return;
    process.arguments.push_back(flag);
    process.arguments.push_back(
        absl::StrCat("/proc/self/fd/", 3 + process.inputs.size()));
    process.inputs.push_back(*value);
  };
  add("--user-data", request.user_data);
  add("--nonce", request.nonce);
  add("--public-key", request.public_key);
  auto result = RunBounded(process);
  if (!result.ok()) return CannotStart(result.status());
  return DocumentOf(*trusted, *std::move(result), request);
}

}  // namespace anchorage::client
