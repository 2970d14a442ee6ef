// The archive in which AWS publishes the root of the Nitro attestation
// documents.

#ifndef ANCHORAGE_TRUSTD_SOURCES_NITRO_ROOT_SOURCE_H_
#define ANCHORAGE_TRUSTD_SOURCES_NITRO_ROOT_SOURCE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "trustd/sources/changed_file.h"
#include "trustd/sources/downloader.h"
#include "trustd/sources/source.h"
#include "trustd/sources/source_settings.h"

namespace anchorage::trustd {

inline constexpr const char kNitroRootAddress[] =
    "https://aws-nitro-enclaves.amazonaws.com/AWS_NitroEnclaves_Root-G1.zip";

// The archive must hold one file `root.pem` with one certificate, and nothing
// else except what macOS adds beside files. The certificate is observed in each
// partition of the scope. The observation's hash is that of the archive, not of
// the certificate: people have mistaken one for the other.
class NitroRootSource final : public Source {
 public:
  NitroRootSource(SourceProfile profile, Request request,
                  std::shared_ptr<Downloader> downloader);

  absl::StatusOr<SourceAnswer> Poll(absl::Time now) override;
  void Forget() override { archive_.Forget(); }

 private:
  const Request request_;
  ChangedFile archive_;
};

class NitroRootSettings final : public SourceKind {
 public:
  std::string address;

  absl::StatusOr<std::unique_ptr<Source>> Make(
      const SourceSettings& settings,
      const SourceEnvironment& environment) const override;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_NITRO_ROOT_SOURCE_H_
