#include "trustd/net/admission.h"

#include <algorithm>
#include <utility>

namespace anchorage::trustd {

struct Place::Book {
  absl::Mutex mutex;
  int taken ABSL_GUARDED_BY(mutex) = 0;
  absl::flat_hash_map<IpAddress, int> by_group ABSL_GUARDED_BY(mutex);
};

const char* NameOf(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone:
      return "none";
    case Refusal::kAll:
      return "all";
    case Refusal::kAddress:
      return "address";
  }
  return "";
}

Place::Place(Place&& other) noexcept
    : book_(std::move(other.book_)), group_(other.group_) {}

Place& Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  Leave();
  book_ = std::move(other.book_);
  group_ = other.group_;
  return *this;
}

void Place::Leave() {
  if (book_ == nullptr) return;
  {
    const absl::MutexLock lock(&book_->mutex);
    --book_->taken;
    const auto entry = book_->by_group.find(group_);
    if (--entry->second == 0) book_->by_group.erase(entry);
  }
  book_ = nullptr;
}

Admission::Admission(int most, AddressList proxies, int most_per_address)
    : most_(most),
      most_per_address_(
          std::max(1, most_per_address == 0 ? most / 2 : most_per_address)),
      proxies_(std::move(proxies)),
      book_(std::make_shared<Place::Book>()) {}

bool Admission::IsExempt(const IpAddress& address) const {
  return address.IsLoopback() || proxies_.Contains(address);
}

Refusal Admission::Admit(const IpAddress& address, Place& place) {
  const IpAddress group = address.Group();
  const bool exempt = IsExempt(address);
  {
    const absl::MutexLock lock(&book_->mutex);
    if (book_->taken >= most_) return Refusal::kAll;
    int& held = book_->by_group[group];
    if (!exempt && held >= most_per_address_) return Refusal::kAddress;
    ++held;
    ++book_->taken;
  }
  place.Leave();
  place.book_ = book_;
  place.group_ = group;
  return Refusal::kNone;
}

bool Admission::HasRoom() const {
  const absl::MutexLock lock(&book_->mutex);
  return book_->taken < most_;
}

}  // namespace anchorage::trustd
