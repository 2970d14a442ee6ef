// Writes test/vectors/recovery: see the README there.
//
//   make_recovery_vectors FOLDER

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "test/channel/recovery_cases.h"

namespace fs = std::filesystem;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_recovery_vectors FOLDER\n";
    return 2;
  }
  const fs::path folder = argv[1];
  const auto files = anchorage::test::MakeRecoveryCases();
  // Files of a case that are no longer made must not stay.
  for (const auto& [path, bytes] : files) {
    fs::remove_all(folder / *fs::path(path).begin());
  }
  for (const auto& [path, bytes] : files) {
    fs::create_directories((folder / path).parent_path());
    std::ofstream out(folder / path, std::ios::binary);
    if (!(out << bytes).flush()) {
      std::cerr << "cannot write " << folder / path << "\n";
      return 1;
    }
  }
  return 0;
}
