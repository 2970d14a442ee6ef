// The two descriptions of a policy document, the proto and the JSON Schema, and
// its reader have the same fields.

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "client/policy/document_text.h"
#include "proto/anchorage/v1/attestation_policy.pb.h"
#include "proto/anchorage/v1/identity_policy.pb.h"

namespace anchorage::anchors {
namespace {

using Names = std::set<std::string>;

void ExpectTheSameFields(const std::vector<PolicyMessage>& messages,
                         const google::protobuf::FileDescriptor& proto,
                         const std::string& path) {
  std::ifstream file(path);
  const auto schema = nlohmann::json::parse(file);
  EXPECT_EQ(static_cast<int>(messages.size()), proto.message_type_count());
  EXPECT_EQ(messages.size(), schema["$defs"].size() + 1);
  for (const PolicyMessage& message : messages) {
    const std::string name(message.name);
    const Names read(message.fields.begin(), message.fields.end());

    const auto* const descriptor = proto.FindMessageTypeByName(name);
    ASSERT_NE(descriptor, nullptr) << name;
    Names in_proto;
    for (int i = 0; i < descriptor->field_count(); ++i) {
      in_proto.insert(descriptor->field(i)->name());
    }
    EXPECT_EQ(in_proto, read) << name;

    const auto& object =
        schema["title"] == name ? schema : schema["$defs"].at(name);
    Names in_schema;
    for (const auto& [field, unused] : object.at("properties").items()) {
      in_schema.insert(field);
    }
    EXPECT_EQ(in_schema, read) << name;
    EXPECT_EQ(object.at("additionalProperties"), false) << name;
  }
}

TEST(PolicySchema, OfAnIdentityIsWhatIsRead) {
  ExpectTheSameFields(IdentityPolicyMessages(),
                      *v1::IdentityPolicy::descriptor()->file(),
                      "client/policy/identity_policy.schema.json");
}

TEST(PolicySchema, OfAnAttestationIsWhatIsRead) {
  ExpectTheSameFields(AttestationPolicyMessages(),
                      *v1::AttestationPolicy::descriptor()->file(),
                      "client/policy/attestation_policy.schema.json");
}

}  // namespace
}  // namespace anchorage::anchors
