#include "test/simulation/world.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "anchors/certificate_facts.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fake_aws/pkcs7_writer.h"
#include "test/fake_aws/x509_writer.h"
#include "trustd/rotation/apply.h"
#include "verify/crypto/public_key.h"

namespace anchorage::simulation {
namespace {

using test::TestKey;
using trustd::ProblemKind;
using verify::AnchorKind;
using verify::Slot;

constexpr int kMostKeys = 30;
constexpr int kAttackersKeys = 40;
constexpr absl::Duration kDay = absl::Hours(24);

const std::vector<Slot>& AllSlots() {
  static const auto* const slots = new std::vector<Slot>{
      {"aws", "us-east-1", AnchorKind::kIidRsa2048},
      {"aws", "us-west-2", AnchorKind::kIidRsa2048},
      {"aws", "us-east-1", AnchorKind::kIidRsa1024},
      {"aws", "us-west-2", AnchorKind::kIidRsa1024},
      {"aws", "", AnchorKind::kNitroRoot},
      // From here on, they come and go.
      {"aws", "eu-west-1", AnchorKind::kIidRsa2048},
      {"aws-cn", "cn-north-1", AnchorKind::kIidRsa2048},
  };
  return *slots;
}

constexpr std::size_t kFirstSlots = 5;

const TestKey& KeyNumber(AnchorKind kind, int number) {
  switch (kind) {
    case AnchorKind::kIidRsa1024:
      return TestKey::Rsa(1024, number);
    case AnchorKind::kNitroRoot:
      return TestKey::Derived(test::KeyType::kP384,
                              absl::StrCat("simulated root ", number));
    default:
      return TestKey::Rsa(2048, number);
  }
}

test::CertSpec Skeleton(const test::FakeIdentity& aws, AnchorKind kind) {
  if (kind == AnchorKind::kNitroRoot) {
    return test::FakeNitro().Chain(test::NitroType::kEnclave,
                                   test::FakeNow())[test::kRoot];
  }
  return aws.Certificate("us-east-1", kind);
}

}  // namespace

std::string KeyOf(const std::string& der) {
  const auto facts = anchors::ReadCertificateFacts(der);
  return facts.ok() ? verify::Sha256Hex(facts->spki_der) : "";
}

World::World(Dice& dice, absl::Time now) : dice_(dice) {
  for (std::size_t i = 0; i < kFirstSlots; ++i) {
    const Slot& slot = AllSlots()[i];
    if (i == 3) {
      now_[slot] = now_.at(AllSlots()[2]);
      history_[slot].push_back(now_[slot]);
      continue;
    }
    const TestKey& key = NewKey(slot.kind);
    Put(slot, key, Make(slot, key, now - 400 * kDay));
  }
}

const TestKey& World::NewKey(AnchorKind kind) {
  int& used = keys_[kind];
  used = std::min(used + 1, kMostKeys);
  return KeyNumber(kind, used);
}

std::string World::Make(const Slot& slot, const TestKey& key, absl::Time begins,
                        bool forged) {
  test::CertSpec spec = Skeleton(aws_, slot.kind);
  spec.key = spec.issuer_key = &key;
  ++serial_;
  spec.serial = std::string({'\x10', static_cast<char>(serial_ >> 8 & 0x7f),
                             static_cast<char>(serial_ & 0xff)});
  spec.SetValidity(begins, begins + 3650 * kDay);
  if (forged) {
    spec.edit_signature = [](std::string signature) {
      signature.back() ^= 1;
      return signature;
    };
  }
  std::string der = test::MakeCertificate(spec);
  if (forged) forged_.insert(der);
  return der;
}

// With an ECDSA signature (r, s), (r, n - s) is one too.
std::string World::Malleated(const Slot& slot) {
  const Held& held = now_.at(slot);
  if (held.key->type() != test::KeyType::kP384) return held.der;
  test::CertSpec spec = Skeleton(aws_, slot.kind);
  spec.key = spec.issuer_key = held.key;
  spec.serial = std::string({'\x10', static_cast<char>(held.serial >> 8 & 0x7f),
                             static_cast<char>(held.serial & 0xff)});
  spec.SetValidity(held.begins, held.begins + 3650 * kDay);
  const TestKey& key = *held.key;
  spec.edit_signature = [&key](std::string der) {
    // SEQUENCE { INTEGER r, INTEGER s }, all short.
    const std::size_t r_size = static_cast<unsigned char>(der[3]);
    std::string s = der.substr(4 + r_size + 2);
    if (s.front() == '\0') s.erase(0, 1);
    s = test::Subtract(key.modulus(), s, key.modulus().size());
    return test::Sequence({test::PositiveInteger(der.substr(4, r_size)),
                           test::PositiveInteger(s)});
  };
  return test::MakeCertificate(spec);
}

void World::Put(const Slot& slot, const TestKey& key, std::string der) {
  const auto facts = anchors::ReadCertificateFacts(der);
  now_[slot] = {&key, std::move(der), facts->not_before, serial_};
  history_[slot].push_back(now_[slot]);
}

std::vector<Slot> World::Sharing(const Slot& slot) const {
  std::vector<Slot> slots;
  for (const auto& [other, held] : now_) {
    if (held.der == now_.at(slot).der) slots.push_back(other);
  }
  return slots;
}

anchors::Catalog World::Catalog(absl::Time now) const {
  anchors::Catalog catalog;
  catalog.sequence = 1;
  catalog.created = now;
  for (const auto& [slot, held] : now_) {
    catalog = *trustd::AddAnchor(catalog, slot, held.der, {"AWS", ""},
                                 {.time = now - 100 * kDay});
  }
  return catalog;
}

Page World::Genuine() const {
  Page page;
  for (const auto& [slot, held] : now_) page.emplace_back(slot, held.der);
  return page;
}

std::vector<Slot> World::Slots() const {
  std::vector<Slot> slots;
  for (const auto& [slot, held] : history_) slots.push_back(slot);
  return slots;
}

void World::Rekey(const Slot& slot, absl::Time now) {
  const TestKey& key = NewKey(slot.kind);
  const std::string der = Make(slot, key, now - absl::Hours(1));
  for (const Slot& one : Sharing(slot)) Put(one, key, der);
}

std::string World::Change(absl::Time now) {
  const std::vector<Slot> slots = [&] {
    std::vector<Slot> all;
    for (const auto& [slot, held] : now_) all.push_back(slot);
    return all;
  }();
  const Slot slot = dice_.Of(slots);
  const Held held = now_.at(slot);
  const std::string name = verify::ToString(slot);
  const int what = dice_.Below(100);
  if (what < 55) {
    // Now and then, one that is to begin later.
    const absl::Time begins =
        now + (dice_.Percent(10) ? absl::Hours(30) : -absl::Minutes(5));
    const std::string der = Make(slot, *held.key, begins);
    for (const Slot& one : Sharing(slot)) Put(one, *held.key, der);
    return absl::StrCat("AWS re-issues ", name);
  }
  if (what < 75) {
    Rekey(slot, now);
    return absl::StrCat("AWS re-keys ", name);
  }
  if (what < 80 && history_.at(slot).size() > 1) {
    // It goes back to what it had.
    Held before = dice_.Of(history_.at(slot));
    now_[slot] = std::move(before);
    return absl::StrCat("AWS goes back in ", name);
  }
  const Slot& other =
      AllSlots()[kFirstSlots +
                 static_cast<std::size_t>(dice_.Below(
                     static_cast<int>(AllSlots().size() - kFirstSlots)))];
  if (const auto there = now_.find(other); there != now_.end()) {
    if (what >= 90) return "AWS does nothing";
    now_.erase(there);
    return absl::StrCat("AWS removes ", verify::ToString(other));
  }
  if (dice_.Percent(30)) {
    const Slot east = AllSlots()[0];
    now_[other] = now_.at(east);
    history_[other].push_back(now_[other]);
    return absl::StrCat("AWS adds ", verify::ToString(other),
                        " with a certificate that another has");
  }
  const TestKey& key = NewKey(other.kind);
  Put(other, key, Make(other, key, now - absl::Hours(1)));
  return absl::StrCat("AWS adds ", verify::ToString(other));
}

std::optional<World::Evidence> World::Show(const Slot& slot, bool is_genuine,
                                           absl::Time now) {
  const auto held = now_.find(slot);
  if (held == now_.end() || slot.kind == AnchorKind::kNitroRoot) {
    return std::nullopt;
  }
  const TestKey& key =
      is_genuine ? *held->second.key
                 : KeyNumber(slot.kind, kAttackersKeys + dice_.Below(4));
  return ShowSigned(slot, key, now);
}

World::Evidence World::ShowSigned(const Slot& slot, const TestKey& key,
                                  absl::Time now) {
  test::FakeIdentity aws = aws_;
  aws.SetKey(slot.region, slot.kind, key);
  test::DocumentFields fields = aws.Document(slot.region);
  fields.SetText("pendingTime",
                 absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", now - absl::Minutes(5),
                                  absl::UTCTimeZone()));
  fields.SetText("instanceId",
                 absl::StrCat("i-0123456789abcdef", dice_.Below(10)));
  const std::string document = fields.Text();
  Evidence shown{{}, verify::Sha256Hex(key.spki_der())};
  if (slot.kind == AnchorKind::kIidRsa1024) {
    shown.evidence.set_document(document);
    shown.evidence.set_rsa1024(
        absl::Base64Escape(aws.Signature(slot.region, document)));
  } else {
    shown.evidence.set_rsa2048(absl::Base64Escape(
        test::Encode(aws.Genuine(slot.region, slot.kind, document))));
  }
  return shown;
}

std::string World::AnyFor(const Slot& slot, absl::Time now) {
  if (dice_.Percent(50) && now_.count(slot) != 0) return now_.at(slot).der;
  if (dice_.Percent(50) && history_.count(slot) != 0) {
    return dice_.Of(history_.at(slot)).der;
  }
  const TestKey& key = KeyNumber(slot.kind, kAttackersKeys + dice_.Below(4));
  return Make(slot, key, now - absl::Hours(dice_.Below(48)), dice_.Percent(20));
}

std::string World::Attack(Page& page,
                          std::vector<trustd::SourceProblem>& problems,
                          absl::Time now) {
  if (page.empty()) return "nothing";
  auto& [slot, der] = page[static_cast<std::size_t>(
      dice_.Below(static_cast<int>(page.size())))];
  const std::string name = verify::ToString(slot);
  const bool is_known = now_.count(slot) != 0;
  const TestKey& attackers =
      KeyNumber(slot.kind, kAttackersKeys + dice_.Below(4));
  switch (dice_.Below(14)) {
    case 0: {
      const auto& other = page[static_cast<std::size_t>(
          dice_.Below(static_cast<int>(page.size())))];
      der = other.second;
      return absl::StrCat("shows ", verify::ToString(other.first), "'s in ",
                          name);
    }
    case 1:
      if (!is_known) return "nothing";
      der = Make(slot, *now_.at(slot).key, now - absl::Minutes(1), true);
      return absl::StrCat("shows one that AWS has not signed in ", name);
    case 2:
      if (history_.count(slot) == 0) return "nothing";
      der = dice_.Of(history_.at(slot)).der;
      return absl::StrCat("shows an old one in ", name);
    case 3:
      der = Make(slot, attackers, now + 3 * kDay);
      return absl::StrCat("shows one from the future in ", name);
    case 4:
      if (!is_known) return "nothing";
      der = Malleated(slot);
      return absl::StrCat("shows one with another signature in ", name);
    case 5:
      problems.push_back({ProblemKind::kTruncated, 1, "cut"});
      page.resize(page.size() / 2);
      return "is cut";
    case 6: {
      const Slot there = slot;
      for (int i = 0; i < 8; ++i) {
        page.emplace_back(there, Make(there, attackers, now - absl::Hours(i)));
      }
      return absl::StrCat("shows nine in ", name);
    }
    case 7:
      der = Make(slot, attackers, now - absl::Hours(1));
      return absl::StrCat("shows a key of its own in ", name);
    case 8: {
      if (history_.count(slot) == 0) return "nothing";
      const Slot there = slot;
      page.emplace_back(there, dice_.Of(history_.at(there)).der);
      return absl::StrCat("shows an old one, too, in ", name);
    }
    case 9: {
      const Slot there = slot;
      std::erase_if(page, [&](const auto& one) { return one.first == there; });
      return absl::StrCat("lacks ", name);
    }
    case 10:
      page.clear();
      problems.push_back({ProblemKind::kNotTheDocument, 1, "a login page"});
      return "is a login page";
    case 11:
      der =
          Make({"aws", "us-east-1",
                slot.kind == AnchorKind::kIidRsa1024 ? AnchorKind::kIidRsa2048
                                                     : AnchorKind::kIidRsa1024},
               slot.kind == AnchorKind::kIidRsa1024
                   ? TestKey::Rsa(2048, kAttackersKeys)
                   : TestKey::Rsa(1024, kAttackersKeys),
               now);
      return absl::StrCat("shows one of another kind in ", name);
    case 12:
      der = "no certificate";
      return absl::StrCat("shows what cannot be read in ", name);
    default: {
      if (!is_known) return "nothing";
      const Slot there = slot;
      page.emplace_back(there, Make(there, *now_.at(there).key,
                                    now - absl::Minutes(1), true));
      return absl::StrCat("shows one that AWS has not signed, too, in ", name);
    }
  }
}

std::string World::Current(const Slot& slot) const {
  const auto found = now_.find(slot);
  return found == now_.end() ? "" : found->second.der;
}

bool World::IsCurrent(const Slot& slot, const std::string& der) const {
  return !der.empty() && Current(slot) == der;
}

bool World::WasKey(const Slot& slot, const std::string& spki_sha256) const {
  return FindKey(slot, spki_sha256) != nullptr;
}

const TestKey* World::FindKey(const Slot& slot,
                              const std::string& spki_sha256) const {
  const auto found = history_.find(slot);
  if (found == history_.end()) return nullptr;
  for (const Held& held : found->second) {
    if (KeyOf(held.der) == spki_sha256) return held.key;
  }
  return nullptr;
}

bool World::IsShared(const Slot& slot) const {
  for (const auto& [other, helds] : history_) {
    if (other == slot) continue;
    for (const Held& held : helds) {
      const auto& mine = history_.at(slot);
      if (std::any_of(mine.begin(), mine.end(),
                      [&](const Held& one) { return one.der == held.der; })) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace anchorage::simulation
