// Writes the files of boot_files.h.
//
// usage: make_boot_files FOLDER

#include <fstream>
#include <iostream>
#include <string>

#include "test/support/boot_files.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_boot_files FOLDER\n";
    return 1;
  }
  for (const auto& [name, bytes] : anchorage::test::BootFiles()) {
    std::ofstream out(std::string(argv[1]) + "/" + name, std::ios::binary);
    out << bytes << std::flush;
    if (!out) {
      std::cerr << "make_boot_files: error: cannot write " << name << "\n";
      return 1;
    }
  }
  return 0;
}
