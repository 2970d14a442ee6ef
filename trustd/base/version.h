// The version that GetServiceInfo and `trustd --version` give.

#ifndef ANCHORAGE_TRUSTD_BASE_VERSION_H_
#define ANCHORAGE_TRUSTD_BASE_VERSION_H_

namespace anchorage::trustd {

inline constexpr char kServerVersion[] = "0.1.0";

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_VERSION_H_
