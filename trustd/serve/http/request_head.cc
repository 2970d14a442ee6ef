#include "trustd/serve/http/request_head.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
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

// Adds the value of one more header of a name.
void Append(std::string_view value, std::string& values) {
  if (!values.empty()) values += ',';
  values += value;
}

// Reads the value of a Content-Length: digits, and no other way to write the
// same number.
std::optional<std::size_t> ReadLength(std::string_view value) {
  const absl::string_view text =
      absl::StripAsciiWhitespace({value.data(), value.size()});
  constexpr std::size_t kMostDigits = 9;
  std::size_t length = 0;
  if (text.size() > kMostDigits ||
      text.find_first_not_of("0123456789") != text.npos ||
      (text.size() > 1 && text.front() == '0') ||
      !absl::SimpleAtoi(text, &length)) {
    return std::nullopt;
  }
  return length;
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
  int lengths = 0;
  int hosts = 0;
  bool is_encoded = false;
  while ((line = NextLine(head)).has_value() && !line->empty()) {
    const auto name = NextWord(*line, ':');
    if (!name.has_value() || !IsToken(*name) || HasControl(*line)) {
      return std::nullopt;
    }
    if (IsName(*name, "Connection")) ReadWishes(*line, wishes);
    if (IsName(*name, "Content-Length")) {
      ++lengths;
      request.content_length = ReadLength(*line);
    }
    if (IsName(*name, "Transfer-Encoding")) is_encoded = true;
    if (IsName(*name, "If-None-Match")) Append(*line, request.if_none_match);
    if (IsName(*name, "Content-Type")) Append(*line, request.content_type);
    if (IsName(*name, "Authorization")) Append(*line, request.authorization);
    if (IsName(*name, "Host")) {
      ++hosts;
      const absl::string_view host =
          absl::StripAsciiWhitespace({line->data(), line->size()});
      request.host = std::string_view(host.data(), host.size());
    }
    if (IsName(*name, "X-Forwarded-For")) Append(*line, request.forwarded_for);
  }
  if (!line.has_value()) return std::nullopt;
  if (hosts != 1) request.host.reset();
  if (lengths != 1 || is_encoded) request.content_length.reset();
  const bool is_kept = !wishes.close && (!is_old || wishes.keep_alive);
  request.keeps_connection = is_kept && lengths == 0 && !is_encoded;
  request.keeps_after_body = is_kept && request.content_length.has_value();
  return request;
}

}  // namespace anchorage::trustd
