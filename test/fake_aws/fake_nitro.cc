#include "test/fake_aws/fake_nitro.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "test/fake_aws/fake_identity.h"
#include "verify/encoding/base64.h"

namespace anchorage::test {
namespace {

constexpr std::string_view kInstanceId = "i-0fd25f30661854f2b";
constexpr std::string_view kEnclaveId = "enc01790c5d9eab829d";
constexpr std::string_view kTpmId = "tpm0000000000000000";
constexpr std::string_view kRegionalHost = "280d3d43ef972f09";
constexpr std::string_view kZonalHost = "529189572cc01ee0";
constexpr std::size_t kPcrBytes = 48;
// The same on every instance that does not use Secure Boot.
constexpr char kSecureBootOffPcr7[] =
    "98441c7f7625d10058c47683aec486ce311c633235eb555593a7ee791121e357"
    "8ae72d04ecef661f272d59058b77af35";

absl::Time Utc(absl::CivilSecond time) {
  return absl::FromCivil(time, absl::UTCTimeZone());
}

// The zonal name has the attributes in another order, and "WA".
std::string ZonalName(std::string_view common_name) {
  return Sequence({NameAttribute(kOidCommonName, Utf8String(common_name)),
                   NameAttribute(kOidOrganizationalUnit, Utf8String("AWS")),
                   NameAttribute(kOidOrganization, Utf8String("Amazon")),
                   NameAttribute(kOidCountry, PrintableString("US")),
                   NameAttribute(kOidState, Utf8String("WA")),
                   NameAttribute(kOidLocality, Utf8String("Seattle"))});
}

std::string SeattleName(std::string_view common_name) {
  return Sequence({NameAttribute(kOidCountry, PrintableString("US")),
                   NameAttribute(kOidState, Utf8String("Washington")),
                   NameAttribute(kOidLocality, Utf8String("Seattle")),
                   NameAttribute(kOidOrganization, Utf8String("Amazon")),
                   NameAttribute(kOidOrganizationalUnit, Utf8String("AWS")),
                   NameAttribute(kOidCommonName, Utf8String(common_name))});
}

// `size` octets that depend on `seed`, the first from 01 to 7f.
std::string Serial(std::string_view seed, std::size_t size) {
  std::string serial = HashOf(Hash::kSha256, seed).substr(0, size);
  serial[0] = static_cast<char>((serial[0] & 0x3f) | 0x40);
  return serial;
}

std::string Seconds(absl::Time at, int bytes) {
  const auto seconds = static_cast<std::uint64_t>(absl::ToUnixSeconds(at));
  std::string out;
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(seconds >> shift & 0xff));
  }
  return out;
}

// A NitroTPM leaf's serial is the time in 4 bytes; an enclave's is the enclave
// and the time, 8 bytes each.
std::string LeafSerial(NitroType type, absl::Time at) {
  if (type == NitroType::kTpm) return Seconds(at, 4);
  return Concat({"\x01\x79\x0c\x5d\x9e\xab\x82\x9d", Seconds(at, 8)});
}

std::string Measurement(NitroType type, std::uint64_t index) {
  return HashOf(
      Hash::kSha384,
      absl::StrCat(type == NitroType::kTpm ? "tpm" : "enclave", index));
}

PcrBank EnclavePcrs() {
  PcrBank bank;
  for (std::uint64_t i = 0; i < 16; ++i) {
    const bool used = i <= 4 || i == 8;
    bank.emplace_back(i, used ? Measurement(NitroType::kEnclave, i)
                              : std::string(kPcrBytes, '\0'));
  }
  return bank;
}

// A PCR into which only EV_SEPARATOR was extended.
std::string SeparatorPcr() {
  const std::string separator =
      HashOf(Hash::kSha384, std::string_view("\0\0\0\0", 4));
  return HashOf(Hash::kSha384, std::string(kPcrBytes, '\0') + separator);
}

PcrBank TpmPcrs() {
  PcrBank bank;
  for (std::uint64_t i = 0; i < 24; ++i) {
    const bool zero = i == 8 || (i >= 12 && i <= 16) || i == 23;
    std::string value = Measurement(NitroType::kTpm, i);
    if (i == 2 || i == 3 || i == 6) value = SeparatorPcr();
    if (i == 7) value = *verify::DecodeHex(kSecureBootOffPcr7);
    if (zero) value = std::string(kPcrBytes, '\0');
    if (i >= 17 && i <= 22) value = std::string(kPcrBytes, '\xff');
    bank.emplace_back(i, value);
  }
  return bank;
}

}  // namespace

PcrBank GenuinePcrs(NitroType type) {
  return type == NitroType::kTpm ? TpmPcrs() : EnclavePcrs();
}

std::string AmazonName(std::string_view common_name) {
  return Sequence({NameAttribute(kOidCountry, PrintableString("US")),
                   NameAttribute(kOidOrganization, Utf8String("Amazon")),
                   NameAttribute(kOidOrganizationalUnit, Utf8String("AWS")),
                   NameAttribute(kOidCommonName, Utf8String(common_name))});
}

FakeNitro::FakeNitro(std::string_view partition, std::string_view region)
    : partition_(partition), region_(region) {}

const TestKey& FakeNitro::Key(std::string_view name) const {
  return TestKey::Derived(KeyType::kP384,
                          Concat({partition_, "/", region_, "/", name}));
}

const TestKey& FakeNitro::root_key() const {
  return TestKey::Derived(KeyType::kP384, Concat({partition_, "/root"}));
}

verify::AnchorRecord FakeNitro::RootAnchor() const {
  return MakeAnchor({partition_, "", verify::AnchorKind::kNitroRoot},
                    root_key(), MakeCertificate(Root()));
}

std::string FakeNitro::ModuleId(NitroType type) {
  return Concat(
      {kInstanceId, "-", type == NitroType::kTpm ? kTpmId : kEnclaveId});
}

std::string FakeNitro::NamedPartition() const {
  return partition_.rfind("aws", 0) == 0 ? partition_ : "aws";
}

std::string FakeNitro::AuthoritySuffix() const {
  return Concat({".", NamedPartition(), ".nitro-enclaves"});
}

CertSpec FakeNitro::Root() const {
  CertSpec spec;
  spec.serial = Concat({std::string_view("\0\xf9", 2), Serial("root", 15)});
  spec.issuer = spec.subject = AmazonName(AuthoritySuffix().substr(1));
  spec.SetValidity(Utc(absl::CivilSecond(2019, 10, 28, 13, 28, 5)),
                   Utc(absl::CivilSecond(2049, 10, 28, 14, 28, 5)));
  spec.key = spec.issuer_key = &root_key();
  spec.extensions = {BasicConstraints(true), SubjectKeyId(*spec.key),
                     KeyUsage(kDigitalSignature | kKeyCertSign | kCrlSign)};
  return spec;
}

CertSpec FakeNitro::Regional(absl::Time at) const {
  CertSpec spec;
  spec.serial = Serial("regional", 16);
  spec.subject =
      AmazonName(Concat({kRegionalHost, ".", region_, AuthoritySuffix()}));
  spec.SetValidity(at - absl::Hours(27),
                   at - absl::Hours(27) + absl::Hours(481));
  spec.key = &Key("regional");
  spec.extensions = {
      BasicConstraints(true, 2), AuthorityKeyId(root_key()),
      SubjectKeyId(*spec.key),
      KeyUsage(kDigitalSignature | kKeyCertSign | kCrlSign),
      CrlDistributionPoint("http://aws-nitro-enclaves-crl.s3.amazonaws.com/crl/"
                           "ab4960cc-7d63-42bd-9e9f-59338cb67f84.crl")};
  return spec;
}

CertSpec FakeNitro::Zonal(absl::Time at) const {
  CertSpec spec;
  spec.serial = Concat({std::string_view("\0\xfd", 2), Serial("zonal", 15)});
  spec.subject =
      ZonalName(Concat({kZonalHost, ".zonal.", region_, AuthoritySuffix()}));
  spec.SetValidity(at - absl::Hours(7), at - absl::Hours(7) + absl::Hours(138));
  spec.key = &Key("zonal");
  spec.extensions = {
      BasicConstraints(true, 1), AuthorityKeyId(Key("regional")),
      SubjectKeyId(*spec.key),
      KeyUsage(kDigitalSignature | kKeyCertSign | kCrlSign),
      CrlDistributionPoint(Concat(
          {"http://crl-", region_, "-aws-nitro-enclaves.s3.", region_,
           ".amazonaws.com/crl/8e3905c8-326a-45e0-a3c3-c4cf22630cd6.crl"}))};
  return spec;
}

CertSpec FakeNitro::Instance(absl::Time at) const {
  CertSpec spec;
  spec.serial = Serial("instance", 20);
  spec.subject =
      SeattleName(Concat({kInstanceId, ".", region_, AuthoritySuffix()}));
  spec.SetValidity(at - absl::Hours(2), at + absl::Hours(22));
  spec.key = &Key("instance");
  spec.extensions = {BasicConstraints(true, 0), KeyUsage(kKeyCertSign),
                     SubjectKeyId(*spec.key), AuthorityKeyId(Key("zonal"))};
  return spec;
}

CertSpec FakeNitro::Leaf(NitroType type, absl::Time at) const {
  const absl::Time issued = at - absl::Minutes(5);
  CertSpec spec;
  spec.serial = LeafSerial(type, issued);
  spec.subject = SeattleName(
      Concat({ModuleId(type), ".", region_, ".", NamedPartition()}));
  spec.SetValidity(issued, issued + absl::Seconds(10803));
  spec.key = &Key(ModuleId(type));
  spec.extensions = {BasicConstraints(false),
                     KeyUsage(kDigitalSignature | kNonRepudiation, false)};
  return spec;
}

std::vector<CertSpec> FakeNitro::Chain(NitroType type, absl::Time at) const {
  std::vector<CertSpec> chain = {Root(), Regional(at), Zonal(at), Instance(at),
                                 Leaf(type, at)};
  for (std::size_t i = 1; i < chain.size(); ++i) {
    chain[i].issuer = chain[i - 1].subject;
    chain[i].issuer_key = chain[i - 1].key;
  }
  return chain;
}

NitroSpec FakeNitro::Genuine(NitroType type, absl::Time at) const {
  NitroSpec spec;
  spec.chain = Chain(type, at);
  spec.document.module_id = ModuleId(type);
  spec.document.timestamp = absl::ToUnixMillis(at);
  if (type == NitroType::kTpm) {
    spec.document.nitrotpm_pcrs = GenuinePcrs(type);
  } else {
    spec.document.pcrs = GenuinePcrs(type);
  }
  return spec;
}

NitroSpec FakeNitro::Genuine(NitroType type) const {
  return Genuine(type, FakeNow() - absl::Seconds(1));
}

}  // namespace anchorage::test
