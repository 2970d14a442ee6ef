#include "test/fleet/network.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace anchorage::fleet {
namespace {

using Answer = absl::StatusOr<std::string>;

// In a thousand.
constexpr int kLost = 10;
constexpr int kLate = 10;

constexpr std::string_view kTimestamp = "timestamp.json";

// The version in "7.root.json"; nullopt for another name.
std::optional<std::int64_t> RootVersion(std::string_view name) {
  constexpr std::string_view kSuffix = ".root.json";
  std::int64_t version = 0;
  if (!name.ends_with(kSuffix) ||
      !absl::SimpleAtoi(
          absl::string_view(name.data(), name.size() - kSuffix.size()),
          &version)) {
    return std::nullopt;
  }
  return version;
}

Answer Find(const Vendor::Files& files, std::string_view name,
            std::size_t max_bytes) {
  const auto found = files.find(name);
  if (found == files.end()) return absl::NotFoundError("no such file");
  if (found->second.size() > max_bytes) return absl::OutOfRangeError("longer");
  return found->second;
}

class LineFetcher final : public anchors::tuf::Fetcher {
 public:
  LineFetcher(Network& network, Line& line, absl::Duration time)
      : network_(network), line_(line), time_(time) {}

  Answer FetchMetadata(std::string_view name, std::size_t max_bytes) override {
    return Fetch(name, max_bytes, /*is_target=*/false);
  }
  Answer FetchTarget(std::string_view name, std::size_t max_bytes) override {
    return Fetch(name, max_bytes, /*is_target=*/true);
  }

 private:
  Answer Fetch(std::string_view name, std::size_t max_bytes, bool is_target) {
    if (line_.elapsed >= time_) return absl::DeadlineExceededError("too late");
    const auto root = RootVersion(name);
    switch (line_.weather) {
      case Weather::kFair:
        return FromTrustd(name, max_bytes, is_target);
      case Weather::kPartition:
        return absl::UnavailableError("no way to the server");
      case Weather::kStalled:
        line_.elapsed += network_.timeout;
        return absl::DeadlineExceededError("no end");
      case Weather::kReplay:
        return Replayed(name, max_bytes, is_target);
      case Weather::kNonsense:
        return Nonsense(name, max_bytes, is_target);
      case Weather::kRootsAlone:
        if (!root.has_value()) return absl::UnavailableError("blocked");
        return FromTrustd(name, max_bytes, is_target);
      case Weather::kForger:
        if (root.has_value()) return FromTrustd(name, max_bytes, is_target);
        return FromRepository(network_.vendor.forger(), name, max_bytes,
                              is_target);
      case Weather::kThief:
        if (root.has_value() || network_.vendor.thief() == nullptr) {
          return FromTrustd(name, max_bytes, is_target);
        }
        line_.saw_thiefs_timestamp |= name == kTimestamp;
        return FromRepository(*network_.vendor.thief(), name, max_bytes,
                              is_target);
    }
    return absl::UnavailableError("no such weather");
  }

  Answer Served(std::string_view name, std::size_t max_bytes,
                bool is_target) const {
    const Vendor& vendor = network_.vendor;
    return Find(is_target ? vendor.targets() : vendor.metadata(), name,
                max_bytes);
  }

  static Answer FromRepository(
      const anchors::tuf::RepositorySimulator& repository,
      std::string_view name, std::size_t max_bytes, bool is_target) {
    return Find(is_target ? repository.files : repository.metadata, name,
                max_bytes);
  }

  Answer FromTrustd(std::string_view name, std::size_t max_bytes,
                    bool is_target) {
    if (!network_.vendor.is_up()) return absl::UnavailableError("refused");
    network_.requests.Add(network_.minute);
    if (!line_.was_counted) network_.refreshes.Add(network_.minute);
    line_.was_counted = true;
    const int chance = network_.dice.Below(1000);
    if (chance < kLost) return absl::UnavailableError("lost");
    if (chance < kLost + kLate) {
      const absl::Duration took =
          absl::Milliseconds(network_.dice.Below(40'000));
      line_.elapsed += std::min(took, network_.timeout);
      if (took > network_.timeout) return absl::DeadlineExceededError("late");
    }
    Answer answer = Served(name, max_bytes, is_target);
    const auto root = RootVersion(name);
    if (answer.ok() && root.has_value()) {
      line_.roots_seen = std::max(line_.roots_seen, *root);
    }
    return answer;
  }

  Answer Replayed(std::string_view name, std::size_t max_bytes,
                  bool is_target) {
    if (const auto root = RootVersion(name); root.has_value()) {
      if (*root > line_.root) return absl::NotFoundError("no such file");
      line_.roots_seen = std::max(line_.roots_seen, *root);
    }
    if (name != kTimestamp) return Served(name, max_bytes, is_target);
    return Served(absl::StrCat(line_.timestamp, ".timestamp.json"), max_bytes,
                  is_target);
  }

  Answer Nonsense(std::string_view name, std::size_t max_bytes,
                  bool is_target) {
    simulation::Dice& dice = network_.dice;
    switch (dice.Below(7)) {
      case 0:
        return "<html><body>Sign in to the network</body></html>";
      case 1:
        return std::string();
      case 2:
        return absl::NotFoundError("no such file");
      case 3:
        return absl::OutOfRangeError("longer");
      case 4: {
        std::string noise(
            std::min<std::size_t>(
                max_bytes, static_cast<std::size_t>(1 + dice.Below(4000))),
            '\0');
        for (char& c : noise) c = static_cast<char>(dice.Below(256));
        return noise;
      }
      case 5: {
        Answer answer = Served(name, max_bytes, is_target);
        if (answer.ok() && !answer->empty()) {
          answer->resize(static_cast<std::size_t>(
              dice.Below(static_cast<int>(answer->size()))));
        }
        return answer;
      }
      default: {
        // Another file of the same repository.
        const Vendor::Files& files = network_.vendor.metadata();
        auto at = files.begin();
        std::advance(at, dice.Below(static_cast<int>(
                             std::min<std::size_t>(files.size(), 64))));
        return Find(files, at->first, max_bytes);
      }
    }
  }

  Network& network_;
  Line& line_;
  const absl::Duration time_;
};

}  // namespace

std::string_view NameOf(Weather weather) {
  switch (weather) {
    case Weather::kFair:
      return "fair";
    case Weather::kPartition:
      return "partition";
    case Weather::kStalled:
      return "stalled";
    case Weather::kReplay:
      return "replay";
    case Weather::kNonsense:
      return "nonsense";
    case Weather::kRootsAlone:
      return "roots alone";
    case Weather::kForger:
      return "forger";
    case Weather::kThief:
      return "thief";
  }
  return "";
}

std::int64_t Load::worst() const {
  std::int64_t worst = 0;
  for (const auto& [minute, count] : counts_) worst = std::max(worst, count);
  return worst;
}

std::int64_t Load::worst_minute() const {
  const auto worst = std::max_element(
      counts_.begin(), counts_.end(),
      [](const auto& a, const auto& b) { return a.second < b.second; });
  return worst == counts_.end() ? 0 : worst->first;
}

std::int64_t Load::total() const {
  std::int64_t total = 0;
  for (const auto& [minute, count] : counts_) total += count;
  return total;
}

std::unique_ptr<anchors::tuf::Fetcher> LineTransport::Begin(
    const anchors::BundleVersions& /*have*/, std::string /*held_timestamp*/,
    absl::Duration time) {
  line_.elapsed = absl::ZeroDuration();
  line_.was_counted = false;
  return std::make_unique<LineFetcher>(network_, line_, time);
}

}  // namespace anchorage::fleet
