// The pages' templates (templates/), which are part of the program. They are
// ours alone: nothing that others wrote is ever read as a template, and whatever
// a template shows is escaped for HTML by the library.

#ifndef ANCHORAGE_TRUSTD_CONSOLE_TEMPLATES_H_
#define ANCHORAGE_TRUSTD_CONSOLE_TEMPLATES_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "trustd/console/words.h"

namespace anchorage::trustd {

// Thread-safe.
class Templates {
 public:
  Templates();

  // Returns the page `name` with `view`, which the frame of all pages is in
  // too. Throws std::out_of_range for a name that is not in Names().
  std::string Render(const std::string& name, const View& view) const;

  std::vector<std::string> Names() const;
  // What is wrong with a template; empty if nothing is.
  std::string Problem() const;

 private:
  // Rendering is not const in the library, so pages are rendered one by one.
  mutable absl::Mutex mutex_;
  mutable std::map<std::string, kainjow::mustache::mustache> pages_
      ABSL_GUARDED_BY(mutex_);
};

std::string_view StyleSheet();
std::string_view Icon();

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_CONSOLE_TEMPLATES_H_
