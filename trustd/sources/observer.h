// Makes observations of certificates that carry their place with them.
//
//   Observer observer(MakeObservation(name, scope, location, now, bytes));
//   observer.AddPem({"aws", "eu-west-1", kind}, pem, "aws/eu-west-1/…");
//   return std::move(observer).Finish();
//
// Pure.

#ifndef ANCHORAGE_TRUSTD_SOURCES_OBSERVER_H_
#define ANCHORAGE_TRUSTD_SOURCES_OBSERVER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "trustd/rotation/observation.h"
#include "trustd/sources/source.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// The most problems that are listed.
inline constexpr std::size_t kMaxProblems = 256;

// Returns an observation of what was fetched, still without certificates.
Observation MakeObservation(const Source& source, std::string location,
                            std::string content_sha256, absl::Time now);

class Observer {
 public:
  explicit Observer(Observation observation)
      : observation_(std::move(observation)) {}

  // Adds every certificate block of `pem`; `where` names the text, for people.
  // Problems are: a slot outside the scope, no block, a block that is cut or
  // unreadable, a key that cannot be of the slot's kind.
  void AddPem(const verify::Slot& slot, std::string_view pem,
              const std::string& where);

  // Adds one certificate, with the same problems; one that its slot already has
  // is left out.
  void AddDer(const verify::Slot& slot, std::string der, int line,
              const std::string& where);

  // Adds what a catalog says is published now: the certificates of its ACTIVE
  // and RETIRING anchors that are not superseded. Slots outside the scope are
  // left out; a catalog without any slot in the scope is a problem.
  void AddCatalog(const anchors::Catalog& catalog, const std::string& where);

  void Report(ProblemKind kind, int line, std::string detail);

  Observation Finish() && { return std::move(observation_); }

 private:
  Observation observation_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_OBSERVER_H_
