// What a reader of these files is promised beyond their text: that every
// element is explained, that enums can grow, and that errors are what any
// gRPC library expects.

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"
#include "proto/anchorage/v1/config.pb.h"
#include "proto/anchorage/v1/errors.pb.h"

namespace anchorage::v1 {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::EnumDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorSet;
using google::protobuf::ServiceDescriptor;
using google::protobuf::SourceLocation;

// The files with their comments, which generated code does not have.
class Sources {
 public:
  Sources() {
    FileDescriptorSet set;
    std::ifstream in("proto/anchorage/v1/promises.binpb", std::ios::binary);
    EXPECT_TRUE(set.ParseFromIstream(&in));
    for (const auto& file : set.file()) {
      const FileDescriptor* built = pool_.BuildFile(file);
      EXPECT_NE(built, nullptr) << file.name();
      if (file.package() == "anchorage.v1") files_.push_back(built);
    }
  }

  const std::vector<const FileDescriptor*>& files() const { return files_; }

 private:
  DescriptorPool pool_;
  std::vector<const FileDescriptor*> files_;
};

template <typename Element>
void ExpectExplained(const Element& element) {
  SourceLocation location;
  ASSERT_TRUE(element.GetSourceLocation(&location)) << element.full_name();
  EXPECT_FALSE(location.leading_comments.empty()) << element.full_name();
}

void ExpectExplained(const EnumDescriptor& type) {
  ExpectExplained<EnumDescriptor>(type);
  for (int i = 0; i < type.value_count(); ++i) {
    ExpectExplained(*type.value(i));
  }
}

void ExpectExplained(const Descriptor& type) {
  if (type.options().map_entry()) return;
  ExpectExplained<Descriptor>(type);
  for (int i = 0; i < type.field_count(); ++i) ExpectExplained(*type.field(i));
  for (int i = 0; i < type.enum_type_count(); ++i) {
    ExpectExplained(*type.enum_type(i));
  }
  for (int i = 0; i < type.nested_type_count(); ++i) {
    ExpectExplained(*type.nested_type(i));
  }
}

void ExpectExplained(const ServiceDescriptor& service) {
  ExpectExplained<ServiceDescriptor>(service);
  for (int i = 0; i < service.method_count(); ++i) {
    ExpectExplained(*service.method(i));
  }
}

TEST(Promises, ExplainEveryElement) {
  const Sources sources;
  ASSERT_EQ(sources.files().size(), 21u);
  for (const FileDescriptor* file : sources.files()) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      ExpectExplained(*file->message_type(i));
    }
    for (int i = 0; i < file->enum_type_count(); ++i) {
      ExpectExplained(*file->enum_type(i));
    }
    for (int i = 0; i < file->service_count(); ++i) {
      ExpectExplained(*file->service(i));
    }
  }
}

// Returns "ANCHOR_KIND_" for "AnchorKind".
std::string PrefixOf(const EnumDescriptor& type) {
  std::string prefix;
  for (const char c : type.name()) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !prefix.empty()) prefix.push_back('_');
    prefix.push_back(upper ? c : static_cast<char>(c - 'a' + 'A'));
  }
  return prefix + "_";
}

void ExpectGrowable(const EnumDescriptor& type) {
  const std::string prefix = PrefixOf(type);
  EXPECT_EQ(type.value(0)->name(), prefix + "UNSPECIFIED");
  for (int i = 0; i < type.value_count(); ++i) {
    EXPECT_EQ(type.value(i)->name().rfind(prefix, 0), 0u)
        << type.value(i)->name();
  }
}

TEST(Promises, NameEveryEnumValueAfterItsEnum) {
  const Sources sources;
  for (const FileDescriptor* file : sources.files()) {
    for (int i = 0; i < file->enum_type_count(); ++i) {
      ExpectGrowable(*file->enum_type(i));
    }
    for (int i = 0; i < file->message_type_count(); ++i) {
      const Descriptor& message = *file->message_type(i);
      for (int j = 0; j < message.enum_type_count(); ++j) {
        ExpectGrowable(*message.enum_type(j));
      }
    }
  }
}

TEST(Promises, NameTheMessagesOfAMethodAfterIt) {
  const Sources sources;
  int methods = 0;
  for (const FileDescriptor* file : sources.files()) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        const auto& method = *file->service(i)->method(j);
        const std::string& name = method.name();
        EXPECT_EQ(method.input_type()->name(), name + "Request");
        EXPECT_EQ(method.output_type()->name(), name + "Response");
        EXPECT_EQ(method.server_streaming(),
                  name.rfind("Watch", 0) == 0 || name == "Backup");
        // Who may send megabytes is asked before they are read.
        EXPECT_EQ(method.client_streaming(),
                  name == "AcceptStore" || name == "SubmitManifest");
        ++methods;
      }
    }
  }
  EXPECT_EQ(methods, 26);
}

// The bytes of google.rpc.Status {code: 14, message: "m", details: [Any of
// google.rpc.ErrorInfo {reason: "R", domain: "d", metadata: {k: v}}]}.
TEST(Promises, WriteErrorsAsGoogleRpcDoes) {
  ErrorInfo info;
  info.set_reason("R");
  info.set_domain("d");
  (*info.mutable_metadata())["k"] = "v";
  const std::string info_bytes =
      "\n\x01R\x12\x01"
      "d\x1a\x06\n\x01k\x12\x01v";
  EXPECT_EQ(info.SerializeAsString(), info_bytes);

  Status status;
  status.set_code(14);
  status.set_message("m");
  google::protobuf::Any& detail = *status.add_details();
  detail.set_type_url("t");
  detail.set_value(info_bytes);
  EXPECT_EQ(status.SerializeAsString(),
            "\x08\x0e\x12\x01m\x1a\x13\n\x01t\x12\x0e" + info_bytes);
}

TEST(Promises, LetAFileSayThatReflectionIsOff) {
  EXPECT_FALSE(TrustdConfig().has_reflection());
  TrustdConfig config;
  config.set_reflection(false);
  EXPECT_TRUE(config.has_reflection());
}

}  // namespace
}  // namespace anchorage::v1
