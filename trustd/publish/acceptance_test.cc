#include "trustd/publish/acceptance.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using anchors::CatalogAnchor;
using verify::AnchorKind;
using verify::AnchorStatus;

const absl::Time kEnd = absl::FromUnixSeconds(2'000'000'000);

Catalog With(AnchorStatus status,
             std::optional<absl::Time> accept_until = std::nullopt,
             const std::string& key = "key") {
  CatalogAnchor anchor;
  anchor.slot = {"aws", "eu-west-1", AnchorKind::kIidRsa2048};
  anchor.status = status;
  anchor.spki_sha256 = key;
  anchor.accept_until = accept_until;
  Catalog catalog;
  catalog.anchors.push_back(std::move(anchor));
  return catalog;
}

// What `ours` becomes; expects as many notes as changes.
Catalog TakenOver(const Catalog& newer, Catalog ours, std::size_t changes) {
  std::vector<std::string> notes;
  TakeOverDenials(newer, ours, notes);
  EXPECT_EQ(notes.size(), changes);
  return ours;
}

TEST(TakeOverDenialsTest, TakesWhatVerifiesLess) {
  for (const AnchorStatus status :
       {AnchorStatus::kRetired, AnchorStatus::kRevoked}) {
    EXPECT_EQ(TakenOver(With(status), With(AnchorStatus::kActive), 1)
                  .anchors[0]
                  .status,
              status);
    EXPECT_EQ(TakenOver(With(status, std::nullopt, "other"),
                        With(AnchorStatus::kActive), 1)
                  .anchors.size(),
              2u);
  }
  EXPECT_EQ(
      TakenOver(With(AnchorStatus::kRetired), With(AnchorStatus::kRevoked), 0)
          .anchors[0]
          .status,
      AnchorStatus::kRevoked);
}

TEST(TakeOverDenialsTest, TakesAnEarlierEndOfAcceptance) {
  const auto end_of = [](std::optional<absl::Time> newer,
                         std::optional<absl::Time> ours, std::size_t changes) {
    return TakenOver(With(AnchorStatus::kRetiring, newer),
                     With(AnchorStatus::kActive, ours), changes)
        .anchors[0]
        .accept_until;
  };
  const absl::Time later = kEnd + absl::Seconds(1);
  EXPECT_EQ(end_of(kEnd, std::nullopt, 1), kEnd);
  EXPECT_EQ(end_of(kEnd, later, 1), kEnd);
  EXPECT_EQ(end_of(later, kEnd, 0), kEnd);
  EXPECT_EQ(end_of(std::nullopt, kEnd, 0), kEnd);
  // It brings no key that is not here.
  EXPECT_EQ(TakenOver(With(AnchorStatus::kRetiring, kEnd, "other"),
                      With(AnchorStatus::kActive), 0)
                .anchors.size(),
            1u);
}

TEST(NoteWhatIsMissingTest, NamesWhatOnlyTheNewerOneHas) {
  std::vector<std::string> notes;
  const Catalog ours = With(AnchorStatus::kActive);
  NoteWhatIsMissing(With(AnchorStatus::kActive), ours, notes);
  EXPECT_TRUE(notes.empty());
  NoteWhatIsMissing(With(AnchorStatus::kRetiring), ours, notes);
  ASSERT_EQ(notes.size(), 1u) << "a key that was on its way out is back";
  notes.clear();
  NoteWhatIsMissing(With(AnchorStatus::kActive, std::nullopt, "other"), ours,
                    notes);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("eu-west-1"), std::string::npos);
  EXPECT_NE(notes[0].find("other"), std::string::npos);
}

}  // namespace
}  // namespace anchorage::trustd
