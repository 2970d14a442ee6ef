#include "verify/image/oms.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"
#include "verify/image/dsse.h"
#include "verify/image/image_error.h"
#include "verify/image/text.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kSignatureV1 =
    "https://model_signing/signature/v1.0";
constexpr std::string_view kDigestsV0 = "https://model_signing/Digests/v0.1";
constexpr std::size_t kMaxModelBytes = 64 * 1024 * 1024;
constexpr std::size_t kSha256Bytes = 32;

absl::Status Malformed(std::string_view what) {
  return RefuseImage(ImageReason::kManifestMalformed, what);
}

absl::StatusOr<JsonValue> Tree(std::string_view text) {
  absl::StatusOr<JsonValue> tree =
      ParseJson(text, {.max_bytes = kMaxModelBytes});
  if (tree.ok()) return tree;
  return RefuseImage(ReasonOf(tree.status()) == Reason::kInputTooLarge
                         ? ImageReason::kManifestTooLarge
                         : ImageReason::kManifestMalformed,
                     Sentence(tree.status()));
}

// The text of a member; empty where there is none.
std::string_view TextOf(const JsonValue& object, std::string_view member) {
  const JsonValue* const value = object.Find(member);
  return value == nullptr ? "" : value->AsString().value_or("");
}

bool HasOnly(const JsonValue& object,
             std::initializer_list<std::string_view> members) {
  return object.kind() == JsonKind::kObject &&
         std::all_of(object.members().begin(), object.members().end(),
                     [&](const JsonValue::Member& member) {
                       return std::find(members.begin(), members.end(),
                                        member.first) != members.end();
                     });
}

absl::Status AddFile(std::string_view name, std::string_view sha256,
                     ImageManifest& out) {
  const absl::StatusOr<std::string> digest = DecodeHex(sha256);
  if (!IsEntryName(name) || !digest.ok() || digest->size() != kSha256Bytes) {
    return Malformed(absl::StrCat("not a name and a SHA-256: ", Abseil(name)));
  }
  ManifestEntry& entry = out.entries.emplace_back();
  entry.name = name;
  std::copy(digest->begin(), digest->end(), entry.sha256.begin());
  return absl::OkStatus();
}

absl::Status ReadExclusions(const JsonValue& serialization,
                            ImageManifest& out) {
  const JsonValue* const paths = serialization.Find("ignore_paths");
  if (paths == nullptr) return absl::OkStatus();
  if (paths->kind() != JsonKind::kArray ||
      paths->elements().size() > kMaxExclusions) {
    return Malformed("ignore_paths is no list, or too long");
  }
  for (const JsonValue& path : paths->elements()) {
    const std::string_view name = path.AsString().value_or("");
    if (!IsEntryName(name)) return Malformed("ignore_paths has no name in it");
    out.exclusions.emplace_back(name);
  }
  std::sort(out.exclusions.begin(), out.exclusions.end());
  return absl::OkStatus();
}

// Reads how files became digests: what is not known may change what they mean.
absl::Status ReadSerialization(const JsonValue* serialization,
                               ImageManifest& out) {
  if (serialization == nullptr ||
      !HasOnly(*serialization,
               {"method", "hash_type", "allow_symlinks", "ignore_paths"})) {
    return Malformed("serialization is missing, or has unknown members");
  }
  const JsonValue* const links = serialization->Find("allow_symlinks");
  if (TextOf(*serialization, "method") != "files" ||
      TextOf(*serialization, "hash_type") != "sha256" || links == nullptr ||
      links->AsBool() != false) {
    return Malformed("it is not of whole files by SHA-256 without links");
  }
  return ReadExclusions(*serialization, out);
}

// The model's digest: over those of its files, in the order of the list.
absl::Status CheckRoot(const JsonValue& subjects, const ImageManifest& model) {
  std::string digests;
  for (const ManifestEntry& entry : model.entries) {
    digests.append(ViewOf(entry.sha256));
  }
  const Digest root = Hash(HashAlgorithm::kSha256, digests);
  if (root.size != kSha256Bytes) {
    return RefuseImage(ImageReason::kImageCryptoUnavailable, "no SHA-256");
  }
  const auto& list = subjects.elements();
  const JsonValue* const digest =
      list.size() == 1 ? list.front().Find("digest") : nullptr;
  if (digest == nullptr) return Malformed("there is not one subject");
  const absl::StatusOr<std::string> said = DecodeHex(TextOf(*digest, "sha256"));
  if (!said.ok() || *said != root.view()) {
    return RefuseImage(ImageReason::kSubjectDigest,
                       "the model's digest is not that of its files' digests");
  }
  return absl::OkStatus();
}

absl::Status ReadV1(const Statement& statement, const JsonValue& subjects,
                    ImageManifest& out) {
  const absl::StatusOr<JsonValue> predicate = Tree(statement.predicate);
  if (!predicate.ok()) return predicate.status();
  if (!HasOnly(*predicate, {"serialization", "resources"})) {
    return Malformed("the predicate has unknown members");
  }
  if (absl::Status s = ReadSerialization(predicate->Find("serialization"), out);
      !s.ok()) {
    return s;
  }
  const JsonValue* const resources = predicate->Find("resources");
  if (resources == nullptr) return Malformed("there are no resources");
  for (const JsonValue& file : resources->elements()) {
    if (!HasOnly(file, {"name", "algorithm", "digest"}) ||
        TextOf(file, "algorithm") != "sha256") {
      return Malformed("a resource is not a name and a SHA-256");
    }
    if (absl::Status s =
            AddFile(TextOf(file, "name"), TextOf(file, "digest"), out);
        !s.ok()) {
      return s;
    }
  }
  return CheckRoot(subjects, out);
}

// The files are the subjects.
absl::Status ReadV0(const JsonValue& subjects, ImageManifest& out) {
  for (const JsonValue& file : subjects.elements()) {
    const JsonValue* const digest = file.Find("digest");
    const JsonValue* const notes = file.Find("annotations");
    if (!HasOnly(file, {"name", "digest", "annotations"}) ||
        digest == nullptr || notes == nullptr ||
        TextOf(*notes, "actual_hash_algorithm") != "file-sha256") {
      return Malformed("a subject is not a whole file by SHA-256");
    }
    if (absl::Status s =
            AddFile(TextOf(file, "name"), TextOf(*digest, "sha256"), out);
        !s.ok()) {
      return s;
    }
  }
  return absl::OkStatus();
}

// Returns `bytes` as Python's repr() of them.
std::string PythonText(std::string_view bytes) {
  const bool doubled =
      bytes.find('\'') != bytes.npos && bytes.find('"') == bytes.npos;
  const char quote = doubled ? '"' : '\'';
  std::string text = absl::StrCat("b", std::string(1, quote));
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\' || c == quote) {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\r') {
      text += "\\r";
    } else if (c == '\t') {
      text += "\\t";
    } else if (byte < 0x20 || byte >= 0x7f) {
      absl::StrAppend(&text, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else {
      text += c;
    }
  }
  text += quote;
  return text;
}

bool SameName(const ManifestEntry& a, const ManifestEntry& b) {
  return a.name == b.name;
}

}  // namespace

bool IsModelPredicate(std::string_view predicate_type) {
  return predicate_type == kSignatureV1 || predicate_type == kDigestsV0;
}

absl::StatusOr<ImageManifest> ReadModelStatement(const Statement& statement) {
  const absl::StatusOr<JsonValue> subjects = Tree(statement.subject);
  if (!subjects.ok()) return subjects.status();
  ImageManifest model;
  model.content_only = true;
  model.scope = ManifestScope::kEverything;
  model.time = absl::InfinitePast();
  const absl::Status status = statement.predicate_type == kSignatureV1
                                  ? ReadV1(statement, *subjects, model)
                                  : ReadV0(*subjects, model);
  if (!status.ok()) return status;
  if (model.entries.empty()) return Malformed("there is no file");
  std::sort(model.entries.begin(), model.entries.end(),
            [](const ManifestEntry& a, const ManifestEntry& b) {
              return a.name < b.name;
            });
  if (std::adjacent_find(model.entries.begin(), model.entries.end(),
                         &SameName) != model.entries.end()) {
    return Malformed("a file is there twice");
  }
  return model;
}

absl::Status VerifyModelEnvelopeV0(const VerifiedSigner& signer,
                                   std::string_view payload,
                                   std::string_view signature) {
  const std::string text = absl::StrCat(
      "DSSEV1 ", kInTotoPayloadType.size(), " ", Abseil(kInTotoPayloadType),
      " ", payload.size(), " ", PythonText(payload));
  return VerifySignature(signer.key, HashAlgorithm::kSha256,
                         Hash(HashAlgorithm::kSha256, text), signature);
}

}  // namespace anchorage::verify
