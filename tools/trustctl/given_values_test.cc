#include "tools/trustctl/given_values.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace anchorage::trustctl {
namespace {

// A program with one option of each shape that trustctl has.
class Program {
 public:
  Program() {
    CLI::App& verify = *app_.add_subcommand("verify");
    CLI::App& command = *verify.add_subcommand("it");
    command.add_option("--text", text_)->group("What you expect");
    command.add_option("-o,--output", output_)
        ->check(CLI::IsMember({"text", "json"}));
    command.add_option("--list", list_);
    command.add_option("--why", why_);
    command.add_option("--number", number_);
    command.add_flag("--yes", yes_);
    command.add_option_group("Forms")->add_option("--form", form_);
    command.add_option("file", file_);
    RequireValues(app_);
  }

  // Returns what is said to a command line; empty if it is taken.
  std::string Say(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"program", "verify", "it"});
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) {
      argv.push_back(argument.c_str());
    }
    const int argc = static_cast<int>(argv.size());
    try {
      RefuseBareAssignments(argc, argv.data());
      app_.parse(argc, argv.data());
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
    return "";
  }

  const std::string& file() const { return file_; }

 private:
  CLI::App app_;
  std::string text_, output_, form_, file_, why_;
  std::vector<std::string> list_;
  int number_ = 0;
  bool yes_ = false;
};

TEST(RequireValues, TakesReasonsInUtf8Alone) {
  EXPECT_EQ(Program().Say({"--why", "caf\xc3\xa9"}), "");
  EXPECT_EQ(Program().Say({"--text", "caf\xe9"}), "");
  EXPECT_NE(Program().Say({"--why", "caf\xe9"}).find("UTF-8"),
            std::string::npos);
}

// Whether the program refuses, and names what is wrong first.
testing::AssertionResult Refused(const std::string& name,
                                 std::vector<std::string> arguments) {
  const std::string said = Program().Say(std::move(arguments));
  if (said.starts_with(name + ": given")) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "said '" << said << "'";
}

TEST(GivenValues, TakesWhatHasAValue) {
  EXPECT_EQ(
      Program().Say({"--text", "a", "--list", "a", "b", "--list", "-1",
                     "--number", "7", "--yes", "--form", "c", "-o", "json"}),
      "");
  EXPECT_EQ(Program().Say({"--text=a=", "--form", "=", "f"}), "");
  EXPECT_EQ(Program().Say({"--text", "-----BEGIN", "--form", "-"}), "");
  EXPECT_EQ(Program().Say({}), "");
}

TEST(GivenValues, RefusesAnEmptyValueOfEveryShape) {
  for (const std::string name :
       {"--text", "--output", "--list", "--number", "--form"}) {
    EXPECT_TRUE(Refused(name, {name, ""})) << name;
    EXPECT_TRUE(Refused(name, {name + "="})) << name;
    EXPECT_TRUE(Refused(name, {name + "=", "a"})) << name;
    EXPECT_TRUE(Refused(name, {name, "--yes"})) << name;
  }
  EXPECT_TRUE(Refused("--output", {"-o", ""}));
  EXPECT_TRUE(Refused("--yes", {"--yes="}));
  EXPECT_TRUE(Refused("file", {""}));
}

TEST(GivenValues, RefusesOneEmptyValueAmongOthers) {
  EXPECT_NE(Program().Say({"--list", "a", ""}), "");
  EXPECT_TRUE(Refused("--list", {"--list", "a", "--list", "", "--list", "b"}));
  EXPECT_TRUE(Refused("--text", {"--text", "", "--form", "a"}));
}

TEST(GivenValues, TakesAnythingBehindTheMark) {
  Program program;
  EXPECT_EQ(program.Say({"--text", "a", "--", "--file="}), "");
  EXPECT_EQ(program.file(), "--file=");
}

}  // namespace
}  // namespace anchorage::trustctl
