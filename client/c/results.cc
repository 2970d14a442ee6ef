#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/c/calls.h"
#include "client/verdict_json.h"
#include "verify/reason.h"

namespace client = anchorage::client;
namespace verify = anchorage::verify;
using anchorage::c::Free;
using anchorage::c::Live;
using anchorage::c::NewText;
using anchorage::c::PutTime;
using anchorage::c::Said;
using anchorage::c::Text;

namespace {

const verify::IdentityDocument* DocumentOf(const anchorage_identity* identity) {
  return Live(identity) != nullptr ? &identity->identity.document() : nullptr;
}

const char* FieldOf(const anchorage_identity* identity,
                    std::string verify::IdentityDocument::*field) {
  const verify::IdentityDocument* const document = DocumentOf(identity);
  return document != nullptr ? Text(Said(document->*field)) : nullptr;
}

using List = std::optional<std::vector<std::string>>;

std::int32_t CountOf(const anchorage_identity* identity,
                     List verify::IdentityDocument::*field,
                     std::size_t* count) {
  const verify::IdentityDocument* const document = DocumentOf(identity);
  const bool has = document != nullptr && (document->*field).has_value();
  if (count != nullptr) *count = has ? (document->*field)->size() : 0;
  return has ? 1 : 0;
}

const char* ElementOf(const anchorage_identity* identity,
                      List verify::IdentityDocument::*field,
                      std::size_t index) {
  std::size_t count = 0;
  CountOf(identity, field, &count);
  return index < count ? Text(&(*(DocumentOf(identity)->*field))[index])
                       : nullptr;
}

template <typename Field>
const char* FactOf(const anchorage_attestation* attestation,
                   Field verify::AttestedFacts::*field,
                   std::size_t* size = nullptr) {
  return Text(
      Live(attestation) != nullptr ? Said(attestation->facts.*field) : nullptr,
      size);
}

}  // namespace

// --- Identity documents -----------------------------------------------------

void anchorage_identity_free(anchorage_identity* identity) { Free(identity); }

const char* anchorage_identity_field(const anchorage_identity* identity,
                                     const char* name, size_t* size) {
  using Document = verify::IdentityDocument;
  static constexpr struct {
    std::string_view name;
    std::string Document::*field;
  } kFields[] = {{"account_id", &Document::account_id},
                 {"region", &Document::region},
                 {"availability_zone", &Document::availability_zone},
                 {"instance_id", &Document::instance_id},
                 {"instance_type", &Document::instance_type},
                 {"image_id", &Document::image_id},
                 {"architecture", &Document::architecture},
                 {"version", &Document::version}};
  static constexpr struct {
    std::string_view name;
    std::optional<std::string> Document::*field;
  } kOptionalFields[] = {{"kernel_id", &Document::kernel_id},
                         {"ramdisk_id", &Document::ramdisk_id},
                         {"private_ip", &Document::private_ip}};
  if (size != nullptr) *size = 0;
  const Document* const document = DocumentOf(identity);
  if (document == nullptr || name == nullptr) return nullptr;
  const std::string_view wanted = name;
  if (wanted == "partition") {
    return Text(Said(identity->identity.partition()), size);
  }
  for (const auto& row : kFields) {
    if (row.name == wanted) return Text(Said(document->*row.field), size);
  }
  for (const auto& row : kOptionalFields) {
    if (row.name == wanted) return Text(Said(document->*row.field), size);
  }
  return nullptr;
}
const char* anchorage_identity_account_id(const anchorage_identity* identity) {
  return FieldOf(identity, &verify::IdentityDocument::account_id);
}
const char* anchorage_identity_region(const anchorage_identity* identity) {
  return FieldOf(identity, &verify::IdentityDocument::region);
}
const char* anchorage_identity_instance_id(const anchorage_identity* identity) {
  return FieldOf(identity, &verify::IdentityDocument::instance_id);
}
const char* anchorage_identity_image_id(const anchorage_identity* identity) {
  return FieldOf(identity, &verify::IdentityDocument::image_id);
}
const char* anchorage_identity_instance_type(
    const anchorage_identity* identity) {
  return FieldOf(identity, &verify::IdentityDocument::instance_type);
}
int64_t anchorage_identity_pending_time(const anchorage_identity* identity) {
  const verify::IdentityDocument* const document = DocumentOf(identity);
  return document != nullptr ? absl::ToUnixMillis(document->pending_time) : 0;
}
int32_t anchorage_identity_signing_time(const anchorage_identity* identity,
                                        int64_t* time) {
  if (Live(identity) == nullptr) return 0;
  const auto& made = identity->identity.signing_time();
  return made.has_value() ? PutTime(*made, time) : 0;
}
int32_t anchorage_identity_product_codes(const anchorage_identity* identity,
                                         size_t* count) {
  return CountOf(identity, &verify::IdentityDocument::marketplace_product_codes,
                 count);
}
const char* anchorage_identity_product_code(const anchorage_identity* identity,
                                            size_t index) {
  return ElementOf(identity,
                   &verify::IdentityDocument::marketplace_product_codes, index);
}
int32_t anchorage_identity_billing_products(const anchorage_identity* identity,
                                            size_t* count) {
  return CountOf(identity, &verify::IdentityDocument::billing_products, count);
}
const char* anchorage_identity_billing_product(
    const anchorage_identity* identity, size_t index) {
  return ElementOf(identity, &verify::IdentityDocument::billing_products,
                   index);
}
const char* anchorage_identity_note(const anchorage_identity* identity,
                                    size_t index) {
  if (Live(identity) == nullptr || index >= identity->identity.notes().size()) {
    return nullptr;
  }
  return verify::NameOf(identity->identity.notes()[index]).data();
}
const void* anchorage_identity_document(const anchorage_identity* identity,
                                        size_t* size) {
  return Text(Live(identity) != nullptr ? &identity->identity.document_bytes()
                                        : nullptr,
              size);
}
int32_t anchorage_identity_form(const anchorage_identity* identity) {
  return Live(identity) != nullptr
             ? static_cast<std::int32_t>(identity->identity.form()) +
                   ANCHORAGE_FORM_SIGNATURE
             : ANCHORAGE_FORM_RECOGNISED;
}
char* anchorage_identity_json(const anchorage_identity* identity,
                              size_t* size) {
  if (size != nullptr) *size = 0;
  if (Live(identity) == nullptr) return nullptr;
  return NewText(size, [identity] {
    return client::VerdictJson(identity->identity, identity->used,
                               identity->trace);
  });
}

// --- Nitro attestation documents --------------------------------------------

void anchorage_attestation_free(anchorage_attestation* attestation) {
  Free(attestation);
}
int32_t anchorage_attestation_type(const anchorage_attestation* attestation) {
  if (Live(attestation) == nullptr) return 0;
  return attestation->type == verify::AttestationType::kEnclave
             ? ANCHORAGE_TYPE_ENCLAVE
             : ANCHORAGE_TYPE_NITRO_TPM;
}
const char* anchorage_attestation_module_id(
    const anchorage_attestation* attestation) {
  return FactOf(attestation, &verify::AttestedFacts::module_id);
}
const char* anchorage_attestation_instance_id(
    const anchorage_attestation* attestation) {
  return FactOf(attestation, &verify::AttestedFacts::instance_id);
}
const char* anchorage_attestation_region(
    const anchorage_attestation* attestation) {
  return FactOf(attestation, &verify::AttestedFacts::region);
}
const char* anchorage_attestation_partition(
    const anchorage_attestation* attestation) {
  return FactOf(attestation, &verify::AttestedFacts::partition);
}
const char* anchorage_attestation_release(
    const anchorage_attestation* attestation) {
  return FactOf(attestation, &verify::AttestedFacts::release_name);
}
int64_t anchorage_attestation_time(const anchorage_attestation* attestation) {
  return Live(attestation) != nullptr
             ? absl::ToUnixMillis(attestation->facts.timestamp)
             : 0;
}
const void* anchorage_attestation_public_key(
    const anchorage_attestation* attestation, size_t* size) {
  return FactOf(attestation, &verify::AttestedFacts::public_key, size);
}
const void* anchorage_attestation_user_data(
    const anchorage_attestation* attestation, size_t* size) {
  return FactOf(attestation, &verify::AttestedFacts::user_data, size);
}
const void* anchorage_attestation_nonce(
    const anchorage_attestation* attestation, size_t* size) {
  return FactOf(attestation, &verify::AttestedFacts::nonce, size);
}
const void* anchorage_attestation_pcr(const anchorage_attestation* attestation,
                                      int32_t index, size_t* size) {
  const std::string* value = nullptr;
  if (Live(attestation) != nullptr) {
    const auto found = attestation->facts.pcrs.find(index);
    if (found != attestation->facts.pcrs.end()) value = &found->second;
  }
  return Text(value, size);
}
const char* anchorage_attestation_note(const anchorage_attestation* attestation,
                                       size_t index) {
  if (Live(attestation) == nullptr ||
      index >= attestation->facts.notes.size()) {
    return nullptr;
  }
  return verify::NameOf(attestation->facts.notes[index].kind).data();
}
char* anchorage_attestation_json(const anchorage_attestation* attestation,
                                 size_t* size) {
  if (size != nullptr) *size = 0;
  if (Live(attestation) == nullptr) return nullptr;
  return NewText(size, [attestation] {
    return client::VerdictJson(attestation->facts, attestation->type,
                               attestation->used, attestation->trace);
  });
}
