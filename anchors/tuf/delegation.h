// Which delegated role to ask for a target, and in which order.
//
//   DelegationWalk walk(path, set.targets());
//   while (auto edge = walk.Next()) walk.Visit(Load(*edge));
//
// Pre-order, depth first, in the order of each delegator's list; each role is
// asked once; a terminating delegation that covers the target ends the search
// for everything that was still to be asked. Pure: the caller does the loading.

#ifndef ANCHORAGE_ANCHORS_TUF_DELEGATION_H_
#define ANCHORAGE_ANCHORS_TUF_DELEGATION_H_

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anchors/tuf/metadata.h"

namespace anchorage::anchors::tuf {

// Whether `path` has the form of `pattern`: as many segments, and in each
// segment `*` stands for any characters and `?` for one. Nothing else is
// special, and neither stands for a slash. Time is at most the product of the
// lengths.
bool MatchesPathPattern(std::string_view pattern, std::string_view path);

class DelegationWalk {
 public:
  struct Edge {
    std::shared_ptr<const Targets> delegator;
    std::string role;
  };

  // Starts below `top`, whose own targets the caller has asked already.
  DelegationWalk(std::string_view target_path,
                 std::shared_ptr<const Targets> top);

  // Returns the next role to ask; nullopt when all have been asked.
  std::optional<Edge> Next();

  // Continues below the role that Next() returned last.
  void Visit(const std::shared_ptr<const Targets>& role);

 private:
  std::string target_path_;
  std::vector<Edge> stack_;  // the next one last
  std::set<std::string> visited_;
};

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_TUF_DELEGATION_H_
