// One attack on a verifier, as a row of a table.
//
//   {"p21", By::kAnyone, "a byte after the message",
//    [](IdentityCase& c) { c.edit = ...; }, Reason::kTrailingBytes}
//
// A row starts from evidence that is genuine in every respect and changes one
// thing. The verifier must refuse it for exactly the reason of the row, or
// accept it where the row says so: a table without rows that are accepted could
// not tell a strict verifier from a broken one.

#ifndef ANCHORAGE_TEST_ATTACKS_ATTACK_H_
#define ANCHORAGE_TEST_ATTACKS_ATTACK_H_

#include <functional>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "verify/reason.h"

namespace anchorage::test {

// Who could send it.
enum class By {
  // No attack: genuine, if unusual.
  kNobody,
  // Anyone, with nothing.
  kAnyone,
  // Whoever runs a genuine instance or enclave, or holds what one gave out.
  kOwner,
  // Nobody unless AWS's signer errs: what keeps two readers from seeing two
  // documents.
  kSigner,
};

std::string_view NameOf(By by);

template <typename Case>
struct Attack {
  // A name in the catalogue of attacks, with a letter where there are several;
  // "x…" for our own.
  std::string id;
  By by;
  std::string what;
  std::function<void(Case&)> change;
  // nullopt: accepted.
  std::optional<verify::Reason> want;
};

// For GoogleTest.
template <typename Case>
void PrintTo(const Attack<Case>& attack, std::ostream* out) {
  *out << attack.id << ": " << attack.what;
}

inline constexpr std::nullopt_t kAccepted = std::nullopt;

// Returns "ACCEPTED", the reason's name, or what the status is otherwise.
std::string Verdict(const absl::Status& status);
std::string Verdict(std::optional<verify::Reason> reason);

// Prints one line of the table: attack, who, reason, whether it is as wanted,
// and what it is.
void PrintRow(std::string_view id, By by, std::string_view what,
              std::string_view verdict, bool as_wanted);

// Returns the part of an id that names a row of the catalogue: "p05" of
// "p05b".
std::string CatalogueId(std::string_view id);

// Returns the names "p00" to "p27" for ("p", 0, 27).
std::set<std::string> CatalogueRange(std::string_view prefix, int first,
                                     int last);

template <typename Case>
std::set<verify::Reason> ReasonsOf(const std::vector<Attack<Case>>& attacks) {
  std::set<verify::Reason> reasons;
  for (const Attack<Case>& attack : attacks) {
    if (attack.want.has_value()) reasons.insert(*attack.want);
  }
  return reasons;
}

template <typename Case>
std::set<std::string> IdsOf(const std::vector<Attack<Case>>& attacks) {
  std::set<std::string> ids;
  for (const Attack<Case>& attack : attacks) {
    ids.insert(CatalogueId(attack.id));
  }
  return ids;
}

// Returns all rows of several tables.
template <typename Case>
std::vector<Attack<Case>> Join(
    const std::vector<std::vector<Attack<Case>>>& tables) {
  std::vector<Attack<Case>> all;
  for (const auto& table : tables) {
    all.insert(all.end(), table.begin(), table.end());
  }
  return all;
}

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_ATTACKS_ATTACK_H_
