// Attacks in one certificate: keys, extensions, DER, dates, names.

#include <string>
#include <utility>

#include "test/attacks/attestation_case.h"

namespace anchorage::test {
namespace {

using verify::Reason;

// Replaces the contents of a DER element, under a header that fits.
std::string EditContents(std::string_view der,
                         const std::function<std::string(std::string)>& edit) {
  const auto length = static_cast<std::uint8_t>(der[1]);
  const std::size_t header = length < 0x80 ? 2 : 2 + (length & 0x7f);
  return Tlv(static_cast<std::uint8_t>(der[0]),
             edit(std::string(der.substr(header))));
}

// Replaces what stands at the beginning of the TBSCertificate's contents.
void ReplaceVersion(CertSpec& spec, std::string version) {
  spec.edit_tbs = [version](std::string tbs) {
    return EditContents(tbs, [&](std::string contents) {
      return version + contents.substr(5);
    });
  };
}

// Makes the leaf's key (and the document's signature) one of another type,
// with a signature that is 96 bytes long whatever it is.
void UseLeafKey(AttestationCase& c, const TestKey& key) {
  c.leaf().key = &key;
  c.cose().edit_signature = [](std::string s) {
    s.resize(96, '\1');
    return s;
  };
}

// The value of basicConstraints, from its parts in DER.
void SetConstraints(CertSpec& spec, std::string value) {
  spec.Find(kOidBasicConstraints)->value = std::move(value);
}

void SetNotAfter(CertSpec& spec, std::uint8_t tag, std::string_view text) {
  spec.not_after = Tlv(tag, text);
}

constexpr std::uint8_t kUtc = 0x17;
constexpr std::uint8_t kGeneralized = 0x18;

// Half of the rows differ only in which part of DER is broken.
AttestationAttack Malformed(std::string id, std::string what,
                            std::function<void(AttestationCase&)> change) {
  return {std::move(id), By::kSigner, std::move(what), std::move(change),
          Reason::kCertificateMalformed};
}

// A leaf whose name is in no form that is known.
void UseNamelessLeaf(AttestationCase& c) {
  c.leaf().subject =
      Sequence({NameAttribute(kOidCountry, PrintableString("US"))});
}

std::vector<AttestationAttack> RoleAttacks() {
  using Case = AttestationCase;
  return {
      {"25a", By::kSigner, "a leaf without digitalSignature",
       [](Case& c) {
         *c.leaf().Find(kOidKeyUsage) = KeyUsage(kNonRepudiation, false);
       },
       Reason::kLeafKeyUsage},
      {"25b", By::kSigner, "a leaf without keyUsage",
       [](Case& c) { c.leaf().Remove(kOidKeyUsage); }, Reason::kLeafKeyUsage},
      {"26a", By::kSigner, "a leaf that may only sign certificates",
       [](Case& c) { *c.leaf().Find(kOidKeyUsage) = KeyUsage(kKeyCertSign); },
       Reason::kLeafKeyUsage},
      {"26b", By::kSigner, "a leaf that may sign certificates too",
       [](Case& c) {
         *c.leaf().Find(kOidKeyUsage) =
             KeyUsage(kDigitalSignature | kKeyCertSign);
       },
       Reason::kLeafKeyUsage},
      {"27", By::kSigner, "a leaf with CA:TRUE",
       [](Case& c) {
         *c.leaf().Find(kOidBasicConstraints) = BasicConstraints(true);
       },
       Reason::kLeafIsCa},
      {"35a", By::kSigner, "a P-256 leaf with SHA-384",
       [](Case& c) { UseLeafKey(c, TestKey::Derived(KeyType::kP256, "leaf")); },
       Reason::kCertificateAlgorithm},
      {"35b", By::kSigner, "a P-256 leaf with SHA-256, 64 bytes of signature",
       [](Case& c) {
         c.leaf().key = &TestKey::Derived(KeyType::kP256, "leaf");
         c.cose().hash = Hash::kSha256;
       },
       Reason::kSignatureMalformed},
      {"36", By::kSigner, "a P-521 leaf",
       [](Case& c) { UseLeafKey(c, TestKey::Derived(KeyType::kP521, "leaf")); },
       Reason::kCertificateAlgorithm},
      {"37", By::kSigner, "a leaf without any extension",
       [](Case& c) { c.leaf().extensions.clear(); }, Reason::kLeafKeyUsage},
      {"39", By::kSigner, "an RSA leaf",
       [](Case& c) { UseLeafKey(c, TestKey::Rsa(1024, 0)); },
       Reason::kCertificateAlgorithm},
      {"40", By::kSigner, "a critical extension that nobody knows",
       [](Case& c) {
         c.leaf().extensions.push_back({"1.2.3.4", true, Null()});
       },
       Reason::kUnknownCriticalExtension},
      {"n19a", By::kSigner, "a leaf of another module than the document's",
       [](Case& c) { c.document().module_id += "0"; }, Reason::kLeafName},
      {"n19b", By::kSigner, "a leaf under another instance's CA",
       [](Case& c) {
         c.instance().subject = c.leaf().issuer =
             AmazonName("i-00000000000000000.us-east-1.aws.nitro-enclaves");
       },
       Reason::kLeafName},
      {"n19c", By::kSigner, "a leaf without a common name: no region",
       UseNamelessLeaf, kAccepted},
      {"n19e", By::kSigner, "the same where the policy names a region",
       [](Case& c) {
         UseNamelessLeaf(c);
         c.UsePolicy([](verify::EnclavePolicy::Builder& policy) {
           policy.ExpectRegions({"us-east-1"}).IgnoreTheRest("elsewhere");
         });
       },
       Reason::kRegionNotAllowed},
      {"n19f", By::kSigner, "the same in the strict profile",
       [](Case& c) {
         UseNamelessLeaf(c);
         c.UsePolicy([](verify::EnclavePolicy::Builder& policy) {
           policy.Strict().AuthenticityOnly("elsewhere");
         });
       },
       Reason::kLeafName},
      {"n19g", By::kSigner, "a leaf of another partition than the root's",
       [](Case& c) {
         c.leaf().subject =
             AmazonName(FakeNitro::ModuleId(NitroType::kEnclave) +
                        ".us-gov-west-1.aws-us-gov");
       },
       Reason::kLeafName},
      {"n19h", By::kSigner, "a region of another partition under \".aws\"",
       [](Case& c) {
         c.leaf().subject = AmazonName(
             FakeNitro::ModuleId(NitroType::kEnclave) + ".cn-north-1.aws");
       },
       Reason::kLeafName},
      {"n19i", By::kSigner, "a leaf of no form under another region's CAs",
       [](Case& c) {
         UseNamelessLeaf(c);
         c.instance().subject = c.leaf().issuer =
             AmazonName("i-0fd25f30661854f2b.us-west-2.aws.nitro-enclaves");
       },
       Reason::kLeafName},
      {"n19d", By::kSigner, "a leaf of another region than its CAs'",
       [](Case& c) {
         c.leaf().subject = AmazonName(
             FakeNitro::ModuleId(NitroType::kEnclave) + ".eu-west-1.aws");
       },
       Reason::kLeafName},
      {"x20", By::kSigner, "an authority with a P-256 key",
       [](Case& c) {
         c.instance().key = c.leaf().issuer_key =
             &TestKey::Derived(KeyType::kP256, "instance");
       },
       Reason::kCertificateAlgorithm},
      {"x21", By::kSigner, "a certificate signed with SHA-256",
       [](Case& c) { c.leaf().hash = Hash::kSha256; },
       Reason::kCertificateAlgorithm},
      {"x22", By::kSigner, "another algorithm outside than inside",
       [](Case& c) {
         c.leaf().outer_algorithm =
             AlgorithmId(kOidEcdsaWithSha256, Parameters::kAbsent);
       },
       Reason::kAlgorithmMismatch},
      {"x23", By::kSigner, "the algorithm with NULL for parameters",
       [](Case& c) {
         c.leaf().tbs_algorithm = c.leaf().outer_algorithm =
             AlgorithmId(kOidEcdsaWithSha384, Parameters::kNull);
       },
       Reason::kCertificateAlgorithm},
      {"x24", By::kSigner, "a key that is not on the curve",
       [](Case& c) {
         c.leaf().spki = c.leaf().key->spki_der();
         c.leaf().spki.back() = static_cast<char>(c.leaf().spki.back() ^ 1);
       },
       Reason::kCertificateMalformed},
  };
}

std::vector<AttestationAttack> DerAttacks() {
  using Case = AttestationCase;
  return {
      Malformed("78a", "a byte after the leaf",
                [](Case& c) {
                  c.leaf().edit_certificate = [](std::string der) {
                    return der + '\0';
                  };
                }),
      Malformed("78b", "a byte in the leaf's outermost sequence",
                [](Case& c) {
                  c.leaf().edit_certificate = [](std::string der) {
                    return EditContents(
                        der, [](std::string s) { return s + Null(); });
                  };
                }),
      Malformed("n02a", "a SET where the subject's SEQUENCE belongs",
                [](Case& c) { c.leaf().subject[0] = '\x31'; }),
      Malformed("n02b", "a certificate cut short",
                [](Case& c) {
                  c.leaf().edit_certificate = [](std::string der) {
                    der.pop_back();
                    return der;
                  };
                }),
      Malformed("n02c", "a length in more octets than it needs",
                [](Case& c) {
                  c.leaf().not_before = TlvLongLength(
                      kUtc, std::string_view(c.leaf().not_before).substr(2), 1);
                }),
      Malformed("n02d", "a BOOLEAN of 01 for CA:TRUE",
                [](Case& c) {
                  SetConstraints(c.instance(), Sequence({Tlv(0x01, "\x01")}));
                }),
      Malformed("n02e", "something after the version",
                [](Case& c) {
                  ReplaceVersion(c.leaf(), Tlv(0xa0, Integer(2) + Null()));
                }),
      Malformed("n02f", "something after the public key",
                [](Case& c) {
                  c.leaf().spki =
                      EditContents(c.leaf().key->spki_der(),
                                   [](std::string s) { return s + Null(); });
                }),
      Malformed(
          "n02g", "an empty BIT STRING for keyUsage",
          [](Case& c) { c.leaf().Find(kOidKeyUsage)->value = Tlv(0x03, ""); }),
      Malformed("n02h", "an empty BIT STRING for the signature",
                [](Case& c) {
                  c.leaf().edit_signature = [](std::string) {
                    return std::string();
                  };
                }),
      Malformed("n02i", "an indefinite length",
                [](Case& c) {
                  c.leaf().subject = EditContents(
                      c.leaf().subject, [](std::string s) { return s; });
                  c.leaf().subject = Indefinite(
                      0x30, std::string_view(c.leaf().subject).substr(3));
                }),
      Malformed("n02j", "an X.509 v1 certificate",
                [](Case& c) { c.instance().version = std::nullopt; }),
      Malformed("n02k", "an extension twice",
                [](Case& c) {
                  c.leaf().extensions.push_back(
                      KeyUsage(kDigitalSignature, false));
                }),
      Malformed("n02l", "an extension with critical FALSE written out",
                [](Case& c) {
                  c.leaf().extensions_der = Tlv(
                      0xa3,
                      Sequence({Sequence(
                          {Oid(kOidKeyUsage), Boolean(false),
                           OctetString(KeyUsage(kDigitalSignature).value)})}));
                }),
      Malformed("n02m", "a negative serial number",
                [](Case& c) { c.leaf().serial = "\x80"; }),
      Malformed("n02n", "a serial number of 21 octets",
                [](Case& c) { c.leaf().serial = std::string(21, '\x11'); }),
      Malformed("n02o", "keyUsage with bits that DER cuts off",
                [](Case& c) {
                  c.leaf().Find(kOidKeyUsage)->value =
                      BitString(std::string("\x80\0", 2), 0);
                }),
      Malformed("n03a", "a path length of 2^32 + 2",
                [](Case& c) {
                  SetConstraints(
                      c.regional(),
                      Sequence({Boolean(true),
                                Integer((std::uint64_t{1} << 32) + 2)}));
                }),
      Malformed("n03b", "a path length of 2^64 + 2",
                [](Case& c) {
                  SetConstraints(
                      c.regional(),
                      Sequence({Boolean(true), PositiveInteger(std::string(
                                                   "\1\0\0\0\0\0\0\0\2", 9))}));
                }),
      Malformed("n03c", "a negative path length",
                [](Case& c) {
                  SetConstraints(c.regional(),
                                 Sequence({Boolean(true), Tlv(2, "\xff")}));
                }),
      Malformed("n04a", "the 30th of February",
                [](Case& c) { SetNotAfter(c.leaf(), kUtc, "270230000000Z"); }),
      Malformed("n04b", "a date without its Z",
                [](Case& c) { SetNotAfter(c.leaf(), kUtc, "270228000000"); }),
      Malformed("n04c", "a date with a fraction",
                [](Case& c) {
                  SetNotAfter(c.leaf(), kGeneralized, "20510228000000.5Z");
                }),
      Malformed("n04d", "a date without seconds",
                [](Case& c) { SetNotAfter(c.leaf(), kUtc, "2702280000Z"); }),
      Malformed(
          "n04e", "a date with an offset",
          [](Case& c) { SetNotAfter(c.leaf(), kUtc, "270228000000+0100"); }),
      Malformed("n04f", "a year 50 in two digits, which is 1950",
                [](Case& c) { SetNotAfter(c.leaf(), kUtc, "500101000000Z"); }),
      Malformed("n04g", "a GeneralizedTime before 2050",
                [](Case& c) {
                  SetNotAfter(c.leaf(), kGeneralized, "20270228000000Z");
                }),
      {"n04h", By::kNobody, "a year 49 in two digits, which is 2049",
       [](Case& c) { SetNotAfter(c.leaf(), kUtc, "491231235959Z"); },
       kAccepted},
      {"n04i", By::kNobody, "a GeneralizedTime of 2050",
       [](Case& c) { SetNotAfter(c.leaf(), kGeneralized, "20500101000000Z"); },
       kAccepted},
      Malformed("n27a", "a path length without cA",
                [](Case& c) {
                  SetConstraints(c.instance(), Sequence({Integer(0)}));
                }),
      Malformed("n27b", "cA FALSE written out",
                [](Case& c) {
                  SetConstraints(c.leaf(), Sequence({Boolean(false)}));
                }),
      {"n27c", By::kNobody, "a path length of two octets",
       [](Case& c) {
         SetConstraints(c.regional(), Sequence({Boolean(true), Integer(256)}));
       },
       kAccepted},
      Malformed("n27d", "basicConstraints with a long length",
                [](Case& c) {
                  SetConstraints(c.instance(),
                                 TlvLongLength(0x30, Boolean(true), 1));
                }),
      Malformed("n27e", "something after basicConstraints",
                [](Case& c) {
                  SetConstraints(c.instance(),
                                 Sequence({Boolean(true)}) + Null());
                }),
  };
}

}  // namespace

std::vector<AttestationAttack> CertificateAttacks() {
  return Join<AttestationCase>({RoleAttacks(), DerAttacks()});
}

}  // namespace anchorage::test
