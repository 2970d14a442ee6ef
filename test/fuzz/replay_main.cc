// Runs a fuzz target on every file of its corpus and on the beginnings of each,
// some kMaxRuns altogether: what a compiler without libFuzzer can check.
//
// usage: REPLAY_TEST FOLDER

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

constexpr std::size_t kMaxRuns = 1500;

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  std::vector<std::string> inputs;
  std::size_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream in(file.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in),
                        std::istreambuf_iterator<char>());
    bytes += inputs.back().size();
  }
  std::size_t runs = 0;
  for (const std::string& input : inputs) {
    for (std::size_t cut = 0; cut <= input.size();
         cut += bytes / kMaxRuns + 1) {
      // Of its own size, so that a sanitizer sees a read past the end.
      const std::vector<std::uint8_t> part(input.begin(), input.end() - cut);
      LLVMFuzzerTestOneInput(part.data(), part.size());
      ++runs;
    }
  }
  std::cout << inputs.size() << " files, " << runs << " runs\n";
  return inputs.empty() ? 1 : 0;
}
