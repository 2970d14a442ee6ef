// A report in which gRPC alone touched the memory, on a thread of its own, is
// none of ours: the library is not built with ThreadSanitizer, so what puts its
// accesses in order is not seen. Most of them are silenced by name
// (tsan_suppressions.cc). Those that go through a function of std::string are
// not: gRPC calls the copy of it that was compiled into our program, and a
// suppression that named it would hide ours.

#include <climits>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace __tsan {
class ReportDesc;
// The sanitizer's own hook, weak in its library. Returns whether the report is
// suppressed.
bool OnReport(const ReportDesc* report, bool suppressed);
}  // namespace __tsan

extern "C" {
int __tsan_get_report_data(void* report, const char** description, int* count,
                           int* stack_count, int* mop_count, int* loc_count,
                           int* mutex_count, int* thread_count,
                           int* unique_tid_count, void** sleep_trace,
                           unsigned long trace_size);
int __tsan_get_report_mop(void* report, unsigned long index, int* tid,
                          void** address, int* size, int* write, int* atomic,
                          void** trace, unsigned long trace_size);
void __sanitizer_symbolize_pc(void* pc, const char* format, char* out,
                              unsigned long out_size);
}

namespace {

constexpr unsigned long kFrames = 64;

std::string Symbolized(void* pc, const char* format) {
  char out[1024] = {};
  __sanitizer_symbolize_pc(pc, format, out, sizeof(out));
  return out;
}

bool IsInProgram(void* pc) {
  static const std::string program = [] {
    char path[PATH_MAX] = {};
    return std::string(realpath("/proc/self/exe", path) != nullptr ? path : "");
  }();
  char path[PATH_MAX] = {};
  return realpath(Symbolized(pc, "%m").c_str(), path) != nullptr &&
         program == path;
}

// Whether a stack that was restored in whole is gRPC's, but for functions of
// the standard library.
bool IsOfGrpc(void* const* trace) {
  bool has_grpc = false;
  for (unsigned long i = 0; i < kFrames && trace[i] != nullptr; ++i) {
    if (Symbolized(trace[i], "%m").find("/libgrpc.so") != std::string::npos) {
      has_grpc = true;
    } else if (IsInProgram(trace[i]) &&
               Symbolized(trace[i], "%f").find("std::") != 0) {
      return false;
    }
  }
  return has_grpc;
}

}  // namespace

bool __tsan::OnReport(const ReportDesc* report, bool suppressed) {
  void* const handle = const_cast<ReportDesc*>(report);
  const char* description = nullptr;
  int count = 0, stacks = 0, mops = 0, locs = 0, mutexes = 0, threads = 0,
      tids = 0;
  void* sleep[1] = {};
  if (suppressed ||
      __tsan_get_report_data(handle, &description, &count, &stacks, &mops,
                             &locs, &mutexes, &threads, &tids, sleep, 1) == 0) {
    return suppressed;
  }
  for (int i = 0; i < mops; ++i) {
    int tid = 0, size = 0, write = 0, atomic = 0;
    void* address = nullptr;
    void* trace[kFrames + 1] = {};
    __tsan_get_report_mop(handle, i, &tid, &address, &size, &write, &atomic,
                          trace, kFrames);
    if (IsOfGrpc(trace)) return true;
  }
  return false;
}
