#include "anchors/images/producers.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/certificate_facts.h"
#include "anchors/images/listing_error.h"
#include "anchors/images/listing_text.h"
#include "anchors/proto_json.h"
#include "anchors/releases.h"
#include "anchors/target_checks.h"
#include "verify/attestation/certificate.h"
#include "verify/crypto/public_key.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::Reason;
using verify::Reject;

// Deepest: list, producers, producer, certificates, certificate; the rest is
// room for members of a later version.
constexpr int kMaxDepth = 10;

constexpr std::string_view kStatusPrefix = "PRODUCER_STATUS_";
constexpr std::array<EnumName<ProducerStatus>, 3> kStatusNames = {{
    {ProducerStatus::kActive, "PRODUCER_STATUS_ACTIVE"},
    {ProducerStatus::kRetired, "PRODUCER_STATUS_RETIRED"},
    {ProducerStatus::kRevoked, "PRODUCER_STATUS_REVOKED"},
}};

std::string Named(const Producer& producer) {
  return IsListingName(producer.name, kMaxProducerNameBytes)
             ? absl::StrCat("producer ", producer.name)
             : "a producer";
}

absl::Status CheckProducts(const Producer& producer) {
  if (producer.products.empty() ||
      producer.products.size() > kMaxProductsPerProducer) {
    return InvalidListing(Named(producer), "it has not 1 to 64 products");
  }
  std::set<std::string_view> seen;
  for (const std::string& product : producer.products) {
    if (!IsListingName(product, kMaxProductBytes)) {
      return InvalidListing(Named(producer),
                            "a product is not 1 to 64 printable ASCII "
                            "characters without blanks");
    }
    if (!seen.insert(product).second) {
      return Reject(Reason::kDuplicateKey,
                    absl::StrCat(Named(producer), ": product ", product,
                                 " is listed twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckProducer(const Producer& producer) {
  if (!IsListingName(producer.name, kMaxProducerNameBytes)) {
    return InvalidListing("a producer",
                          "the name is not 1 to 64 printable ASCII characters "
                          "without blanks");
  }
  if (absl::Status s = CheckProducts(producer); !s.ok()) return s;
  if (producer.certificates.empty() ||
      producer.certificates.size() > kMaxCertificatesPerProducer) {
    return InvalidListing(Named(producer), "it has not 1 to 8 certificates");
  }
  for (const std::string& der : producer.certificates) {
    if (der.empty() || der.size() > kMaxProducerCertificateBytes) {
      return InvalidListing(Named(producer),
                            "a certificate has not 1 to 8192 bytes");
    }
  }
  if (producer.notes.size() > kMaxListingNotesBytes ||
      !IsPrintableAscii(producer.notes)) {
    return InvalidListing(Named(producer),
                          "the notes are not short printable ASCII");
  }
  return absl::OkStatus();
}

// Returns nullopt for a producer of a status that we do not know: nothing else
// of it is read.
std::optional<Producer> ReadProducer(JsonFields fields) {
  const auto status = fields.RequiredEnum("status", kStatusNames);
  if (!status) return std::nullopt;
  Producer producer;
  producer.name = fields.RequiredString("name");
  producer.products =
      fields.OptionalStrings("products", kMaxProductsPerProducer);
  fields.ForEach(
      "certificates", kMaxCertificatesPerProducer, [&](JsonFields certificate) {
        std::string der = certificate.RequiredBytes("der");
        if (certificate.RequiredString("sha256") != verify::Sha256Hex(der)) {
          certificate.Fail(Reason::kFieldInvalid, "sha256",
                           "is not that of the certificate");
        }
        producer.certificates.push_back(std::move(der));
      });
  producer.status = *status;
  producer.notes = fields.OptionalString("notes");
  return producer;
}

void WriteProducer(const Producer& producer, std::string& out) {
  JsonObject object(out);
  object.String("name", producer.name);
  object.Strings("products", producer.products);
  object.Array("certificates", producer.certificates,
               [&](const std::string& der) {
                 JsonObject certificate(out);
                 certificate.Bytes("der", der);
                 certificate.String("sha256", verify::Sha256Hex(der));
               });
  object.String("status", NameIn(kStatusNames, producer.status));
  object.String("notes", producer.notes);
}

// The SHA-256 of a producer's keys. Fails where a certificate cannot be read.
absl::StatusOr<std::set<std::string>> KeysOf(const Producer& producer) {
  std::set<std::string> keys;
  for (const std::string& der : producer.certificates) {
    const auto facts = ReadCertificateFacts(der);
    if (!facts.ok()) return facts.status();
    keys.insert(verify::Sha256Hex(facts->spki_der));
  }
  return keys;
}

// Checks that no key of a REVOKED producer is also another's.
absl::Status CheckKeys(const ProducerList& list) {
  std::map<std::string, const Producer*> owners;
  for (const Producer& producer : list.producers) {
    const auto keys = KeysOf(producer);
    if (!keys.ok()) {
      return Reject(
          Reason::kCertificateMalformed,
          absl::StrCat(Named(producer), ": ", keys.status().message()));
    }
    for (const std::string& key : *keys) {
      const auto [owner, is_new] = owners.emplace(key, &producer);
      if (is_new) continue;
      if (producer.status == ProducerStatus::kRevoked ||
          owner->second->status == ProducerStatus::kRevoked) {
        return RefusedByListing(
            ListingReason::kProducerKeyReused,
            absl::StrCat(producer.name, " and ", owner->second->name,
                         " have one key, and one of them is REVOKED"));
      }
    }
  }
  return absl::OkStatus();
}

// Checks that verifiers can use what `last` has not: one that they cannot read
// signs for nobody.
absl::Status CheckNewCertificates(const ProducerList& last,
                                  const ProducerList& next) {
  std::set<std::string_view> known;
  for (const Producer& producer : last.producers) {
    known.insert(producer.certificates.begin(), producer.certificates.end());
  }
  for (const Producer& producer : next.producers) {
    for (const std::string& der : producer.certificates) {
      if (known.count(der) > 0) continue;
      const auto usable =
          verify::ParseCertificate(der, verify::CertificateProfile::kProducer);
      if (usable.ok()) continue;
      return Reject(verify::ReasonOf(usable.status())
                        .value_or(Reason::kCertificateMalformed),
                    absl::StrCat(Named(producer),
                                 ": a certificate that is new in the list: ",
                                 usable.status().message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view NameOf(ProducerStatus status) {
  return NameIn(kStatusNames, status).substr(kStatusPrefix.size());
}

std::optional<ProducerStatus> ProducerStatusNamed(std::string_view name) {
  for (const auto& [status, full] : kStatusNames) {
    if (full.substr(kStatusPrefix.size()) == name) return status;
  }
  return std::nullopt;
}

bool Producer::MaySign(std::string_view product) const {
  return std::find(products.begin(), products.end(), product) != products.end();
}

const Producer* FindProducer(const ProducerList& list, std::string_view name) {
  const auto found =
      std::find_if(list.producers.begin(), list.producers.end(),
                   [&](const Producer& p) { return p.name == name; });
  return found == list.producers.end() ? nullptr : &*found;
}

void Sort(ProducerList& list) {
  for (Producer& producer : list.producers) {
    std::sort(producer.products.begin(), producer.products.end());
    std::sort(producer.certificates.begin(), producer.certificates.end());
  }
  std::sort(
      list.producers.begin(), list.producers.end(),
      [](const Producer& a, const Producer& b) { return a.name < b.name; });
}

absl::Status CheckProducers(const ProducerList& list) {
  if (absl::Status s = CheckListing(list); !s.ok()) return s;
  if (list.producers.size() > kMaxProducers) {
    return Reject(Reason::kInputTooLarge, "over 256 producers");
  }
  std::set<std::string_view> names;
  std::set<std::string_view> certificates;
  for (const Producer& producer : list.producers) {
    if (absl::Status s = CheckProducer(producer); !s.ok()) return s;
    if (!names.insert(producer.name).second) {
      return Reject(Reason::kDuplicateKey,
                    Named(producer) + " is listed twice");
    }
    for (const std::string& der : producer.certificates) {
      if (!certificates.insert(der).second) {
        return Reject(Reason::kDuplicateKey,
                      Named(producer) + ": a certificate is listed twice");
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ProducerList> ParseProducers(std::string_view json) {
  ProducerList list;
  absl::Status header;
  absl::Status producers;
  const auto text = FlatJson::Read(
      json, {.max_bytes = kMaxProducersBytes, .max_depth = kMaxDepth},
      {.name = "producers",
       .limit = kMaxProducers,
       .read = [&](const FlatValue& value, std::size_t index) {
         if (!producers.ok()) return;
         auto producer = ReadProducer(
             JsonFields(value, "producers.producers", index, &producers));
         if (producer) {
           list.producers.push_back(*std::move(producer));
         } else {
           ++list.skipped;
         }
       }});
  if (!text.ok()) return text.status();
  JsonFields fields(text->value(), "producers", &header);
  ReadListing(fields, kProducersMediaType, list);
  fields.ForEach("producers", kMaxProducers, [](const JsonFields&) {});
  if (!header.ok()) return header;
  if (!producers.ok()) return producers;
  if (absl::Status s = CheckProducers(list); !s.ok()) return s;
  Sort(list);
  return list;
}

std::string SerializeProducers(const ProducerList& list) {
  ProducerList sorted = list;
  Sort(sorted);
  std::string out;
  {
    JsonObject object(out);
    WriteListing(sorted, kProducersMediaType, object);
    object.Array("producers", sorted.producers,
                 [&](const Producer& p) { WriteProducer(p, out); });
  }
  return out;
}

absl::Status CheckProducersFile(std::string_view json, absl::Time now) {
  const auto list = ParseProducers(json);
  if (!list.ok()) return list.status();
  if (list->skipped > 0) {
    return RefusedByListing(ListingReason::kListingUnknown,
                            "producers have a status that this program does "
                            "not know: use a newer one");
  }
  if (absl::Status s = CheckKeys(*list); !s.ok()) return s;
  return CheckCreated("the list of producers", list->created, now);
}

absl::Status CheckNextProducers(const ProducerList& last,
                                const ProducerList& next) {
  if (absl::Status s =
          CheckStep("the list of producers", last.sequence, next.sequence);
      !s.ok()) {
    return s;
  }
  if (last.skipped > 0 || next.skipped > 0) {
    return RefusedByListing(ListingReason::kListingUnknown,
                            "producers have a status that this program does "
                            "not know: use a newer one");
  }
  for (const Producer& before : last.producers) {
    if (before.status != ProducerStatus::kRevoked) continue;
    const Producer* const after = FindProducer(next, before.name);
    if (after == nullptr) {
      return RefusedByListing(
          ListingReason::kProducerLost,
          absl::StrCat(before.name, " is REVOKED, and must stay in the list"));
    }
    if (after->status != ProducerStatus::kRevoked) {
      return RefusedByListing(
          ListingReason::kProducerRevokedUndone,
          absl::StrCat(before.name, " is REVOKED, for good"));
    }
    const auto old_keys = KeysOf(before);
    const auto new_keys = KeysOf(*after);
    if (!old_keys.ok()) return old_keys.status();
    if (!new_keys.ok()) return new_keys.status();
    if (!std::includes(new_keys->begin(), new_keys->end(), old_keys->begin(),
                       old_keys->end())) {
      return RefusedByListing(
          ListingReason::kProducerKeyReused,
          absl::StrCat(before.name,
                       " is REVOKED, and its certificates must stay: so nobody "
                       "else can have their keys"));
    }
  }
  if (absl::Status s = CheckNewCertificates(last, next); !s.ok()) return s;
  return CheckKeys(next);
}

}  // namespace anchorage::anchors
