// Reads the variables PK, KEK, db and dbx of UEFI Secure Boot (UEFI 2.10,
// 32.4.1): each is a sequence of EFI_SIGNATURE_LIST.
//
//   auto db = ParseSignatureDatabase(bytes, VariableForm::kDetect);
//   if (!db.ok()) return db.status();
//   for (const EfiSignature& entry : db->signatures) ...
//
// What firmware measures are the variable's bytes, so every byte counts: the
// owners, the order of the lists, and which certificates stand in one list.
//
// Pure; any number of threads. Views live as long as the bytes.

#ifndef ANCHORAGE_VERIFY_MEASURE_BOOT_SIGNATURE_LIST_H_
#define ANCHORAGE_VERIFY_MEASURE_BOOT_SIGNATURE_LIST_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace anchorage::verify {

// Firmware has 64 KiB or so for all its variables; Microsoft's dbx has some 25.
inline constexpr std::size_t kMaxSignatureDatabaseBytes = 1024 * 1024;
inline constexpr std::size_t kMaxSignatures = 16 * 1024;

// Types of signatures, as the 16 bytes of their GUIDs.
inline constexpr std::string_view kEfiCertX509(
    "\xa1\x59\xc0\xa5\xe4\x94\xa7\x4a\x87\xb5\xab\x15\x5c\x2b\xf0\x72", 16);
inline constexpr std::string_view kEfiCertSha256(
    "\x26\x16\xc4\xc1\x4c\x50\x92\x40\xac\xa9\x41\xf9\x36\x93\x43\x28", 16);
// The SHA-256 of a certificate's signed part and a time: in dbx only.
inline constexpr std::string_view kEfiCertX509Sha256(
    "\x92\xa4\xd2\x3b\xc0\x96\x79\x40\xb4\x20\xfc\xf9\x8e\xf1\x03\xed", 16);

// One EFI_SIGNATURE_DATA.
struct EfiSignature {
  // The type of its list, 16 bytes.
  std::string_view type;
  // The owner, 16 bytes, and what follows it: a certificate or a hash.
  std::string_view owner;
  std::string_view data;
  // Both: what firmware measures where this entry let an image boot.
  std::string_view whole;
};

struct SignatureDatabase {
  // The variable without its attributes: what firmware measures.
  std::string_view variable;
  // Of all lists, in order.
  std::vector<EfiSignature> signatures;
  std::size_t lists = 0;
};

enum class VariableForm {
  // The variable's bytes: an .esl file.
  kRaw,
  // As efivarfs shows them: 4 bytes of attributes first.
  kEfivarfs,
  // Whichever of the two it can be read as; never both.
  kDetect,
};

// Reads a variable. No bytes at all are an empty variable, which firmware
// measures as it does one that is not there. Fails with kSignatureListMalformed
// for anything that is not exactly lists whose sizes add up, each with at least
// one signature, and, for kDetect, for bytes that can be read in both forms;
// with kSignatureListIsUpdate for an .auth file.
absl::StatusOr<SignatureDatabase> ParseSignatureDatabase(std::string_view bytes,
                                                         VariableForm form);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_BOOT_SIGNATURE_LIST_H_
