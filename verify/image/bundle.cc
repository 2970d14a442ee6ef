// 1. The text is a bundle with one chain and one signature.
// 2. The chain leads to a trusted producer.
// 3. The signature is the leaf's, over the payload's bytes: as DSSE has it, or
//    for a model as Model Signing 0.2 did.
// 4. The payload is a statement, and its subject's digest that of the
//    manifest.
// 5. The manifest keeps the rules of its format.
// 6. The chain was valid when the manifest was received, or made.

#include "verify/image/bundle.h"

#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json_reader.h"
#include "verify/image/dsse.h"
#include "verify/image/give_back.h"
#include "verify/image/image_error.h"
#include "verify/image/oms.h"
#include "verify/image/statement.h"
#include "verify/image/text.h"

namespace anchorage::verify {
namespace {

// More are of no use to any chain that is accepted.
constexpr std::size_t kMaxBundleCertificates = 8;
// A bundle needs a few dozen. Nothing is signed yet where they are read.
constexpr std::size_t kMaxBundleValues = 4096;
// A long value is decoded piece by piece: whole groups of four characters.
constexpr std::size_t kPieceBytes = 1024 * 1024;
constexpr std::string_view kNoBase64 = "a value is no base64";

absl::Status Malformed(std::string_view what) {
  return RefuseImage(ImageReason::kBundleMalformed, what);
}

// Reads a bundle. What is signed is verified elsewhere, so members that are not
// known are passed over: they bind nobody. Every call puts what is wrong into
// `status` and returns false.
class Reader {
 public:
  Reader(std::string_view text, OnRead on_read)
      : text_(text),
        json_(text, {.max_values = kMaxBundleValues}),
        on_read_(on_read) {}

  absl::StatusOr<BundleContents> Read() {
    if (!Members(&Reader::BundleMember)) return status_;
    if (absl::Status s = json_.Finish(); !s.ok()) return Malformed(Sentence(s));
    if (media_type_ != kBundleMediaType) {
      return Malformed("it is no Sigstore bundle v0.3");
    }
    if (other_material_ || contents_.chain_der.empty()) {
      return RefuseImage(
          ImageReason::kBundleWithoutChain,
          "verificationMaterial is not one x509CertificateChain");
    }
    if (payload_type_ != kInTotoPayloadType) {
      return Malformed("payloadType is not application/vnd.in-toto+json");
    }
    if (contents_.payload.empty() || contents_.signature.empty()) {
      return Malformed("there is no payload, or no signature");
    }
    return std::move(contents_);
  }

 private:
  using OnMember = bool (Reader::*)(std::string_view name);

  bool Fail(std::string_view what) {
    status_ = Malformed(what);
    return false;
  }
  bool Ok(const absl::Status& status) {
    return status.ok() || Fail(Sentence(status));
  }

  bool Members(OnMember on_member) {
    if (!Ok(json_.EnterObject())) return false;
    std::vector<std::string> names;
    while (true) {
      JsonToken name;
      const absl::StatusOr<bool> more = json_.NextMember(name);
      if (!more.ok()) return Ok(more.status());
      if (!*more) break;
      names.push_back(name.Decoded());
      if (!(this->*on_member)(names.back())) return false;
    }
    std::vector<std::string_view> views(names.begin(), names.end());
    return Ok(CheckDistinct(absl::MakeSpan(views)));
  }
  bool Elements(absl::FunctionRef<bool()> on_element) {
    if (!Ok(json_.EnterArray())) return false;
    while (true) {
      const absl::StatusOr<bool> more = json_.NextElement();
      if (!more.ok()) return Ok(more.status());
      if (!*more) return true;
      if (!on_element()) return false;
    }
  }
  bool Skip() {
    JsonToken value;
    return Ok(json_.ReadValue(value));
  }
  bool Text(std::string& out) {
    JsonToken value;
    if (!Ok(json_.ReadValue(value))) return false;
    if (value.kind != JsonKind::kString) return Fail("a value is no string");
    out = value.Decoded();
    return true;
  }
  bool Base64(std::string& out) {
    JsonToken value;
    if (!Ok(json_.ReadValue(value))) return false;
    if (value.kind != JsonKind::kString) return Fail("a value is no string");
    out.clear();
    if (value.escaped || value.text.find(' ') != value.text.npos) {
      return Decode(value.Decoded(), out) || Fail(kNoBase64);
    }
    out.reserve(value.text.size() / 4 * 3);
    std::string_view rest = value.text;
    do {
      const std::string_view piece = rest.substr(0, kPieceBytes);
      rest.remove_prefix(piece.size());
      const std::size_t before = out.size();
      if (!Decode(piece, out) ||
          (!rest.empty() && out.size() - before != kPieceBytes / 4 * 3)) {
        return Fail(kNoBase64);
      }
      on_read_({text_.data(), rest.data()});
    } while (!rest.empty());
    return true;
  }
  static bool Decode(std::string_view text, std::string& out) {
    const absl::StatusOr<std::string> bytes = DecodeBase64(text);
    if (bytes.ok()) out += *bytes;
    return bytes.ok();
  }

  bool BundleMember(std::string_view name) {
    if (name == "mediaType") return Text(media_type_);
    if (name == "verificationMaterial") {
      return Members(&Reader::MaterialMember);
    }
    if (name == "dsseEnvelope") return Members(&Reader::EnvelopeMember);
    return Skip();
  }
  bool MaterialMember(std::string_view name) {
    if (name == "x509CertificateChain") return Members(&Reader::ChainMember);
    if (name == "publicKey" || name == "certificate") other_material_ = true;
    return Skip();
  }
  bool ChainMember(std::string_view name) {
    if (name != "certificates") return Skip();
    return Elements([this] {
      if (contents_.chain_der.size() == kMaxBundleCertificates) {
        return Fail("there are too many certificates");
      }
      contents_.chain_der.emplace_back();
      if (!Members(&Reader::CertificateMember)) return false;
      return !contents_.chain_der.back().empty() ||
             Fail("a certificate has no rawBytes");
    });
  }
  bool CertificateMember(std::string_view name) {
    return name == "rawBytes" ? Base64(contents_.chain_der.back()) : Skip();
  }
  bool EnvelopeMember(std::string_view name) {
    if (name == "payload") return Base64(contents_.payload);
    if (name == "payloadType") return Text(payload_type_);
    if (name != "signatures") return Skip();
    return Elements([this] {
      if (signatures_++ > 0) return Fail("there are several signatures");
      return Members(&Reader::SignatureMember);
    });
  }
  bool SignatureMember(std::string_view name) {
    return name == "sig" ? Base64(contents_.signature) : Skip();
  }

  const std::string_view text_;
  JsonReader json_;
  const OnRead on_read_;
  absl::Status status_;
  BundleContents contents_;
  std::string media_type_;
  std::string payload_type_;
  bool other_material_ = false;
  int signatures_ = 0;
};

absl::StatusOr<absl::Time> JudgedAt(std::optional<absl::Time> received,
                                    const ImageManifest& manifest) {
  if (received.has_value()) return *received;
  if (manifest.time == absl::InfinitePast()) {
    return RefuseImage(ImageReason::kTimeUnknown,
                       "the manifest does not say when it was made");
  }
  return manifest.time;
}

}  // namespace

absl::StatusOr<VerifiedManifest> VerifyBundle(
    std::string text, absl::Span<const TrustedProducer> producers,
    std::optional<absl::Time> received) {
  GiveBack of_text(text);
  absl::StatusOr<BundleContents> bundle =
      ReadBundle(text, [&](std::string_view read) { of_text.Read(read); });
  std::string().swap(text);
  if (!bundle.ok()) return bundle.status();
  absl::StatusOr<VerifiedSigner> signer =
      VerifyProducerChain(bundle->chain_der, producers);
  if (!signer.ok()) return signer.status();
  const absl::Status dsse =
      VerifyEnvelope(*signer, bundle->payload, bundle->signature);
  if (!dsse.ok() &&
      !VerifyModelEnvelopeV0(*signer, bundle->payload, bundle->signature)
           .ok()) {
    return dsse;
  }
  GiveBack of_payload(bundle->payload);
  absl::StatusOr<NamedManifest> read = ReadStatement(
      bundle->payload, [&](std::string_view read) { of_payload.Read(read); });
  if (!read.ok()) return read.status();
  if (!dsse.ok() && !read->manifest.content_only) return dsse;
  const absl::StatusOr<absl::Time> at = JudgedAt(received, read->manifest);
  if (!at.ok()) return at.status();
  if (absl::Status s = CheckValidity(*signer, *at); !s.ok()) return s;
  return VerifiedManifest(std::move(read->manifest), read->digest,
                          *std::move(signer), *at);
}

absl::StatusOr<BundleContents> ReadBundle(std::string_view text,
                                          OnRead on_read) {
  if (text.size() > kMaxBundleBytes) {
    return RefuseImage(ImageReason::kManifestTooLarge, "the bundle");
  }
  return Reader(text, on_read).Read();
}

std::string WriteBundle(const BundleContents& contents) {
  std::string chain;
  for (const std::string& der : contents.chain_der) {
    absl::StrAppend(&chain, chain.empty() ? "" : ",", R"({"rawBytes":")",
                    absl::Base64Escape(der), R"("})");
  }
  return absl::StrCat(
      R"({"mediaType":")", Abseil(kBundleMediaType),
      R"(","verificationMaterial":{"x509CertificateChain":{"certificates":[)",
      chain, R"(]},"tlogEntries":[]},"dsseEnvelope":{"payload":")",
      absl::Base64Escape(contents.payload), R"(","payloadType":")",
      Abseil(kInTotoPayloadType), R"(","signatures":[{"sig":")",
      absl::Base64Escape(contents.signature), R"("}]}})", "\n");
}

}  // namespace anchorage::verify
