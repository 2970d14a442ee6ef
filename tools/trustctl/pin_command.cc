// trustctl anchors add | announce | reactivate | revoke | retire

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/certificate_facts.h"
#include "anchors/certificate_names.h"
#include "proto/anchorage/v1/admin_service.grpc.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/rotations.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustctl {
namespace {

struct Flags {
  v1::PinFact::Action action = v1::PinFact::ACTION_UNSPECIFIED;
  // Where one is brought, the certificate's file, otherwise the key's hash.
  std::string what;
  SlotFlags slot;
  // Of a retirement; RFC 3339, empty: not given.
  std::string until;
  std::string accept_until;
  bool last_key = false;
  std::string why;
  bool yes = false;
  AdminSource source;
  Output output;
};

constexpr char kFooter[] = R"(
    trustctl anchors add new.pem --partition aws --region eu-west-1 \
        --kind iid-rsa2048 --why "AWS support case 1234"
    trustctl anchors revoke SPKI-SHA256 --partition aws --region eu-west-1 \
        --kind iid-rsa2048 --why "its private key is known"
    trustctl anchors retire SPKI-SHA256 --partition aws --region eu-west-1 \
        --kind iid-rsa2048 --until 2027-03-01T00:00:00Z \
        --accept-until 2028-03-01T00:00:00Z --why "AWS has re-keyed"

    trustctl anchors reactivate SPKI-SHA256 --partition aws --region eu-west-1 \
        --kind iid-rsa2048 --why "the wrong key was retired"

To revoke and to retire takes one person and is done at once. To add or to announce
a certificate, and to reactivate a key that is RETIRED or RETIRING, opens a rotation
that you have approved: it is published once as many people approve it as the
configuration says ('trustctl rotations approve', or this command given by
another of them). A trustd in MODE_OFFLINE proposes all of it for people to sign.
An announced key verifies nothing: it is ACTIVE once a source shows it in the old
one's place and people approve that, or once people add its certificate.
There, 'reactivate' takes back at once what was revoked or retired and nobody has
signed yet.
The last key of a slot that verifies is taken away with --last-key only.

A key that may be in other hands is revoked, never retired: whoever has it signs
evidence of any time. A revoked anchor verifies nothing, of no time, and stays
revoked. 17 regions share one key: what 'revoke' names at its end has it too.

A key that AWS has stopped using is retired. An instance that is never restarted
shows what it was given at its start for years: with --until the key goes on to
verify what was made until then, and with --accept-until nothing after that
moment, by the clock of whoever verifies (clients before this release do not
know it). Without either it verifies nothing any more.
)";

absl::Status ReadCertificate(const std::string& path,
                             v1::PinAnchorRequest& request) {
  const auto pem = ReadInput(path);
  if (!pem.ok()) return pem.status();
  auto der = verify::DecodePem(*pem, "CERTIFICATE");
  if (!der.ok()) return der.status();
  const auto facts = anchors::ReadCertificateFacts(*der);
  if (!facts.ok()) return facts.status();
  std::cerr << "certificate  " << anchors::ReadCertificateNames(*der).subject
            << "\n"
            << "serial       " << facts->serial << "\n"
            << "good         " << Rfc3339(facts->not_before) << " to "
            << Rfc3339(facts->not_after) << "\n"
            << "key          " << verify::Sha256Hex(facts->spki_der) << "\n";
  request.set_certificate(*std::move(der));
  return absl::OkStatus();
}

// Sets a time of a request to what was given.
absl::Status ReadTime(
    const std::string& text,
    google::protobuf::Timestamp* (v1::PinAnchorRequest::*set)(),
    v1::PinAnchorRequest& request) {
  const auto time = ParseOptionalTime(text);
  if (!time.ok()) return time.status();
  if (time->has_value()) anchors::SetTime(**time, *(request.*set)());
  return absl::OkStatus();
}

bool BringsCertificate(v1::PinFact::Action action) {
  return action == v1::PinFact::ACTION_ADD ||
         action == v1::PinFact::ACTION_ANNOUNCE;
}

std::string NameOf(v1::PinFact::Action action) {
  return WithoutPrefix(v1::PinFact::Action_Name(action), "ACTION_");
}

// What a rotation that people asked for waits for.
std::string WaitsFor(const AdminChannel& channel, std::uint64_t id) {
  const auto explanation = Explain(channel, id);
  if (!explanation.ok()) return "it waits for other people, or for signatures";
  const v1::ApprovalCount& approvals = explanation->approvals();
  if (approvals.given_size() >= approvals.needed()) {
    return Printable(explanation->recommendation().sentence());
  }
  return absl::StrCat(Printable(approvals.sentence()),
                      ": trustctl rotations approve ", id, " --why REASON");
}

int Pin(const Flags& flags) {
  v1::PinAnchorRequest request;
  request.set_action(flags.action);
  *request.mutable_slot() = flags.slot.ToSlot();
  request.set_why(flags.why);
  request.set_last_key(flags.last_key);
  if (!BringsCertificate(flags.action)) {
    request.set_spki_sha256(flags.what);
  } else if (absl::Status s = ReadCertificate(flags.what, request); !s.ok()) {
    return Fail(s);
  }
  for (const auto& [text, set] :
       {std::pair(&flags.until, &v1::PinAnchorRequest::mutable_valid_until),
        std::pair(&flags.accept_until,
                  &v1::PinAnchorRequest::mutable_accept_until)}) {
    if (absl::Status s = ReadTime(*text, set, request); !s.ok()) {
      return UsageError(s);
    }
  }
  std::cerr << "slot         " << TextOf(request.slot()) << "\n";
  if (absl::Status s = Confirm(
          absl::StrCat(NameOf(flags.action), " this anchor?"), flags.yes);
      !s.ok()) {
    return Fail(s);
  }
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  const auto response = CallAdmin<v1::AdminService>(
      *channel, &v1::AdminService::Stub::PinAnchor, request);
  if (!response.ok()) return Fail(response.status());
  nlohmann::ordered_json json = {{"action", NameOf(flags.action)},
                                 {"slot", TextOf(request.slot())},
                                 {"spki_sha256", response->spki_sha256()},
                                 {"sequence", response->sequence()}};
  if (response->rotation_id() != 0) {
    json["rotation_id"] = absl::StrCat(response->rotation_id());
  }
  for (const v1::Slot& slot : response->same_key()) {
    json["same_key"].push_back(TextOf(slot));
  }
  if (!flags.output.is_text()) {
    flags.output.Print(json, {.name = "/spki_sha256"}, [] {});
    return kAccepted;
  }
  std::cout << NameOf(flags.action) << "  " << TextOf(request.slot()) << "  "
            << Printable(response->spki_sha256());
  if (response->sequence() != 0) {
    std::cout << "  published in sequence " << response->sequence() << "\n";
  } else if (response->rotation_id() != 0) {
    std::cout << "  rotation " << response->rotation_id() << ": "
              << WaitsFor(*channel, response->rotation_id()) << "\n";
  } else {
    std::cout << "  proposed: it waits for signatures\n";
  }
  if (response->same_key_size() > 0) {
    std::cout << "the same key is that of " << response->same_key_size()
              << " more, which this did not change:\n";
  }
  for (const v1::Slot& slot : response->same_key()) {
    std::cout << "  " << TextOf(slot) << "\n";
  }
  return kAccepted;
}

void AddPin(CLI::App& anchors, Action& action, const std::string& name,
            const std::string& help, v1::PinFact::Action pin) {
  CLI::App& command = *anchors.add_subcommand(name, help);
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  flags->action = pin;
  if (BringsCertificate(pin)) {
    command
        .add_option("file", flags->what,
                    "the certificate, PEM; '-' is standard input")
        ->required();
  } else {
    command
        .add_option("key", flags->what,
                    "its key, SHA-256 in hex, as 'anchors list' has it in JSON")
        ->required();
  }
  flags->slot.AddTo(command, true);
  if (pin == v1::PinFact::ACTION_RETIRE) {
    command.add_option("--until", flags->until,
                       "it verifies what was made until then, RFC 3339");
    command.add_option("--accept-until", flags->accept_until,
                       "after that moment it verifies nothing, RFC 3339");
  }
  if (pin == v1::PinFact::ACTION_RETIRE || pin == v1::PinFact::ACTION_REVOKE) {
    command.add_flag("--last-key", flags->last_key,
                     "also where no key of the slot is left that verifies");
  }
  command.add_option("--why", flags->why, "why, for the record")->required();
  command.add_flag("--yes", flags->yes, "do not ask");
  flags->source.AddTo(command);
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Pin(*flags); }; });
}

}  // namespace

void AddAnchorsOfTrustd(CLI::App& anchors, Action& action) {
  AddAnchors(anchors, action);
  AddPin(anchors, action, "add", "Add an anchor to a trustd",
         v1::PinFact::ACTION_ADD);
  AddPin(anchors, action, "announce",
         "Announce a key to a trustd, which AWS has not begun to use",
         v1::PinFact::ACTION_ANNOUNCE);
  AddPin(anchors, action, "reactivate",
         "Ask for a retired anchor of a trustd to be in use again",
         v1::PinFact::ACTION_REACTIVATE);
  AddPin(anchors, action, "revoke",
         "Revoke an anchor of a trustd: its key may be in other hands",
         v1::PinFact::ACTION_REVOKE);
  AddPin(anchors, action, "retire",
         "Retire an anchor of a trustd: AWS no longer uses its key",
         v1::PinFact::ACTION_RETIRE);
}

}  // namespace anchorage::trustctl
