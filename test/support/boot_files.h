// What a vendor's pipeline has beside a built image, small: images, the keys of
// Secure Boot, and the logs of machines that booted them.
//
//   const std::map<std::string, std::string> files = BootFiles();
//   files.at("shop.efi")

#ifndef ANCHORAGE_TEST_SUPPORT_BOOT_FILES_H_
#define ANCHORAGE_TEST_SUPPORT_BOOT_FILES_H_

#include <map>
#include <string>

namespace anchorage::test {

// Returns the files by name:
//  - shop.efi, a unified kernel image with a stub 252; shop.signed.efi, the
//    same signed; shop.258.efi, with a stub 258;
//  - other.efi, with another command line;
//  - odd.efi, whose length is no multiple of 8; loader.efi, an EFI application;
//  - PK.esl, KEK.esl, and db.esl, which has two lists of different size; the
//    second has the certificate that signed. efivars.db is db.esl as efivarfs
//    shows it;
//  - machine.log, the event log of a machine without keys that booted shop.efi;
//    tampered.log, of one whose command line was appended to; other.log, of one
//    that booted other.efi; old.log, in the format of TPM 1.2;
//  - shop.raw, a disk that boots, whose root file system PCR4 speaks for;
//    open.raw, one of which it does not.
std::map<std::string, std::string> BootFiles();

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_SUPPORT_BOOT_FILES_H_
