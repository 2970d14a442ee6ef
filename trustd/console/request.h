// What a request for the console asks for, read strictly: an address, the name
// of a host, credentials. Pure: nothing is decoded twice, and what is not of
// the one form is refused.

#ifndef ANCHORAGE_TRUSTD_CONSOLE_REQUEST_H_
#define ANCHORAGE_TRUSTD_CONSOLE_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace anchorage::trustd {

// The longest address, in bytes.
inline constexpr std::size_t kMaxTargetBytes = 512;
// The longest Authorization header, and the longest password: bcrypt takes no
// more of one into account.
inline constexpr std::size_t kMaxAuthorizationBytes = 256;
inline constexpr std::size_t kMaxPasswordBytes = 72;

// A page that the navigation names.
struct PageEntry {
  const char* path;
  // The template.
  const char* name;
  const char* title;
  // The parameters that it takes.
  std::vector<std::string_view> parameters;
};
const std::vector<PageEntry>& PageEntries();

// Which part of a list is asked for.
struct ListQuery {
  // From 1; 0: the page that shows what is newest.
  std::uint64_t page = 0;
  bool open_only = false;
  // 0: every year.
  int year = 0;
};

struct Address {
  std::string_view path;
  // Null for a page that the navigation does not name, which has no parameters.
  const PageEntry* entry = nullptr;
  ListQuery query = {};
};

// Reads a request's target, which the result refers to; nullopt for one that
// has a parameter that its page does not take, is too long, or is no path.
std::optional<Address> ReadAddress(std::string_view target);

// Reads a number from 1 on, in at most 12 digits and no other way.
std::optional<std::uint64_t> ReadNumber(std::string_view text);

// Returns the name in a Host header, in lower case and without its port;
// nullopt where there is none.
std::optional<std::string> ReadHostName(std::string_view host);

struct Credentials {
  std::string user;
  std::string password;
};

// Reads an Authorization header of the Basic scheme (RFC 7617).
std::optional<Credentials> ReadCredentials(std::string_view authorization);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_CONSOLE_REQUEST_H_
