#include "trustd/serve/http/request_head.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace anchorage::trustd {
namespace {

constexpr std::string_view kEndOfLine = "\r\n";

// Cuts the first line off `text`, and returns it without its end.
std::optional<std::string_view> NextLine(std::string_view& text) {
  const std::size_t end = text.find(kEndOfLine);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + kEndOfLine.size());
  return line;
}

// Cuts off what comes before the first `separator` in `text`, and the separator.
std::optional<std::string_view> NextWord(std::string_view& text,
                                         char separator) {
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end + 1);
  return word;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) !=
               std::string_view::npos;
  });
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c)) && c != '\t';
  });
}

bool IsName(std::string_view name, absl::string_view expected) {
  return absl::EqualsIgnoreCase(absl::string_view(name.data(), name.size()),
                                expected);
}

// What the Connection headers ask for.
struct Wishes {
  bool close = false;
  bool keep_alive = false;
};

void ReadWishes(std::string_view value, Wishes& wishes) {
  for (absl::string_view one :
       absl::StrSplit(absl::string_view(value.data(), value.size()), ',')) {
    one = absl::StripAsciiWhitespace(one);
    wishes.close |= absl::EqualsIgnoreCase(one, "close");
    wishes.keep_alive |= absl::EqualsIgnoreCase(one, "keep-alive");
  }
}

}  // namespace

std::optional<RequestHead> ReadRequestHead(std::string_view head) {
  RequestHead request;
  std::optional<std::string_view> line = NextLine(head);
  if (!line.has_value()) return std::nullopt;
  const auto method = NextWord(*line, ' ');
  const auto target = NextWord(*line, ' ');
  if (!method.has_value() || !IsToken(*method) || !target.has_value() ||
      target->empty() || HasControl(*target)) {
    return std::nullopt;
  }
  request.method = *method;
  request.target = *target;
  const bool is_old = *line == "HTTP/1.0";
  if (!is_old && *line != "HTTP/1.1") return std::nullopt;

  Wishes wishes;
  bool has_body = false;
  while ((line = NextLine(head)).has_value() && !line->empty()) {
    const auto name = NextWord(*line, ':');
    if (!name.has_value() || !IsToken(*name) || HasControl(*line)) {
      return std::nullopt;
    }
    if (IsName(*name, "Connection")) ReadWishes(*line, wishes);
    if (IsName(*name, "Content-Length") || IsName(*name, "Transfer-Encoding")) {
      has_body = true;
    }
    if (IsName(*name, "If-None-Match")) {
      if (!request.if_none_match.empty()) request.if_none_match += ',';
      request.if_none_match += *line;
    }
  }
  if (!line.has_value()) return std::nullopt;
  request.keeps_connection =
      !has_body && !wishes.close && (!is_old || wishes.keep_alive);
  return request;
}

}  // namespace anchorage::trustd
