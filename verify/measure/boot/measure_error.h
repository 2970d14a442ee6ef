// Every way in which a machine's measurements cannot be computed from its
// image, as one closed list.
//
//   auto image = PeImage::Parse(bytes);
//   if (!image.ok()) Count(NameOf(*MeasureReasonOf(image.status())));
//
// A reason's NAME is API: it keeps its meaning for ever and is never reused.
// The text beside the name is for people: it may change, so never parse it.
//
// The families are those of verify/reason.h: unreadable (INVALID_ARGUMENT), not
// signed by whom it should be (UNAUTHENTICATED), does not boot
// (FAILED_PRECONDITION), boots more than was measured (PERMISSION_DENIED; the
// message names the option that allows it), could not decide (UNAVAILABLE).

#ifndef ANCHORAGE_VERIFY_MEASURE_BOOT_MEASURE_ERROR_H_
#define ANCHORAGE_VERIFY_MEASURE_BOOT_MEASURE_ERROR_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace anchorage::verify {

enum class MeasureReason {
  // --- PE images ------------------------------------------------------------

  // Not a PE image: no MZ, no PE signature, neither PE32 nor PE32+.
  kNotPe,
  // The headers contradict each other, or firmware refuses what they say.
  kPeHeaderInvalid,
  // A header, a section or the certificate table lies beyond the file's end.
  kPeTruncated,
  // Two parts of the file, or two sections in memory, lie over each other.
  kPeOverlap,
  // More sections than are read, or none.
  kPeSectionCount,
  // The certificate table does not lie between the last section and the end.
  kPeCertificateTablePlace,
  // A section that may be there once is there twice, or a stub would take
  // another one for it.
  kPeSectionTwice,
  // A section that systemd-stub measures is larger in memory than in the file:
  // stubs differ in what of the rest they measure.
  kPeSectionZeroFilled,

  // --- Signatures -----------------------------------------------------------

  // The certificate table or a signature in it is not what it should be.
  kImageSignatureMalformed,
  // The signature is over another image.
  kImageSignatureOfAnother,
  // What is signed was not signed by the certificate that says so.
  kImageSignatureMismatch,
  // An algorithm or an extension that is not supported stands in the way of
  // knowing which entry of db firmware takes.
  kImageAuthorityUndecided,

  // --- Signature databases --------------------------------------------------

  // Not a sequence of EFI_SIGNATURE_LIST.
  kSignatureListMalformed,
  // A signed update (.auth) of a variable in place of the variable.
  kSignatureListIsUpdate,

  // --- What boots -----------------------------------------------------------

  // No image, or an image that firmware does not start: another subsystem or
  // machine.
  kImageNotBootable,
  // A unified kernel image whose .sdmagic is missing or does not say a version,
  // so that nothing is known of what its stub measures.
  kStubVersionMissing,
  // A systemd-stub for which it is not known whether it measures its kernel.
  kStubVersionUnknown,
  // An image without .cmdline takes any command line.
  kCommandLineMissing,
  // An image without .initrd takes any initrd.
  kInitrdMissing,
  // Which profile of a unified kernel image boots is chosen when it boots.
  kProfileChosenAtBoot,
  // shim measures more, and lets more boot, than is modelled.
  kShimNotModelled,
  // Some of PK, KEK and db are given and others are not.
  kKeysIncomplete,
  // Secure Boot is on, and no entry of db validates the image.
  kImageNotAuthorized,
  // Several entries of db validate the image: firmware takes one of them.
  kImageAuthorityAmbiguous,
  // dbx forbids the image, or a certificate of its signature.
  kImageForbidden,

  // --- Event logs -----------------------------------------------------------

  // Longer than is read, or more events, or an event with more data.
  kEventLogTooLarge,
  // The log ends within an event.
  kEventLogTruncated,
  // The log contradicts itself, or says what no TPM has.
  kEventLogMalformed,
  // A log without digests of SHA-384, which is what a NitroTPM attests.
  kEventLogSha384Missing,

  kMaxValue = kEventLogSha384Missing,
};

// Returns a non-OK status that carries `reason` for machines and `detail` for
// people: it may contain what is in an image, so it is made one line by
// Printable().
absl::Status CannotMeasure(MeasureReason reason, std::string_view detail);

// Returns the reason that CannotMeasure() put in `status`; nullopt for an OK
// status and for a status that it did not make.
std::optional<MeasureReason> MeasureReasonOf(const absl::Status& status);

// Returns the stable name, such as "PE_OVERLAP".
std::string_view NameOf(MeasureReason reason);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_BOOT_MEASURE_ERROR_H_
