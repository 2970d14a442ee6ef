// What on this host keeps a trustd from starting, signing or being reached,
// whether or not one is running: before and after an upgrade, and at night.
//
//   for (const CheckLine& line : Diagnose(place, absl::Now())) ...
//
// Changes nothing but one thing for a moment: a port that is free is bound to
// see that it is. The store is read as it is, beside a trustd that has it open.

#ifndef ANCHORAGE_TRUSTD_DOCTOR_DOCTOR_H_
#define ANCHORAGE_TRUSTD_DOCTOR_DOCTOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anchors/base/check_lines.h"
#include "trustd/publish/publisher_config.h"
#include "trustd/sources/source_settings.h"

namespace anchorage::trustd {

// What of a configuration is looked at.
struct DoctorPlace {
  PublisherConfig publisher;

  // An address that trustd listens on; empty for none.
  struct Listener {
    std::string setting;
    std::string address;
    // Empty for plain text; the last also for a listener that asks nobody.
    std::string certificate_path = {};
    std::string key_path = {};
    std::string client_ca_path = {};
  };
  std::vector<Listener> listeners = {};

  // Unix sockets, by the setting that has each.
  struct Socket {
    std::string setting;
    std::string path;
  };
  std::vector<Socket> sockets = {};

  struct Secret {
    // Of the webhook, or the setting.
    std::string name;
    // Empty for none.
    std::string path;
  };
  std::vector<Secret> secrets = {};
  std::vector<SourceSettings> sources = {};
  // How many descriptors all connections need.
  std::int64_t descriptors = 0;
};

// The longest that one source is waited for, of those whose answer is asked for
// the date: two at most.
inline constexpr absl::Duration kClockTimeout = absl::Seconds(5);
inline constexpr int kMostClocks = 2;

// How a program ends where a line says "fail".
inline constexpr int kDoctorFailed = 2;

// Returns a line for each check, all of them whatever is there, in the same
// order. The ids and reasons stand in the table of trustd/doctor/README.md.
std::vector<anchors::CheckLine> Diagnose(const DoctorPlace& place,
                                         absl::Time now);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_DOCTOR_DOCTOR_H_
