// What a person's terminal can show: colours, a width, and that something is
// still going on. Where there is no terminal nothing of it is written, so that
// what is piped or kept in a file is the answer alone.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_TERMINAL_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_TERMINAL_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace anchorage::trustctl {

enum class Colour { kBold, kGood, kDoubtful, kBad };

// Whether colours and movements of the cursor may be written to `descriptor`:
// a terminal whose TERM is set and not "dumb", and for colours no NO_COLOR.
bool MayMove(int descriptor);
bool MayColour(int descriptor);

// Returns `text` in that colour where `may`, and unchanged otherwise.
std::string Paint(std::string_view text, Colour colour, bool may);

// How many columns standard output has: COLUMNS, or what the terminal says;
// 0 where it is no terminal, so that nothing is cut.
int WidthOfOutput();

// Says on standard error, from a second on and once a second, that something
// goes on, and takes it away at the end. Only on a terminal that MayMove().
//
//   const Progress progress("asking trustd:7444");
//
// `more`, which another thread calls once a second, says how far it is. Nothing
// else may be written to the terminal while it lives.
class Progress {
 public:
  explicit Progress(std::string what,
                    std::function<std::string()> more = nullptr);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void Tell();

  const std::string what_;
  const std::function<std::string()> more_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_TERMINAL_H_
