#include "test/fuzz/corpus.h"
#include "test/support/event_log_writer.h"

namespace anchorage::test {

Seeds EventLogSeeds() {
  using namespace std::string_literals;
  const std::string zeros(4, '\0');
  EventLogWriter writer;
  Seeds seeds = {writer.log()};
  writer.Event(0, 0x3, "StartupLocality\0\3"s)
      .Event(0, 0x8, AsciiToUtf16("firmware"))
      .Event(7, 0x80000001,
             VariableData("0123456789abcdef", "SecureBoot", "\1"))
      .Event(7, 0x80000001, VariableData("0123456789abcdef", "dbx", ""))
      .Event(7, 0x4, zeros);
  seeds.push_back(writer.log());
  writer.Event(4, 0x80000007, "Calling EFI Application from Boot Option")
      .Event(4, 0x4, zeros)
      .Event(4, 0x80000003, ImageData("\\EFI\\BOOT\\BOOTX64.EFI", 4096),
             Sha384Of("image"))
      .Event(11, 0xd, AsciiToUtf16(".linux") + std::string(2, '\0'));
  seeds.push_back(writer.log());
  seeds.push_back(writer.log() + std::string(64, '\xff'));
  seeds.push_back(EventLogWriter({{12, 48}}).Event(4, 0x4, zeros).log());
  // What a terminal would obey.
  seeds.push_back(
      EventLogWriter().Event(8, 0xd, "\x1b[2Jgrub_cmd: boot\n").log());
  seeds.push_back(EventLogWriter({{4, 20}, {0x7777, 3}, {12, 48}})
                      .Event(23, 0x6, "tag")
                      .log());
  return seeds;
}

}  // namespace anchorage::test
