#include "test/fuzz/identity_evidence.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "test/fake_aws/pkcs7_writer.h"
#include "test/fuzz/fuzz.h"
#include "verify/encoding/json.h"

namespace anchorage::test {
namespace {

using verify::IdentityDocument;
using verify::IdentityForm;
using verify::JsonValue;

std::vector<DocumentFields> Documents(std::string_view region) {
  DocumentFields plain = FuzzIdentityAws().Document(region);
  DocumentFields product = plain;
  product
      .Set("marketplaceProductCodes",
           R"(["d3b4kh7x1vk0a6nwqw8kvmkq4","a1b2c3d4e5f6g7h8i9j0k1l2m"])")
      .Set("billingProducts", R"(["bp-6ba54002"])")
      .Set("kernelId", R"("aki-919dcaf8")");
  DocumentFields old = plain;
  old.SetText("version", "2010-08-31").Remove("marketplaceProductCodes");
  DocumentFields newer = plain;
  newer.Add("enclave",
            R"({"on":[true,null,1.5e3],"n\u0061me":"\ud83d\ude00"})");
  return {plain, product, old, newer};
}

bool SameText(std::string_view text, const JsonValue* value) {
  return value != nullptr && value->AsString() == text;
}

bool SameTextOrNone(const std::optional<std::string>& text,
                    const JsonValue* value) {
  if (text.has_value()) return SameText(*text, value);
  return value == nullptr || value->is_null();
}

bool SameList(const std::optional<std::vector<std::string>>& list,
              const JsonValue* value) {
  if (!list.has_value()) return value == nullptr || value->is_null();
  if (value == nullptr || value->kind() != JsonValue::Kind::kArray ||
      value->elements().size() != list->size()) {
    return false;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (!SameText((*list)[i], &value->elements()[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace

const FakeIdentity& FuzzIdentityAws() {
  static const FakeIdentity* const aws = new FakeIdentity();
  return *aws;
}

std::string SignIdentity(std::string_view region, IdentityForm form,
                         std::string_view document, Era era) {
  const FakeIdentity& aws = FuzzIdentityAws();
  if (form == IdentityForm::kSignature) return aws.Signature(region, document);
  return Encode(aws.Genuine(region, verify::AnchorKindOf(form), document, era));
}

std::vector<SignedIdentity> SignedIdentities() {
  std::vector<SignedIdentity> out;
  for (const std::string_view region :
       {"us-east-1", "us-west-2", "cn-north-1"}) {
    Era era = Era::k2018;
    for (const DocumentFields& fields : Documents(region)) {
      for (const IdentityForm form :
           {IdentityForm::kSignature, IdentityForm::kPkcs7,
            IdentityForm::kRsa2048}) {
        const std::string document = fields.Text();
        out.push_back({std::string(region), form, document,
                       SignIdentity(region, form, document, era)});
      }
      era = era == Era::k2018 ? Era::k2021 : Era::k2026;
    }
  }
  return out;
}

void RequireSameFacts(const IdentityDocument& document, std::string_view text) {
  const auto json =
      verify::ParseJson(text, {.max_bytes = verify::kMaxDocumentBytes});
  Require(json.ok(), "a document is JSON");
  const std::pair<std::string_view, std::string_view> required[] = {
      {"accountId", document.account_id},
      {"region", document.region},
      {"availabilityZone", document.availability_zone},
      {"instanceId", document.instance_id},
      {"imageId", document.image_id},
      {"instanceType", document.instance_type},
      {"architecture", document.architecture},
      {"version", document.version}};
  for (const auto& [name, value] : required) {
    Require(SameText(value, json->Find(name)), name);
  }
  const std::string pending_time = absl::FormatTime(
      "%E4Y-%m-%dT%H:%M:%SZ", document.pending_time, absl::UTCTimeZone());
  Require(SameText(pending_time, json->Find("pendingTime")), "pendingTime");
  Require(SameTextOrNone(document.kernel_id, json->Find("kernelId")),
          "kernelId");
  Require(SameTextOrNone(document.ramdisk_id, json->Find("ramdiskId")),
          "ramdiskId");
  Require(SameTextOrNone(document.private_ip, json->Find("privateIp")),
          "privateIp");
  Require(
      SameList(document.devpay_product_codes, json->Find("devpayProductCodes")),
      "devpayProductCodes");
  Require(SameList(document.billing_products, json->Find("billingProducts")),
          "billingProducts");
  Require(SameList(document.marketplace_product_codes,
                   json->Find("marketplaceProductCodes")),
          "marketplaceProductCodes");
  for (const std::string& name : document.unknown_keys) {
    Require(json->Find(name) != nullptr, "an unknown key is there");
  }
}

}  // namespace anchorage::test
