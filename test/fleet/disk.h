// A host's disk below a client's cache: in memory, and it survives the client.

#ifndef ANCHORAGE_TEST_FLEET_DISK_H_
#define ANCHORAGE_TEST_FLEET_DISK_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "client/cache_folder.h"
#include "test/simulation/world.h"

namespace anchorage::fleet {

class Disk {
 public:
  // From now on, after `writes` more files, nothing reaches the disk: the power
  // is about to fail.
  void FailAfter(int writes) { writes_left_ = writes; }
  void PowerIsBack() { writes_left_ = -1; }

  // Makes one file of those that are there something else: cut, changed or
  // gone; returns its name, empty where there is none.
  std::string Damage(simulation::Dice& dice);
  void Clear() { files_.clear(); }
  bool empty() const { return files_.empty(); }
  bool has(std::string_view name) const {
    return files_.find(name) != files_.end();
  }

  // The folder as a client has it. The disk outlives it.
  std::unique_ptr<client::CacheFolder> Open();

 private:
  class Folder;
  struct File {
    std::shared_ptr<const std::string> bytes;
    std::uint64_t stamp = 0;
  };

  std::map<std::string, File, std::less<>> files_;
  std::uint64_t stamp_ = 0;
  int writes_left_ = -1;
};

}  // namespace anchorage::fleet

#endif  // ANCHORAGE_TEST_FLEET_DISK_H_
