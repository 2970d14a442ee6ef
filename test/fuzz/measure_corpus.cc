#include "test/fake_aws/keys.h"
#include "test/fuzz/corpus.h"
#include "test/support/pe_writer.h"

namespace anchorage::test {

Seeds PeSeeds() {
  const TestKey& key = TestKey::Rsa(2048, 0);
  const std::string certificate = SelfSigned("fuzz", key);
  PeSpec small = UkiSpec("252");
  small.file_alignment = 32;
  PeSpec pe32 = EfiApplicationSpec();
  pe32.pe32_plus = false;
  pe32.machine = 0x14c;
  pe32.file_alignment = 32;
  PeSpec hole = EfiApplicationSpec();
  hole.hole = 64;
  hole.trailing = "odd";
  PeSpec newer = UkiSpec("258");
  newer.file_alignment = 32;
  newer.sections.push_back({".sbat", "sbat,1\nshim,4\n"});
  newer.sections.push_back({".profile", "ID=a"});

  Seeds seeds;
  for (const PeSpec& spec : {small, pe32, hole, newer}) {
    const std::string file = WritePe(spec);
    seeds.push_back(WithMode(0, file));
    seeds.push_back(WithMode(1, file));
    seeds.push_back(
        WithMode(0, SignPeSimply(file, key, certificate, "fuzz", spec)));
  }
  const std::string plain = WritePe(EfiApplicationSpec());
  const std::string table =
      SignPeSimply(plain, key, certificate, "fuzz").substr(plain.size());
  seeds.push_back(WithMode(2, table));
  seeds.push_back(WithMode(2, table + table));
  return seeds;
}

Seeds SignatureListSeeds() {
  const std::string lists =
      SignatureList(kX509ListType, {"certificate"}) +
      SignatureList(kSha256ListType,
                    {std::string(32, 'a'), std::string(32, 'b')});
  return {"", lists, std::string("\x27\0\0\0", 4) + lists,
          SignatureList("unknown-type-id.", {"x"})};
}

}  // namespace anchorage::test
