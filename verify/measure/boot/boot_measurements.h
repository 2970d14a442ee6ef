// Computes what a machine's TPM will show once it has booted an image: the
// registers (PCRs) 4, 7, 11, 12 and 13 of the SHA-384 bank, and every event
// that goes into them.
//
//   BootInputs inputs;
//   inputs.images = {&uki};
//   auto boot = MeasureBoot(inputs);
//   if (!boot.ok()) return boot.status();
//   boot->registers.at(4).view()  // 48 bytes
//
// The boot that is computed: firmware starts the images in order, each starts
// the next, and nothing is added: no command line from outside, no credentials,
// no extensions. What can be added without changing a register that was
// computed is refused, or stands in `notes`.
//
// Sources: TCG PC Client Platform Firmware Profile 1.05 (chapters 3.3.4 and
// 10); UEFI 2.10, chapter 32; EDK II; systemd-stub(7).
//
// Pure; any number of threads. Reads each image three times at most.

#ifndef ANCHORAGE_VERIFY_MEASURE_BOOT_BOOT_MEASUREMENTS_H_
#define ANCHORAGE_VERIFY_MEASURE_BOOT_BOOT_MEASUREMENTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "verify/crypto/public_key.h"
#include "verify/measure/boot/pe_image.h"
#include "verify/measure/boot/signature_list.h"

namespace anchorage::verify {

// The variables of Secure Boot. Where one is known, PK, KEK and db all are; a
// dbx that is not given is empty, as EC2 sets it. An empty variable is one that
// is not set.
struct SecureBootKeys {
  std::optional<SignatureDatabase> pk;
  std::optional<SignatureDatabase> kek;
  std::optional<SignatureDatabase> db;
  std::optional<SignatureDatabase> dbx;

  bool any() const { return pk || kek || db || dbx; }
};

struct BootInputs {
  // In the order in which they are loaded; at least one. Not owned.
  std::vector<const PeImage*> images;
  // Without any, PCR7 is not computed.
  SecureBootKeys keys;
  // nullopt: on if a PK is set, as UEFI has it. Firmware may be told to leave
  // it off.
  std::optional<bool> secure_boot;

  // Each allows what is refused otherwise, because it lets something boot that
  // no register computed here shows.
  bool allow_no_command_line = false;
  bool allow_no_initrd = false;
  bool allow_profiles = false;
  // PCR7 is then left out: shim measures into it too.
  bool allow_shim = false;
};

// One event: what is extended into a register.
struct BootEvent {
  int pcr = 0;
  // The TCG's type, such as 0x80000003, and its name.
  std::uint32_t type = 0;
  std::string_view type_name;
  Digest digest;
  // What it is and why it is there, as one sentence for people. May quote what
  // is in an image: already made printable.
  std::string explanation;
};

// The kernel inside one image.
struct KernelDecision {
  // The index of the image in BootInputs::images.
  std::size_t image = 0;
  // The row of the table that was used, and its sentence: see StubRule.
  std::string rule;
  std::string sentence;
  std::string stub_version;
  bool measured = false;
};

// An image's digest, and what it will be once the image is signed, where that
// differs: see PeImage::AuthenticodeOnceSigned().
struct ImageDigest {
  Digest sha384;
  std::optional<Digest> once_signed;
};

struct BootMeasurements {
  // Of the registers 4, 7 (only with keys), 11, 12 and 13, 48 bytes each, by
  // number. 11 is left out where it depends on what is chosen at boot.
  std::map<int, Digest> registers;
  // By register, and of each in the order in which they are extended.
  std::vector<BootEvent> events;
  // In the order of the images.
  std::vector<ImageDigest> images;
  // For each image with a kernel inside.
  std::vector<KernelDecision> kernels;
  bool secure_boot = false;
  // What somebody who trusts these registers must know, one sentence each.
  std::vector<std::string> notes;
};

// Computes the boot of `inputs`. Fails with any reason of measure_error.h.
absl::StatusOr<BootMeasurements> MeasureBoot(const BootInputs& inputs);

// --- Parts, for who needs one alone ----------------------------------------

// Returns the digest that `algorithm` makes of `value` and `digest`: a register
// after one more event. `value` is all zeros in the beginning.
Digest ExtendRegister(HashAlgorithm algorithm, const Digest& value,
                      const Digest& digest);
// Returns a register before its first event: all zeros.
Digest EmptyRegister(HashAlgorithm algorithm);

// Returns a register after the events of `events` that go into `pcr`.
Digest ReplayRegister(HashAlgorithm algorithm, int pcr,
                      absl::Span<const BootEvent> events);

// Returns the events of PCR4 for images with these Authenticode digests, in
// load order, without any explanation.
std::vector<BootEvent> ImageEvents(HashAlgorithm algorithm,
                                   absl::Span<const Digest> images);

// Returns the events of PCR7 before an image is started.
std::vector<BootEvent> SecureBootEvents(HashAlgorithm algorithm,
                                        const SecureBootKeys& keys,
                                        bool secure_boot);

// Returns the event of PCR7 for an entry of db that let an image start.
BootEvent AuthorityEvent(HashAlgorithm algorithm, const EfiSignature& entry);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_BOOT_BOOT_MEASUREMENTS_H_
