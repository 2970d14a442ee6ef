// A store in memory, for tests: its commits can be made to fail.

#ifndef ANCHORAGE_TEST_SUPPORT_FAKE_STORE_H_
#define ANCHORAGE_TEST_SUPPORT_FAKE_STORE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "trustd/base/store.h"

namespace anchorage::trustd {

// Not thread-safe. While `failure` is not OK, commits change nothing and
// return it.
class FakeStore final : public Store {
 public:
  absl::StatusOr<std::optional<std::string>> Get(
      std::string_view key) const override {
    const auto found = values.find(std::string(key));
    if (found == values.end()) return std::nullopt;
    return found->second;
  }

  absl::Status Commit(const StoreBatch& batch) override {
    if (!failure.ok()) return failure;
    if (commits_left.has_value()) {
      if (*commits_left == 0) return absl::UnavailableError("crashed");
      --*commits_left;
    }
    for (const auto& change : batch.changes()) {
      if (change.value.has_value()) {
        values[change.key] = *change.value;
      } else {
        values.erase(change.key);
      }
    }
    return absl::OkStatus();
  }

  absl::Status Scan(
      std::string_view prefix,
      const std::function<bool(std::string_view, std::string_view)>& visit)
      const override {
    for (auto at = values.lower_bound(std::string(prefix));
         at != values.end() && at->first.starts_with(prefix); ++at) {
      if (!visit(at->first, at->second)) break;
    }
    return absl::OkStatus();
  }

  std::map<std::string, std::string> values;
  absl::Status failure;
  // How many more commits succeed; none set: all.
  std::optional<int> commits_left;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_FAKE_STORE_H_
