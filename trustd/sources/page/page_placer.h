// Puts the certificates of a page in slots, by the headings above them.
//
//   PagePlacer placer(scope);
//   placer.BeginRegion("Europe (Ireland) — eu-west-1", line);
//   placer.BeginTab("RSA-2048", line);
//   placer.Text("-----BEGIN CERTIFICATE-----", line);
//   ...
//   PageContent content = std::move(placer).Finish();
//
// The layouts (Markdown, HTML) differ in how headings and text are found; what
// they mean is decided here, once.

#ifndef ANCHORAGE_TRUSTD_SOURCES_PAGE_PAGE_PLACER_H_
#define ANCHORAGE_TRUSTD_SOURCES_PAGE_PAGE_PLACER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "anchors/certificate_facts.h"
#include "trustd/rotation/observation.h"
#include "trustd/sources/page/regions_page.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// The em dash, between a region's name and its code.
inline constexpr std::string_view kEmDash = "\xe2\x80\x94";

// Removes ASCII white space at both ends.
std::string_view StripBlanks(std::string_view text);

class PagePlacer {
 public:
  // `scope` must outlive the placer.
  explicit PagePlacer(const SourceScope& scope) : scope_(scope) {}

  // A heading with an em dash: what follows belongs to that region.
  void BeginRegion(std::string_view heading, int line);
  // The name of an anchor in the page, such as "eu-west-1-cert". One that
  // contradicts the heading leaves the region without a place.
  void Anchor(std::string_view name, int line);
  // Another heading, or the end of a section: what follows belongs to no
  // region.
  void EndRegion();
  // A tab: "DSA", "RSA", "RSA-2048", or prose in the older layout.
  void BeginTab(std::string_view name, int line);
  void EndTab();
  // One line of text, or a part of one.
  void Text(std::string_view text, int line);
  void Truncated(std::string_view what, int line);

  PageContent Finish() &&;

 private:
  struct Region {
    int line = 0;
    // Empty if the heading has no region code, or one that is in doubt.
    std::string code;
    bool in_scope = false;
    int tabs = 0;
  };
  struct Tab {
    int line = 0;
    std::string name;
    std::optional<verify::AnchorKind> kind;
    int certificates = 0;
  };

  void Report(ProblemKind kind, int line, std::string detail);
  void DropOpenCertificate();
  void BeginCertificate(int line);
  void EndCertificate(int line);
  std::optional<verify::Slot> SlotFor(
      const anchors::CertificateFacts& facts) const;
  void Place(std::string der, const anchors::CertificateFacts& facts, int line);
  bool OutOfScope() const {
    return region_ && !region_->code.empty() && !region_->in_scope;
  }

  const SourceScope& scope_;
  std::optional<Region> region_;
  std::optional<Tab> tab_;
  // The text after a BEGIN line whose END has not been seen yet.
  std::optional<std::string> body_;
  int body_line_ = 0;
  int regions_in_scope_ = 0;
  int first_foreign_line_ = 0;
  int blocks_ = 0;
  bool too_many_ = false;
  // The indices of each slot's certificates.
  absl::flat_hash_map<verify::Slot, std::vector<std::size_t>> placed_;
  PageContent content_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_PAGE_PAGE_PLACER_H_
