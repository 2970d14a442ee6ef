#include "test/fake_aws/fake_identity.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace anchorage::test {
namespace {

using verify::AnchorKind;

constexpr AnchorKind kKinds[] = {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024,
                                 AnchorKind::kIidRsa2048};

// Which of the RSA keys are for what: regions count up from here.
constexpr int kFirstChinaPkcs7Key = 30;
constexpr int kAttackerKey = TestKey::kRsaKeys - 1;

// DSA-1024 goes with SHA-1. No document from China is published: that its RSA
// keys go with SHA-256 is a guess.
Hash HashFor(const TestKey& key) {
  return key.type() == KeyType::kDsa1024 ? Hash::kSha1 : Hash::kSha256;
}

// Nine octets with a leading zero, as most of AWS's serials are.
std::string SerialFor(std::string_view region, AnchorKind kind,
                      const TestKey& key) {
  std::string serial =
      HashOf(Hash::kSha256, absl::StrCat(key.spki_der(), std::string(region),
                                         static_cast<int>(kind)))
          .substr(0, 8);
  serial[0] = static_cast<char>(serial[0] | 0x80);
  return std::string(1, '\0') + serial;
}

// With name and serial of the issuer too, as AWS's certificates have it.
Extension FullAuthorityKeyId(const CertSpec& spec) {
  const std::string key_id =
      HashOf(Hash::kSha1, spec.issuer_key->public_key_bytes());
  return {std::string(kOidAuthorityKeyId), false,
          Sequence({Tlv(0x80, key_id), Tlv(0xa1, Tlv(0xa4, spec.issuer)),
                    Tlv(0x82, spec.serial)})};
}

std::string Quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

}  // namespace

absl::Time FakeNow() { return absl::FromUnixSeconds(1789905600); }

DocumentFields& DocumentFields::Set(std::string_view name,
                                    std::string_view json) {
  const auto at =
      std::find_if(fields_.begin(), fields_.end(),
                   [name](const Field& f) { return f.first == name; });
  if (at == fields_.end()) return Add(name, json);
  at->second = json;
  return *this;
}

DocumentFields& DocumentFields::SetText(std::string_view name,
                                        std::string_view text) {
  return Set(name, Quoted(text));
}

DocumentFields& DocumentFields::Add(std::string_view name,
                                    std::string_view json) {
  fields_.emplace_back(name, json);
  return *this;
}

DocumentFields& DocumentFields::Remove(std::string_view name) {
  std::erase_if(fields_, [name](const Field& f) { return f.first == name; });
  return *this;
}

std::string DocumentFields::Text() const {
  std::string out = "{";
  for (const auto& [name, json] : fields_) {
    out += out.size() == 1 ? "\n  " : ",\n  ";
    out += Quoted(name) + " : " + json;
  }
  return out + "\n}";
}

std::vector<FakeRegion> DefaultRegions() {
  return {
      {"aws", "us-east-1", ""},     {"aws", "us-west-2", "us-east-1"},
      {"aws", "eu-west-1", ""},     {"aws-us-gov", "us-gov-west-1", ""},
      {"aws-cn", "cn-north-1", ""}, {"aws-eusc", "eusc-de-east-1", "", false}};
}

FakeIdentity::FakeIdentity(std::vector<FakeRegion> regions)
    : regions_(std::move(regions)) {
  int number = 0;
  for (const FakeRegion& region : regions_) {
    const std::string& old_keys = region.shares_old_keys_with;
    const auto inherit = [&](AnchorKind kind, const TestKey& own) {
      return old_keys.empty() ? &own : keys_.at({old_keys, kind});
    };
    keys_[{region.region, AnchorKind::kIidRsa2048}] =
        &TestKey::Rsa(2048, number);
    keys_[{region.region, AnchorKind::kIidRsa1024}] =
        inherit(AnchorKind::kIidRsa1024, TestKey::Rsa(1024, number));
    if (region.partition == "aws-cn") {
      keys_[{region.region, AnchorKind::kIidDsa}] =
          &TestKey::Rsa(2048, kFirstChinaPkcs7Key + number);
    } else if (region.has_pkcs7_kind) {
      keys_[{region.region, AnchorKind::kIidDsa}] =
          inherit(AnchorKind::kIidDsa,
                  TestKey::Derived(KeyType::kDsa1024, region.region));
    }
    ++number;
  }
}

std::vector<verify::AnchorRecord> FakeIdentity::Anchors() const {
  std::vector<verify::AnchorRecord> anchors;
  for (const FakeRegion& region : regions_) {
    for (AnchorKind kind : kKinds) {
      if (kind == AnchorKind::kIidDsa && !region.has_pkcs7_kind) continue;
      anchors.push_back(Anchor(region.region, kind));
    }
  }
  return anchors;
}

verify::AnchorRecord FakeIdentity::Anchor(std::string_view region,
                                          AnchorKind kind) const {
  return MakeAnchor({Find(region).partition, std::string(region), kind},
                    KeyOf(region, kind),
                    MakeCertificate(Certificate(region, kind)));
}

const TestKey& FakeIdentity::KeyOf(std::string_view region,
                                   AnchorKind kind) const {
  return *keys_.at({std::string(region), kind});
}

void FakeIdentity::SetKey(std::string_view region, AnchorKind kind,
                          const TestKey& key) {
  keys_[{std::string(region), kind}] = &key;
}

CertSpec FakeIdentity::Certificate(std::string_view region,
                                   AnchorKind kind) const {
  const TestKey& key = KeyOf(region, kind);
  CertSpec spec;
  spec.serial = SerialFor(region, kind, key);
  spec.issuer = spec.subject = AwsLlcName();
  spec.key = spec.issuer_key = &key;
  spec.hash = HashFor(key);
  if (kind == AnchorKind::kIidDsa) {
    spec.version = std::nullopt;
    spec.SetValidity(absl::FromCivil(absl::CivilSecond(2012, 1, 5, 12, 56, 12),
                                     absl::UTCTimeZone()),
                     absl::FromCivil(absl::CivilSecond(2038, 1, 5, 12, 56, 12),
                                     absl::UTCTimeZone()));
    return spec;
  }
  spec.SetValidity(absl::FromCivil(absl::CivilSecond(2015, 8, 14, 8, 59, 12),
                                   absl::UTCTimeZone()),
                   absl::FromCivil(absl::CivilSecond(2195, 1, 17, 8, 59, 12),
                                   absl::UTCTimeZone()));
  spec.extensions = {KeyUsage(kDigitalSignature, false), SubjectKeyId(key),
                     FullAuthorityKeyId(spec), BasicConstraints(true, 0)};
  return spec;
}

DocumentFields FakeIdentity::Document(std::string_view region) const {
  const std::string name(region);
  const std::string launched = absl::FormatTime(
      "%Y-%m-%dT%H:%M:%SZ", FakeNow() - absl::Minutes(10), absl::UTCTimeZone());
  DocumentFields document;
  document.Add("accountId", Quoted("012345678901"))
      .Add("architecture", Quoted("x86_64"))
      .Add("availabilityZone", Quoted(name + "a"))
      .Add("billingProducts", "null")
      .Add("devpayProductCodes", "null")
      .Add("marketplaceProductCodes", "null")
      .Add("imageId", Quoted("ami-0cbde744623b7506b"))
      .Add("instanceId", Quoted("i-0c5541936caf78c12"))
      .Add("instanceType", Quoted("t3.small"))
      .Add("kernelId", "null")
      .Add("pendingTime", Quoted(launched))
      .Add("privateIp", Quoted("10.0.1.242"))
      .Add("ramdiskId", "null")
      .Add("region", Quoted(name))
      .Add("version", Quoted("2017-09-30"));
  return document;
}

Pkcs7Spec FakeIdentity::Genuine(std::string_view region, AnchorKind kind,
                                std::string_view document, Era era) const {
  const CertSpec certificate = Certificate(region, kind);
  const Parameters parameters =
      era == Era::k2026 ? Parameters::kAbsent : Parameters::kNull;
  SignerSpec signer;
  signer.issuer = certificate.issuer;
  signer.serial = certificate.serial;
  signer.key = certificate.key;
  signer.hash = HashFor(*signer.key);
  signer.signing_time = FakeNow() - absl::Minutes(10) + absl::Seconds(1);
  signer.has_algorithm_protection = era != Era::k2018;
  const bool plain_rsa =
      era == Era::k2018 && signer.key->type() == KeyType::kRsa;
  DeclareAlgorithms(signer, signer.hash, parameters,
                    plain_rsa ? kOidRsaEncryption : "");
  Pkcs7Spec spec;
  spec.content = std::string(document);
  spec.signers.push_back(signer);
  return spec;
}

std::string FakeIdentity::Signature(std::string_view region,
                                    std::string_view document) const {
  return KeyOf(region, AnchorKind::kIidRsa1024)
      .Sign(Hash::kSha256, HashOf(Hash::kSha256, document));
}

const FakeRegion& FakeIdentity::Find(std::string_view region) const {
  const auto at = std::find_if(
      regions_.begin(), regions_.end(),
      [region](const FakeRegion& r) { return r.region == region; });
  if (at == regions_.end()) std::abort();
  return *at;
}

verify::AnchorRecord MakeAnchor(verify::Slot slot, const TestKey& key,
                                std::string certificate_der) {
  verify::AnchorRecord record;
  record.slot = std::move(slot);
  record.spki_der = key.spki_der();
  if (!certificate_der.empty()) {
    record.certificates_der.push_back(std::move(certificate_der));
  }
  return record;
}

std::string Base64(std::string_view bytes, std::size_t columns) {
  const std::string line =
      absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()));
  if (columns == 0) return line;
  std::string out;
  for (std::size_t at = 0; at < line.size(); at += columns) {
    out += line.substr(at, columns) + "\n";
  }
  return out;
}

std::string AwsLlcName() {
  return Sequence(
      {NameAttribute(kOidCountry, PrintableString("US")),
       NameAttribute(kOidState, PrintableString("Washington State")),
       NameAttribute(kOidLocality, PrintableString("Seattle")),
       NameAttribute(kOidOrganization,
                     PrintableString("Amazon Web Services LLC"))});
}

const TestKey& AttackerKey(AnchorKind kind) {
  if (kind == AnchorKind::kIidDsa) {
    return TestKey::Derived(KeyType::kDsa1024, "attacker");
  }
  if (kind == AnchorKind::kNitroRoot) {
    return TestKey::Derived(KeyType::kP384, "attacker");
  }
  return TestKey::Rsa(kind == AnchorKind::kIidRsa1024 ? 1024 : 2048,
                      kAttackerKey);
}

}  // namespace anchorage::test
