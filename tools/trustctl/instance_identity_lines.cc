#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/instance/instance_error.h"
#include "tools/trustctl/instance_lines.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

using client::InstanceReason;

std::string InstanceIdOf(const InstanceFacts& facts) {
  if (facts.imds.document.has_value()) return facts.imds.document->instance_id;
  return facts.machine.instance_id.empty() ? "INSTANCE"
                                           : facts.machine.instance_id;
}

std::string ModifyImds(const InstanceFacts& facts, const char* what) {
  return absl::StrCat(
      "from where AWS's API may be called: aws ec2 "
      "modify-instance-metadata-options --instance-id ",
      InstanceIdOf(facts), " ", what);
}

std::string HintForImds(const InstanceFacts& facts) {
  switch (client::InstanceReasonOf(facts.imds.session)
              .value_or(InstanceReason::kInstanceUnavailable)) {
    case InstanceReason::kImdsAbsent:
      if (!facts.machine.execution.empty() ||
          facts.machine.kind == Machine::Kind::kNotEc2) {
        return "there is no IMDS on Fargate, on Lambda, or outside EC2: "
               "identity documents come from an EC2 instance alone";
      }
      return "look at what keeps this process from 169.254.169.254: a route, a "
             "firewall (iptables, nftables), the network of a container";
    case InstanceReason::kImdsDisabled:
      return ModifyImds(facts, "--http-endpoint enabled") +
             "; where it is, a filter on this host forbids it";
    case InstanceReason::kImdsHopLimit:
      return ModifyImds(facts, "--http-put-response-hop-limit 2");
    case InstanceReason::kImdsThrottled:
    case InstanceReason::kImdsTimeout:
      return "find what on this host asks 169.254.169.254 and its neighbours "
             "for DNS and time so often: ethtool -S eth0 | grep "
             "linklocal_allowance_exceeded";
    case InstanceReason::kImdsAnswerInvalid:
    case InstanceReason::kImdsTokenRequired:
      return "something else answers in IMDS's place: find what redirects or "
             "serves 169.254.169.254 here";
    default:
      return "install libcurl (Debian: libcurl4; Amazon Linux: libcurl)";
  }
}

// The instance that DMI names against that of the document: an IMDS that is
// relayed may give a genuine document of another one.
bool IsOfAnother(const InstanceFacts& facts) {
  const std::string& here = facts.machine.instance_id;
  return !here.empty() && facts.imds.document.has_value() &&
         facts.imds.document->instance_id != here;
}

CheckLine JudgeField(const InstanceFacts& facts,
                     std::string verify::IdentityDocument::*field) {
  if (!facts.imds.document.has_value()) return Skipped("no verified identity");
  return Ok((*facts.imds.document).*field);
}

}  // namespace

CheckLine JudgeImds(const InstanceFacts& facts) {
  if (!facts.imds.session.ok()) {
    if (facts.machine.enclave) return Skipped("an enclave has no network");
    return FailOf(facts.imds.session, HintForImds(facts));
  }
  return Ok(facts.imds.endpoint + ", with a token");
}

CheckLine JudgeForms(const InstanceFacts& facts) {
  if (!facts.imds.session.ok()) return Skipped("no IMDS");
  constexpr char kAgain[] =
      "run it again; where that does not help, find what is between this "
      "process and IMDS";
  std::vector<std::string> served;
  for (const FormFacts& form : facts.imds.forms) {
    if (form.served.ok()) {
      served.emplace_back(NameOf(form.form));
    } else if (!absl::IsNotFound(form.served)) {
      // A product asks for no weaker form after that.
      return served.empty() ? FailOf(form.served, kAgain)
                            : WarnOf(form.served, kAgain);
    }
  }
  if (served.empty()) {
    return FailOf(
        client::NotFromInstance(InstanceReason::kIdentityFormNotServed,
                                "IMDS has none of the forms"),
        kAgain);
  }
  return Ok(absl::StrJoin(served, ", "));
}

CheckLine JudgeIdentity(const InstanceFacts& facts) {
  constexpr char kHint[] =
      "either these anchors lack a key of AWS's (newer ones come from a "
      "trustd: "
      "--server), or what IMDS gave was changed: 'trustctl verify identity' "
      "shows each step";
  std::vector<std::string> verified;
  for (const FormFacts& form : facts.imds.forms) {
    if (absl::IsNotFound(form.served)) continue;
    if (!form.served.ok()) break;
    const std::string name(NameOf(form.form));
    if (!form.verified.ok()) {
      CheckLine line = verified.empty() ? FailOf(form.verified, kHint)
                                        : WarnOf(form.verified, kHint);
      line.detail = absl::StrCat(name, ": ", line.detail);
      return line;
    }
    verified.push_back(name);
  }
  if (verified.empty()) return Skipped("no document");
  if (IsOfAnother(facts)) {
    return Fail(
        kStaleOrForAnother, "INSTANCE_NOT_THIS",
        absl::StrCat("genuine, and of ", facts.imds.document->instance_id,
                     ", while this is ", facts.machine.instance_id),
        "find what relays IMDS of another instance to this one");
  }
  return Ok(absl::StrCat(absl::StrJoin(verified, ", "), " verified, of ",
                         facts.imds.document->instance_id));
}

CheckLine JudgeAccount(const InstanceFacts& facts) {
  return JudgeField(facts, &verify::IdentityDocument::account_id);
}

CheckLine JudgeRegion(const InstanceFacts& facts) {
  return JudgeField(facts, &verify::IdentityDocument::region);
}

CheckLine JudgeImage(const InstanceFacts& facts) {
  return JudgeField(facts, &verify::IdentityDocument::image_id);
}

CheckLine JudgeProductCodes(const InstanceFacts& facts) {
  const std::vector<std::string>& needed = facts.needs.product_codes;
  if (!facts.imds.document.has_value()) return Skipped("no verified identity");
  const auto& codes = facts.imds.document->marketplace_product_codes;
  const std::string has = codes.has_value() && !codes->empty()
                              ? absl::StrJoin(*codes, ", ")
                              : "none";
  for (const std::string& code : needed) {
    if (codes.has_value() &&
        std::find(codes->begin(), codes->end(), code) != codes->end()) {
      continue;
    }
    return Fail(
        ExitCodeOf(verify::Reason::kProductCodeNotAllowed),
        std::string(verify::NameOf(verify::Reason::kProductCodeNotAllowed)),
        absl::StrCat(code, " is not among them: ", has),
        "launch it from the product's image in AWS Marketplace, with a "
        "subscription in this account");
  }
  return Ok(has);
}

}  // namespace anchorage::trustctl
