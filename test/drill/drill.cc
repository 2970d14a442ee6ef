// drill NAME: rehearses what AWS may do to its certificates, and what others
// may do to its page, with a timeline.
//
//   drill history    the 28 real re-issues of 2023 to 2026, wave by wave
//   drill rekey      a new key in one region, end to end with people
//   drill unrestarted  an instance from before such a key, years on
//   drill poisoned   one certificate on the page replaced by an attacker's
//   drill undo       somebody approves it at night, and it is taken back
//   drill fleet_failures  a new key that no source shows: the fleet is heard
//
// Exit code 0: everything went as it should.

#include <grpcpp/client_context.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/publishing/ceremony.h"
#include "proto/anchorage/v1/admin_service.grpc.pb.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "proto/anchorage/v1/evidence_service.grpc.pb.h"
#include "test/drill/drill_world.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/page_writer.h"
#include "test/identity/real_identities.h"

namespace anchorage::test {
namespace {

using anchors::Catalog;
using verify::AnchorKind;

// How many genuine documents a client refuses; there must be none, ever.
int Refused(const client::TrustClient& one,
            const std::vector<RealIdentity>& documents) {
  const auto policy =
      *verify::IdentityPolicy::AuthenticityOnly("the drill's documents");
  int refused = 0;
  for (const RealIdentity& document : documents) {
    if (!document.genuine) continue;
    const auto verified = one.VerifyIdentity(document.evidence(), policy);
    if (!verified.ok()) {
      std::fprintf(stderr, "refused %s: %s\n", document.path.c_str(),
                   std::string(verified.status().message()).c_str());
      ++refused;
    }
  }
  return refused;
}

std::string DayOf(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d", time, absl::UTCTimeZone());
}

// Today's catalog with the certificates as of `day`: where the current one was
// issued later, the superseded one before it.
Catalog AsOf(const Catalog& today, const Catalog& before, absl::Time day) {
  Catalog catalog = today;
  for (std::size_t i = 0; i < catalog.anchors.size(); ++i) {
    const auto& certificates = catalog.anchors[i].certificates;
    if (certificates.front().not_before > day) {
      catalog.anchors[i] = before.anchors[i];
    }
  }
  return catalog;
}

int History() {
  const Catalog today =
      *anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  const Catalog before = anchors::CatalogBeforeReissues(today);
  const std::vector<RealIdentity> documents = CarriedIdentities();
  World world(TrustdMode::kOnline, before, /*clients=*/1);
  const auto& one = *world.clients().front();
  world.WaitFor("a client has sequence 1",
                [&] { return world.ClientsHave(1); });
  world.Check("and accepts every genuine document",
              Refused(one, documents) == 0);

  // The days on which AWS issued the certificates that replaced others.
  std::map<absl::Time, int> waves;
  for (std::size_t i = 0; i < today.anchors.size(); ++i) {
    const auto& now = today.anchors[i].certificates.front();
    if (now.sha256 != before.anchors[i].certificates.front().sha256) {
      ++waves[now.not_before];
    }
  }
  // Waves of one day are published together.
  std::map<std::string, std::pair<absl::Time, int>> days;
  for (const auto& [time, count] : waves) {
    auto& day = days[DayOf(time)];
    day.first = std::max(day.first, time);
    day.second += count;
  }
  int published = 0;
  int refused = 0;
  for (const auto& [name, day] : days) {
    world.PublishPages(AsOf(today, before, day.first));
    published += day.second;
    world.WaitFor(
        absl::StrCat(name, ": AWS re-issues ", day.second,
                     day.second == 1 ? " certificate" : " certificates",
                     "; found, classed and published"),
        [&] {
          refused += Refused(one, documents);
          (void)world.ClientsHave(world.sequence());
          return static_cast<int>(
                     world.trustd()
                         .mirror()
                         .Rotations([](const v1::Rotation& rotation) {
                           return rotation.state() ==
                                  v1::ROTATION_STATE_COMPLETED;
                         })
                         .size()) == published;
        });
  }
  int reissues = 0;
  const auto rotations =
      world.trustd().mirror().Rotations([&](const v1::Rotation& rotation) {
        reissues += rotation.rotation_class() == v1::ROTATION_CLASS_RE_ISSUE;
        return true;
      });
  world.Check(absl::StrCat(rotations.size(), " rotations, ", reissues,
                           " of class RE_ISSUE"),
              rotations.size() == 28 && reissues == 28);
  world.WaitFor("the client has the last sequence",
                [&] { return world.ClientsHave(world.sequence()); });
  refused += Refused(one, documents);
  world.Check("and refused no genuine document, at any time", refused == 0);
  return 0;
}

const TestKey& AnotherKey() { return TestKey::Rsa(2048, 44); }

constexpr char kRegion[] = "eu-west-1";
constexpr char kSlot[] = "aws/eu-west-1/iid-rsa2048";

// What an instance in the region shows.
v1::Evidence EvidenceOf(const FakeIdentity& aws) {
  const std::string document = aws.Document(kRegion).Text();
  v1::Evidence evidence;
  evidence.set_rsa2048(absl::Base64Escape(
      Encode(aws.Genuine(kRegion, AnchorKind::kIidRsa2048, document))));
  return evidence;
}

bool Accepts(const client::TrustClient& one, const v1::Evidence& evidence) {
  const auto policy =
      *verify::IdentityPolicy::AuthenticityOnly("the drill's documents");
  const auto bytes = verify::DecodeIdentitySignature(
      verify::IdentityForm::kRsa2048, evidence.rsa2048());
  return bytes.ok() &&
         one.VerifyIdentity(
                {std::nullopt, verify::IdentityForm::kRsa2048, *bytes}, policy)
             .ok();
}

// The first rotation, once trustd has found it.
v1::Rotation TheRekey(World& world) {
  std::vector<v1::Rotation> found;
  world.WaitFor("trustd has detected a re-key", [&] {
    found = world.trustd().mirror().Rotations([](const v1::Rotation& rotation) {
      return rotation.rotation_class() == v1::ROTATION_CLASS_RE_KEY;
    });
    return !found.empty();
  });
  return found.front();
}

// alice approves a rotation as it is.
void Approve(World& world, const v1::Rotation& rotation) {
  v1::DecideRotationRequest approval;
  approval.set_id(rotation.id());
  approval.set_kind(v1::Decision::KIND_APPROVE);
  approval.set_why("AWS announced it");
  approval.set_change_id(rotation.change_id());
  approval.set_effect_sha256(rotation.effect_sha256());
  v1::DecideRotationResponse decided;
  grpc::ClientContext deciding;
  const auto people = v1::AdminService::NewStub(world.ConnectAs("alice"));
  const grpc::Status approved =
      people->DecideRotation(&deciding, approval, &decided);
  world.Check(absl::StrCat("alice approves ", approved.error_message()),
              approved.ok());
}

int Rekey() {
  FakeIdentity aws;
  World world(TrustdMode::kOffline, CatalogOf(aws), /*clients=*/20);
  world.WaitFor("20 clients have sequence 1",
                [&] { return world.ClientsHave(1); });
  const v1::Evidence old_evidence = EvidenceOf(aws);

  aws.SetKey(kRegion, AnchorKind::kIidRsa2048, AnotherKey());
  const v1::Evidence evidence = EvidenceOf(aws);
  world.PublishPages(CatalogOf(aws));
  world.Say(absl::StrCat("AWS has another key for ", kSlot));
  world.Check("clients refuse what it signs",
              !Accepts(*world.clients().front(), evidence));
  TheRekey(world);
  world.WaitFor("people are alerted, over HTTP, with the slot", [&] {
    return !world.receiver().Find("ROTATION_DETECTED", kSlot).empty();
  });
  world.Check("it is held: sequence 1 is served on", world.sequence() == 1);

  v1::SubmitEvidenceRequest proof;
  *proof.mutable_evidence() = evidence;
  v1::SubmitEvidenceResponse outcome;
  const auto instances = v1::EvidenceService::NewStub(world.ConnectAs("fleet"));
  grpc::ClientContext proving;
  const auto proved = instances->SubmitEvidence(&proving, proof, &outcome);
  world.Check("an instance proves, over mutual TLS, that AWS uses the key",
              proved.ok() && outcome.outcome() ==
                                 v1::SubmitEvidenceResponse::OUTCOME_CANDIDATE);
  v1::DecideRotationRequest approval;
  approval.set_id(outcome.rotation_id());
  approval.set_kind(v1::Decision::KIND_APPROVE);
  approval.set_why("the page and an instance agree");
  const auto looked_at = world.trustd().mirror().FindRotation(approval.id());
  approval.set_change_id(looked_at->change_id());
  approval.set_effect_sha256(looked_at->effect_sha256());
  v1::DecideRotationResponse decided;
  const auto people = v1::AdminService::NewStub(world.ConnectAs("alice"));
  grpc::ClientContext deciding;
  world.Check("alice approves, over mutual TLS; the catalog is proposed",
              people->DecideRotation(&deciding, approval, &decided).ok());
  const auto proposal = anchors::ReadFile(
      world.folder() + "/data/proposal.json", anchors::kMaxCatalogBytes);
  const std::string ceremony = world.ceremony_folder();
  world.Check(
      "the proposal is taken to the ceremony",
      proposal.ok() &&
          anchors::ProposeTargets(
              ceremony, {{std::string(anchors::kCatalogTargetPath), *proposal}},
              absl::Now() + absl::Hours(24 * 365), absl::Now())
              .ok());
  for (int i : {0, 1}) {
    const Approver& approver = world.approvers()[i];
    world.Check(absl::StrCat(approver.name, " signs"),
                anchors::SignDraft(ceremony, *anchors::ReadCeremony(ceremony),
                                   anchors::DraftKind::kTargets, *approver.key,
                                   absl::Now())
                    .ok());
  }
  world.Check("the signed targets are handed to trustd",
              anchors::PublishTargetsDraft(ceremony, absl::Now()).ok());
  world.WaitFor("trustd has published sequence 2",
                [&] { return world.sequence() == 2; });
  world.WaitFor("all clients have it", [&] { return world.ClientsHave(2); });
  bool all = true;
  for (const auto& one : world.clients()) {
    all = all && Accepts(*one, evidence) && Accepts(*one, old_evidence);
  }
  world.Check("and accept evidence of the new key and of the old", all);
  world.WaitFor("people are told that it is published", [&] {
    return !world.receiver().Find("ROTATION_PUBLISHED", kSlot).empty();
  });
  world.Check("the record is whole",
              world.trustd().mirror().ledger().Verify().ok());
  return 0;
}

// olga retires a key of the slot, at the times that `request` has.
void RetireKey(World& world, const std::string& text, const std::string& spki,
               v1::PinAnchorRequest request) {
  request.set_action(v1::PinFact::ACTION_RETIRE);
  request.mutable_slot()->set_partition("aws");
  request.mutable_slot()->set_region(kRegion);
  request.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  request.set_spki_sha256(spki);
  request.set_why("AWS has re-keyed");
  request.set_last_key(true);
  v1::PinAnchorResponse response;
  grpc::ClientContext context;
  const auto people = v1::AdminService::NewStub(world.ConnectAs("olga"));
  world.Check(text, people->PinAnchor(&context, request, &response).ok());
  world.WaitFor(absl::StrCat("all clients have sequence ", response.sequence()),
                [&] { return world.ClientsHave(response.sequence()); });
}

// What the served catalog says of a key of the slot.
const anchors::CatalogAnchor& AnchorOf(const Catalog& catalog,
                                       const std::string& spki) {
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot.region == kRegion && anchor.spki_sha256 == spki) {
      return anchor;
    }
  }
  std::abort();
}

int Unrestarted() {
  FakeIdentity aws;
  const FakeIdentity before = aws;
  World world(TrustdMode::kOnline, CatalogOf(aws), /*clients=*/3);
  world.WaitFor("3 clients have sequence 1",
                [&] { return world.ClientsHave(1); });
  // Of its start, which is its pendingTime, and shown for as long as it runs.
  const v1::Evidence shown = EvidenceOf(aws);
  const auto check = [&](const std::string& what, const v1::Evidence& evidence,
                         bool is_accepted) {
    bool all = true;
    for (const auto& one : world.clients()) {
      all = all && Accepts(*one, evidence) == is_accepted;
    }
    world.Check(
        absl::StrCat(what, is_accepted ? " is accepted" : " is refused"), all);
  };
  const std::string instance = "what the instance shows";
  check(instance, shown, true);

  aws.SetKey(kRegion, AnchorKind::kIidRsa2048, AnotherKey());
  world.PublishPages(CatalogOf(aws));
  world.Say(absl::StrCat("AWS has another key for ", kSlot));
  const v1::Rotation rekey = TheRekey(world);
  check(instance, shown, true);
  Approve(world, rekey);
  world.WaitFor("all clients have sequence 2",
                [&] { return world.ClientsHave(2); });
  check(instance, shown, true);
  check("the same document, signed with the new key", EvidenceOf(aws), true);
  const std::string old_key = rekey.pinned_spki_sha256(0);

  world.Pass(absl::Hours(24 * 45));
  check(instance, shown, true);
  world.Pass(absl::Hours(24 * 46));
  check(instance + ", after the overlap,", shown, true);
  auto late = before.Document(kRegion);
  late.SetText("pendingTime", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                                               world.Now() - absl::Hours(1),
                                               absl::UTCTimeZone()));
  v1::Evidence made_late;
  made_late.set_rsa2048(absl::Base64Escape(
      Encode(before.Genuine(kRegion, AnchorKind::kIidRsa2048, late.Text()))));
  check("what the old key signs after the overlap", made_late, false);
  world.Pass(absl::Hours(24 * 300));
  check(instance, shown, true);
  world.Check("the old key is RETIRING: time alone retires none",
              AnchorOf(world.trustd().publication()->catalog, old_key).status ==
                  verify::AnchorStatus::kRetiring);

  v1::PinAnchorRequest end;
  end.mutable_accept_until()->set_seconds(
      absl::ToUnixSeconds(world.Now() + absl::Hours(24 * 30)));
  RetireKey(world, "olga ends its acceptance in 30 days", old_key, end);
  check(instance, shown, true);
  world.Pass(absl::Hours(24 * 31));
  check(instance, shown, false);
  check("what the new key signs", EvidenceOf(aws), true);
  RetireKey(world, "olga retires the old key", old_key, {});
  check(instance, shown, false);
  check("what the new key signs", EvidenceOf(aws), true);
  world.Check("the record is whole",
              world.trustd().mirror().ledger().Verify().ok());
  return 0;
}

int Poisoned() {
  FakeIdentity aws;
  World world(TrustdMode::kOnline, CatalogOf(aws), /*clients=*/1);
  world.WaitFor("a client has sequence 1",
                [&] { return world.ClientsHave(1); });
  FakeIdentity attacker;
  attacker.SetKey(kRegion, AnchorKind::kIidRsa2048, AnotherKey());
  world.PublishPages(CatalogOf(attacker));
  world.Say(
      absl::StrCat("somebody swaps one certificate on the page: ", kSlot));
  std::string alert;
  world.WaitFor("people are alerted", [&] {
    alert = world.receiver().Find("ROTATION_DETECTED", kSlot);
    return !alert.empty();
  });
  world.Check("the alert names the slot and the class RE_KEY",
              alert.find("RE_KEY") != alert.npos);
  absl::SleepFor(absl::Seconds(1));
  world.Check("nothing was published", world.sequence() == 1);
  (void)world.clients().front()->Refresh();
  world.Check("clients refuse what the attacker signs",
              !Accepts(*world.clients().front(), EvidenceOf(attacker)));
  world.Check("and accept what AWS signs",
              Accepts(*world.clients().front(), EvidenceOf(aws)));
  const auto rotations = world.trustd().mirror().Rotations(
      [](const v1::Rotation&) { return true; });
  world.Check("the rotation waits for people",
              rotations.size() == 1 &&
                  rotations[0].state() == v1::ROTATION_STATE_DETECTED);
  world.PublishPages(CatalogOf(aws));
  world.Say("the page is put right");
  world.WaitFor("the rotation is closed by itself", [&] {
    return world.trustd().mirror().FindRotation(rotations[0].id())->state() ==
           v1::ROTATION_STATE_WITHDRAWN;
  });
  return 0;
}

v1::RotationExplanation Explain(World& world, std::uint64_t id) {
  v1::ExplainRotationRequest request;
  request.set_id(id);
  v1::ExplainRotationResponse response;
  grpc::ClientContext context;
  const auto people = v1::AuditService::NewStub(world.ConnectAs("alice"));
  const auto asked = people->ExplainRotation(&context, request, &response);
  world.Check(absl::StrCat("alice looks at rotation ", id), asked.ok());
  return response.explanation();
}

// olga has a rotation taken back; returns the rotation that does it.
v1::Rotation UndoIt(World& world, std::uint64_t id) {
  v1::UndoRotationRequest request;
  request.set_id(id);
  request.set_why("AWS knows nothing of this key");
  v1::UndoRotationResponse response;
  grpc::ClientContext context;
  const auto people = v1::AdminService::NewStub(world.ConnectAs("olga"));
  const auto undone = people->UndoRotation(&context, request, &response);
  world.Check(absl::StrCat("olga takes rotation ", id, " back ",
                           undone.error_message()),
              undone.ok());
  return response.rotation();
}

int Undo() {
  FakeIdentity aws;
  World world(TrustdMode::kOnline, CatalogOf(aws), /*clients=*/3);
  world.WaitFor("3 clients have sequence 1",
                [&] { return world.ClientsHave(1); });
  FakeIdentity attacker;
  attacker.SetKey(kRegion, AnchorKind::kIidRsa2048, AnotherKey());
  world.PublishPages(CatalogOf(attacker));
  world.Say(
      absl::StrCat("somebody swaps one certificate on the page: ", kSlot));
  const v1::Rotation rekey = TheRekey(world);
  world.Check(
      "nobody is told to approve it",
      Explain(world, rekey.id()).recommendation().name() == "KEY_UNPROVED");
  Approve(world, rekey);
  world.Say("it is three o'clock, and alice has not asked AWS");
  world.WaitFor("clients have sequence 2",
                [&] { return world.ClientsHave(2); });
  world.Check("they accept what the attacker signs",
              Accepts(*world.clients().front(), EvidenceOf(attacker)));
  world.PublishPages(CatalogOf(aws));
  world.Say("the page is put right");
  const auto it = Explain(world, rekey.id());
  world.Check("it can be taken back: " + it.undo(), it.can_undo());
  const v1::Rotation undo = UndoIt(world, rekey.id());
  world.WaitFor("clients have sequence 3",
                [&] { return world.ClientsHave(3); });
  bool refused = true;
  bool accepted = true;
  for (const auto& one : world.clients()) {
    refused = refused && !Accepts(*one, EvidenceOf(attacker));
    accepted = accepted && Accepts(*one, EvidenceOf(aws));
  }
  world.Check("they refuse what the attacker signs", refused);
  world.Check("and accept what AWS signs", accepted);
  world.WaitFor("people are told", [&] {
    return !world.receiver().Find("ANCHOR_CHANGED", kSlot).empty();
  });
  world.Check("had it been AWS's key after all, that could be undone in turn",
              Explain(world, undo.id()).can_undo());
  world.Check("the record is whole",
              world.trustd().mirror().ledger().Verify().ok());
  return 0;
}

constexpr int kOthers = 400;

// Instances of other regions report that they accept what they see.
void ReportOthers(World& world) {
  bool all = true;
  for (int i = 0; i < kOthers; ++i) {
    all = all && world.ReportAs(1000 + i, "us-east-1", "");
  }
  world.Check(absl::StrCat(kOthers, " instances of other regions report"), all);
}

v1::FleetWindow FleetNow(World& world) {
  v1::GetFleetResponse response;
  grpc::ClientContext context;
  const auto people = v1::AuditService::NewStub(world.ConnectAs("alice"));
  world.Check("alice looks at what the fleet reports, over mutual TLS",
              people->GetFleet(&context, {}, &response).ok());
  return response.windows(0);
}

int FleetFailures() {
  FakeIdentity aws;
  World world(TrustdMode::kOnline, CatalogOf(aws), /*clients=*/12);
  world.WaitFor("12 clients have sequence 1",
                [&] { return world.ClientsHave(1); });
  world.RestartReporting();
  ReportOthers(world);
  world.Pass(absl::Hours(1));

  aws.SetKey(kRegion, AnchorKind::kIidRsa2048, AnotherKey());
  const v1::Evidence evidence = EvidenceOf(aws);
  world.Say(absl::StrCat("AWS has another key for ", kSlot,
                         ", and its page does not show it"));
  ReportOthers(world);
  bool all = true;
  for (const auto& one : world.clients()) {
    all = all && !Accepts(*one, evidence) && one->Refresh().ok() &&
          one->state().reports_sent == 1;
  }
  world.Check(
      "the clients refuse what it signs, refresh, and report it, each from "
      "behind a balancer",
      all);
  std::string alert;
  world.WaitFor("people are alerted in the same window, with the slot", [&] {
    alert = world.receiver().Find("FLEET_FAILURES", kSlot);
    return !alert.empty();
  });
  // It may come before all of them have reported.
  bool is_theirs = false;
  for (int senders = 1; senders <= 12; ++senders) {
    is_theirs = is_theirs ||
                (absl::StrContains(
                     alert, absl::StrCat("\"senders\":\"", senders, "\"")) &&
                 absl::StrContains(
                     alert, absl::StrCat("SIGNATURE_MISMATCH: ", senders)));
  }
  world.Check("of senders that know no such signer", is_theirs);
  const v1::FleetWindow window = FleetNow(world);
  world.Check("all senders are there, and this slot alone fails",
              window.senders() == 12 + kOthers && window.failures_size() == 1 &&
                  window.failures(0).slot() == kSlot &&
                  window.failures(0).alerted());
  world.Check("nothing was decided by it",
              world.sequence() == 1 &&
                  world.trustd()
                      .mirror()
                      .Rotations([](const v1::Rotation&) { return true; })
                      .empty());

  world.PublishPages(CatalogOf(aws));
  world.Say("AWS's page shows the key");
  Approve(world, TheRekey(world));
  world.WaitFor("all clients have sequence 2",
                [&] { return world.ClientsHave(2); });
  world.Pass(absl::Hours(1));
  // Their own reports are not due yet.
  int reported = 0;
  for (const auto& one : world.clients()) {
    reported += world.ReportAs(
        reported, kRegion, Accepts(*one, evidence) ? "" : "SIGNATURE_MISMATCH");
  }
  ReportOthers(world);
  const v1::FleetWindow next = FleetNow(world);
  world.Check("all report again, and no slot fails any more",
              next.senders() == 12 + kOthers && next.failures().empty());
  world.Check("people were alerted once",
              world.receiver().Count("FLEET_FAILURES") == 1);
  return 0;
}

int Main(int argc, char** argv) {
  const std::string name = argc == 2 ? argv[1] : "";
  if (name == "history") return History();
  if (name == "rekey") return Rekey();
  if (name == "unrestarted") return Unrestarted();
  if (name == "poisoned") return Poisoned();
  if (name == "undo") return Undo();
  if (name == "fleet_failures") return FleetFailures();
  std::fprintf(
      stderr,
      "usage: drill history|rekey|unrestarted|poisoned|undo|fleet_failures\n");
  return 2;
}

}  // namespace
}  // namespace anchorage::test

int main(int argc, char** argv) { return anchorage::test::Main(argc, argv); }
