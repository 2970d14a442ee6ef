#include "test/fleet/disk.h"

#include <iterator>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace anchorage::fleet {
namespace {

// One copy of what many disks hold: most files are the same on all.
std::shared_ptr<const std::string> Share(std::string_view bytes) {
  static auto* const shelf =
      new std::map<std::string_view, std::weak_ptr<const std::string>>();
  const auto found = shelf->find(bytes);
  if (found != shelf->end()) {
    if (auto shared = found->second.lock()) return shared;
    shelf->erase(found);
  }
  std::shared_ptr<const std::string> kept(new std::string(bytes),
                                          [](const std::string* gone) {
                                            shelf->erase(*gone);
                                            delete gone;
                                          });
  shelf->emplace(*kept, kept);
  return kept;
}

}  // namespace

class Disk::Folder final : public client::CacheFolder {
 public:
  explicit Folder(Disk& disk) : disk_(disk) {}

  absl::StatusOr<std::string> Read(std::string_view name,
                                   std::size_t max_bytes) override {
    const auto found = disk_.files_.find(name);
    if (found == disk_.files_.end()) return absl::NotFoundError("not there");
    if (found->second.bytes->size() > max_bytes) {
      return absl::OutOfRangeError("longer");
    }
    return *found->second.bytes;
  }

  std::string Stamp(std::string_view name) override {
    const auto found = disk_.files_.find(name);
    return found == disk_.files_.end() ? "" : absl::StrCat(found->second.stamp);
  }

  absl::StatusOr<std::vector<std::string>> ListRoots() override {
    constexpr std::string_view kFolder = "root_history/";
    std::vector<std::string> names;
    for (const auto& [name, file] : disk_.files_) {
      if (name.starts_with(kFolder)) {
        names.push_back(name.substr(kFolder.size()));
      }
    }
    return names;
  }

  absl::StatusOr<std::unique_ptr<Writer>> BeginWrite() override {
    return std::make_unique<Pen>(disk_);
  }

 private:
  class Pen final : public Writer {
   public:
    explicit Pen(Disk& disk) : disk_(disk) {}

    absl::Status Write(std::string_view name, std::string_view bytes) override {
      if (!Reaches()) return absl::OkStatus();
      File& file = disk_.files_[std::string(name)];
      file.bytes = Share(bytes);
      file.stamp = ++disk_.stamp_;
      return absl::OkStatus();
    }
    absl::Status Remove(std::string_view name) override {
      const auto found = disk_.files_.find(name);
      if (Reaches() && found != disk_.files_.end()) disk_.files_.erase(found);
      return absl::OkStatus();
    }

   private:
    bool Reaches() {
      if (disk_.writes_left_ == 0) return false;
      if (disk_.writes_left_ > 0) --disk_.writes_left_;
      return true;
    }

    Disk& disk_;
  };

  Disk& disk_;
};

std::string Disk::Damage(simulation::Dice& dice) {
  if (files_.empty()) return "";
  auto at = files_.begin();
  std::advance(at, dice.Below(static_cast<int>(files_.size())));
  const std::string name = at->first;
  std::string bytes = *at->second.bytes;
  const int how = dice.Below(3);
  if (how == 0 || bytes.empty()) {
    files_.erase(at);
    return name;
  }
  const auto where =
      static_cast<std::size_t>(dice.Below(static_cast<int>(bytes.size())));
  if (how == 1) bytes.resize(where);
  if (how == 2) bytes[where] ^= static_cast<char>(1 << dice.Below(8));
  at->second.bytes = Share(bytes);
  at->second.stamp = ++stamp_;
  return name;
}

std::unique_ptr<client::CacheFolder> Disk::Open() {
  return std::make_unique<Folder>(*this);
}

}  // namespace anchorage::fleet
