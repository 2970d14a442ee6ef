// What must hold, after the rules and not after the code.

#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "test/fleet/run.h"
#include "verify/identity/identity_evidence.h"

namespace anchorage::fleet {
namespace {

using verify::AnchorStatus;
using verify::Freshness;
using verify::IdentityForm;

// What a refresh and what was lost on the way may take beside the interval.
constexpr absl::Duration kSlack = absl::Hours(1);
// What an answer that gets lost after a root costs: that root has ended the
// bundle, and the next comes after some retries.
constexpr absl::Duration kBareFor = absl::Minutes(5);
constexpr std::size_t kMostViews = 256;

}  // namespace

void Fleet::Fail(std::string_view property, const Host& host,
                 const std::string& what) {
  Failures& failures = outcome_.failures[std::string(property)];
  if (++failures.count > 1) return;
  failures.first = absl::StrCat(
      absl::FormatTime("%Y-%m-%d %H:%M:%S", now_, absl::UTCTimeZone()),
      " host ", host.number, ": ", what);
  Say(absl::StrCat(std::string(property), " ", failures.first));
}

void Fleet::Say(const std::string& what) {
  if (!options_.trace) return;
  options_.trace(absl::StrCat(
      absl::FormatTime("%m-%d %H:%M ", now_, absl::UTCTimeZone()), what));
}

const Fleet::View& Fleet::ViewOf(
    const std::shared_ptr<const verify::AnchorSet>& set) {
  const verify::Anchor* const key = set->anchors().data();
  if (const auto found = views_.find(key); found != views_.end()) {
    return found->second;
  }
  if (views_.size() >= kMostViews) views_.clear();
  View view{set, {}, {}};
  for (const verify::Anchor& anchor : set->anchors()) {
    const std::size_t number =
        vendor_.NumberOf(anchor.slot(), anchor.spki_sha256());
    view.anchors.emplace_back(number, &anchor);
    if (anchor.status() == AnchorStatus::kRevoked) view.revoked.set(number);
  }
  return views_.emplace(key, std::move(view)).first->second;
}

KeySet Fleet::Accepts(const View& view, absl::Time clock) const {
  KeySet accepts;
  for (const auto& [number, anchor] : view.anchors) {
    const bool verifies = anchor->status() == AnchorStatus::kActive ||
                          anchor->status() == AnchorStatus::kRetiring ||
                          options_.mutation == Mutation::kMisread;
    if (verifies && clock <= anchor->accept_until() &&
        clock >= anchor->valid_from() && clock <= anchor->valid_until()) {
      accepts.set(number);
    }
  }
  return accepts;
}

absl::Duration Fleet::Bound() const { return options_.interval * 1.1 + kSlack; }

absl::Time Fleet::ReachableSince(const Host& host) const {
  return host.has_clock() ? std::max(host.fair_since, up_since_)
                          : absl::InfiniteFuture();
}

// Who has the key of the timestamp holds a client at its bundle, until the root
// comes that ends it.
bool Fleet::IsHeldBack(const Host& host) const {
  return host.line.saw_thiefs_timestamp &&
         host.line.roots_seen < vendor_.rekey_root();
}

void Fleet::Check(Host& host) {
  client::AnchorsUsed used;
  const auto set = host.client->anchors(&used);
  const View& view = ViewOf(set);
  const absl::Time clock = ClockOf(host);
  KeySet accepts = Accepts(view, clock);
  if (used.freshness == Freshness::kExpired &&
      (host.refuses_expired ||
       options_.mutation == Mutation::kRefusesExpired)) {
    accepts.reset();
    Count("refused as configured");
  }
  const std::uint64_t sequence = used.provenance.sequence;
  if (host.line.roots_seen > host.root) {
    // A root that ends those who had signed ends what they had signed.
    host.knows = 0;
    host.root = host.line.roots_seen;
    host.bare_since = std::min(host.bare_since, now_);
  }
  if (sequence >= Vendor::kThiefs) {
    if (vendor_.ThiefSignsTargets() &&
        host.line.roots_seen < vendor_.rekey_root()) {
      if (!host.is_led_away) Count("clients led away by stolen keys");
      host.is_led_away = true;
      host.knows = 0;
      host.revoked.reset();
      return;
    }
    return Fail("FALSE", host, "uses a bundle that nobody signed");
  }
  if (host.is_led_away && host.line.roots_seen < vendor_.rekey_root()) return;
  if ((accepts & ~vendor_.ever()).any()) {
    Fail("FALSE", host, "accepts a key that AWS never had");
  }
  if ((accepts & host.revoked).any()) {
    Fail("REVOKED", host, "accepts a key that it has seen revoked");
  }
  host.revoked |= view.revoked & vendor_.revoked();
  if (used.provenance.origin != verify::Origin::kBakedIn) {
    if (sequence < host.sequence) {
      Fail("SEQUENCE", host,
           absl::StrCat("uses ", sequence, " after ", host.sequence));
    }
    host.sequence = std::max(host.sequence, sequence);
  }
  KeySet required;
  if (ReachableSince(host) <= now_ - Bound() && !IsHeldBack(host) &&
      (host.bare_since > now_ || host.bare_since <= now_ - kBareFor)) {
    required = vendor_.PublishedSince(now_ - Bound(), clock);
  }
  if (host.knows != 0) {
    required |= vendor_.current() &
                vendor_.publication(host.knows).UsableAt(clock) &
                vendor_.publications().back().UsableAt(clock);
  }
  if (host.refuses_expired && used.freshness == Freshness::kExpired &&
      ReachableSince(host) > now_ - Bound()) {
    required.reset();
  }
  if ((required & ~accepts).any()) {
    Fail("GENUINE", host,
         absl::StrCat("refuses a published key of AWS, with sequence ",
                      sequence, " of ",
                      std::string(verify::NameOf(used.provenance.origin)), ", ",
                      std::string(verify::NameOf(used.freshness))));
  }
}

void Fleet::CheckAdopted(Host& host) {
  client::AnchorsUsed used;
  host.client->anchors(&used);
  const std::uint64_t sequence = used.provenance.sequence;
  if (sequence >= Vendor::kThiefs) return;
  host.is_led_away = false;
  host.is_damaged = false;
  host.bare_since = absl::InfiniteFuture();
  host.root = host.line.roots_seen;
  const absl::Time since = ReachableSince(host);
  for (auto at = vendor_.publications().rbegin();
       at != vendor_.publications().rend() && at->sequence > host.sequence;
       ++at) {
    if (at->sequence > sequence || since > now_) continue;
    const absl::Duration took = now_ - std::max(at->time, since);
    outcome_.longest_to_converge = std::max(outcome_.longest_to_converge, took);
    if (took > Bound()) {
      Fail("CONVERGE", host,
           absl::StrCat("has ", at->sequence, " only after ",
                        absl::FormatDuration(took)));
    }
  }
  host.knows = std::max(host.knows, sequence);
}

void Fleet::CheckAll() {
  int sampled = std::max(2, options_.clients / 100);
  for (Host& host : hosts_) {
    if (host.client == nullptr) continue;
    Check(host);
    const absl::Time since = ReachableSince(host);
    if (since <= now_ && !host.is_led_away && !IsHeldBack(host) &&
        host.sequence < vendor_.sequence()) {
      const Publication& next = vendor_.publication(host.sequence + 1);
      if (now_ - std::max(next.time, since) > Bound()) {
        Fail("CONVERGE", host,
             absl::StrCat("has ", host.sequence, " and not ", next.sequence));
      }
    }
  }
  for (; sampled > 0; --sampled) {
    Host& host =
        hosts_[static_cast<std::size_t>(dice_.Below(options_.clients))];
    if (host.client != nullptr) CheckDocuments(host);
  }
}

void Fleet::CheckDocuments(Host& host) {
  for (const auto& [slot, key] : vendor_.Keys()) {
    if (slot.kind == verify::AnchorKind::kNitroRoot) continue;
    const test::TestKey* signs = vendor_.world().FindKey(slot, key);
    if (signs != nullptr) CheckDocument(host, slot, *signs);
  }
  CheckDocument(host, Vendor::NobodysSlot(), Vendor::NobodysKey());
}

void Fleet::CheckDocument(Host& host, const verify::Slot& slot,
                          const test::TestKey& key) {
  const absl::Time clock = ClockOf(host);
  const auto shown = vendor_.world().ShowSigned(slot, key, clock);
  const bool is_old = slot.kind == verify::AnchorKind::kIidRsa1024;
  const IdentityForm form =
      is_old ? IdentityForm::kSignature : IdentityForm::kRsa2048;
  const auto signature = verify::DecodeIdentitySignature(
      form, is_old ? shown.evidence.rsa1024() : shown.evidence.rsa2048());
  if (!signature.ok()) return Fail("AGREE", host, "a document is none");
  verify::IdentityEvidence evidence;
  evidence.form = form;
  evidence.signature = *signature;
  if (is_old) evidence.document = shown.evidence.document();
  client::AnchorsUsed used;
  const auto verdict =
      host.client->VerifyIdentity(evidence, policy_, nullptr, nullptr, &used);
  const View& view = ViewOf(host.client->anchors());
  const std::size_t number = vendor_.NumberOf(slot, shown.spki_sha256);
  const bool is_usable = Accepts(view, clock).test(number);
  // It was made some minutes ago.
  if (is_usable != Accepts(view, clock - absl::Minutes(10)).test(number)) {
    return;
  }
  const bool expected = is_usable && !(host.refuses_expired &&
                                       used.freshness == Freshness::kExpired);
  Count(verdict.ok() ? "documents accepted" : "documents refused");
  if (verdict.ok() == expected) return;
  Fail("AGREE", host,
       absl::StrCat("a document of ", verify::ToString(slot), ": ",
                    verdict.status().ToString()));
}

// A quarter of the fleet in a minute: all of it comes back within two minutes
// after a power cut, and waits for up to five.
void Fleet::CheckLoad() {
  outcome_.worst_refreshes = network_.refreshes.worst();
  outcome_.worst_requests = network_.requests.worst();
  outcome_.mean_refreshes =
      options_.clients /
      absl::FDivDuration(options_.interval, absl::Minutes(1));
  now_ = begin_ + absl::Minutes(network_.refreshes.worst_minute());
  const double bound = 20 + options_.clients / 4.0;
  if (static_cast<double>(outcome_.worst_refreshes) > bound) {
    Fail("HERD", hosts_.front(),
         absl::StrCat(outcome_.worst_refreshes, " refreshes in a minute, of ",
                      options_.clients, " clients"));
  }
}

}  // namespace anchorage::fleet
