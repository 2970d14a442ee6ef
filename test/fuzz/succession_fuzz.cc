// Input: two catalogs, JSON, with a zero byte between them.
// Holds for any that can be read:
//   1. a catalog may follow itself, one number later;
//   2. a step is OK if and only if it has no problem, and problems are bounded,
//      name their anchor and have a sentence;
//   3. naming what a step takes back into use leaves no problem of that, and
//      every other one;
//   4. whoever names all there is undoes no revocation;
//   5. if one may follow the other, the other may not follow it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "anchors/catalog.h"
#include "anchors/succession.h"
#include "test/fuzz/fuzz.h"
#include "verify/anchor_set.h"

namespace anchorage::test {
namespace {

using anchors::Catalog;
using anchors::SuccessorProblem;
using anchors::SuccessorReason;

bool IsForNaming(const SuccessorProblem& problem) {
  return problem.reason == SuccessorReason::kReactivated ||
         problem.reason == SuccessorReason::kWindowWidened;
}

void CheckItself(const Catalog& catalog) {
  Catalog next = catalog;
  ++next.sequence;
  // The last number, or a text that was as long as can be.
  if (catalog.skipped > 0 || !anchors::CheckCatalog(next).ok() ||
      anchors::SerializeCatalog(next).size() > anchors::kMaxCatalogBytes) {
    return;
  }
  Require(anchors::CheckSuccessor(catalog, next).ok(),
          "a catalog may follow itself");
}

void CheckPair(const Catalog& before, const Catalog& after) {
  const auto problems = anchors::FindSuccessorProblems(before, after);
  Require(problems.size() <= anchors::kMaxSuccessorProblems,
          "problems are bounded");
  Require(anchors::CheckSuccessor(before, after).ok() == problems.empty(),
          "OK is to have no problem");
  for (const SuccessorProblem& problem : problems) {
    Require(!problem.sentence.empty(), "a problem has a sentence");
    Require(problem.reason < SuccessorReason::kAnchorLost ||
                !problem.spki_sha256.empty(),
            "a problem of an anchor names it");
  }

  const auto named = anchors::FindReactivated(before, after);
  const auto rest = anchors::FindSuccessorProblems(before, after, named);
  for (const SuccessorProblem& problem : rest) {
    const bool is_revoked = std::any_of(
        before.anchors.begin(), before.anchors.end(), [&](const auto& anchor) {
          return anchor.status == verify::AnchorStatus::kRevoked &&
                 anchor.slot == problem.slot &&
                 anchor.spki_sha256 == problem.spki_sha256;
        });
    Require(!IsForNaming(problem) || is_revoked, "what is named is no problem");
  }
  if (problems.size() < anchors::kMaxSuccessorProblems) {
    const auto for_naming = static_cast<std::size_t>(
        std::count_if(problems.begin(), problems.end(), IsForNaming));
    const auto left = static_cast<std::size_t>(
        std::count_if(rest.begin(), rest.end(), IsForNaming));
    Require(rest.size() - left == problems.size() - for_naming,
            "naming answers for nothing else");
  }

  anchors::Reactivated all;
  for (const auto& anchor : before.anchors) {
    all.push_back({anchor.slot, anchor.spki_sha256});
  }
  if (anchors::CheckSuccessor(before, after, all).ok()) {
    for (const auto& old : before.anchors) {
      if (old.status != verify::AnchorStatus::kRevoked) continue;
      Require(std::any_of(after.anchors.begin(), after.anchors.end(),
                          [&](const auto& anchor) {
                            return anchor.slot == old.slot &&
                                   anchor.spki_sha256 == old.spki_sha256 &&
                                   anchor.status == old.status;
                          }),
              "what was revoked stays so");
    }
    Require(!anchors::CheckSuccessor(after, before, all).ok(),
            "a step has one direction");
  }
}

void Check(std::string_view input) {
  const std::size_t middle = input.find('\0');
  const auto before = anchors::ParseCatalog(input.substr(0, middle));
  if (!Decided(before.status())) return;
  CheckItself(*before);
  if (middle == std::string_view::npos) return;
  const auto after = anchors::ParseCatalog(input.substr(middle + 1));
  if (!Decided(after.status())) return;
  CheckPair(*before, *after);
  CheckPair(*after, *before);
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
