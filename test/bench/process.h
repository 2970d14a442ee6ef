// Another process and a line to it: for what must not share one with a server.
//
//   ChildProcess child([](Line line) { ... line.Read() ... line.Write(...); });
//   child.line().Write("begin");
//
// The child ends when its function returns, and with its parent. Where the line
// breaks, the program ends.

#ifndef ANCHORAGE_TEST_BENCH_PROCESS_H_
#define ANCHORAGE_TEST_BENCH_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <string>

namespace anchorage::bench {

// One end of a socket pair, on which texts are sent. Does not own it.
class Line {
 public:
  explicit Line(int socket) : socket_(socket) {}

  void Write(const std::string& text) const;
  // Waits for the next text.
  std::string Read() const;

 private:
  int socket_;
};

class ChildProcess {
 public:
  // Forks; must be made before any thread.
  explicit ChildProcess(const std::function<void(Line)>& run);
  // Ends the child.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  Line line() const { return Line(socket_); }

 private:
  int socket_ = -1;
  pid_t process_ = 0;
};

}  // namespace anchorage::bench

#endif  // ANCHORAGE_TEST_BENCH_PROCESS_H_
