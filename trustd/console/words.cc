#include "trustd/console/words.h"

#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "anchors/catalog_proto.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

std::string Format(const char* format, absl::Time time) {
  return absl::FormatTime(format, time, absl::UTCTimeZone());
}

// "RE_KEY" is "Re-key", and "SOURCE_ANOMALY" is "Source anomaly".
std::string EnumWords(const std::string& name, std::string_view prefix) {
  std::string words = absl::AsciiStrToLower(
      name.starts_with(prefix) ? name.substr(prefix.size()) : name);
  words = absl::StrReplaceAll(words, {{"_", " "}});
  if (words.starts_with("re ")) words[2] = '-';
  if (!words.empty()) words[0] = absl::ascii_toupper(words[0]);
  return words;
}

}  // namespace

void Put(View& view, const std::string& key, std::string_view text) {
  view.set(key, verify::Printable(text, kMaxWordsBytes));
}

View Lines(std::string_view text) {
  View lines = NewList();
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    lines << verify::Printable({line.data(), line.size()}, kMaxWordsBytes);
  }
  return lines;
}

void PutTime(View& view, absl::Time time, absl::Time now) {
  view.set("date", Minute(time));
  view.set("iso", Iso(time));
  view.set("left", time > now ? Span(time - now)
                              : absl::StrCat("over since ", Span(now - time)));
}

std::string Minute(absl::Time time) {
  return time <= absl::UnixEpoch() ? "never" : Format("%Y-%m-%d %H:%M", time);
}

std::string Day(absl::Time time) { return Format("%Y-%m-%d", time); }

std::string Iso(absl::Time time) {
  return Format("%Y-%m-%d%ET%H:%M:%SZ", time);
}

std::string Span(absl::Duration span) {
  constexpr std::array<std::pair<absl::Duration, const char*>, 5> kUnits = {
      {{absl::Hours(8766), "years"},
       {absl::Hours(730), "months"},
       {absl::Hours(24), "days"},
       {absl::Hours(1), "hours"},
       {absl::Minutes(1), "minutes"}}};
  for (const auto& [unit, name] : kUnits) {
    if (span >= 2 * unit) return absl::StrCat(span / unit, " ", name);
  }
  if (span < absl::Seconds(2)) return "a moment";
  return absl::StrCat(absl::ToInt64Seconds(span), " seconds");
}

std::string Ago(absl::Time time, absl::Time now) {
  if (time <= absl::UnixEpoch()) return "never";
  if (time > now) return absl::StrCat("in ", Span(time - now));
  return absl::StrCat(Span(now - time), " ago");
}

std::string Number(std::uint64_t count) {
  std::string digits = absl::StrCat(count);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string Count(std::uint64_t count, std::string_view noun) {
  return absl::StrCat(Number(count), " ",
                      absl::string_view(noun.data(), noun.size()),
                      count == 1 ? "" : "s");
}

std::string ClassWords(v1::RotationClass rotation_class) {
  return EnumWords(v1::RotationClass_Name(rotation_class), "ROTATION_CLASS_");
}

std::string StateWords(v1::RotationState state) {
  return EnumWords(v1::RotationState_Name(state), "ROTATION_STATE_");
}

std::string SlotText(const v1::Rotation& rotation) {
  const auto slot = anchors::SlotFromProto(rotation.slot());
  return slot.has_value() ? verify::ToString(*slot) : rotation.source();
}

std::string ToneOf(v1::RotationState state) {
  switch (state) {
    case v1::ROTATION_STATE_DETECTED:
    case v1::ROTATION_STATE_CORROBORATED:
    case v1::ROTATION_STATE_APPROVED:
      return "warn";
    case v1::ROTATION_STATE_PUBLISHED:
    case v1::ROTATION_STATE_COMPLETED:
      return "ok";
    default:
      return "quiet";
  }
}

std::string ToneOf(verify::AnchorStatus status) {
  switch (status) {
    case verify::AnchorStatus::kActive:
      return "ok";
    case verify::AnchorStatus::kRetiring:
      return "warn";
    case verify::AnchorStatus::kRevoked:
      return "bad";
    default:
      return "quiet";
  }
}

std::string StatusWords(verify::AnchorStatus status) {
  switch (status) {
    case verify::AnchorStatus::kAnnounced:
      return "announced";
    case verify::AnchorStatus::kActive:
      return "in use";
    case verify::AnchorStatus::kRetiring:
      return "ending";
    case verify::AnchorStatus::kRetired:
      return "retired";
    case verify::AnchorStatus::kRevoked:
      return "revoked";
  }
  return "unknown";
}

}  // namespace anchorage::trustd
