#include "client/memory.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "verify/crypto/public_key.h"

namespace anchorage::client {
namespace {

constexpr std::string_view kFirstLine = "anchorage client memory 1\n";
constexpr std::size_t kMaxSigners = 64;
constexpr std::size_t kSha256HexBytes = 64;
// A memory of before there were more targets has the floor of so many.
constexpr std::size_t kLeastFloors = 2;

absl::Status Damaged() {
  return absl::DataLossError("the memory of the cache is damaged");
}

// Seconds since 1970, and 0 before: a clock that reads earlier is wrong anyway.
std::int64_t Seconds(absl::Time time) {
  return std::max<std::int64_t>(0, absl::ToUnixSeconds(time));
}

absl::Time TimeOf(std::int64_t seconds) {
  if (seconds == absl::ToUnixSeconds(absl::InfiniteFuture())) {
    return absl::InfiniteFuture();
  }
  return absl::FromUnixSeconds(seconds);
}

// The lines of a text, one after another, each of which must be there.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }

  // Returns what follows "NAME " in the next line; nullopt, without advancing,
  // if that line has another name.
  std::optional<std::string_view> Take(std::string_view name) {
    const std::size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    if (end == std::string_view::npos || !line.starts_with(name) ||
        line.substr(name.size(), 1) != " ") {
      return std::nullopt;
    }
    rest_.remove_prefix(end + 1);
    return line.substr(name.size() + 1);
  }

  // Takes a line of at least `count` numbers, and at most `max_count`.
  std::optional<std::vector<std::int64_t>> TakeNumbers(std::string_view name,
                                                       std::size_t count,
                                                       std::size_t max_count) {
    const auto line = Take(name);
    if (!line.has_value() || line->size() > 32 * max_count) return std::nullopt;
    std::vector<std::int64_t> numbers;
    for (const absl::string_view word :
         absl::StrSplit(absl::string_view(line->data(), line->size()), ' ')) {
      if (!absl::SimpleAtoi(word, &numbers.emplace_back())) {
        return std::nullopt;
      }
      if (numbers.back() < 0) return std::nullopt;
    }
    if (numbers.size() < count || numbers.size() > max_count) {
      return std::nullopt;
    }
    return numbers;
  }

  // Takes a line of one number.
  std::optional<std::int64_t> TakeNumber(std::string_view name) {
    const auto numbers = TakeNumbers(name, 1, 1);
    if (!numbers.has_value()) return std::nullopt;
    return numbers->front();
  }

 private:
  std::string_view rest_;
};

// The floors in the order of the targets, without those at the end that are 0:
// programs that know fewer targets read them too while there are no others.
std::string FloorsText(const anchors::Sequences& floor) {
  std::string text;
  std::string pending;
  std::size_t count = 0;
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    absl::StrAppend(&pending, " ", floor.Of(kind.name));
    if (++count > kLeastFloors && floor.Of(kind.name) == 0) continue;
    absl::StrAppend(&text, pending);
    pending.clear();
  }
  return text;
}

// Returns the text before the last line, "sha256 HEX", if that is its hash.
std::optional<std::string_view> CheckedText(std::string_view text) {
  constexpr std::string_view kLabel = "sha256 ";
  constexpr std::size_t kLast = kLabel.size() + kSha256HexBytes + 1;
  if (text.size() < kLast || text.size() > kMaxMemoryBytes) {
    return std::nullopt;
  }
  const std::string_view body = text.substr(0, text.size() - kLast);
  const std::string last =
      absl::StrCat("sha256 ", verify::Sha256Hex(body), "\n");
  if (text.substr(body.size()) != last) return std::nullopt;
  return body;
}

}  // namespace

bool CanStillSign(const std::vector<std::string>& keys,
                  const anchors::tuf::RoleKeys& role) {
  const auto left = std::count_if(
      role.keyids.begin(), role.keyids.end(), [&](const std::string& id) {
        return std::find(keys.begin(), keys.end(), id) != keys.end();
      });
  return left >= role.threshold;
}

std::string Serialize(const Memory& memory) {
  std::string text = absl::StrCat(
      absl::string_view(kFirstLine.data(), kFirstLine.size()), "root ",
      memory.root_version, "\nadopted ", Seconds(memory.adopted), "\nfresh ",
      Seconds(memory.fresh_until), "\novertaken ", Seconds(memory.overtaken),
      "\nfloor");
  absl::StrAppend(&text, FloorsText(memory.floor), "\n");
  for (const std::string& signer : memory.floor_signers) {
    absl::StrAppend(&text, "signer ", signer, "\n");
  }
  if (const std::string json = AnchorsText(memory.revoked); !json.empty()) {
    absl::StrAppend(&text, "anchors ", json, "\n");
  }
  if (const std::string json = ReleasesText(memory.revoked); !json.empty()) {
    absl::StrAppend(&text, "releases ", json, "\n");
  }
  absl::StrAppend(&text, "sha256 ", verify::Sha256Hex(text), "\n");
  return text;
}

absl::StatusOr<Memory> ParseMemory(std::string_view text) {
  const auto body = CheckedText(text);
  if (!body.has_value() || !body->starts_with(kFirstLine)) return Damaged();
  Lines lines(body->substr(kFirstLine.size()));
  const auto kinds = anchors::TargetKinds();
  const auto root = lines.TakeNumber("root");
  const auto adopted = lines.TakeNumber("adopted");
  const auto fresh = lines.TakeNumber("fresh");
  const auto overtaken = lines.TakeNumber("overtaken");
  const auto floor = lines.TakeNumbers("floor", kLeastFloors, kinds.size());
  if (!root || !adopted || !fresh || !overtaken || !floor) return Damaged();
  Memory memory;
  memory.root_version = *root;
  memory.adopted = TimeOf(*adopted);
  memory.fresh_until = TimeOf(*fresh);
  memory.overtaken = TimeOf(*overtaken);
  for (std::size_t i = 0; i < floor->size(); ++i) {
    memory.floor.Set(kinds[i].name, static_cast<std::uint64_t>((*floor)[i]));
  }
  while (const auto signer = lines.Take("signer")) {
    if (signer->size() != kSha256HexBytes ||
        memory.floor_signers.size() == kMaxSigners) {
      return Damaged();
    }
    memory.floor_signers.emplace_back(*signer);
  }
  const std::string_view anchors = lines.Take("anchors").value_or("");
  const std::string_view releases = lines.Take("releases").value_or("");
  if (!lines.done()) return Damaged();
  auto revoked = ParseRevoked(anchors, releases);
  if (!revoked.ok()) return Damaged();
  memory.revoked = *std::move(revoked);
  return memory;
}

}  // namespace anchorage::client
