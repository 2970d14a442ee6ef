#include "verify/image/statement.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"
#include "verify/encoding/json_reader.h"
#include "verify/image/image_error.h"
#include "verify/image/oms.h"
#include "verify/image/text.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kStatementType = "https://in-toto.io/Statement/v1";
// What stands around a predicate.
constexpr std::size_t kMaxFrameBytes = 4096;

absl::Status Malformed(std::string_view what) {
  return RefuseImage(ImageReason::kStatementMalformed, what);
}

// Reads the members of a statement.
class Reader {
 public:
  explicit Reader(std::string_view payload) : json_(payload, {}) {}

  absl::StatusOr<Statement> Read() {
    if (absl::Status s = json_.EnterObject(); !s.ok()) return Refuse(s);
    while (true) {
      JsonToken name;
      const absl::StatusOr<bool> more = json_.NextMember(name);
      if (!more.ok()) return Refuse(more.status());
      if (!*more) break;
      JsonToken* const value = ValueOf(name.text);
      if (value == nullptr) return Malformed("there is a fifth member");
      if (!value->text.empty()) return Malformed("a member is there twice");
      if (absl::Status s = json_.ReadValue(*value); !s.ok()) return Refuse(s);
    }
    if (absl::Status s = json_.Finish(); !s.ok()) return Refuse(s);
    if (type_.kind != JsonKind::kString || type_.Decoded() != kStatementType) {
      return Malformed("it is no in-toto Statement v1");
    }
    if (predicate_type_.kind != JsonKind::kString ||
        subject_.kind != JsonKind::kArray ||
        predicate_.kind != JsonKind::kObject) {
      return Malformed("a member is missing, or of another kind");
    }
    return Statement{.predicate_type = predicate_type_.Decoded(),
                     .subject = subject_.text,
                     .predicate = predicate_.text};
  }

 private:
  static absl::Status Refuse(const absl::Status& status) {
    return Malformed(Sentence(status));
  }
  JsonToken* ValueOf(std::string_view name) {
    if (name == "_type") return &type_;
    if (name == "subject") return &subject_;
    if (name == "predicateType") return &predicate_type_;
    return name == "predicate" ? &predicate_ : nullptr;
  }

  JsonReader json_;
  JsonToken type_;
  JsonToken subject_;
  JsonToken predicate_type_;
  JsonToken predicate_;
};

std::string SubjectOf(const ImageManifest& manifest, std::string_view digest) {
  return absl::StrCat(R"([{"digest":{"sha256":")", Abseil(digest),
                      R"("},"name":")", manifest.product, "@",
                      manifest.version.ToString(), R"("}])");
}

absl::StatusOr<Sha256Bytes> Sha256Of(std::string_view bytes) {
  const Digest digest = Hash(HashAlgorithm::kSha256, bytes);
  Sha256Bytes out;
  if (digest.size != out.size()) {
    return RefuseImage(ImageReason::kImageCryptoUnavailable, "no SHA-256");
  }
  std::copy_n(digest.bytes.begin(), out.size(), out.begin());
  return out;
}

// Checks the one subject of `statement`: the digest before the predicate is
// read, because what it does not name is nobody's.
absl::Status CheckSubject(const JsonValue& subject, const Sha256Bytes& digest) {
  const JsonValue* const digests = subject.Find("digest");
  if (subject.members().size() != 2 || digests == nullptr ||
      digests->members().size() != 1) {
    return Malformed("the subject is not a name and a SHA-256");
  }
  const JsonValue* const sha256 = digests->Find("sha256");
  if (sha256 == nullptr || !sha256->AsString().has_value()) {
    return Malformed("the subject has no SHA-256");
  }
  if (*sha256->AsString() != HexOf(digest)) {
    return RefuseImage(ImageReason::kSubjectDigest,
                       "the subject's digest is not that of the predicate");
  }
  return absl::OkStatus();
}

absl::StatusOr<NamedManifest> ReadManifest(const Statement& statement,
                                           std::string_view payload,
                                           OnRead on_read) {
  constexpr std::size_t kMaxSubjectValues = 16;
  const absl::StatusOr<JsonValue> subjects =
      ParseJson(statement.subject,
                {.max_bytes = kMaxFrameBytes, .max_values = kMaxSubjectValues});
  if (!subjects.ok()) return Malformed(Sentence(subjects.status()));
  if (subjects->elements().size() != 1) {
    return Malformed("there is not exactly one subject");
  }
  const JsonValue& subject = subjects->elements().front();
  const absl::StatusOr<Sha256Bytes> digest = Sha256Of(statement.predicate);
  if (!digest.ok()) return digest.status();
  if (absl::Status s = CheckSubject(subject, *digest); !s.ok()) return s;
  absl::StatusOr<ImageManifest> manifest =
      ParsePredicate(statement.predicate, [&](std::string_view read) {
        on_read({payload.data(), read.data() + read.size()});
      });
  if (!manifest.ok()) return manifest.status();
  const JsonValue* const name = subject.Find("name");
  if (name == nullptr ||
      name->AsString() !=
          absl::StrCat(manifest->product, "@", manifest->version.ToString())) {
    return Malformed("the subject is not named PRODUCT@VERSION");
  }
  return NamedManifest{.manifest = *std::move(manifest), .digest = *digest};
}

// A model's own digest keeps its value when files are renamed, so what is
// signed names it here.
absl::StatusOr<NamedManifest> ReadModel(const Statement& statement,
                                        std::string_view payload) {
  absl::StatusOr<ImageManifest> manifest = ReadModelStatement(statement);
  if (!manifest.ok()) return manifest.status();
  const absl::StatusOr<Sha256Bytes> digest = Sha256Of(payload);
  if (!digest.ok()) return digest.status();
  return NamedManifest{.manifest = *std::move(manifest), .digest = *digest};
}

}  // namespace

absl::StatusOr<Statement> ParseStatement(std::string_view payload) {
  if (payload.size() > kMaxPredicateBytes + kMaxFrameBytes) {
    return RefuseImage(ImageReason::kManifestTooLarge, "the statement");
  }
  return Reader(payload).Read();
}

absl::StatusOr<std::string> WriteStatement(const ImageManifest& manifest) {
  const absl::StatusOr<std::string> predicate = SerializePredicate(manifest);
  if (!predicate.ok()) return predicate.status();
  const absl::StatusOr<Sha256Bytes> digest = Sha256Of(*predicate);
  if (!digest.ok()) return digest.status();
  return absl::StrCat(R"({"_type":")", Abseil(kStatementType),
                      R"(","predicate":)", *predicate, R"(,"predicateType":")",
                      Abseil(kManifestPredicateType), R"(","subject":)",
                      SubjectOf(manifest, HexOf(*digest)), "}");
}

absl::StatusOr<NamedManifest> ReadStatement(std::string_view payload,
                                            OnRead on_read) {
  const absl::StatusOr<Statement> statement = ParseStatement(payload);
  if (!statement.ok()) return statement.status();
  if (statement->predicate_type == kManifestPredicateType) {
    return ReadManifest(*statement, payload, on_read);
  }
  if (IsModelPredicate(statement->predicate_type)) {
    return ReadModel(*statement, payload);
  }
  return RefuseImage(ImageReason::kPredicateUnknown, statement->predicate_type);
}

}  // namespace anchorage::verify
