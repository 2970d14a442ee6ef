// A trustd's first publication, of the baked-in catalog.

#ifndef ANCHORAGE_TEST_BENCH_PUBLISHED_H_
#define ANCHORAGE_TEST_BENCH_PUBLISHED_H_

#include <memory>
#include <string>

#include "trustd/config.h"
#include "trustd/publish/publication.h"

namespace anchorage::bench {

// A folder that goes with the program.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// An online trustd in `folder`, on any port of the loopback interface.
trustd::Config ConfigIn(const std::string& folder);

// Signs it as a trustd does at its first start.
std::shared_ptr<const trustd::Publication> PublishBakedIn();

}  // namespace anchorage::bench

#endif  // ANCHORAGE_TEST_BENCH_PUBLISHED_H_
