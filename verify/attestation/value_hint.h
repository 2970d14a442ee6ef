// Explains to people why the bytes in a document may differ from the expected
// ones: one of the two is the other in hex or base64, or has a line break or a
// byte order mark around it.
//
// Internal to verify/attestation. Made after the two were found to differ;
// whatever is decoded for it is thrown away.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_VALUE_HINT_H_
#define ANCHORAGE_VERIFY_ATTESTATION_VALUE_HINT_H_

#include <string_view>

namespace anchorage::verify {

// Returns a hint that begins with "the document's", or "" if there is nothing
// to say. Linear in the lengths; compares in time that depends on lengths only.
std::string_view ValueHint(std::string_view expected, std::string_view found);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_VALUE_HINT_H_
