#include "anchors/tuf/delegation.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "verify/crypto/public_key.h"

namespace anchorage::anchors::tuf {
namespace {

TEST(PathPatternTest, ComparesSegmentBySegment) {
  struct Case {
    const char* pattern;
    const char* path;
    bool matches;
  };
  const Case cases[] = {
      {"*", "a", true},
      {"*", "", true},
      {"*", "a/b", false},
      {"*/*", "a/b", true},
      {"*/*", "a/b/c", false},
      {"*/*", "a", false},
      {"a/*", "a/b", true},
      {"a/*", "b/b", false},
      {"*.txt", "f.txt", true},
      {"*.txt", "f.TXT", false},
      {"*.txt", "f.txt.gz", false},
      {"f?.txt", "f1.txt", true},
      {"f?.txt", "f.txt", false},
      {"f?.txt", "f12.txt", false},
      {"?", "/", false},
      {"?", "\xc3\xa9", true},
      {"??", "\xc3\xa9", false},
      {"[ab]", "a", false},
      {"[ab]", "[ab]", true},
      {"\\*", "*", false},
      {"a**b", "ab", true},
      {"a*b*c", "a-b-b-c", true},
      {"a*b*c", "a-c-b", false},
      {"", "", true},
      {"", "a", false},
      {"a", "a/", false},
      {"a/", "a/", true},
      {"/a", "a", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(MatchesPathPattern(c.pattern, c.path), c.matches)
        << c.pattern << " and " << c.path;
  }
}

TEST(PathPatternTest, TakesNoLongerForManyStars) {
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "*a";
  EXPECT_FALSE(MatchesPathPattern(pattern + "b", std::string(2000, 'a')));
}

TEST(DelegationTest, CoversPathsWhoseHashHasAPrefix) {
  const std::string hash = verify::Sha256Hex("path");
  Delegation delegation;
  delegation.path_hash_prefixes = {{hash.substr(0, 4)}};
  EXPECT_TRUE(delegation.Covers("path"));
  EXPECT_FALSE(delegation.Covers("Path"));
  delegation.path_hash_prefixes = {{hash}};
  EXPECT_TRUE(delegation.Covers("path"));
  delegation.path_hash_prefixes = {{hash + "0"}};
  EXPECT_FALSE(delegation.Covers("path"));
  delegation.path_hash_prefixes.emplace();
  EXPECT_FALSE(delegation.Covers("path"));
}

TEST(DelegationWalkTest, NeverAsksTheTopLevelRoleAgain) {
  auto top = std::make_shared<Targets>();
  top->delegations.emplace();
  Delegation delegation;
  delegation.name = "targets";
  delegation.paths = {{"*"}};
  top->delegations->roles.push_back(delegation);
  DelegationWalk walk("path", top);
  EXPECT_FALSE(walk.Next().has_value());
}

}  // namespace
}  // namespace anchorage::anchors::tuf
