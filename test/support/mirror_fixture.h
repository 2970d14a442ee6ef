// A trustd's mirror with a fake AWS before it, for tests of what it does.

#ifndef ANCHORAGE_TEST_SUPPORT_MIRROR_FIXTURE_H_
#define ANCHORAGE_TEST_SUPPORT_MIRROR_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/page_writer.h"
#include "test/support/fake_store.h"
#include "test/support/publish_for_tests.h"
#include "trustd/config.h"
#include "trustd/mirror/mirror.h"
#include "trustd/sources/page/regions_page.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {

inline const absl::Time kNow = test::FakeNow();

// Remembers what was raised and then committed.
class FakeAlerts final : public AlertSink {
 public:
  std::function<void()> Raise(const std::vector<Alert>& alerts,
                              StoreBatch& batch) override {
    if (before_commit) before_commit();
    for (const Alert& alert : alerts) {
      batch.Put(absl::StrCat("alert/", raised_++), alert.text);
    }
    return [this, alerts] {
      for (const Alert& alert : alerts) {
        committed.push_back(std::string(NameOf(alert.kind)));
        subjects.push_back(alert.subject);
        if (alert.kind == AlertKind::kAnchorChanged) anchor_changed = alert;
      }
      if (said) said();
    };
  }

  std::vector<std::string> committed;
  std::vector<std::string> subjects;
  Alert anchor_changed;
  // Called when everything is decided and signed, and nothing is on the disk.
  std::function<void()> before_commit;
  // Called when alerts are told to whoever receives them.
  std::function<void()> said;

 private:
  int raised_ = 0;
};

// Keys of the fake AWS that no slot of it begins with.
inline const test::TestKey& NewKey() { return test::TestKey::Rsa(2048, 44); }

class MirrorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    config_ = *ParseConfig("data_dir: " + folder_ + "\nmode: MODE_ONLINE\n",
                           "/test.yaml");
    options_.proposal_path = folder_ + "/proposal.json";
    options_.core.people = {"alice", "bob", "olga"};
    // Time passes as the tests have it.
    options_.steady = [this] { return now_ - absl::UnixEpoch(); };
    seed_ = CatalogOf(aws_);
    Start();
  }

  // A trustd that begins with `seed_`, or goes on with what the store has.
  void Start() {
    mirror_.reset();
    publisher_ = *Publisher::Open(PublisherConfigOf(config_), store_, hub_,
                                  seed_, {}, now_);
    auto mirror =
        Mirror::Open(options_, store_, *publisher_, hub_, alerts_, now_);
    ASSERT_TRUE(mirror.ok()) << mirror.status();
    mirror_ = *std::move(mirror);
    mirror_->SetSources(sources_, now_);
  }

  static anchors::Catalog CatalogOf(const test::FakeIdentity& aws) {
    anchors::Catalog catalog;
    catalog.sequence = 1;
    catalog.created = kNow;
    for (const verify::AnchorRecord& record : aws.Anchors()) {
      const std::string der = test::MakeCertificate(
          aws.Certificate(record.slot.region, record.slot.kind));
      catalog =
          *AddAnchor(catalog, record.slot, der, {"AWS", ""}, {.time = kNow});
    }
    return catalog;
  }

  // What AWS's page says while it is as `aws_` is.
  Observation Page(const std::string& source = "aws-docs") const {
    return PageOf(anchors::PageEntries(CatalogOf(aws_)), source);
  }

  Observation PageOf(const std::vector<anchors::PageEntry>& entries,
                     const std::string& source = "aws-docs") const {
    Observation observation;
    observation.source = source;
    observation.location = "https://docs.example/regions-certs.md";
    observation.time = now_;
    observation.scope.partitions = {"aws", "aws-us-gov", "aws-cn", "aws-eusc"};
    observation.scope.kinds = {verify::AnchorKind::kIidDsa,
                               verify::AnchorKind::kIidRsa1024,
                               verify::AnchorKind::kIidRsa2048};
    const std::string text = anchors::WriteRegionsPage(entries, {});
    auto page = ParseRegionsPage(text, observation.scope);
    observation.content_sha256 = verify::Sha256Hex(text);
    observation.certificates = std::move(page.certificates);
    observation.problems = std::move(page.problems);
    return observation;
  }

  // What the page says when AWS has re-issued the certificate of one slot.
  std::vector<anchors::PageEntry> Reissued() const {
    test::CertSpec spec =
        aws_.Certificate("eu-west-1", verify::AnchorKind::kIidRsa2048);
    spec.serial = "\x7f\x01";
    spec.SetValidity(kNow - absl::Hours(1), kNow + absl::Hours(24 * 365));
    auto entries = anchors::PageEntries(seed_);
    for (auto& entry : entries) {
      if (entry.slot.region == "eu-west-1" &&
          entry.slot.kind == verify::AnchorKind::kIidRsa2048) {
        entry.der = test::MakeCertificate(spec);
      }
    }
    return entries;
  }

  void Rekey() {
    aws_.SetKey("eu-west-1", verify::AnchorKind::kIidRsa2048, NewKey());
  }

  // What an instance in eu-west-1 shows now.
  v1::Evidence Evidence(const std::string& instance = "i-0123456789abcdef0") {
    auto document = aws_.Document("eu-west-1");
    document.SetText("instanceId", instance);
    v1::Evidence evidence;
    evidence.set_rsa2048(absl::Base64Escape(test::Encode(aws_.Genuine(
        "eu-west-1", verify::AnchorKind::kIidRsa2048, document.Text()))));
    return evidence;
  }

  absl::Status Observe(const Observation& observation,
                       std::optional<absl::Time> when = {}) {
    if (sources_.emplace(observation.source, observation.source).second) {
      mirror_->SetSources(sources_, when.value_or(now_));
    }
    return mirror_->Observed(observation, when.value_or(now_));
  }

  std::vector<v1::Rotation> All() const {
    return mirror_->Rotations([](const v1::Rotation&) { return true; });
  }
  v1::Rotation The(std::uint64_t id) const {
    return *mirror_->FindRotation(id);
  }
  // As a person who has just looked at it.
  absl::StatusOr<v1::Rotation> Decide(std::uint64_t id, v1::Decision::Kind kind,
                                      const std::string& by,
                                      const std::string& why,
                                      std::optional<absl::Time> when = {}) {
    const auto rotation = mirror_->FindRotation(id);
    return mirror_->Decide(
        {.rotation_id = id,
         .kind = kind,
         .by = by,
         .why = why,
         .change_id = rotation ? rotation->change_id() : "",
         .effect_sha256 = rotation ? rotation->effect_sha256() : "none"},
        when.value_or(now_));
  }

  // Publishes behind the mirror's back, as people do who sign.
  absl::Status Publish(const anchors::Catalog& catalog, absl::Time now) {
    return PublishForTests(*publisher_, hub_, catalog, now).status();
  }

  std::uint64_t Sequence() const { return hub_.Current()->catalog.sequence; }

  std::string folder_;
  Config config_;
  Mirror::Options options_;
  test::FakeIdentity aws_;
  anchors::Catalog seed_;
  absl::Time now_ = kNow;
  // Those that were heard of, each of its own family.
  std::map<std::string, std::string> sources_;
  FakeStore store_;
  PublicationHub hub_;
  FakeAlerts alerts_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<Mirror> mirror_;
};

// One slot, of which a test says what sources show.
inline const verify::Slot kIreland = {"aws", "eu-west-1",
                                      verify::AnchorKind::kIidRsa2048};

class IrelandTest : public MirrorTest {
 protected:
  // What is pinned at first.
  std::string Genuine() const { return DerIn(anchors::PageEntries(seed_)); }

  // Another certificate of the key that is pinned at first. `serial` tells them
  // apart.
  std::string SignedOn(absl::Time not_before, const std::string& serial) const {
    return SignedOn(not_before, serial, FirstKey());
  }
  std::string SignedOn(absl::Time not_before, const std::string& serial,
                       const test::TestKey& key) const {
    test::CertSpec spec = aws_.Certificate(kIreland.region, kIreland.kind);
    spec.key = spec.issuer_key = &key;
    spec.serial = serial;
    spec.SetValidity(not_before, not_before + absl::Hours(24 * 365));
    return test::MakeCertificate(spec);
  }

  // AWS's key in a certificate that AWS has not signed.
  std::string Forged() const {
    std::string der = SignedOn(kNow - absl::Hours(1), "\x7f\x01");
    der.back() ^= 1;
    return der;
  }

  // A source that has these certificates in Ireland, and elsewhere what was
  // pinned at first.
  Observation Showing(const std::vector<std::string>& ders,
                      const std::string& source = "aws-docs") const {
    Observation look = PageOf(anchors::PageEntries(seed_), source);
    std::erase_if(look.certificates, [](const auto& certificate) {
      return certificate.slot == kIreland;
    });
    for (const std::string& der : ders) {
      look.certificates.push_back({kIreland, der, 0});
    }
    return look;
  }
  absl::Status Show(const std::vector<std::string>& ders,
                    const std::string& source = "aws-docs") {
    return Observe(Showing(ders, source));
  }

  // The served anchor of a key in Ireland; the test fails where there is none.
  anchors::CatalogAnchor AnchorOf(const std::string& spki_sha256) const {
    for (const auto& anchor : hub_.Current()->catalog.anchors) {
      if (anchor.slot == kIreland && anchor.spki_sha256 == spki_sha256) {
        return anchor;
      }
    }
    ADD_FAILURE() << "no such key in Ireland";
    return {};
  }
  verify::AnchorStatus StatusOf(const std::string& spki_sha256) const {
    return AnchorOf(spki_sha256).status;
  }

  // Of the key that is pinned at first.
  std::string Key() const { return verify::Sha256Hex(FirstKey().spki_der()); }

  // Whether Ireland has a certificate in use.
  bool IsInUse(const std::string& der) const {
    for (const auto& anchor : hub_.Current()->catalog.anchors) {
      if (anchor.slot != kIreland) continue;
      for (const auto& certificate : anchor.certificates) {
        if (certificate.der == der) return !certificate.superseded;
      }
    }
    return false;
  }

  // What a person does to an anchor of Ireland. `what` is its key, or, to add
  // one, its certificate.
  absl::StatusOr<Mirror::Pinned> Pin(v1::PinFact::Action action,
                                     const std::string& what,
                                     const std::string& by,
                                     bool last_key = false) {
    v1::PinFact fact;
    fact.set_action(action);
    fact.mutable_slot()->set_partition(kIreland.partition);
    fact.mutable_slot()->set_region(kIreland.region);
    fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
    if (action == v1::PinFact::ACTION_ADD ||
        action == v1::PinFact::ACTION_ANNOUNCE) {
      fact.set_certificate(what);
    } else {
      fact.set_spki_sha256(what);
    }
    fact.set_by(by);
    fact.set_why("a test");
    return mirror_->Pin({.fact = fact, .last_key = last_key}, now_);
  }

  // How many of a class are open.
  int Open(v1::RotationClass rotation_class) const {
    int open = 0;
    for (const v1::Rotation& rotation : All()) {
      open += rotation.rotation_class() == rotation_class &&
              (rotation.state() == v1::ROTATION_STATE_DETECTED ||
               rotation.state() == v1::ROTATION_STATE_CORROBORATED ||
               rotation.state() == v1::ROTATION_STATE_APPROVED);
    }
    return open;
  }
  int Open() const {
    int open = 0;
    for (int i = 0; i < v1::RotationClass_ARRAYSIZE; ++i) {
      open += Open(static_cast<v1::RotationClass>(i));
    }
    return open;
  }
  // How often an alert was given.
  int Alerts(const std::string& name) const {
    return static_cast<int>(
        std::count(alerts_.committed.begin(), alerts_.committed.end(), name));
  }

  void Pass(absl::Duration time) {
    now_ += time;
    ASSERT_TRUE(mirror_->Settle(now_).ok());
  }

 private:
  static const test::TestKey& FirstKey() {
    static const test::FakeIdentity aws;
    return aws.KeyOf(kIreland.region, kIreland.kind);
  }

  static std::string DerIn(const std::vector<anchors::PageEntry>& entries) {
    for (const auto& entry : entries) {
      if (entry.slot == kIreland) return entry.der;
    }
    return "";
  }
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_MIRROR_FIXTURE_H_
