#include <string>
#include <string_view>

#include "test/fake_aws/x509_writer.h"
#include "test/fuzz/corpus.h"
#include "test/support/fake_producer.h"
#include "verify/encoding/der.h"
#include "verify/image/bundle.h"
#include "verify/image/manifest.h"
#include "verify/image/statement.h"

namespace anchorage::test {
namespace {

// The digest of a model's files is that of the empty file's digest.
constexpr char kModel[] = R"({
  "_type": "https://in-toto.io/Statement/v1",
  "subject": [{"name": "model", "digest": {"sha256":
    "5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456"}}],
  "predicateType": "https://model_signing/signature/v1.0",
  "predicate": {
    "serialization": {"method": "files", "hash_type": "sha256",
      "allow_symlinks": false, "ignore_paths": [".git"]},
    "resources": [{"name": "a", "algorithm": "sha256", "digest":
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}})";

constexpr char kOldModel[] = R"({
  "_type": "https://in-toto.io/Statement/v1",
  "subject": [{"name": "a", "digest": {"sha256":
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    "annotations": {"actual_hash_algorithm": "file-sha256"}}],
  "predicateType": "https://model_signing/Digests/v0.1",
  "predicate": {"unused": ""}})";

verify::ImageManifest OneEntry() {
  verify::ImageManifest manifest = SmallManifest();
  manifest.entries.resize(1);
  manifest.exclusions.clear();
  return manifest;
}

std::string TbsOf(const std::string& certificate_der) {
  verify::DerReader parts(
      verify::ParseOne(certificate_der, verify::DerTag::kSequence)->contents);
  return std::string(parts.Read()->whole);
}

}  // namespace

Seeds ImageManifestSeeds() {
  return {WithMode(0, *verify::SerializePredicate(SmallManifest())),
          WithMode(0, *verify::SerializePredicate(OneEntry())),
          WithMode(1, *verify::WriteStatement(OneEntry())), WithMode(1, kModel),
          WithMode(1, kOldModel)};
}

Seeds ImageBundleSeeds() {
  const FakeProducer producer;
  return {WithMode(0, producer.Sign(SmallManifest())),
          WithMode(1, *verify::WriteStatement(OneEntry())), WithMode(1, kModel),
          WithMode(2, WithMode(0, TbsOf(MakeCertificate(producer.leaf)))),
          WithMode(2, WithMode(1, TbsOf(MakeCertificate(producer.issuer))))};
}

}  // namespace anchorage::test
