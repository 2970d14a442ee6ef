// trustctl evidence submit

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "proto/anchorage/v1/evidence_service.grpc.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/identity_flags.h"
#include "tools/trustctl/output.h"

namespace anchorage::trustctl {
namespace {

struct Flags {
  IdentityFlags identity;
  AdminSource source;
  Output output;
};

constexpr char kFooter[] = R"(
On an instance of your own, whose certificate has the role ROLE_INSTANCE:

    curl -s -H "X-aws-ec2-metadata-token: $TOKEN" \
        http://169.254.169.254/latest/dynamic/instance-identity/rsa2048 |
      trustctl evidence submit --rsa2048 -

Exit codes: 0 a pinned anchor verifies it; 4 one of an open rotation does; 3
nothing known does, and trustd has raised a rotation; others as everywhere.
)";

absl::StatusOr<v1::SubmitEvidenceRequest> ReadEvidence(const Flags& flags) {
  auto given = flags.identity.Read();
  if (!given.ok()) return given.status();
  v1::SubmitEvidenceRequest request;
  v1::Evidence& evidence = *request.mutable_evidence();
  evidence.set_document(given->document.value_or(""));
  const std::string field(verify::RowOf(given->form).field);
  evidence.GetReflection()->SetString(
      &evidence, evidence.GetDescriptor()->FindFieldByName(field),
      std::move(given->signature));
  return request;
}

ExitCode ExitCodeOf(v1::SubmitEvidenceResponse::Outcome outcome) {
  switch (outcome) {
    case v1::SubmitEvidenceResponse::OUTCOME_PINNED:
      return kAccepted;
    case v1::SubmitEvidenceResponse::OUTCOME_CANDIDATE:
      return kStaleOrForAnother;
    case v1::SubmitEvidenceResponse::OUTCOME_UNKNOWN_SIGNER:
      return kNotFromAws;
    default:
      return kUndecided;
  }
}

int Submit(const Flags& flags) {
  const auto request = ReadEvidence(flags);
  if (!request.ok()) return Fail(request.status());
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  const auto response = CallAdmin<v1::EvidenceService>(
      *channel, &v1::EvidenceService::Stub::SubmitEvidence, *request);
  if (!response.ok()) return Fail(response.status());
  const std::string outcome = WithoutPrefix(
      v1::SubmitEvidenceResponse::Outcome_Name(response->outcome()),
      "OUTCOME_");
  nlohmann::ordered_json json = ToJson(*response);
  json["outcome"] = outcome;
  flags.output.Print(json, {.name = "/rotation_id"}, [&] {
    std::cout << outcome << "  " << TextOf(response->slot());
    if (response->rotation_id() != 0) {
      std::cout << "  rotation " << response->rotation_id();
    }
    if (!response->spki_sha256().empty()) {
      std::cout << "  key " << Printable(response->spki_sha256());
    }
    if (!response->signer_serial().empty()) {
      std::cout << "  serial " << Printable(response->signer_serial());
    }
    std::cout << "\n";
  });
  return ExitCodeOf(response->outcome());
}

}  // namespace

void AddEvidence(CLI::App& evidence, Action& action) {
  CLI::App& submit = *evidence.add_subcommand(
      "submit", "Submit an identity document of an instance");
  submit.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  flags->identity.AddTo(submit);
  flags->source.AddTo(submit);
  flags->output.AddTo(submit);
  submit.callback(
      [flags, &action] { action = [flags] { return Submit(*flags); }; });
}

}  // namespace anchorage::trustctl
