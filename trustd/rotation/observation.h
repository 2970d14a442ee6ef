// What one source said at one time about the certificates that AWS publishes.
//
// An observation is a report, not a truth: the classifier compares it with
// what is pinned (classifier.h). A source never guesses. What it cannot place
// is a problem with its line, and whoever reads the observation decides what
// that means.
//
// Values: copy them between threads.

#ifndef ANCHORAGE_TRUSTD_ROTATION_OBSERVATION_H_
#define ANCHORAGE_TRUSTD_ROTATION_OBSERVATION_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// One certificate, where the source put it.
struct ObservedCertificate {
  // The slot that the source gave it: a heading of a page, a folder's name.
  verify::Slot slot;
  // X.509, DER; not checked beyond being strict DER with a readable key.
  std::string der;
  // Where it begins in what was fetched, from 1; 0 where there are no lines.
  int line = 0;

  friend bool operator==(const ObservedCertificate&,
                         const ObservedCertificate&) = default;
};

// Something that a source's text holds and that could not be placed.
enum class ProblemKind {
  // Not a page of certificates at all: a login page, an error page.
  kNotTheDocument,
  // The text ends inside something that was begun.
  kTruncated,
  // Between the markers stands no certificate.
  kCertificateUnreadable,
  // A certificate with no region or kind above it, or a heading that is none
  // of those known.
  kNotPlaced,
  // A region or kind that has a heading and no certificate.
  kNoCertificate,
  // A certificate whose key cannot be of the kind that it stands under.
  kWrongKind,
  // One slot twice, with different certificates.
  kSlotTwice,
  // A region outside the partitions that this source speaks for.
  kOutOfScope,
  // A certificate that fewer publications show than must before anything but
  // people may decide.
  kNotConfirmed,

  kMaxValue = kNotConfirmed,
};

// A stable name, such as "NOT_THE_DOCUMENT".
std::string_view ToString(ProblemKind kind);
std::optional<ProblemKind> ProblemKindNamed(std::string_view name);

struct SourceProblem {
  ProblemKind kind = ProblemKind::kNotTheDocument;
  // From 1; 0 where there are no lines.
  int line = 0;
  // For people.
  std::string detail;

  friend bool operator==(const SourceProblem&, const SourceProblem&) = default;
};

// What a source may speak of. A slot outside is none of its business, and its
// silence about one says nothing.
struct SourceScope {
  // Partitions, such as "aws-cn".
  std::vector<std::string> partitions;
  // Kinds of anchor.
  std::vector<verify::AnchorKind> kinds;

  bool Covers(const verify::Slot& slot) const;
};

struct Observation {
  // The source's name in the configuration, such as "aws-docs".
  std::string source;
  // The address that it was read from.
  std::string location;
  absl::Time time;
  // SHA-256 of what was fetched, lower-case hex.
  std::string content_sha256;
  SourceScope scope;
  // In the order of the source.
  std::vector<ObservedCertificate> certificates;
  std::vector<SourceProblem> problems;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ROTATION_OBSERVATION_H_
