#include "test/crash/crash_points.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <cstddef>

namespace anchorage::test {
namespace {

// Steps that are left; 0 where nobody counts.
std::atomic<int> steps_left = 0;

// Whether this step is the one.
bool IsTheStep() { return steps_left > 0 && --steps_left == 0; }

void Die() {
  ::kill(::getpid(), SIGKILL);
  ::pause();
}

}  // namespace

void DieAt(int step) { steps_left = step; }

void CrashPoint() {
  if (IsTheStep()) Die();
}

}  // namespace anchorage::test

// The names are the linker's.
extern "C" {

int __real_open(const char* path, int flags, ...);
ssize_t __real_write(int fd, const void* bytes, std::size_t size);
int __real_fsync(int fd);
int __real_rename(const char* from, const char* to);
int __real_unlink(const char* path);
int __real_mkdir(const char* path, mode_t mode);
int __real_openat(int folder, const char* path, int flags, ...);
int __real_renameat(int from_folder, const char* from, int to_folder,
                    const char* to);
int __real_unlinkat(int folder, const char* path, int flags);
int __real_mkdirat(int folder, const char* path, mode_t mode);

int __wrap_open(const char* path, int flags, ...) {
  if ((flags & O_CREAT) == 0) return __real_open(path, flags);
  anchorage::test::CrashPoint();
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  return __real_open(path, flags, mode);
}

ssize_t __wrap_write(int fd, const void* bytes, std::size_t size) {
  if (anchorage::test::IsTheStep()) {
    (void)!__real_write(fd, bytes, size / 2);
    anchorage::test::Die();
  }
  return __real_write(fd, bytes, size);
}

int __wrap_fsync(int fd) {
  anchorage::test::CrashPoint();
  return __real_fsync(fd);
}

int __wrap_rename(const char* from, const char* to) {
  anchorage::test::CrashPoint();
  return __real_rename(from, to);
}

int __wrap_unlink(const char* path) {
  anchorage::test::CrashPoint();
  return __real_unlink(path);
}

int __wrap_mkdir(const char* path, mode_t mode) {
  anchorage::test::CrashPoint();
  return __real_mkdir(path, mode);
}

int __wrap_openat(int folder, const char* path, int flags, ...) {
  if ((flags & O_CREAT) == 0) return __real_openat(folder, path, flags);
  anchorage::test::CrashPoint();
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  return __real_openat(folder, path, flags, mode);
}

int __wrap_renameat(int from_folder, const char* from, int to_folder,
                    const char* to) {
  anchorage::test::CrashPoint();
  return __real_renameat(from_folder, from, to_folder, to);
}

int __wrap_unlinkat(int folder, const char* path, int flags) {
  anchorage::test::CrashPoint();
  return __real_unlinkat(folder, path, flags);
}

int __wrap_mkdirat(int folder, const char* path, mode_t mode) {
  anchorage::test::CrashPoint();
  return __real_mkdirat(folder, path, mode);
}

}  // extern "C"
