// What a manifest of an image exports, for other programs to read.
//
//   const ImageExport made = ExportImage(ImageFormat::kKeylime, manifest, ...);
//   if (made.left_out > 0) PrintWarning(...);
//
// All of them know regular files alone: links, folders and devices of a
// manifest are in none. Pure.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_EXPORTS_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_EXPORTS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "verify/image/bundle.h"

namespace anchorage::trustctl {

enum class ImageFormat {
  // A runtime policy of keylime, version 1 (JSON).
  kKeylime,
  // A trust file of fapolicyd: path, size, SHA-256.
  kFapolicyd,
  // A list of files in SPDX 2.3 (JSON).
  kSpdx,
};

struct ImageExport {
  std::string text;
  // How many files are left out because the format has no way to name them.
  // For keylime and fapolicyd that is the stricter answer: such a file is not
  // trusted.
  std::size_t left_out = 0;
};

// Exports the files of `manifest`. `tool` is the program's name and version.
ImageExport ExportImage(ImageFormat format,
                        const verify::VerifiedManifest& manifest,
                        std::string_view tool);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_EXPORTS_H_
