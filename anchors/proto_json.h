// The proto3 mapping of messages to JSON, read strictly and written
// canonically: what the texts of catalogs and of releases share.
//
//   absl::Status status;
//   const auto text = FlatJson::Read(
//       json, {.max_bytes = 4096},
//       {.name = "anchors",
//        .limit = 8,
//        .read = [&](const FlatValue& anchor, std::size_t i) {
//          Read(JsonFields(anchor, "catalog.anchors", i, &status));
//        }});
//   if (!text.ok()) return text.status();
//   JsonFields fields(text->value(), "catalog", &status);
//   catalog.created = fields.RequiredTime("createdTime");
//   if (!status.ok()) return status;
//
// For the files of this folder only. Not thread-safe, but without state that
// outlives a call.

#ifndef ANCHORAGE_ANCHORS_PROTO_JSON_H_
#define ANCHORAGE_ANCHORS_PROTO_JSON_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "verify/encoding/json.h"
#include "verify/encoding/json_reader.h"
#include "verify/reason.h"

namespace anchorage::anchors {

// --- What a text can say ----------------------------------------------------

// Sequence numbers are from 1 to this.
inline constexpr std::uint64_t kMaxSequence = INT64_MAX;

// Whether `time` is a whole second of the years 1 to 9999: protobuf's Timestamp
// has no other years, and our texts have no fractions.
bool IsWritable(absl::Time time);
bool IsWritable(const std::optional<absl::Time>& time);

bool IsPrintableAscii(std::string_view text);

template <typename T>
struct EnumName {
  T value;
  std::string_view name;
};

template <typename T, std::size_t N>
std::string_view NameIn(const std::array<EnumName<T>, N>& names, T value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "";
}

// --- Reading ----------------------------------------------------------------

// One value of a FlatJson.
struct FlatValue {
  // Of a member, decoded.
  std::string_view name;
  // A string decoded, any other value as it stands; not of an array or object.
  std::string_view text;
  verify::JsonKind kind = verify::JsonKind::kNull;
  // How many values it consists of, itself included. They follow one another,
  // so the next element or member is that much further.
  std::uint32_t size = 1;
  // How many elements or members it has.
  std::uint32_t children = 0;

  // The first element or member, and the end of the last.
  const FlatValue* begin() const { return this + 1; }
  const FlatValue* end() const { return this + size; }
};

// The values of one text, read as strictly as verify::ParseJson() and without
// copies: a catalog is read at each start of a client. The text must outlive
// this.
class FlatJson {
 public:
  // The long array of a text, which is a member of the outermost object. Its
  // elements are given to `read`, one by one and with their indices, and are
  // not kept. Those from `limit` on are not even given.
  struct List {
    std::string_view name;
    std::size_t limit;
    absl::FunctionRef<void(const FlatValue&, std::size_t)> read;
  };

  // Fails as verify::ParseJson() does; then what `list.read` made is of no use.
  static absl::StatusOr<FlatJson> Read(std::string_view text,
                                       const verify::JsonLimits& limits,
                                       const List& list);

  const FlatValue& value() const { return values_.front(); }

 private:
  // `list` is null but for the value that it is, or the object that it is in.
  absl::Status ReadValue(verify::JsonReader& json, std::string_view name,
                         const List* list);
  absl::Status ReadMembers(verify::JsonReader& json, std::size_t object,
                           const List* list);
  absl::Status ReadElements(verify::JsonReader& json, std::size_t array,
                            const List* list);
  void Close(std::size_t at, std::size_t children);
  std::string_view Decoded(const verify::JsonToken& token);

  std::vector<FlatValue> values_;
  // Names and strings with escapes.
  std::deque<std::string> decoded_;
  // Of the objects that are being read, those of the innermost last.
  std::vector<std::string_view> names_;
};

// Reads the members of one object. The first failure is kept in `status`,
// shared by all objects of one text; after it every read gives a default, so
// that a caller checks once, at the end. The value, `name` and `status` must
// outlive this, and this what was read from it.
class JsonFields {
 public:
  // `name` is what the whole text is called.
  JsonFields(const FlatValue& value, std::string_view name,
             absl::Status* status)
      : JsonFields(value, nullptr, name, kNoIndex, *status) {}
  // Of an element of a FlatJson::List, `name` is what the list is called.
  JsonFields(const FlatValue& value, std::string_view name, std::size_t index,
             absl::Status* status)
      : JsonFields(value, nullptr, name, index, *status) {}

  void Fail(verify::Reason reason, std::string_view name,
            std::string_view what);

  // The default of a string is the empty one, which the text leaves out.
  std::string OptionalString(std::string_view name);
  std::string RequiredString(std::string_view name);
  bool OptionalBool(std::string_view name);
  // Base64 in its canonical form: one text for the same bytes.
  std::string RequiredBytes(std::string_view name);
  std::uint64_t RequiredUint64(std::string_view name);
  // "YYYY-MM-DDTHH:MM:SSZ" and no other form.
  absl::Time RequiredTime(std::string_view name);
  std::optional<absl::Time> OptionalTime(std::string_view name);
  // "300s". The default is zero, which the text leaves out.
  absl::Duration OptionalSeconds(std::string_view name);
  // An absent array is empty.
  std::vector<std::string> OptionalStrings(std::string_view name,
                                           std::size_t limit);

  // nullopt for a name that we do not know; the type's own "unspecified" is an
  // error.
  template <typename T, std::size_t N>
  std::optional<T> RequiredEnum(std::string_view name,
                                const std::array<EnumName<T>, N>& names) {
    const std::string_view text = RequiredText(name);
    for (const auto& [value, known] : names) {
      if (text == known) return value;
    }
    if (text.ends_with("_UNSPECIFIED")) {
      Fail(verify::Reason::kFieldInvalid, name, "is unspecified");
    }
    return std::nullopt;
  }

  // Calls `read` with each object of an array; an absent array is empty, and so
  // is a FlatJson::List, of which only kind and length are checked.
  template <typename Read>
  void ForEach(std::string_view name, std::size_t limit, Read read) {
    std::size_t i = 0;
    ForEachIn(verify::JsonKind::kArray, name, limit, [&](const FlatValue& at) {
      if (!status_.ok()) return;
      read(JsonFields(at, this, name, i++, status_));
    });
  }

  // Calls `read` with the name and the text of each member of an object whose
  // members are strings; an absent object is empty.
  template <typename Read>
  void ForEachString(std::string_view name, std::size_t limit, Read read) {
    ForEachIn(verify::JsonKind::kObject, name, limit, [&](const FlatValue& at) {
      read(std::string(at.name), std::string(TextOf(at, name)));
    });
  }

  JsonFields RequiredObject(std::string_view name);

 private:
  static constexpr std::size_t kNoIndex = std::string_view::npos;

  JsonFields(const FlatValue& value, const JsonFields* parent,
             std::string_view name, std::size_t index, absl::Status& status);

  // Where the object stands: "catalog.anchors[3].slot".
  std::string Path() const;
  const FlatValue* Find(std::string_view name) const;
  const FlatValue* Required(std::string_view name);
  std::string_view RequiredText(std::string_view name);
  std::string_view TextOf(const FlatValue& member, std::string_view name);
  // Calls `read` with each element or member of an array or object.
  void ForEachIn(verify::JsonKind kind, std::string_view name,
                 std::size_t limit,
                 absl::FunctionRef<void(const FlatValue&)> read);

  const FlatValue& value_;
  // Null for the whole text.
  const JsonFields* const parent_;
  const std::string_view name_;
  const std::size_t index_;
  absl::Status& status_;
};

// --- Writing ----------------------------------------------------------------

// Writes one object: the first brace when it is made, the last when it is
// destroyed. Members that have their default value are left out. Strings must
// be printable ASCII.
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_.push_back('{'); }
  ~JsonObject() { out_.push_back('}'); }
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  void Key(std::string_view name);
  void String(std::string_view name, std::string_view text);
  void Bytes(std::string_view name, std::string_view bytes);
  void Time(std::string_view name, const std::optional<absl::Time>& time);
  void Strings(std::string_view name, const std::vector<std::string>& texts);

  // Calls `write` for each of `values`, which writes one object.
  template <typename T, typename Write>
  void Array(std::string_view name, const std::vector<T>& values, Write write) {
    if (values.empty()) return;
    Key(name);
    char separator = '[';
    for (const T& value : values) {
      out_.push_back(separator);
      separator = ',';
      write(value);
    }
    out_.push_back(']');
  }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_PROTO_JSON_H_
