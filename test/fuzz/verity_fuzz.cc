// Input: a mode; 0: a command line; otherwise the data of a partition as a
// part, and the partition with the superblock and the hash tree.
// Holds for any bytes:
//   1. accepted, or one reason;
//   2. a command line that was split is split the same when it is written with
//      quotes, and a root hash in it has 32 or 64 bytes;
//   3. a root hash of other data is another one;
//   4. a tree that is right stays so for the data that it was made of alone.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "test/fuzz/fuzz.h"
#include "verify/measure/disk/cmdline.h"
#include "verify/measure/disk/disk_error.h"
#include "verify/measure/disk/verity.h"

namespace anchorage::test {
namespace {

void CheckCmdline(std::string_view text) {
  const auto split = verify::SplitCmdline(text);
  const auto arguments = verify::ReadBootArguments(text);
  if (!split.ok()) {
    Require(verify::DiskReasonOf(split.status()).has_value() &&
                arguments.status() == split.status(),
            "one reason");
    return;
  }
  std::string quoted;
  for (const verify::CmdlineParameter& parameter : *split) {
    if (parameter.name.empty() ||
        parameter.name.find(' ') != std::string::npos) {
      return;
    }
    quoted += parameter.name;
    if (parameter.value.has_value()) quoted += "=\"" + *parameter.value + "\"";
    quoted += " ";
  }
  const auto again = verify::SplitCmdline(quoted);
  if (again.ok()) {
    Require(again->size() == split->size(), "as many parameters");
    for (std::size_t i = 0; i < split->size(); ++i) {
      Require((*again)[i].name == (*split)[i].name &&
                  (*again)[i].value == (*split)[i].value,
              "the same parameters");
    }
  }
  if (!arguments.ok()) {
    Require(verify::DiskReasonOf(arguments.status()).has_value(), "one reason");
    return;
  }
  for (const auto* verity : {&arguments->root, &arguments->usr}) {
    Require(!verity->has_value() || (*verity)->root_hash.size() == 32 ||
                (*verity)->root_hash.size() == 64,
            "a digest");
  }
}

void CheckVerity(std::string_view input) {
  std::string data(TakePart(input));
  const std::string hashes(input.substr(0, 1 << 20));
  const auto view = verify::DiskView::OfBytes(hashes);
  const auto superblock = verify::ReadVeritySuperblock(view, 0);
  if (!superblock.ok()) {
    Require(verify::DiskReasonOf(superblock.status()).has_value(),
            "one reason");
    return;
  }
  const auto compute = [&] {
    return verify::ComputeVerity(*superblock, verify::DiskView::OfBytes(data),
                                 view, 0, [](std::uint64_t, std::uint64_t) {});
  };
  const auto result = compute();
  if (!result.ok()) {
    Require(verify::DiskReasonOf(result.status()).has_value(), "one reason");
    return;
  }
  Require(result->root_hash.size() == verify::DigestBytes(superblock->hash),
          "a digest");
  data[superblock->data_blocks * superblock->data_block_bytes - 1] ^= 1;
  const auto other = compute();
  Require(other.ok() && other->root_hash != result->root_hash,
          "another root hash of other data");
  Require(superblock->data_blocks == 1 ||
              result->wrong_tree_block.has_value() ||
              other->wrong_tree_block.has_value(),
          "a tree of other data");
}

void Check(std::string_view input) {
  if (TakeByte(input) == 0) {
    CheckCmdline(input);
  } else {
    CheckVerity(input);
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
