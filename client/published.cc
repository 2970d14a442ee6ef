#include "client/published.h"

namespace anchorage::client {

std::size_t ThreadNumber() {
  static std::atomic<std::size_t> threads = 0;
  thread_local const std::size_t number =
      threads.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace anchorage::client
