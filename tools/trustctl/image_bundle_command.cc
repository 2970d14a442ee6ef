// trustctl image sign | show | export

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/image_exports.h"
#include "tools/trustctl/image_tree.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/signing_key.h"
#include "verify/attestation/certificate.h"
#include "verify/encoding/base64.h"
#include "verify/image/boot_pcr.h"
#include "verify/image/bundle.h"
#include "verify/image/dsse.h"
#include "verify/image/image_error.h"
#include "verify/image/manifest.h"
#include "verify/image/statement.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;
using verify::BundleContents;
using verify::ImageManifest;
using verify::TrustedProducer;
using verify::VerifiedManifest;

struct Flags {
  std::string file;
  std::string chain;
  std::vector<std::string> producers;
  std::string at;
  std::string format;
  std::string out;
  SigningKeySource key;
  Output output;
};

template <typename Bytes>
std::string Hex(const Bytes& bytes) {
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

// What is said of a manifest, whether anybody signed it or not.
absl::StatusOr<ordered_json> FactsOf(const ImageManifest& manifest,
                                     const verify::Sha256Bytes& digest) {
  ordered_json facts = {{"product", manifest.product},
                        {"version", manifest.version.ToString()},
                        {"scope", verify::NameOf(manifest.scope)},
                        {"on_mismatch", verify::NameOf(manifest.on_mismatch)},
                        {"entries", manifest.entries.size()}};
  ordered_json exclusions = ordered_json::array();
  for (const std::string& name : manifest.exclusions) {
    exclusions.push_back(Printable(name));
  }
  facts["exclusions"] = std::move(exclusions);
  facts["manifest_sha256"] = Hex(digest);
  if (manifest.content_only) return facts;
  facts["time"] = Rfc3339(manifest.time);
  const auto event = verify::BootEvent(digest);
  if (!event.ok()) return event.status();
  const auto after = verify::RegisterAfter(*event);
  if (!after.ok()) return after.status();
  facts["pcr8"] = Hex(*after);
  return facts;
}

void PrintFacts(const ordered_json& facts) {
  const auto text = [&](const char* member) {
    return Printable(facts[member].get<std::string>());
  };
  // A model has neither.
  if (facts["product"] != "") {
    std::cout << "product     " << text("product") << " " << text("version")
              << "\n";
  }
  if (facts.contains("time")) {
    std::cout << "time        " << text("time") << "\n";
  }
  std::cout << "scope       " << text("scope") << ", " << facts["entries"]
            << " entries\non mismatch " << text("on_mismatch") << "\n";
  for (const auto& name : facts["exclusions"]) {
    std::cout << "excluded    " << Printable(name.get<std::string>()) << "\n";
  }
  std::cout << "manifest    " << text("manifest_sha256") << "\n";
  if (facts.contains("pcr8")) {
    std::cout << "PCR8        " << text("pcr8") << " after a validated boot\n";
  }
}

// --- sign --------------------------------------------------------------------

// Whether the key that `pem` is the public half of is the certificate's.
absl::Status CheckKey(const std::string& pem, const std::string& leaf_der) {
  const auto spki = verify::DecodePem(pem, "PUBLIC KEY");
  if (!spki.ok()) return spki.status();
  const auto leaf =
      verify::ParseCertificate(leaf_der, verify::CertificateProfile::kProducer);
  if (!leaf.ok()) return leaf.status();
  if (leaf->spki == *spki) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the first certificate of the chain is of another key");
}

// Signs `payload`. What comes out is verified before it is given to anybody,
// under the chain's last certificate.
absl::StatusOr<std::string> Sign(const anchors::tuf::SigningKey& key,
                                 const TrustedProducer& chain,
                                 std::string payload,
                                 std::optional<VerifiedManifest>& verified) {
  auto signature = key.Sign(verify::PreAuthenticationEncoding(payload));
  if (!signature.ok()) return signature.status();
  std::string text = verify::WriteBundle({.chain_der = chain.certificates_der,
                                          .payload = std::move(payload),
                                          .signature = *std::move(signature)});
  const TrustedProducer last = {
      .name = chain.name, .certificates_der = {chain.certificates_der.back()}};
  auto made = verify::VerifyBundle(text, {&last, 1}, std::nullopt);
  if (verify::ImageReasonOf(made.status()) ==
      verify::ImageReason::kCertificateNotYetValid) {
    // A build may say an older time than that of its signer's certificate.
    made = verify::VerifyBundle(text, {&last, 1}, absl::Now());
    if (made.ok()) {
      PrintWarning(
          "the manifest's time is before its certificates: it counts once the "
          "signed index of images lists it, and not offline");
    }
  }
  if (!made.ok()) return made.status();
  verified.emplace(*std::move(made));
  return text;
}

int RunSign(const Flags& flags) {
  const auto text = anchors::ReadFile(flags.file, verify::kMaxPredicateBytes);
  if (!text.ok()) return Fail(text.status());
  const auto manifest = verify::ParsePredicate(*text);
  if (!manifest.ok()) {
    return Fail(manifest.status(),
                "a manifest is what trustctl image manifest wrote, unchanged");
  }
  auto payload = verify::WriteStatement(*manifest);
  if (!payload.ok()) return Fail(payload.status());
  const auto chains = ReadProducers({flags.chain});
  if (!chains.ok()) return Fail(chains.status());
  const TrustedProducer& chain = chains->front();
  const auto key = flags.key.Open(anchors::tuf::KeyUse::kImages);
  if (!key.ok()) return Fail(key.status());
  const auto pem = (*key)->PublicPem();
  if (!pem.ok()) return Fail(pem.status());
  if (absl::Status s = CheckKey(*pem, chain.certificates_der.front());
      !s.ok()) {
    return Fail(s,
                "a chain begins with the signer's certificate: P-256 or P-384");
  }
  std::optional<VerifiedManifest> verified;
  const auto bundle = Sign(**key, chain, *std::move(payload), verified);
  if (!bundle.ok()) {
    return Fail(bundle.status(),
                "nobody would accept this signature, so it was not written");
  }
  if (absl::Status s = WriteOutput(flags.out, *bundle); !s.ok()) return Fail(s);
  if (flags.out == "-") return kAccepted;
  auto facts = FactsOf(*manifest, verified->digest());
  if (!facts.ok()) return Fail(facts.status());
  ordered_json answer = {{"file", flags.out},
                         {"signer", Printable(verified->signer().signer)}};
  answer.update(*facts);
  flags.output.Print(answer, {.name = "/manifest_sha256"}, [&] {
    std::cout << "wrote       " << Printable(flags.out) << ", signed by "
              << Printable(verified->signer().signer) << "\n";
    PrintFacts(answer);
  });
  return kAccepted;
}

// --- show --------------------------------------------------------------------

absl::StatusOr<VerifiedManifest> Verify(const Flags& flags, std::string text) {
  const auto at = ParseOptionalTime(flags.at);
  if (!at.ok()) return at.status();
  const auto producers = ReadProducers(flags.producers);
  if (!producers.ok()) return producers.status();
  return verify::VerifyBundle(std::move(text), *producers, *at);
}

// Verifies that who `leaf_der` names made the signature, whoever that is. Where
// nobody is trusted, no time is either: one at which the certificate is valid
// will do.
absl::StatusOr<VerifiedManifest> VerifySignatureAlone(std::string leaf_der,
                                                      std::string text) {
  const auto leaf =
      verify::ParseCertificate(leaf_der, verify::CertificateProfile::kProducer);
  std::optional<absl::Time> at;
  if (leaf.ok()) at = leaf->not_before;
  const TrustedProducer signer = {.certificates_der = {std::move(leaf_der)}};
  return verify::VerifyBundle(std::move(text), {&signer, 1}, at);
}

// The certificates of a bundle, leaf first; what is signed is not kept.
absl::StatusOr<std::vector<std::string>> ChainOf(std::string_view text) {
  auto bundle = verify::ReadBundle(text);
  if (!bundle.ok()) return bundle.status();
  return std::move(bundle->chain_der);
}

ordered_json CertificatesOf(const std::vector<std::string>& chain_der) {
  ordered_json chain = ordered_json::array();
  for (const std::string& der : chain_der) {
    const auto certificate =
        verify::ParseCertificate(der, verify::CertificateProfile::kProducer);
    if (!certificate.ok()) {
      chain.push_back({{"problem", Printable(TextOf(certificate.status()))}});
      continue;
    }
    chain.push_back({{"name", Printable(certificate->common_name.value_or(""))},
                     {"valid_from", Rfc3339(certificate->not_before)},
                     {"valid_until", Rfc3339(certificate->not_after)}});
  }
  return chain;
}

int RunShow(const Flags& flags) {
  auto text = anchors::ReadFile(flags.file, verify::kMaxBundleBytes);
  if (!text.ok()) return Fail(text.status());
  const auto chain_der = ChainOf(*text);
  if (!chain_der.ok()) {
    return Fail(chain_der.status(),
                HintForBundle(chain_der.status(), flags.file));
  }
  const bool is_trusted = !flags.producers.empty();
  const auto verified =
      is_trusted ? Verify(flags, *std::move(text))
                 : VerifySignatureAlone(chain_der->front(), *std::move(text));
  if (!verified.ok()) return Fail(verified.status());
  const auto facts = FactsOf(verified->manifest(), verified->digest());
  if (!facts.ok()) return Fail(facts.status());
  ordered_json answer = {{"verified", is_trusted}};
  if (is_trusted) {
    answer["producer"] = Printable(verified->signer().producer);
    answer["signer"] = Printable(verified->signer().signer);
    answer["judged_at"] = Rfc3339(verified->judged_at());
  }
  answer["chain"] = CertificatesOf(*chain_der);
  answer.update(*facts);
  flags.output.Print(answer, {.name = "/manifest_sha256"}, [&] {
    if (answer["verified"].get<bool>()) {
      std::cout << "signed by   " << answer["signer"].get<std::string>()
                << " of " << answer["producer"].get<std::string>() << "\n";
    } else {
      std::cout << "UNVERIFIED: nobody trusted was named (--producer)\n";
    }
    for (const auto& certificate : answer["chain"]) {
      std::cout << "certificate "
                << (certificate.contains("name")
                        ? absl::StrCat(
                              certificate["name"].get<std::string>(), ", ",
                              certificate["valid_from"].get<std::string>(),
                              " to ",
                              certificate["valid_until"].get<std::string>())
                        : certificate["problem"].get<std::string>())
                << "\n";
    }
    PrintFacts(answer);
  });
  return kAccepted;
}

// --- export ------------------------------------------------------------------

std::optional<ImageFormat> FormatNamed(const std::string& name) {
  if (name == "keylime") return ImageFormat::kKeylime;
  if (name == "fapolicyd") return ImageFormat::kFapolicyd;
  if (name == "spdx") return ImageFormat::kSpdx;
  return std::nullopt;
}

int RunExport(const Flags& flags) {
  auto text = anchors::ReadFile(flags.file, verify::kMaxBundleBytes);
  if (!text.ok()) return Fail(text.status());
  const auto verified = Verify(flags, *std::move(text));
  if (!verified.ok()) {
    return Fail(verified.status(),
                HintForBundle(verified.status(), flags.file));
  }
  if (verified->manifest().content_only) {
    return UsageError(absl::InvalidArgumentError(
        "a manifest of Model Signing says no sizes, product or version: it is "
        "not exported"));
  }
  const ImageExport made =
      ExportImage(*FormatNamed(flags.format), *verified, Program());
  if (absl::Status s = WriteOutput(flags.out, made.text); !s.ok()) {
    return Fail(s);
  }
  if (made.left_out > 0) {
    PrintWarning(absl::StrCat(made.left_out,
                              " files are left out: ", flags.format,
                              " has no way to write their names"));
  }
  return kAccepted;
}

void AddProducer(CLI::App& command, Flags& flags, bool required) {
  auto* option = command.add_option(
      "--producer", flags.producers,
      "PEM file of a producer's certificates; may be given again");
  if (required) option->required();
  command
      .add_option("--at", flags.at,
                  "judge the certificates at this time (RFC 3339); without "
                  "it at the manifest's own")
      ->needs(option);
}

}  // namespace

void AddImageSign(CLI::App& image, Action& action) {
  auto* command = image.add_subcommand(
      "sign", "Sign a manifest as the producer of the image");
  auto flags = std::make_shared<Flags>();
  command
      ->add_option("manifest", flags->file,
                   "what 'trustctl image manifest' wrote, unchanged")
      ->required();
  flags->key.AddTo(*command);
  command
      ->add_option("--chain", flags->chain,
                   "PEM file of up to three certificates, the signer's first, "
                   "each issued by the next")
      ->required();
  command->add_option("--out", flags->out, "where the signed manifest goes")
      ->required();
  flags->output.AddTo(*command);
  command->footer(R"(
    trustctl image sign manifest.json --key build.pem --chain build.crt --out image.bundle.json
    trustctl image sign manifest.json --key 'pkcs11:token=build;object=images' --chain build.crt --out image.bundle.json

The signer's certificate is for signing code and is no CA. Who verifies pins the
certificate that the chain leads to, as a rule a CA of the producer's. What comes
out is verified before it is written.
)");
  command->callback(
      [&action, flags] { action = [flags] { return RunSign(*flags); }; });
}

void AddImageShow(CLI::App& image, Action& action) {
  auto* command =
      image.add_subcommand("show", "Show what a signed manifest says");
  auto flags = std::make_shared<Flags>();
  command->add_option("bundle", flags->file, "the signed manifest")->required();
  AddProducer(*command, *flags, /*required=*/false);
  flags->output.AddTo(*command);
  command->footer(R"(
    trustctl image show image.bundle.json --producer example.pem

Without --producer it only checks that the first certificate of the chain signed
what it shows: anybody can make such a certificate.
)");
  command->callback(
      [&action, flags] { action = [flags] { return RunShow(*flags); }; });
}

void AddImageExport(CLI::App& image, Action& action) {
  auto* command = image.add_subcommand(
      "export", "Write the files of a signed manifest for other programs");
  auto flags = std::make_shared<Flags>();
  command->add_option("bundle", flags->file, "the signed manifest")->required();
  command
      ->add_option("--format", flags->format,
                   "keylime (runtime policy), fapolicyd (trust file) or spdx "
                   "(list of files)")
      ->check(OneOf({"keylime", "fapolicyd", "spdx"}))
      ->required();
  AddProducer(*command, *flags, /*required=*/true);
  command
      ->add_option("--out", flags->out, "where it goes; - for standard output")
      ->default_val("-");
  command->footer(R"(
    trustctl image export image.bundle.json --producer example.pem --format keylime --out policy.json

A name that a format has no way to write is left out; a warning counts them.
)");
  command->callback(
      [&action, flags] { action = [flags] { return RunExport(*flags); }; });
}

}  // namespace anchorage::trustctl
