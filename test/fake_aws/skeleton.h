// The shape of encoded bytes, without what differs from one to the next: for
// comparing the fake's output with AWS's.
//
// These are readers of their own, for well-formed input only: they abort on
// anything else.

#ifndef ANCHORAGE_TEST_FAKE_AWS_SKELETON_H_
#define ANCHORAGE_TEST_FAKE_AWS_SKELETON_H_

#include <string>
#include <string_view>
#include <vector>

namespace anchorage::test {

// One line an element, indented by depth: the tag, "indefinite" or not, and
// the contents in hex of OBJECT IDENTIFIERs, BOOLEANs, NULLs and strings of up
// to 8 octets.
std::string Asn1Skeleton(std::string_view bytes);

// One line an item: the type, and the length of byte strings but the longest
// (certificates), and the value of text and of small numbers.
std::string CborSkeleton(std::string_view bytes);

// The byte strings in a CBOR item that are certificates, in order.
std::vector<std::string> CborCertificates(std::string_view bytes);

// The payload of a COSE_Sign1.
std::string CosePayload(std::string_view bytes);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FAKE_AWS_SKELETON_H_
