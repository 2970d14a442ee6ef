// The console's pages by their addresses.
//
//   Site site({.clock = clock, .mirror = mirror, .hub = hub});
//   const Site::Page page = site.Get("/changes?state=open");
//
// Addresses are compared byte for byte and never decoded; a parameter that a
// page does not have is refused. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_CONSOLE_SITE_H_
#define ANCHORAGE_TRUSTD_CONSOLE_SITE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "trustd/admin/audit_service.h"
#include "trustd/console/request.h"
#include "trustd/console/templates.h"
#include "trustd/console/views.h"
#include "trustd/mirror/mirror.h"
#include "trustd/publish/publication.h"

namespace anchorage::trustd {

class Site {
 public:
  // What pages are made of. All of it outlives the site.
  struct Readers {
    std::function<absl::Time()> clock;
    Mirror& mirror;
    const PublicationHub& hub;
    // Empty: no reports are taken.
    FleetFunction fleet = {};
    // The alerts that are open; empty: none are known.
    std::function<std::vector<v1::OpenAlert>(absl::Time now)> alerts = {};
    bool offline = false;
  };

  struct Page {
    int status = 200;
    std::string_view media_type;
    std::string body;
  };

  explicit Site(Readers readers) : readers_(std::move(readers)) {}

  // Returns a page, or one with 400 (not an address of this form) or 404.
  Page Get(std::string_view target) const;

  // Returns a page that says why there is none, and nothing else.
  Page Error(int status) const;

 private:
  // Returns what the page `name` is made of.
  Snapshot Look(const std::string& name) const;
  // Returns the view of a page and sets its template and title; nullopt: 404.
  std::optional<View> Find(const Address& address, const Snapshot& snapshot,
                           std::string& name, std::string& title) const;
  void PutFrame(const std::string& name, const std::string& title,
                const Snapshot* snapshot, View& view) const;

  const Readers readers_;
  const Templates templates_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_CONSOLE_SITE_H_
