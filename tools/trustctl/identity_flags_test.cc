#include "tools/trustctl/identity_flags.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "anchors/base/atomic_file.h"
#include "gtest/gtest.h"
#include "proto/anchorage/v1/rotation.pb.h"

namespace anchorage::trustctl {
namespace {

using verify::kIdentityForms;

std::string FileWith(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/" + text;
  EXPECT_TRUE(anchors::WriteFileAtomically(path, text).ok());
  return path;
}

// What the command line gives; throws CLI::ParseError if it is refused.
absl::StatusOr<GivenIdentity> Given(std::vector<std::string> line) {
  CLI::App app;
  IdentityFlags flags;
  flags.AddTo(app);
  // CLI11 takes the last first.
  app.parse(std::vector<std::string>(line.rbegin(), line.rend()));
  return flags.Read();
}

TEST(IdentityFlags, HaveOneForEachForm) {
  for (const auto& row : kIdentityForms) {
    const auto given = Given({"--" + std::string(row.name), FileWith("s"),
                              "--document", FileWith("d")});
    ASSERT_TRUE(given.ok()) << row.name;
    EXPECT_EQ(given->form, row.form);
    EXPECT_EQ(given->signature, "s");
    EXPECT_EQ(given->document, "d");
  }
}

TEST(IdentityFlags, NeedTheDocumentBesideABareSignatureAlone) {
  for (const auto& row : kIdentityForms) {
    const std::vector<std::string> line = {"--" + std::string(row.name),
                                           FileWith("s")};
    if (row.carries_document()) {
      EXPECT_EQ(Given(line)->document, std::nullopt) << row.name;
    } else {
      EXPECT_THROW((void)Given(line), CLI::ParseError) << row.name;
    }
  }
}

TEST(IdentityFlags, RefuseNoFormAndTwo) {
  const std::string file = FileWith("s");
  EXPECT_THROW((void)Given({"--document", file}), CLI::ParseError);
  EXPECT_THROW((void)Given({"--pkcs7", file, "--rsa2048", file}),
               CLI::ParseError);
}

TEST(IdentityFlags, NameAFileThatIsNotThere) {
  EXPECT_FALSE(Given({"--rsa2048", "/nonexistent/rsa2048"}).ok());
}

// A form without its field could be verified and never submitted.
TEST(IdentityForms, AreTheFieldsOfEvidence) {
  const auto* signature = v1::Evidence::descriptor()->oneof_decl(0);
  ASSERT_EQ(signature->field_count(), std::size(kIdentityForms));
  for (const auto& row : kIdentityForms) {
    const auto* field =
        v1::Evidence::descriptor()->FindFieldByName(std::string(row.field));
    ASSERT_NE(field, nullptr) << row.name;
    EXPECT_EQ(field->containing_oneof(), signature) << row.name;
  }
}

}  // namespace
}  // namespace anchorage::trustctl
