// What is odd about a document but does not refuse it: AWS may come to write
// it, and we cannot judge it. Code that shows a verdict must show its notes.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_NOTE_H_
#define ANCHORAGE_VERIFY_ATTESTATION_NOTE_H_

#include <string>
#include <string_view>

namespace anchorage::verify {

struct Note {
  enum class Kind {
    // The leaf's name is in no known form, so there is no region.
    kLeafNameUnknown,
    // The name of an authority is in no known form, so nothing says where it
    // may stand.
    kAuthorityNameUnknown,
    // The module id is in no known form, so there is no instance.
    kModuleIdUnknown,
    // The document has fields that are not known.
    kFieldsUnknown,
  };
  Kind kind;
  // One sentence for people; names from the document are escaped and cut.
  std::string detail;

  friend bool operator==(const Note&, const Note&) = default;
};

// Returns the stable name, such as "LEAF_NAME_UNKNOWN".
std::string_view NameOf(Note::Kind kind);

// Returns `text`, which somebody else wrote, in a form for people: in quotes,
// as Printable() shows it, cut after 64 bytes.
std::string QuotedForPeople(std::string_view text);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_NOTE_H_
