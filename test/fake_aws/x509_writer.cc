#include "test/fake_aws/x509_writer.h"

#include <algorithm>

namespace anchorage::test {
namespace {

std::string TbsOf(const CertSpec& spec, std::string_view algorithm) {
  std::string extensions;
  for (const Extension& extension : spec.extensions) {
    extensions += ToDer(extension);
  }
  if (!extensions.empty()) extensions = Tlv(0xa3, Tlv(0x30, extensions));
  std::string version;
  if (spec.version.has_value()) {
    version = Tlv(0xa0, Integer(static_cast<std::uint64_t>(*spec.version)));
  }
  return Sequence({version, Tlv(0x02, spec.serial),
                   spec.tbs_algorithm.empty() ? algorithm : spec.tbs_algorithm,
                   spec.issuer, Sequence({spec.not_before, spec.not_after}),
                   spec.subject,
                   spec.spki.empty() ? spec.key->spki_der() : spec.spki,
                   spec.extensions_der.value_or(extensions)});
}

std::string Ecdsa(Hash hash) {
  if (hash == Hash::kSha256) return std::string(kOidEcdsaWithSha256);
  if (hash == Hash::kSha384) return std::string(kOidEcdsaWithSha384);
  return std::string(kOidEcdsaWithSha512);
}

std::string Rsa(Hash hash) {
  if (hash == Hash::kSha1) return std::string(kOidSha1WithRsa);
  if (hash == Hash::kSha256) return std::string(kOidSha256WithRsa);
  if (hash == Hash::kSha384) return std::string(kOidSha384WithRsa);
  return std::string(kOidSha512WithRsa);
}

}  // namespace

std::string ToDer(const Extension& extension) {
  return Sequence({Oid(extension.oid),
                   extension.critical ? Boolean(true) : std::string(),
                   OctetString(extension.value)});
}

Extension BasicConstraints(bool ca, std::optional<int> path_length) {
  std::string fields;
  if (ca) fields += Boolean(true);
  if (path_length.has_value()) {
    fields += Integer(static_cast<std::uint64_t>(*path_length));
  }
  return {std::string(kOidBasicConstraints), true, Tlv(0x30, fields)};
}

Extension KeyUsage(unsigned bits, bool critical) {
  // DER: no more unused bits than the lowest one set.
  std::uint8_t unused = 0;
  while (unused < 7 && (bits >> unused & 1) == 0) ++unused;
  return {std::string(kOidKeyUsage), critical,
          BitString(std::string(1, static_cast<char>(bits)), unused)};
}

Extension SubjectKeyId(const TestKey& key) {
  return {std::string(kOidSubjectKeyId), false,
          OctetString(HashOf(Hash::kSha1, key.public_key_bytes()))};
}

Extension AuthorityKeyId(const TestKey& key) {
  return {std::string(kOidAuthorityKeyId), false,
          Sequence({Tlv(0x80, HashOf(Hash::kSha1, key.public_key_bytes()))})};
}

Extension CrlDistributionPoint(std::string_view url) {
  return {std::string(kOidCrlDistributionPoints), false,
          Sequence({Sequence({Tlv(0xa0, Tlv(0xa0, Tlv(0x86, url)))})})};
}

void CertSpec::SetValidity(absl::Time from, absl::Time until) {
  not_before = X509Time(from);
  not_after = X509Time(until);
}

Extension* CertSpec::Find(std::string_view oid) {
  const auto at =
      std::find_if(extensions.begin(), extensions.end(),
                   [oid](const Extension& e) { return e.oid == oid; });
  return at == extensions.end() ? nullptr : &*at;
}

void CertSpec::Remove(std::string_view oid) {
  std::erase_if(extensions, [oid](const Extension& e) { return e.oid == oid; });
}

std::string SignatureAlgorithmOf(const TestKey& key, Hash hash) {
  switch (key.type()) {
    case KeyType::kRsa:
      return AlgorithmId(Rsa(hash), Parameters::kNull);
    case KeyType::kDsa1024:
      return AlgorithmId(
          hash == Hash::kSha1 ? kOidDsaWithSha1 : kOidDsaWithSha256,
          Parameters::kAbsent);
    case KeyType::kEd25519:
      return AlgorithmId("1.3.101.112", Parameters::kAbsent);
    default:
      return AlgorithmId(Ecdsa(hash), Parameters::kAbsent);
  }
}

std::string MakeCertificate(const CertSpec& spec) {
  const std::string algorithm =
      SignatureAlgorithmOf(*spec.issuer_key, spec.hash);
  std::string tbs = TbsOf(spec, algorithm);
  if (spec.edit_tbs) tbs = spec.edit_tbs(tbs);
  std::string signature =
      spec.issuer_key->type() == KeyType::kEd25519
          ? spec.issuer_key->SignMessage(tbs)
          : spec.issuer_key->Sign(spec.hash, HashOf(spec.hash, tbs));
  if (spec.edit_signature) signature = spec.edit_signature(signature);
  std::string certificate = Sequence(
      {tbs, spec.outer_algorithm.empty() ? algorithm : spec.outer_algorithm,
       BitString(signature)});
  if (spec.edit_certificate) certificate = spec.edit_certificate(certificate);
  return certificate;
}

}  // namespace anchorage::test
