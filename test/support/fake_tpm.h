// A TPM 2.0 of two commands, on a socket, as an emulator serves one.
//
//   FakeTpm tpm(folder + "/tpm");
//   ... validate with "tpm": tpm.path() ...
//   EXPECT_EQ(tpm.Pcr(8), expected);
//
// Reads commands by itself and strictly: what tpm.cc writes wrongly is refused.
// Safe to call from any number of threads.

#ifndef ANCHORAGE_TEST_SUPPORT_FAKE_TPM_H_
#define ANCHORAGE_TEST_SUPPORT_FAKE_TPM_H_

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace anchorage::test {

class FakeTpm {
 public:
  // What stands for an answer that never comes.
  static constexpr std::string_view kNever = "never";

  // Serves on a socket at `path`, which must be free.
  explicit FakeTpm(std::string path);
  ~FakeTpm();

  const std::string& path() const { return path_; }

  // The register in the bank of SHA-384; 48 zero bytes where nobody extended.
  std::string Pcr(int pcr) const;
  void SetPcr(int pcr, std::string value);

  // Lets `answer` answer instead: it gets the command, and how many came
  // before. It may ask Execute(). kNever is never sent; an empty answer closes
  // the connection.
  void AnswerWith(
      std::function<std::string(const std::string& command, int before)>
          answer);

  // Returns the right response to a command, which is done.
  std::string Execute(const std::string& command);

  // A response with that code and nothing else.
  static std::string Response(unsigned code);

  // How many commands came.
  int commands() const;

  // Waits until all that came is done and the connection is closed: who was
  // given a wrong answer may be gone before that.
  void WaitUntilClosed() const;

 private:
  void Serve();
  void ServeOne(int connection);

  const std::string path_;
  int listener_;
  mutable std::mutex mutex_;
  std::map<int, std::string> registers_;
  std::function<std::string(const std::string&, int)> answer_;
  int commands_ = 0;
  bool stopped_ = false;
  int connection_ = -1;
  std::thread thread_;
};

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_SUPPORT_FAKE_TPM_H_
