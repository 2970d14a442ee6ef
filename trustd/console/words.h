// How pages say things: dates, durations, names, numbers.
//
// Whatever others wrote goes into a view by Put(), which makes all of it
// visible; the templates escape it for HTML. Pure.

#ifndef ANCHORAGE_TRUSTD_CONSOLE_WORDS_H_
#define ANCHORAGE_TRUSTD_CONSOLE_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <kainjow/mustache.hpp>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "proto/anchorage/v1/catalog.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// What a template shows.
using View = kainjow::mustache::data;

// The longest text that a page shows of one field, in bytes.
inline constexpr std::size_t kMaxWordsBytes = 4096;

// Sets `key` of `view` to `text`, as verify::Printable() has it.
void Put(View& view, const std::string& key, std::string_view text);

// The same, line by line: a list of strings.
View Lines(std::string_view text);

// An empty list.
inline View NewList() { return View(View::type::list); }

// Sets `date`, `iso` and, as time from `now` on, `left`.
void PutTime(View& view, absl::Time time, absl::Time now);

// Such as "2026-11-29 21:12"; "never" for the beginning of time.
std::string Minute(absl::Time time);
// Such as "2026-11-29".
std::string Day(absl::Time time);
// RFC 3339.
std::string Iso(absl::Time time);

// Such as "3 minutes", "4 years": the largest unit of which there are two or
// more.
std::string Span(absl::Duration span);
// Such as "3 minutes ago"; "never" for the beginning of time.
std::string Ago(absl::Time time, absl::Time now);

// A number with its noun, such as "1 region", "12,000 regions".
std::string Count(std::uint64_t count, std::string_view noun);
// Such as "12,000".
std::string Number(std::uint64_t count);

// Such as "Re-key", "Source anomaly".
std::string ClassWords(v1::RotationClass rotation_class);
std::string StateWords(v1::RotationState state);

// A slot in the form of verify::ToString(); of an anomaly of a source as a
// whole, the source's name.
std::string SlotText(const v1::Rotation& rotation);

// How grave something is: "ok", "quiet", "warn" or "bad", of which the style
// sheet knows a colour and a shape.
std::string ToneOf(v1::RotationState state);
std::string ToneOf(verify::AnchorStatus status);
std::string StatusWords(verify::AnchorStatus status);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_CONSOLE_WORDS_H_
