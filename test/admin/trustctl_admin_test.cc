// The commands of trustctl that talk to the listener for people, run as
// programs against one in this process.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "test/support/admin_world.h"
#include "test/support/test_authority.h"

namespace anchorage::trustd {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string g_trustctl;

struct Outcome {
  int code = -1;
  std::string output;
};

class TrustctlAdminTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = absl::StrCat(
        ::testing::TempDir(), "/people-",
        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    world_.Start();
    world_.ShowReKey();
    Write("servers.pem", world_.server_authority().pem());
    for (const char* name : {"viewer-vera", "approver-alice", "approver-adam",
                             "operator-olga", "instance-ines", "mallory"}) {
      const TlsIdentity identity = world_.Person(name);
      Write(absl::StrCat(name, ".pem"), identity.certificate);
      Write(absl::StrCat(name, ".key"), identity.key);
    }
  }

  // Private, as keys are.
  void Write(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(anchors::WriteFileAtomically(absl::StrCat(folder_, "/", name),
                                             bytes,
                                             anchors::FileAccess::kPrivate)
                    .ok());
  }

  std::string Read(const std::string& name) {
    return anchors::ReadFile(absl::StrCat(folder_, "/", name), 64 << 20)
        .value();
  }

  // Runs a command in the folder of the certificates.
  Outcome Shell(const std::string& line) {
    const std::string command = absl::StrCat("cd ", folder_, " && ", line);
    Outcome run;
    std::FILE* const pipe = popen(command.c_str(), "r");
    char buffer[4096];
    while (const std::size_t got = fread(buffer, 1, sizeof(buffer), pipe)) {
      run.output.append(buffer, got);
    }
    const int status = pclose(pipe);
    run.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return run;
  }

  // Runs trustctl there; both outputs together.
  Outcome Plain(const std::string& arguments) {
    return Shell(absl::StrCat(g_trustctl, " ", arguments, " 2>&1 </dev/null"));
  }

  std::string FlagsOf(const std::string& person) {
    return absl::StrCat(" --server ", world_.server().address(),
                        " --tls-roots servers.pem --client-cert ", person,
                        ".pem --client-key ", person, ".key");
  }

  // The same as a person.
  Outcome As(const std::string& person, const std::string& arguments) {
    return Plain(arguments + FlagsOf(person));
  }

  // The "SIZE:ROOT" that a command printed.
  static std::string HeadIn(const Outcome& run) {
    const std::size_t at = run.output.find("head  ");
    if (at == std::string::npos) return "";
    return run.output.substr(at + 6, run.output.find('\n', at) - at - 6);
  }

  std::string folder_;
  AdminWorld world_;
};

TEST_F(TrustctlAdminTest, ApprovesAReKeyEndToEnd) {
  Outcome run = As("approver-alice", "rotations list --open");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("RE_KEY"));
  EXPECT_THAT(run.output, HasSubstr("aws/us-east-1/iid-rsa2048"));
  EXPECT_THAT(run.output, HasSubstr("1 of 1 rotations"));

  const std::uint64_t before = world_.hub().Current()->catalog.sequence;
  run = As("approver-alice", "rotations approve 1 --why 'I called AWS'");
  EXPECT_NE(run.code, 0);
  EXPECT_THAT(run.output, HasSubstr("give --yes"));
  EXPECT_EQ(world_.hub().Current()->catalog.sequence, before);

  run = As("approver-alice", "rotations approve 1 --why 'I called AWS' --yes");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("rotation 1 is PUBLISHED"));
  EXPECT_EQ(world_.hub().Current()->catalog.sequence, before + 1);

  run = As("viewer-vera", "rotations show 1");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("APPROVE by approver-alice"));
  EXPECT_THAT(run.output, HasSubstr("I called AWS"));
  run = As("viewer-vera", "rotations list --open");
  EXPECT_THAT(run.output, HasSubstr("0 of 0 rotations"));
  run = As("viewer-vera", "rotations list --class RE_KEY --state PUBLISHED");
  EXPECT_THAT(run.output, HasSubstr("1 of 1 rotations"));
}

TEST_F(TrustctlAdminTest, RefusesToApproveAnotherChangeThanWasLookedAt) {
  const Outcome run =
      As("approver-alice",
         absl::StrCat("rotations approve 1 --why x --yes --change ",
                      std::string(64, '0')));
  EXPECT_EQ(run.code, 4) << run.output;
  EXPECT_THAT(run.output, HasSubstr("ROTATION_CHANGED"));
}

TEST_F(TrustctlAdminTest, HoldsAndRejects) {
  Outcome run = As("approver-alice", "rotations hold 1 --why 'asking AWS'");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("rotation 1 is DETECTED"));
  EXPECT_THAT(run.output,
              HasSubstr("held by approver-alice; the policy waits"));
  run = As("approver-alice", "rotations reject 1 --why 'AWS denies it'");
  EXPECT_EQ(run.code, 4) << run.output;
  EXPECT_THAT(run.output, HasSubstr("give --yes"));
  run = As("approver-alice",
           "rotations reject 1 --why 'AWS denies it' --yes -o json");
  EXPECT_EQ(run.code, 0) << run.output;
  const std::string answer = run.output.substr(run.output.rfind("\n{\n"));
  EXPECT_EQ(json::parse(answer)["state"], "REJECTED");
}

TEST_F(TrustctlAdminTest, ShowsWhatAPersonNeedsToDecide) {
  Outcome run = As("viewer-vera", "rotations show 1");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("do         CONFIRM: "));
  EXPECT_THAT(run.output, HasSubstr("never re-keyed"));
  EXPECT_THAT(run.output, HasSubstr("trustctl rotations approve 1 --why"));
  run = As("viewer-vera", "rotations show 1 -o json");
  const json facts = json::parse(run.output);
  EXPECT_EQ(facts["schema_version"], 1);
  EXPECT_EQ(facts["id"], "1");
  EXPECT_EQ(facts["rotation_class"], "RE_KEY");
  EXPECT_EQ(facts["explanation"]["recommendation"]["name"], "KEY_UNPROVED");
  EXPECT_EQ(facts["explanation"]["new_certificates"][0]["key"], "RSA-2048");
  // What is printed can be given back.
  run = As("viewer-vera", absl::StrCat("rotations list -o name --class ",
                                       std::string(facts["rotation_class"]),
                                       " --state ROTATION_STATE_",
                                       std::string(facts["state"])));
  EXPECT_EQ(run.output, "1\n");
}

TEST_F(TrustctlAdminTest, SaysHowManyApprovedAndWhoIsMissing) {
  world_.mirror_options.core.rotations.approvals = 2;
  world_.Start();
  Outcome run = As("approver-alice", "rotations approve 1 --why x --yes");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("approved: 1 of 2; missing one of "
                                    "approver-adam, operator-olga"));
  run = As("approver-alice", "rotations approve 1 --why x --yes");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("you approved this already at 2"));
  EXPECT_THAT(run.output, HasSubstr("; still 1 of 2; missing one of "));
  run = As("approver-adam", "rotations approve 1 --why x --yes -o json");
  EXPECT_EQ(run.code, 0) << run.output;
  const std::string answer = run.output.substr(run.output.rfind("\n{\n"));
  EXPECT_EQ(json::parse(answer)["approvals"]["sentence"], "2 of 2");
  EXPECT_EQ(json::parse(answer)["state"], "PUBLISHED");
}

TEST_F(TrustctlAdminTest, AnAnomalyIsAnsweredWithWhatToDo) {
  Observation look = world_.Look();
  look.certificates.clear();
  ASSERT_TRUE(world_.mirror().Observed(look, world_.now()).ok());
  Outcome run =
      As("viewer-vera", "rotations list --open --class SOURCE_ANOMALY -o name");
  const std::string id = run.output.substr(0, run.output.find('\n'));
  run =
      As("approver-alice", absl::StrCat("rotations approve ", id, " --why x"));
  EXPECT_EQ(run.code, 4) << run.output;
  EXPECT_THAT(run.output, HasSubstr("NOT_DECIDABLE"));
  EXPECT_THAT(run.output, HasSubstr("No anchor is removed by it"));
  run = As("viewer-vera", "sources list");
  EXPECT_THAT(run.output, HasSubstr("aws-docs is DOUBTED: SLOTS_MISSING"));
}

TEST_F(TrustctlAdminTest, TakesARotationBack) {
  Outcome run = As("operator-olga", "rotations undo 1 --why x --yes");
  EXPECT_EQ(run.code, 4) << run.output;
  EXPECT_THAT(run.output, HasSubstr("only what is published"));
  As("approver-alice", "rotations approve 1 --why x --yes");
  run = As("approver-alice", "rotations undo 1 --why x --yes");
  EXPECT_EQ(run.code, 5) << run.output;
  run = As("operator-olga", "rotations undo 1 --why 'not AWS'");
  EXPECT_THAT(run.output, HasSubstr("give --yes"));
  run = As("operator-olga", "rotations undo 1 --why 'not AWS' --yes");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output,
              HasSubstr("rotation 2 takes rotation 1 back, and is COMPLETED"));
  // And that in turn, for ever.
  run = As("operator-olga",
           "rotations undo 2 --why 'it is theirs' --yes --revoke");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("nobody can take"));
}

TEST_F(TrustctlAdminTest, SaysWhyACallWasRefusedWithAnExitCode) {
  Outcome run = As("viewer-vera", "rotations hold 1 --why x");
  EXPECT_EQ(run.code, 5) << run.output;
  EXPECT_THAT(run.output, HasSubstr("ROLE_INSUFFICIENT"));
  run = As("mallory", "rotations list");
  EXPECT_EQ(run.code, 5) << run.output;
  EXPECT_THAT(run.output, HasSubstr("NAME_UNKNOWN"));
  run = As("viewer-vera", "rotations show 99");
  EXPECT_EQ(run.code, 2) << run.output;
  EXPECT_THAT(run.output, HasSubstr("ROTATION_NOT_FOUND"));
  run = As("viewer-vera", "rotations list --class REKEY");
  EXPECT_EQ(run.code, 1) << run.output;
  Write("servers.pem", world_.people_authority().pem());
  run = As("viewer-vera", "rotations list");
  EXPECT_EQ(run.code, 6) << run.output;
  EXPECT_THAT(run.output, ::testing::StartsWith("trustctl: error: "));
  world_.server().Stop();
  run = As("viewer-vera", "rotations list");
  EXPECT_EQ(run.code, 6) << run.output;
}

TEST_F(TrustctlAdminTest, RefusesAKeyThatOthersCanRead) {
  std::filesystem::permissions(folder_ + "/viewer-vera.key",
                               std::filesystem::perms(0644));
  const Outcome run = As("viewer-vera", "rotations list");
  EXPECT_EQ(run.code, 4) << run.output;
}

TEST_F(TrustctlAdminTest, ListsAndPollsSources) {
  Outcome run = As("viewer-vera", "sources list");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("aws-docs"));
  EXPECT_THAT(run.output, HasSubstr("WORKING"));
  ASSERT_TRUE(
      world_.mirror()
          .SourceFailed("aws-docs", "TIMED_OUT", "\x1b[2Jslow", world_.now())
          .ok());
  run = As("viewer-vera", "sources list");
  EXPECT_THAT(run.output, HasSubstr("FAILING"));
  EXPECT_THAT(run.output, HasSubstr("1 time: TIMED_OUT: \\x1b[2Jslow"));
  run = As("viewer-vera", "sources list -o json");
  EXPECT_EQ(json::parse(run.output)["sources"][0]["state"], "FAILING");
  run = As("operator-olga", "sources poll aws-docs");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(world_.polled(), std::vector<std::string>{"aws-docs"});
}

TEST_F(TrustctlAdminTest, WaitsForWhatAPollComesTo) {
  world_.Advance(absl::Seconds(1));
  world_.OnPoll([&] {
    EXPECT_TRUE(world_.mirror().Unchanged("aws-docs", world_.now()).ok());
  });
  Outcome run = As("operator-olga", "sources poll aws-docs --wait");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("nothing new"));
  world_.Advance(absl::Hours(1));
  world_.OnPoll([&] {
    Observation look = world_.Look();
    look.certificates.clear();
    EXPECT_TRUE(world_.mirror().Observed(look, world_.now()).ok());
  });
  run = As("operator-olga", "sources poll --wait -o json");
  EXPECT_EQ(run.code, 0) << run.output;
  const json outcome = json::parse(run.output)["sources"][0];
  EXPECT_EQ(outcome["outcome"], "ROTATIONS");
  EXPECT_EQ(outcome["state"], "DOUBTED");
  EXPECT_EQ(outcome["rotations"][0]["rotation_class"], "SOURCE_ANOMALY");
  world_.Advance(absl::Hours(1));
  world_.OnPoll([&] {
    EXPECT_TRUE(world_.mirror()
                    .SourceFailed("aws-docs", "TIMED_OUT", "slow", world_.now())
                    .ok());
  });
  run = As("operator-olga", "sources poll aws-docs --wait");
  EXPECT_EQ(run.code, 6) << run.output;
  EXPECT_THAT(run.output, HasSubstr("aws-docs: failed 1 time: TIMED_OUT"));
  world_.Advance(absl::Hours(1));
  world_.OnPoll([] {});
  run = As("operator-olga", "sources poll aws-docs --wait --timeout 1s");
  EXPECT_EQ(run.code, 6) << run.output;
  EXPECT_THAT(run.output, HasSubstr("no answer of aws-docs in 1s"));
}

TEST_F(TrustctlAdminTest, WhatWasRejectedIsAddedAndNamesWhoIsMissing) {
  world_.mirror_options.core.rotations.approvals = 2;
  world_.Start();
  const std::string base64 =
      absl::Base64Escape(world_.mirror().FindRotation(1)->observed(0).der());
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) {
    absl::StrAppend(&pem, base64.substr(at, 64), "\n");
  }
  Write("new.pem", pem + "-----END CERTIFICATE-----\n");
  As("approver-alice", "rotations reject 1 --why x --yes");
  const Outcome run =
      As("operator-olga",
         absl::StrCat("anchors add ", folder_,
                      "/new.pem --partition aws "
                      "--region us-east-1 --kind iid-rsa2048 --why y --yes"));
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output,
              HasSubstr("rotation 2: 1 of 2; missing one of approver-adam, "
                        "approver-alice: trustctl rotations approve 2 --why "));
}

TEST_F(TrustctlAdminTest, RevokesAndRetiresAnAnchor) {
  const auto rotation = world_.mirror().FindRotation(1);
  const std::string slot =
      " --partition aws --region us-east-1 --kind iid-rsa2048 --why drill ";
  Outcome run =
      As("operator-olga",
         absl::StrCat("anchors retire ", rotation->pinned_spki_sha256(0), slot,
                      "--last-key --yes"));
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("RETIRE  aws/us-east-1/iid-rsa2048"));
  run = As(
      "operator-olga",
      absl::StrCat("anchors revoke ", rotation->pinned_spki_sha256(0), slot));
  EXPECT_EQ(run.code, 4) << run.output;
  EXPECT_THAT(run.output, HasSubstr("give --yes"));
  run = As("operator-olga",
           absl::StrCat("anchors revoke ", rotation->pinned_spki_sha256(0),
                        slot, "--yes -o json"));
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("\"action\": \"REVOKE\""));
}

TEST_F(TrustctlAdminTest, RetiresAnAnchorAtGivenTimes) {
  const std::string key =
      world_.mirror().FindRotation(1)->pinned_spki_sha256(0);
  const std::string retire = absl::StrCat(
      "anchors retire ", key,
      " --partition aws --region us-east-1 --kind iid-rsa2048 --why drill "
      "--yes --until 2033-05-18T03:33:20Z --accept-until ");
  EXPECT_EQ(As("operator-olga", retire + "soon").code, 1);
  EXPECT_NE(As("operator-olga", retire + "2030-01-01T00:00:00Z").code, 0);
  const Outcome run = As("operator-olga", retire + "2036-07-18T13:20:00Z");
  EXPECT_EQ(run.code, 0) << run.output;
  for (const auto& anchor : world_.hub().Current()->catalog.anchors) {
    if (anchor.spki_sha256 != key) continue;
    EXPECT_EQ(anchor.status, verify::AnchorStatus::kRetiring);
    EXPECT_EQ(anchor.valid_until, absl::FromUnixSeconds(2'000'000'000));
    EXPECT_EQ(anchor.accept_until, absl::FromUnixSeconds(2'100'000'000));
  }
}

// In AWS's catalog a key of 17 regions.
TEST_F(TrustctlAdminTest, NamesTheOtherSlotsOfARevokedKey) {
  const std::string key =
      world_.mirror().FindRotation(1)->pinned_spki_sha256(0);
  const auto publication = world_.hub().Current();
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_ADD);
  fact.mutable_slot()->set_partition("aws");
  fact.mutable_slot()->set_region("us-east-9");
  fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  for (const auto& anchor : publication->catalog.anchors) {
    if (anchor.spki_sha256 == key) {
      fact.set_certificate(anchor.certificates.front().der);
    }
  }
  fact.set_by("operator-olga");
  fact.set_why("drill");
  ASSERT_TRUE(world_.mirror().Pin({.fact = fact}, world_.now()).ok());
  const Outcome run =
      As("operator-olga",
         absl::StrCat("anchors revoke ", key,
                      " --partition aws --region us-east-1 --kind iid-rsa2048 "
                      "--why stolen --last-key --yes"));
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("that of 1 more"));
  EXPECT_THAT(run.output, HasSubstr("\n  aws/us-east-9/iid-rsa2048\n"));
}

TEST_F(TrustctlAdminTest, SaysWhyATrustdCannotBeAsked) {
  const auto list = [&](const std::string& roots, const std::string& person,
                        const std::string& key) {
    return Plain(absl::StrCat(
        "rotations list --server ", world_.server().address(), " --tls-roots ",
        roots, " --client-cert ", person, ".pem --client-key ", key, ".key"));
  };
  Outcome run = list("viewer-vera.pem", "viewer-vera", "viewer-vera");
  EXPECT_EQ(run.code, 6) << run.output;
  EXPECT_THAT(run.output, HasSubstr("SERVER_CA_UNKNOWN"));
  run = list("servers.pem", "viewer-vera", "mallory");
  EXPECT_EQ(run.code, 2) << run.output;
  EXPECT_THAT(run.output, HasSubstr("KEY_OF_ANOTHER"));
  const TlsIdentity stranger =
      TestAuthority("strangers").Issue({.names = {"viewer-vera"}});
  Write("stranger.pem", stranger.certificate);
  Write("stranger.key", stranger.key);
  run = list("servers.pem", "stranger", "stranger");
  EXPECT_EQ(run.code, 6) << run.output;
  EXPECT_THAT(run.output, HasSubstr("CLIENT_CERTIFICATE_REFUSED"));
  run = As("mallory", "rotations list");
  EXPECT_EQ(run.code, 5) << run.output;
  EXPECT_THAT(run.output, HasSubstr("'mallory'"));
  EXPECT_THAT(run.output, HasSubstr("NAME_UNKNOWN"));
  run = As("viewer-vera", "rotations hold 1 --why x");
  EXPECT_EQ(run.code, 5) << run.output;
  EXPECT_THAT(run.output, HasSubstr("ROLE_APPROVER or ROLE_OPERATOR"));
}

TEST_F(TrustctlAdminTest, TakesWhereAndWhoFromAContext) {
  setenv("XDG_CONFIG_HOME", folder_.c_str(), 1);
  Outcome run = Plain(absl::StrCat(
      "context set here --admin-server ", world_.server().address(),
      " --admin-tls-roots servers.pem --client-cert viewer-vera.pem "
      "--client-key viewer-vera.key"));
  EXPECT_EQ(run.code, 0) << run.output;
  run = Plain("rotations list -o name");
  EXPECT_EQ(run.output, "1\n");
  // A flag beats a variable, and a variable a context.
  run = Plain("rotations list --server 127.0.0.1:1");
  EXPECT_THAT(run.output, HasSubstr("NOBODY_LISTENS"));
  setenv("ANCHORAGE_ADMIN_SERVER", "127.0.0.1:1", 1);
  run = Plain("rotations list");
  EXPECT_THAT(run.output, HasSubstr("NOBODY_LISTENS"));
  setenv("ANCHORAGE_ADMIN_SERVER", "", 1);
  run = Plain("rotations list");
  EXPECT_EQ(run.code, 1) << run.output;
  EXPECT_THAT(run.output, HasSubstr("ANCHORAGE_ADMIN_SERVER: set, but empty"));
  unsetenv("ANCHORAGE_ADMIN_SERVER");
  unsetenv("XDG_CONFIG_HOME");
}

TEST_F(TrustctlAdminTest, SubmitsEvidence) {
  Write("rsa2048", world_.Evidence().rsa2048());
  const std::string submit = "evidence submit --rsa2048 rsa2048";
  Outcome run = As("instance-ines", submit);
  EXPECT_EQ(run.code, 4) << run.output;
  EXPECT_THAT(run.output, HasSubstr("CANDIDATE  aws/us-east-1/iid-rsa2048"));
  As("approver-alice", "rotations approve 1 --why x --yes");
  run = As("instance-ines", submit + " -o json");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(json::parse(run.output)["outcome"], "PINNED");
  Write("rsa2048", "not evidence");
  run = As("instance-ines", submit);
  EXPECT_EQ(run.code, 2) << run.output;
}

TEST_F(TrustctlAdminTest, VerifiesTheRecordOfAServerAndOfAFile) {
  Outcome run = As("viewer-vera", "ledger verify");
  EXPECT_EQ(run.code, 0) << run.output;
  const std::string old = HeadIn(run);
  ASSERT_NE(old, "");
  As("approver-alice", "rotations hold 1 --why 'asking AWS'");
  run = As("viewer-vera", "ledger verify --head " + old);
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_NE(HeadIn(run), old);

  run = As("viewer-vera", "ledger export records.jsonl");
  EXPECT_EQ(run.code, 0) << run.output;
  const std::string head = HeadIn(run);
  for (const std::string& kept : {old, head}) {
    run = Plain("ledger verify --records records.jsonl --head " + kept);
    EXPECT_EQ(run.code, 0) << run.output;
    EXPECT_EQ(HeadIn(run), head);
  }
  run = Plain("ledger verify --records records.jsonl");
  EXPECT_EQ(run.code, 1) << run.output;
}

TEST_F(TrustctlAdminTest, CatchesAChangedRecordInAFile) {
  const std::string head =
      HeadIn(As("viewer-vera", "ledger export records.jsonl"));
  const std::string good = Read("records.jsonl");
  const std::string second =
      good.substr(good.find('\n') + 1,
                  good.find('\n', good.find('\n') + 1) - good.find('\n'));
  // A character in the middle of the second record.
  const std::size_t at = good.find("\"record\":\"", good.find('\n')) + 20;
  std::string changed = good;
  changed[at] = changed[at] == 'A' ? 'B' : 'A';
  for (const std::string& bad :
       {changed, good.substr(0, good.find('\n') + 1),
        absl::StrReplaceAll(good, {{second, ""}}), good + second}) {
    ASSERT_NE(bad, good);
    Write("records.jsonl", bad);
    const Outcome run =
        Plain("ledger verify --records records.jsonl --head " + head);
    EXPECT_EQ(run.code, 3) << run.output;
  }
  Write("records.jsonl", "{}\n" + good);
  EXPECT_EQ(Plain("ledger verify --records records.jsonl --head " + head).code,
            2);
}

TEST_F(TrustctlAdminTest, ListsRecordsInWords) {
  As("approver-alice", "rotations hold 1 --why 'asking AWS'");
  Outcome run = As("viewer-vera", "ledger list");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output,
              HasSubstr("RE_KEY of us-east-1 rsa2048 was detected: seen by "
                        "aws-docs (rotation 1)\n"));
  EXPECT_THAT(run.output,
              HasSubstr(" UTC approver-alice held RE_KEY of us-east-1 rsa2048: "
                        "asking AWS (rotation 1)\n"));
  for (const char* filter :
       {"--person approver-alice", "--fact DECISION", "--fact decision",
        "--fact FACT_KIND_DECISION --rotation 1",
        "--slot aws/us-east-1/iid-rsa2048 --fact DECISION",
        "--region us-east-1 --kind iid-rsa2048 --person approver-alice"}) {
    run = As("viewer-vera", absl::StrCat("ledger list ", filter));
    EXPECT_EQ(run.code, 0) << run.output;
    EXPECT_THAT(run.output, HasSubstr("asking AWS")) << filter;
    EXPECT_THAT(run.output, HasSubstr("\n1 record\n")) << filter;
  }
  for (const char* filter : {"--person approver-adam", "--fact PIN",
                             "--rotation 2", "--slot aws/us-east-1/iid-dsa",
                             "--to 2001-01-01", "--from 2999-01-01"}) {
    run = As("viewer-vera", absl::StrCat("ledger list ", filter));
    EXPECT_EQ(run.code, 0) << run.output;
    EXPECT_EQ(run.output, "0 records\n") << filter;
  }
  run = As("viewer-vera", "ledger list --limit 1");
  EXPECT_THAT(run.output, HasSubstr("1 record, the newest of more"));
  for (const char* bad :
       {"--slot us-east-1", "--slot aws/us-east-1/rsa", "--fact DECIDED",
        "--limit 0", "--limit -1", "--limit 99999999999", "--rotation 0",
        "--rotation -1", "--from March", "--from 2027-01-02 --to 2027-01-01",
        "--slot aws/us-east-1/iid-dsa --region us-east-1"}) {
    EXPECT_EQ(As("viewer-vera", absl::StrCat("ledger list ", bad)).code, 1)
        << bad;
  }
}

TEST_F(TrustctlAdminTest, SaysHowManyApprovalsItTook) {
  world_.mirror_options.core.rotations.approvals = 2;
  world_.Start();
  As("approver-alice", "rotations approve 1 --yes --why 'case 1234'");
  As("approver-adam", "rotations approve 1 --yes --why 'I called AWS'");
  const Outcome run = As("viewer-vera", "ledger list --fact DECISION");
  EXPECT_THAT(run.output,
              HasSubstr("approver-alice approved RE_KEY of us-east-1 "
                        "rsa2048, 1 of 2: case 1234"));
  EXPECT_THAT(run.output,
              HasSubstr("approver-adam approved RE_KEY of us-east-1 "
                        "rsa2048, 2 of 2: I called AWS"));
}

TEST_F(TrustctlAdminTest, PrintsRecordsForPrograms) {
  As("approver-alice", "rotations hold 1 --why 'asking AWS'");
  Outcome run = As("viewer-vera", "ledger list --fact DECISION -o json");
  EXPECT_EQ(run.code, 0) << run.output;
  const json answer = json::parse(run.output);
  EXPECT_EQ(answer["schema_version"], 1);
  EXPECT_EQ(answer["more"], false);
  ASSERT_EQ(answer["records"].size(), 1u);
  const json& row = answer["records"][0];
  EXPECT_EQ(row["fact"], "DECISION");
  EXPECT_EQ(row["person"], "approver-alice");
  EXPECT_EQ(row["rotation_ids"], json({"1"}));
  EXPECT_EQ(row["slots"], json({"aws/us-east-1/iid-rsa2048"}));
  // What is printed is taken back.
  const std::string index = row["index"];
  run = As("viewer-vera",
           absl::StrCat("ledger list -o name --fact ", std::string(row["fact"]),
                        " --person ", std::string(row["person"]), " --slot ",
                        std::string(row["slots"][0]), " --rotation ",
                        std::string(row["rotation_ids"][0]), " --from ",
                        std::string(row["time"])));
  EXPECT_EQ(run.output, index + "\n");
  run = As("viewer-vera", "ledger show " + index);
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("asking AWS"));
  EXPECT_THAT(run.output, HasSubstr("\"kind\": \"HOLD\""));
  run = As("viewer-vera", "ledger show -o json " + index);
  EXPECT_EQ(json::parse(run.output)["record"]["decision"]["decision"]["by"],
            "approver-alice");
  EXPECT_EQ(As("viewer-vera", "ledger show 99999").code, 2);
  EXPECT_EQ(As("viewer-vera", "ledger show -1").code, 1);
}

TEST_F(TrustctlAdminTest, FindsRecordsByTheirWords) {
  As("approver-alice", "rotations hold 1 --why 'asking AWS'");
  Outcome run = As("viewer-vera", "ledger search asking HELD");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("\n1 record\n"));
  run = As("viewer-vera", "ledger search asking --person approver-adam");
  EXPECT_EQ(run.output, "0 records\n");
}

TEST_F(TrustctlAdminTest, ReadsAnExportedRecordWithoutAServer) {
  As("approver-alice", "rotations hold 1 --why 'asking AWS'");
  const Outcome served = As("viewer-vera", "ledger list");
  for (const char* format : {"base64", "jsonl", "protobuf"}) {
    Outcome run = As("viewer-vera", absl::StrCat("ledger export ", format,
                                                 ".out --format ", format));
    EXPECT_EQ(run.code, 0) << run.output;
    const std::string file = absl::StrCat(" --records ", format, ".out");
    EXPECT_EQ(Plain("ledger list" + file).output, served.output) << format;
    EXPECT_THAT(Plain("ledger search asking" + file).output,
                HasSubstr("\n1 record\n"));
    EXPECT_THAT(Plain("ledger show 2" + file).output,
                HasSubstr("RE_KEY of us-east-1 rsa2048 was detected"));
    EXPECT_EQ(Plain("ledger show 99999" + file).code, 2);
    run = Plain(absl::StrCat("ledger verify", file, " --head ", HeadIn(run)));
    EXPECT_EQ(run.code, 0) << run.output;
    std::string head = HeadIn(run);
    head.back() = head.back() == '0' ? '1' : '0';
    EXPECT_EQ(Plain(absl::StrCat("ledger verify", file, " --head ", head)).code,
              3);
  }
  const json line =
      json::parse(Read("jsonl.out").substr(0, Read("jsonl.out").find('\n')));
  EXPECT_EQ(line["index"], 0);
  EXPECT_EQ(line["fact"], "PUBLICATION");
  EXPECT_NE(line["words"], "");
  // Today's form, until another is asked for.
  As("viewer-vera", "ledger export plain.out");
  EXPECT_EQ(Read("plain.out"), Read("base64.out"));
  EXPECT_EQ(Plain("ledger list").code, 1);
  EXPECT_EQ(Plain("ledger list --records no-such-file").code, 2);
}

TEST_F(TrustctlAdminTest, WritesAndReadsARecordAlsoThroughAPipe) {
  As("viewer-vera", "ledger export records.out --format protobuf");
  Outcome run = Shell(absl::StrCat(
      g_trustctl, " ledger export - --format protobuf", FlagsOf("viewer-vera"),
      " 2>err | ", g_trustctl, " ledger list --records -"));
  EXPECT_EQ(run.output, Plain("ledger list --records records.out").output);
  EXPECT_THAT(Read("err"), HasSubstr("exported  "));
}

TEST_F(TrustctlAdminTest, FollowsTheRecordBeyondARestartOfTheServer) {
  const std::string address = world_.server().address();
  Outcome run = As("viewer-vera", "ledger tail --limit 1");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(std::count(run.output.begin(), run.output.end(), '\n'), 1);
  run = Shell(absl::StrCat("{ ", g_trustctl, " ledger tail --follow",
                           FlagsOf("viewer-vera"),
                           " >followed 2>err & echo $!; }"));
  const pid_t follower = static_cast<pid_t>(std::stol(run.output));
  const auto wait_for = [&](const std::string& text) {
    for (int i = 0; i < 300; ++i) {
      if (Read("followed").find(text) != std::string::npos) return true;
      absl::SleepFor(absl::Milliseconds(100));
    }
    return false;
  };
  EXPECT_TRUE(wait_for("was detected")) << Read("err");
  As("approver-alice", "rotations hold 1 --why first");
  EXPECT_TRUE(wait_for("rsa2048: first")) << Read("err");
  world_.server().Stop();
  ASSERT_TRUE(world_.mirror()
                  .Decide({.rotation_id = 1,
                           .kind = v1::Decision::KIND_HOLD,
                           .by = "approver-adam",
                           .why = "while it was away"},
                          world_.now())
                  .ok());
  AdminSettings settings = world_.settings();
  settings.listen_address = address;
  const auto again = AdminServer::Start(
      settings, world_.mirror(),
      [](const std::string&) { return absl::OkStatus(); },
      world_.server_options);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(wait_for("while it was away")) << Read("err");
  const std::string followed = Read("followed");
  EXPECT_EQ(followed.find("rsa2048: first"), followed.rfind("rsa2048: first"));
  EXPECT_EQ(kill(follower, SIGTERM), 0);
}

TEST_F(TrustctlAdminTest, ReportsToAnAuditor) {
  As("approver-alice",
     "rotations approve 1 --yes --why '<script>{{made}}</script>'");
  Outcome run =
      As("viewer-vera", "audit report --from 2001-01-01 --to 2999-01-01");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("record           verified: "));
  EXPECT_THAT(run.output, HasSubstr("RE_KEY of us-east-1 rsa2048"));
  EXPECT_THAT(run.output, HasSubstr("APPROVE by approver-alice"));
  EXPECT_THAT(run.output, HasSubstr("certificate of the person  "));
  run = As("viewer-vera",
           "audit report --from 2001-01-01 --to 2999-01-01 --format html "
           "--out page.html");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(run.output, "");
  EXPECT_THAT(Read("page.html"),
              HasSubstr("&lt;script&gt;{{made}}&lt;/script&gt;"));
  run = As("viewer-vera", "audit report --from 2001-01-01 --to 2001-01-02");
  EXPECT_THAT(run.output, HasSubstr("Nothing happened in this period"));

  const std::string head =
      HeadIn(As("viewer-vera", "ledger export records.jsonl"));
  const std::string report =
      "audit report --from 2001-01-01 --to 2999-01-01 --records records.jsonl";
  run = Plain(report + " --head " + head);
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("verified: "));
  run = Plain(report);
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("NOT VERIFIED: "));
  std::string other = head;
  other.back() = other.back() == '0' ? '1' : '0';
  run = Plain(report + " --head " + other);
  EXPECT_EQ(run.code, 3) << run.output;
  EXPECT_THAT(run.output, HasSubstr("NOT VERIFIED: "));
  EXPECT_EQ(Plain("audit report --records records.jsonl").code, 1);
}

TEST_F(TrustctlAdminTest, WhatOthersWroteIsEscapedInTheRecordsWords) {
  As("approver-alice", "rotations hold 1 --why \"$(printf 'a\\033[2J\\nb')\"");
  for (const char* command :
       {"ledger list", "ledger list -o table", "ledger search held",
        "ledger tail", "audit report --from 2001-01-01 --to 2999-01-01"}) {
    const Outcome run = As("viewer-vera", command);
    EXPECT_EQ(run.code, 0) << run.output;
    EXPECT_THAT(run.output, HasSubstr("a\\x1b[2J\\nb")) << command;
    EXPECT_THAT(run.output, ::testing::Not(HasSubstr("\x1b"))) << command;
  }
}

TEST_F(TrustctlAdminTest, CatchesARecordThatAServerChanged) {
  Outcome run = As("viewer-vera", "ledger verify");
  std::string head = HeadIn(run);
  // A server with another history of the same length would have another root.
  head.back() = head.back() == '0' ? '1' : '0';
  run = As("viewer-vera", "ledger verify --head " + head);
  EXPECT_EQ(run.code, 3) << run.output;
  // Or a shorter one.
  head.insert(0, "9");
  run = As("viewer-vera", "ledger verify --head " + head);
  EXPECT_EQ(run.code, 3) << run.output;
  world_.store().Damage("ledger/record/0000000000000001");
  run = As("viewer-vera", "ledger verify");
  EXPECT_EQ(run.code, 2) << run.output;
  EXPECT_THAT(run.output, HasSubstr("LEDGER_DAMAGED"));
  world_.Start();
  run = As("viewer-vera", "ledger verify");
  EXPECT_EQ(run.code, 3) << run.output;
}

}  // namespace
}  // namespace anchorage::trustd

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc != 2) return 1;
  anchorage::trustd::g_trustctl = std::filesystem::absolute(argv[1]).string();
  return RUN_ALL_TESTS();
}
