#include "trustd/sources/changed_file.h"

#include "verify/crypto/public_key.h"

namespace anchorage::trustd {

absl::StatusOr<std::optional<FetchedFile>> ChangedFile::GetIfChanged(
    Request request) {
  request.have = request.url == last_url_ ? last_validators_ : Validators();
  auto download = downloader_->Get(request);
  if (!download.ok()) return download.status();
  if (download->not_modified) return std::nullopt;
  std::string sha256 = verify::Sha256Hex(download->body);
  last_url_ = request.url;
  last_validators_ = download->validators;
  if (sha256 == last_sha256_) return std::nullopt;
  last_sha256_ = sha256;
  return FetchedFile{std::move(download->body), std::move(sha256),
                     std::move(download->url)};
}

void ChangedFile::Forget() {
  last_url_.clear();
  last_validators_ = {};
  last_sha256_.clear();
}

}  // namespace anchorage::trustd
