#include "test/support/boot_files.h"

#include <string_view>
#include <vector>

#include "test/fake_aws/keys.h"
#include "test/support/bootable_disk.h"
#include "test/support/disk_writer.h"
#include "test/support/event_log_writer.h"
#include "test/support/pe_writer.h"

namespace anchorage::test {
namespace {

constexpr char kSigner[] = "shop signing";

PeSpec Shop(std::string_view stub_version) {
  PeSpec spec = UkiSpec(stub_version);
  spec.Section(".cmdline").content = "root=/dev/vda2 ro quiet";
  return spec;
}

PeSpec Other() {
  PeSpec spec = Shop("252.22");
  spec.Section(".cmdline").content = "root=/dev/vda2 rw quiet";
  return spec;
}

// The log of a machine without keys that booted `spec`.
EventLogWriter LogOf(PeSpec spec) {
  const std::string zeros(4, '\0');
  const std::string global(
      "\x61\xdf\xe4\x8b\xca\x93\xd2\x11\xaa\x0d\x00\xe0\x98\x03\x2b\x8c", 16);
  const std::string security(
      "\xcb\xb2\x19\xd7\x3a\x3d\x96\x45\xa3\xbc\xda\xd0\x0e\x67\x65\x6f", 16);
  EventLogWriter log;
  log.Event(0, 0x8, AsciiToUtf16("firmware"))
      .Event(7, 0x80000001,
             VariableData(global, "SecureBoot", std::string(1, '\0')))
      .Event(7, 0x80000001, VariableData(global, "PK", ""))
      .Event(7, 0x80000001, VariableData(global, "KEK", ""))
      .Event(7, 0x80000001, VariableData(security, "db", ""))
      .Event(7, 0x80000001, VariableData(security, "dbx", ""))
      .Event(7, 0x4, zeros)
      .Event(4, 0x80000007, "Calling EFI Application from Boot Option")
      .Event(4, 0x4, zeros);
  const std::string file = WritePe(spec);
  log.Event(4, 0x80000003, ImageData("\\EFI\\BOOT\\BOOTX64.EFI", file.size()),
            SimpleAuthenticode(Hash::kSha384, file, spec));
  for (const char* name : {".linux", ".osrel", ".cmdline", ".initrd"}) {
    const std::string data = AsciiToUtf16(name) + std::string(2, '\0');
    log.Event(11, 0xd, data, Sha384Of(std::string(name) + '\0'));
    log.Event(11, 0xd, data, Sha384Of(spec.Section(name).content));
  }
  log.Event(4, 0x80000003, ImageData("", 4096),
            SimpleAuthenticode(Hash::kSha384, spec.Section(".linux").content));
  return log;
}

std::string OldLog() {
  return LittleEndian(0, 4) + LittleEndian(8, 4) + std::string(20, 'd') +
         LittleEndian(3, 4) + "1.0";
}

// One that names no root hash, and has what is measured nowhere.
std::string OpenDisk() {
  BootableDiskSpec spec;
  spec.cmdline = "root=PARTLABEL=root ro";
  spec.add = [](FatWriter& fat) {
    fat.Add("EFI/BOOT/BOOTX64.EFI.extra.d/debug.raw", "debug");
  };
  spec.more = {{.type = kSwapTypeGuid}};
  return WriteBootableDisk(spec);
}

}  // namespace

std::map<std::string, std::string> BootFiles() {
  const TestKey& key = TestKey::Rsa(2048, 0);
  const std::string certificate = SelfSigned(kSigner, key);
  const std::string shop = WritePe(Shop("252.22"));
  PeSpec odd = Shop("252.22");
  odd.trailing = "odd";
  const std::string db =
      SignatureList(kX509ListType, {SelfSigned("nobody in particular",
                                               TestKey::Rsa(2048, 1))}) +
      SignatureList(kX509ListType, {certificate});
  return {
      {"shop.efi", shop},
      {"shop.signed.efi", SignPeSimply(shop, key, certificate, kSigner)},
      {"shop.258.efi", WritePe(Shop("258.1"))},
      {"other.efi", WritePe(Other())},
      {"odd.efi", WritePe(odd)},
      {"loader.efi", WritePe(EfiApplicationSpec())},
      {"PK.esl",
       SignatureList(kX509ListType,
                     {SelfSigned("platform", TestKey::Rsa(2048, 2))})},
      {"KEK.esl",
       SignatureList(kX509ListType,
                     {SelfSigned("exchange", TestKey::Rsa(2048, 3))})},
      {"db.esl", db},
      {"efivars.db", LittleEndian(0x27, 4) + db},
      {"machine.log", LogOf(Shop("252.22")).log()},
      {"tampered.log", LogOf(Shop("252.22"))
                           .Event(12, 0xd, AsciiToUtf16("init=/bin/sh"))
                           .log()},
      {"other.log", LogOf(Other()).log()},
      {"old.log", OldLog()},
      {"shop.raw", WriteBootableDisk()},
      {"open.raw", OpenDisk()},
  };
}

}  // namespace anchorage::test
