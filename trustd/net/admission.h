// Limits how many of something there are at a time, in all and for each
// address.
//
//   Admission connections({.most = 1000}, proxies);
//   Place place;
//   if (connections.Admit(address, place) != Refusal::kNone) return Shed();
//
// No address (IpAddress::Group()) holds more than half of all places, so one
// peer never keeps the others out. Exempt from that, but not from the overall
// limit, are the loopback interface and the proxies, behind which many peers
// have one address. Thread-safe; uses memory for as many addresses as there are
// places.

#ifndef ANCHORAGE_TRUSTD_NET_ADMISSION_H_
#define ANCHORAGE_TRUSTD_NET_ADMISSION_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "trustd/net/ip_address.h"

namespace anchorage::trustd {

// Counts something that was refused or cut off, under its name in metrics.
using ShedFunction = std::function<void(const std::string& what)>;

// Why there is no place.
enum class Refusal {
  kNone,
  kAll,      // every place is taken
  kAddress,  // this address holds its half
};

// The name of a refusal in metrics: "all" or "address".
const char* NameOf(Refusal refusal);

class Admission;

// A place, which its owner holds until it is destroyed. It may outlive its
// Admission.
class Place {
 public:
  Place() = default;
  Place(Place&& other) noexcept;
  Place& operator=(Place&& other) noexcept;
  ~Place() { Leave(); }

  // Gives the place back.
  void Leave();

 private:
  friend class Admission;
  struct Book;

  std::shared_ptr<Book> book_;
  IpAddress group_;
};

class Admission {
 public:
  // `most` is at least 1; an address always gets one place if there is one. A
  // `most_per_address` of 0 means half of `most`.
  Admission(int most, AddressList proxies, int most_per_address = 0);

  // Takes a place for a peer at `address`, or returns why there is none.
  Refusal Admit(const IpAddress& address, Place& place);

  // Whether an address that holds nothing would be admitted now.
  bool HasRoom() const;

  int most() const { return most_; }
  bool IsExempt(const IpAddress& address) const;

 private:
  const int most_;
  const int most_per_address_;
  const AddressList proxies_;
  const std::shared_ptr<Place::Book> book_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_NET_ADMISSION_H_
