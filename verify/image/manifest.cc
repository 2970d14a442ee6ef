#include "verify/image/manifest.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json_reader.h"
#include "verify/encoding/utf8.h"
#include "verify/enum_table.h"
#include "verify/image/image_error.h"
#include "verify/image/text.h"

namespace anchorage::verify {
namespace {

struct ScopeRow {
  ManifestScope value;
  std::string_view name;
};
constexpr ScopeRow kScopes[] = {
    {ManifestScope::kCode, "code"},
    {ManifestScope::kCodeAndStartup, "code+startup"},
    {ManifestScope::kEverything, "everything"},
};

struct ActionRow {
  MismatchAction value;
  std::string_view name;
};
constexpr ActionRow kActions[] = {
    {MismatchAction::kContinue, "continue"},
    {MismatchAction::kEmergency, "emergency"},
    {MismatchAction::kPowerOff, "power-off"},
};

struct TypeRow {
  EntryType value;
  std::string_view name;
};
constexpr TypeRow kTypes[] = {
    {EntryType::kFile, "file"},
    {EntryType::kLink, "link"},
    {EntryType::kDirectory, "directory"},
    {EntryType::kSpecial, "special"},
};

struct ClassRow {
  FileClass value;
  std::string_view name;
};
constexpr ClassRow kClasses[] = {
    {FileClass::kElf, "elf"},           {FileClass::kModule, "module"},
    {FileClass::kScript, "script"},     {FileClass::kEfi, "efi"},
    {FileClass::kByteCode, "bytecode"}, {FileClass::kExecutable, "executable"},
    {FileClass::kStartUp, "startup"},   {FileClass::kOther, "other"},
};

// The members of each object, sorted: RFC 8785's order.
constexpr std::string_view kManifestMembers[] = {
    "entries", "exclusions", "on_mismatch", "product",
    "scope",   "time",       "version"};
constexpr std::string_view kExclusionMembers[] = {"name", "name_b64"};
constexpr std::string_view kEntryMembers[] = {
    "capability", "class",    "device",  "fsverity_sha256", "gid",  "mode",
    "name",       "name_b64", "package", "sha256",          "size", "target",
    "target_b64", "type",     "uid"};

constexpr std::string_view kTimeFormat = "%Y-%m-%dT%H:%M:%SZ";
constexpr std::uint16_t kAllModeBits = 07777;
constexpr std::uint16_t kLinkMode = 0777;
// The largest integer that every reader of JSON keeps (RFC 8785 3.2.2.3).
constexpr std::uint64_t kMaxJsonInteger = (std::uint64_t{1} << 53) - 1;
// Entries are rarely shorter: a vector that grows holds them twice for a moment.
// Room that is not used is an address and no memory.
constexpr std::size_t kShortEntryBytes = 150;
constexpr std::size_t kShownBytes = 40;

absl::Status Malformed(std::string_view what) {
  return RefuseImage(ImageReason::kManifestMalformed, what);
}

absl::Status TooLarge(std::string_view what) {
  return RefuseImage(ImageReason::kManifestTooLarge, what);
}

// --- Rules -----------------------------------------------------------------

bool IsVisibleAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < '\x7f'; });
}

bool IsNumber(absl::string_view text) {
  std::uint32_t number = 0;
  return absl::SimpleAtoi(text, &number) && absl::StrCat(number) == text;
}

bool IsSpecialTarget(std::string_view target) {
  if (target == "fifo" || target == "socket") return true;
  const std::pair<absl::string_view, absl::string_view> kind =
      absl::StrSplit(Abseil(target), absl::MaxSplits(' ', 1));
  const std::pair<absl::string_view, absl::string_view> device =
      absl::StrSplit(kind.second, absl::MaxSplits(':', 1));
  return (kind.first == "character" || kind.first == "block") &&
         IsNumber(device.first) && IsNumber(device.second);
}

bool IsLinkTarget(std::string_view target) {
  return !target.empty() && target.size() <= kMaxNameBytes &&
         target.find('\0') == target.npos;
}

bool IsTargetOf(const ManifestEntry& entry) {
  switch (entry.type) {
    case EntryType::kLink:
      return IsLinkTarget(entry.target);
    case EntryType::kSpecial:
      return IsSpecialTarget(entry.target);
    case EntryType::kFile:
    case EntryType::kDirectory:
      return entry.target.empty();
  }
  return false;
}

// Whether what only a file has is absent.
bool HasNothingOfFile(const ManifestEntry& entry) {
  return entry.file_class == FileClass::kOther && entry.size == 0 &&
         entry.sha256 == Sha256Bytes{} && !entry.fsverity_sha256.has_value() &&
         entry.capability.empty();
}

// Returns what is wrong with an entry; empty for nothing.
std::string_view ProblemOf(const ManifestEntry& entry) {
  if (!IsEntryName(entry.name)) return "the name is not one of an entry";
  if ((entry.mode & ~kAllModeBits) != 0)
    return "the mode has more than 12 bits";
  if (entry.type == EntryType::kLink && entry.mode != kLinkMode) {
    return "the mode of a link is not 0777";
  }
  if (entry.type != EntryType::kFile && !HasNothingOfFile(entry)) {
    return "it has what only a file has";
  }
  if (entry.size > kMaxJsonInteger) return "the size is 2^53 or more";
  if (entry.capability.size() > kMaxCapabilityBytes) {
    return "the capability is too long";
  }
  if (!IsTargetOf(entry)) return "the target is not one of its type";
  if (entry.package.size() > kMaxPackageBytes ||
      !IsVisibleAscii(entry.package)) {
    return "the package is not up to 255 characters of visible ASCII";
  }
  return "";
}

absl::Status CheckExclusions(absl::Span<const std::string> exclusions) {
  if (exclusions.size() > kMaxExclusions)
    return TooLarge("too many exclusions");
  for (std::size_t i = 0; i < exclusions.size(); ++i) {
    if (!IsEntryName(exclusions[i])) {
      return Malformed(
          absl::StrCat("an exclusion is no name: ", exclusions[i]));
    }
    if (i > 0 && (exclusions[i] <= exclusions[i - 1] ||
                  IsExcluded(exclusions.first(i), exclusions[i]))) {
      return Malformed(
          absl::StrCat("exclusions are not sorted, or one is below another: ",
                       exclusions[i]));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckEntries(const ImageManifest& manifest) {
  const std::vector<ManifestEntry>& entries = manifest.entries;
  if (entries.empty()) return Malformed("there is no entry");
  if (entries.size() > kMaxManifestEntries) return TooLarge("too many entries");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::string_view problem = ProblemOf(entries[i]);
    if (problem.empty() && i > 0 && entries[i].name <= entries[i - 1].name) {
      problem = "it is not sorted, or occurs twice";
    }
    if (problem.empty() && IsExcluded(manifest.exclusions, entries[i].name)) {
      problem = "it is excluded";
    }
    if (!problem.empty()) {
      return Malformed(
          absl::StrCat("entry ", entries[i].name, ": ", Abseil(problem)));
    }
  }
  return absl::OkStatus();
}

// --- Writing ---------------------------------------------------------------

// Whether a name stands in JSON as it is, and not in base64.
bool IsPlain(std::string_view bytes) {
  if (!IsUtf8(bytes)) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte < 0x20 || byte == 0x7f) return false;
    // U+0080 to U+009F.
    if (byte == 0xc2 && static_cast<unsigned char>(bytes[i + 1]) < 0xa0) {
      return false;
    }
  }
  return true;
}

// Appends a manifest to `buffer`: its beginning, each entry, the rest.
class Writer {
 public:
  explicit Writer(std::string& buffer) : buffer_(buffer) {
    buffer_ += "{\"entries\":[";
  }

  void Append(const ManifestEntry& entry) {
    if (!is_first_) Next();
    is_first_ = false;
    Entry(entry);
  }

  void Finish(const ImageManifest& manifest) {
    buffer_ += "],\"exclusions\":[";
    for (std::size_t i = 0; i < manifest.exclusions.size(); ++i) {
      buffer_ += i > 0 ? ",{" : "{";
      Bytes("name", manifest.exclusions[i]);
      buffer_ += '}';
    }
    buffer_ += "],";
    Text("on_mismatch", NameOf(manifest.on_mismatch));
    Next();
    Text("product", manifest.product);
    Next();
    Text("scope", NameOf(manifest.scope));
    Next();
    Text("time", absl::FormatTime(Abseil(kTimeFormat), manifest.time,
                                  absl::UTCTimeZone()));
    Next();
    Text("version", manifest.version.ToString());
    buffer_ += '}';
  }

 private:
  void Next() { buffer_ += ','; }

  void Text(std::string_view member, std::string_view value) {
    absl::StrAppend(&buffer_, "\"", Abseil(member), "\":\"");
    for (const char c : value) {
      if (c == '"' || c == '\\') buffer_ += '\\';
      buffer_ += c;
    }
    buffer_ += '"';
  }
  // A name or a target.
  void Bytes(std::string_view member, std::string_view value) {
    if (IsPlain(value)) return Text(member, value);
    absl::StrAppend(&buffer_, "\"", Abseil(member), "_b64\":\"",
                    absl::Base64Escape(Abseil(value)), "\"");
  }
  void Number(std::string_view member, std::uint64_t value) {
    absl::StrAppend(&buffer_, "\"", Abseil(member), "\":", value);
  }

  void Entry(const ManifestEntry& entry) {
    const bool is_file = entry.type == EntryType::kFile;
    buffer_ += '{';
    if (!entry.capability.empty()) {
      Text("capability", absl::BytesToHexString(entry.capability));
      Next();
    }
    if (is_file) {
      Text("class", NameOf(entry.file_class));
      Next();
    }
    if (entry.type == EntryType::kSpecial) {
      Text("device", entry.target);
      Next();
    }
    if (entry.fsverity_sha256.has_value()) {
      Text("fsverity_sha256", HexOf(*entry.fsverity_sha256));
      Next();
    }
    Number("gid", entry.gid);
    Next();
    if (entry.type != EntryType::kLink) {
      Text("mode", absl::StrFormat("%04o", entry.mode));
      Next();
    }
    Bytes("name", entry.name);
    Next();
    if (!entry.package.empty()) {
      Text("package", entry.package);
      Next();
    }
    if (is_file) {
      Text("sha256", HexOf(entry.sha256));
      Next();
      Number("size", entry.size);
      Next();
    }
    if (entry.type == EntryType::kLink) {
      Bytes("target", entry.target);
      Next();
    }
    Text("type", NameOf(entry.type));
    Next();
    Number("uid", entry.uid);
    buffer_ += '}';
  }

  std::string& buffer_;
  bool is_first_ = true;
};

// --- Reading ---------------------------------------------------------------

// Whether a manifest is written as `text`: one manifest has one text, so that a
// missing member, one that its type does not have and any other spelling show
// here. Follows what is read, entry by entry.
class CanonicalText {
 public:
  explicit CanonicalText(std::string_view text) : text_(text), rest_(text) {}

  // Returns what of the text is as it must be, so far.
  std::string_view Next(const ManifestEntry& entry) {
    if (due_.empty()) {
      writer_.Append(entry);
      Compare();
    }
    return text_.substr(0, text_.size() - rest_.size());
  }

  absl::Status Finish(const ImageManifest& manifest) {
    if (due_.empty()) {
      writer_.Finish(manifest);
      Compare();
    }
    if (due_.empty() && rest_.empty()) return absl::OkStatus();
    return RefuseImage(
        ImageReason::kManifestNotCanonical,
        absl::StrCat("at byte ", text_.size() - rest_.size(), ": ",
                     Abseil(rest_.substr(0, kShownBytes)), " where ",
                     due_.empty() ? "the end" : due_, " is due"));
  }

 private:
  void Compare() {
    const auto same = std::mismatch(buffer_.begin(), buffer_.end(),
                                    rest_.begin(), rest_.end());
    due_ = std::string(same.first, buffer_.end()).substr(0, kShownBytes);
    rest_.remove_prefix(static_cast<std::size_t>(same.second - rest_.begin()));
    buffer_.clear();
  }

  const std::string_view text_;
  std::string_view rest_;
  // What should stand there, where something else does.
  std::string due_;
  std::string buffer_;
  Writer writer_{buffer_};
};

// Reads the objects of a manifest. Every call puts what is wrong into `status`
// and returns false.
class Reader {
 public:
  Reader(std::string_view text, OnRead on_read)
      : json_(text, {.max_depth = kMaxDepth}),
        canonical_(text),
        text_bytes_(text.size()),
        on_read_(on_read) {}

  absl::Status Read(ImageManifest& out) {
    const bool good = Object(kManifestMembers, [&](std::string_view member) {
      return ManifestMember(member, out);
    });
    if (!good || !Ok(json_.Finish())) return status_;
    if (absl::Status s = CheckManifest(out); !s.ok()) return s;
    return canonical_.Finish(out);
  }

 private:
  static constexpr int kMaxDepth = 4;
  using OnMember = absl::FunctionRef<bool(std::string_view)>;
  using OnElement = absl::FunctionRef<bool()>;

  bool Fail(std::string_view what) {
    status_ = Malformed(what);
    return false;
  }
  bool Ok(const absl::Status& status) {
    return status.ok() || Fail(Sentence(status));
  }

  // Reads an object whose members are some of `members`, in their order.
  bool Object(std::span<const std::string_view> members, OnMember on_member) {
    if (!Ok(json_.EnterObject())) return false;
    auto from = members.begin();
    while (true) {
      JsonToken name;
      const absl::StatusOr<bool> more = json_.NextMember(name);
      if (!more.ok()) return Ok(more.status());
      if (!*more) return true;
      const auto found = std::find(from, members.end(), name.text);
      if (found == members.end()) {
        return Fail(
            absl::StrCat("a member is unknown, out of order or there "
                         "twice: ",
                         Abseil(name.text)));
      }
      from = found + 1;
      if (!on_member(*found)) return false;
    }
  }
  bool Array(OnElement on_element) {
    if (!Ok(json_.EnterArray())) return false;
    while (true) {
      const absl::StatusOr<bool> more = json_.NextElement();
      if (!more.ok()) return Ok(more.status());
      if (!*more) return true;
      if (!on_element()) return false;
    }
  }
  bool Text(std::string& out) {
    JsonToken token;
    if (!Ok(json_.ReadValue(token))) return false;
    if (token.kind != JsonKind::kString) return Fail("a value is no string");
    out = token.Decoded();
    return true;
  }
  bool Base64(std::string& out) {
    std::string text;
    if (!Text(text)) return false;
    absl::StatusOr<std::string> bytes = DecodeBase64(text);
    if (!bytes.ok()) return Fail("a value is no base64");
    out = *std::move(bytes);
    return true;
  }
  bool HexBytes(std::string& out) {
    std::string text;
    if (!Text(text)) return false;
    absl::StatusOr<std::string> bytes = DecodeHex(text);
    if (!bytes.ok()) return Fail("a value is no hex");
    out = *std::move(bytes);
    return true;
  }
  bool DigestOf(Sha256Bytes& out) {
    std::string bytes;
    if (!HexBytes(bytes)) return false;
    if (bytes.size() != out.size()) return Fail("a digest has no 32 bytes");
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return true;
  }
  template <typename Integer>
  bool Number(Integer& out) {
    JsonToken token;
    if (!Ok(json_.ReadValue(token))) return false;
    if (token.kind != JsonKind::kNumber ||
        !absl::SimpleAtoi(Abseil(token.text), &out)) {
      return Fail("a value is not a whole number in its range");
    }
    return true;
  }
  bool Mode(std::uint16_t& out) {
    std::string text;
    if (!Text(text)) return false;
    std::uint32_t mode = 0;
    for (const char c : text) {
      if (c < '0' || c > '7' || mode > kAllModeBits) {
        return Fail("a mode is not four octal digits");
      }
      mode = mode * 8 + static_cast<std::uint32_t>(c - '0');
    }
    if (mode > kAllModeBits) return Fail("a mode is not four octal digits");
    out = static_cast<std::uint16_t>(mode);
    return true;
  }
  template <typename Enum>
  bool Named(std::optional<Enum> (*named)(std::string_view), Enum& out) {
    std::string text;
    if (!Text(text)) return false;
    const std::optional<Enum> value = named(text);
    if (!value.has_value()) {
      return Fail(absl::StrCat("a value is none of those allowed: ", text));
    }
    out = *value;
    return true;
  }
  bool Time(absl::Time& out) {
    std::string text;
    if (!Text(text)) return false;
    return absl::ParseTime(Abseil(kTimeFormat), text, &out, nullptr) ||
           Fail("the time is not YYYY-MM-DDThh:mm:ssZ");
  }
  bool Version(ImageVersion& out) {
    std::string text;
    if (!Text(text)) return false;
    const absl::StatusOr<ImageVersion> version = ImageVersion::Parse(text);
    if (!version.ok()) {
      status_ = version.status();
      return false;
    }
    out = *version;
    return true;
  }

  bool ManifestMember(std::string_view member, ImageManifest& out) {
    if (member == "entries") {
      out.entries.reserve(
          std::min(kMaxManifestEntries, text_bytes_ / kShortEntryBytes + 1));
      return Array([&] { return Entry(out.entries); });
    }
    if (member == "exclusions") {
      return Array([&] { return Exclusion(out.exclusions); });
    }
    if (member == "on_mismatch") {
      return Named(&MismatchActionNamed, out.on_mismatch);
    }
    if (member == "product") return Text(out.product);
    if (member == "scope") return Named(&ManifestScopeNamed, out.scope);
    if (member == "time") return Time(out.time);
    return Version(out.version);
  }

  bool Exclusion(std::vector<std::string>& out) {
    if (out.size() == kMaxExclusions) {
      status_ = TooLarge("too many exclusions");
      return false;
    }
    out.emplace_back();
    return Object(kExclusionMembers, [&](std::string_view member) {
      return member == "name" ? Text(out.back()) : Base64(out.back());
    });
  }

  bool Entry(std::vector<ManifestEntry>& out) {
    if (out.size() == kMaxManifestEntries) {
      status_ = TooLarge("too many entries");
      return false;
    }
    ManifestEntry& entry = out.emplace_back();
    const bool good = Object(kEntryMembers, [&](std::string_view member) {
      return EntryMember(member, entry);
    });
    if (!good) return false;
    if (entry.type == EntryType::kLink) entry.mode |= kLinkMode;
    on_read_(canonical_.Next(entry));
    return true;
  }

  bool EntryMember(std::string_view member, ManifestEntry& out) {
    if (member == "capability") return HexBytes(out.capability);
    if (member == "class") return Named(&FileClassNamed, out.file_class);
    if (member == "fsverity_sha256") {
      return DigestOf(out.fsverity_sha256.emplace());
    }
    if (member == "gid") return Number(out.gid);
    if (member == "mode") return Mode(out.mode);
    if (member == "name") return Text(out.name);
    if (member == "name_b64") return Base64(out.name);
    if (member == "package") return Text(out.package);
    if (member == "sha256") return DigestOf(out.sha256);
    if (member == "size") return Number(out.size);
    if (member == "device" || member == "target") return Text(out.target);
    if (member == "target_b64") return Base64(out.target);
    if (member == "type") return Named(&EnumTable<kTypes>::Named, out.type);
    return Number(out.uid);
  }

  JsonReader json_;
  CanonicalText canonical_;
  const std::size_t text_bytes_;
  const OnRead on_read_;
  absl::Status status_;
};

}  // namespace

std::string_view NameOf(ManifestScope scope) {
  return EnumTable<kScopes>::Of(scope).name;
}
std::string_view NameOf(MismatchAction action) {
  return EnumTable<kActions>::Of(action).name;
}
std::string_view NameOf(EntryType type) {
  return EnumTable<kTypes>::Of(type).name;
}
std::string_view NameOf(FileClass file_class) {
  return EnumTable<kClasses>::Of(file_class).name;
}
std::optional<ManifestScope> ManifestScopeNamed(std::string_view name) {
  return EnumTable<kScopes>::Named(name);
}
std::optional<MismatchAction> MismatchActionNamed(std::string_view name) {
  return EnumTable<kActions>::Named(name);
}
std::optional<FileClass> FileClassNamed(std::string_view name) {
  return EnumTable<kClasses>::Named(name);
}

bool IsEntryName(std::string_view name) {
  if (name.size() > kMaxNameBytes || name.find('\0') != name.npos) return false;
  while (true) {
    const std::string_view part = name.substr(0, name.find('/'));
    if (part.empty() || part.size() > kMaxNamePartBytes || part == "." ||
        part == "..") {
      return false;
    }
    if (part.size() == name.size()) return true;
    name.remove_prefix(part.size() + 1);
  }
}

bool IsExcluded(absl::Span<const std::string> exclusions,
                std::string_view name) {
  if (exclusions.empty()) return false;
  for (std::size_t end = name.find('/');; end = name.find('/', end + 1)) {
    if (std::binary_search(exclusions.begin(), exclusions.end(),
                           name.substr(0, end), std::less<>())) {
      return true;
    }
    if (end == name.npos) return false;
  }
}

absl::Status CheckManifest(const ImageManifest& manifest) {
  if (manifest.content_only) return Malformed("a foreign manifest");
  if (manifest.product.empty() || manifest.product.size() > kMaxProductBytes ||
      !IsVisibleAscii(manifest.product)) {
    return Malformed("the product is not 1 to 64 characters of visible ASCII");
  }
  absl::Time read;
  if (!absl::ParseTime(Abseil(kTimeFormat),
                       absl::FormatTime(Abseil(kTimeFormat), manifest.time,
                                        absl::UTCTimeZone()),
                       &read, nullptr) ||
      read != manifest.time || read < absl::UnixEpoch()) {
    return Malformed("the time is not in whole seconds from 1970 to 9999");
  }
  if (absl::Status s = CheckExclusions(manifest.exclusions); !s.ok()) return s;
  return CheckEntries(manifest);
}

absl::StatusOr<std::string> SerializePredicate(const ImageManifest& manifest) {
  if (absl::Status s = CheckManifest(manifest); !s.ok()) return s;
  std::string text;
  Writer writer(text);
  for (const ManifestEntry& entry : manifest.entries) writer.Append(entry);
  writer.Finish(manifest);
  if (text.size() > kMaxPredicateBytes) return TooLarge("the manifest");
  return text;
}

absl::StatusOr<ImageManifest> ParsePredicate(std::string_view text,
                                             OnRead on_read) {
  if (text.size() > kMaxPredicateBytes) return TooLarge("the manifest");
  ImageManifest manifest;
  if (absl::Status s = Reader(text, on_read).Read(manifest); !s.ok()) return s;
  return manifest;
}

}  // namespace anchorage::verify
