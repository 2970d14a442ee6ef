#include "trustd/serve/answers.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "anchors/bundle_proto.h"
#include "anchors/catalog_proto.h"
#include "trustd/rpc/rpc_status.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

// The limits of GetUpdateResponse.roots.
constexpr std::size_t kMaxRootsBytes = 2 * 1024 * 1024;
constexpr std::size_t kMaxTimestampBytes = 16 * 1024;

constexpr int kDefaultPageSize = 100;
constexpr int kMaxPageSize = 500;
constexpr std::size_t kMaxFilterBytes = 64;
constexpr std::size_t kSha256HexSize = 64;

// Where a page begins, bound to the catalog and the filter it was given for.
struct PageToken {
  std::uint64_t sequence = 0;
  std::uint64_t offset = 0;
  std::string filter;

  std::string Encode() const {
    return absl::WebSafeBase64Escape(
        absl::StrCat(sequence, ".", offset, ".", filter));
  }

  static std::optional<PageToken> Decode(const std::string& text) {
    std::string plain;
    if (!absl::WebSafeBase64Unescape(text, &plain)) return std::nullopt;
    const std::vector<std::string> parts = absl::StrSplit(plain, '.');
    PageToken token;
    if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &token.sequence) ||
        !absl::SimpleAtoi(parts[1], &token.offset)) {
      return std::nullopt;
    }
    token.filter = parts[2];
    return token;
  }
};

// Identifies a filter, so that a token is only good for the filter it was made
// for.
std::string FilterName(const v1::ListAnchorsRequest& request) {
  return verify::Sha256Hex(absl::StrCat(request.partition(), "\n",
                                        request.region(), "\n", request.kind(),
                                        "\n", request.status()))
      .substr(0, 16);
}

bool Passes(const v1::ListAnchorsRequest& request, const v1::Anchor& anchor) {
  return (request.partition().empty() ||
          request.partition() == anchor.slot().partition()) &&
         (request.region().empty() ||
          request.region() == anchor.slot().region()) &&
         (request.kind() == v1::ANCHOR_KIND_UNSPECIFIED ||
          request.kind() == anchor.slot().kind()) &&
         (request.status() == v1::ANCHOR_STATUS_UNSPECIFIED ||
          request.status() == anchor.status());
}

}  // namespace

grpc::Status SelectUpdate(const Publication& publication,
                          const v1::GetUpdateRequest& request,
                          UpdateParts& parts) {
  const anchors::BundleVersions have = anchors::FromProto(request.have());
  for (const auto& [path, hash] : have.target_sha256) {
    if (!hash.empty() && hash.size() != kSha256HexSize) {
      return RequestError(
          "'catalog_sha256', 'releases_sha256' and each 'sha256' of "
          "'other_targets' are 64 hex digits");
    }
  }
  if (request.held_timestamp().size() > kMaxTimestampBytes) {
    return RequestError("'held_timestamp' is at most 16384 bytes");
  }
  // A caller may have more roots than we do.
  parts.first_root = static_cast<std::size_t>(
      std::min<std::uint64_t>(have.root, publication.files.roots.size()));
  parts.end_root = parts.first_root;
  std::size_t bytes = 0;
  for (; parts.end_root < publication.files.roots.size(); ++parts.end_root) {
    bytes += publication.files.roots[parts.end_root].size();
    if (bytes > kMaxRootsBytes) {
      parts.more_roots = true;
      return grpc::Status::OK;
    }
  }
  parts.timestamp = have.timestamp != publication.timestamp_version;
  parts.snapshot = have.snapshot != publication.snapshot_version;
  parts.targets = have.targets != publication.targets_version;
  // If there is no longer a target, the metadata says so: there is nothing to
  // send.
  for (const auto& [path, hash] : publication.target_sha256) {
    const auto held = have.target_sha256.find(path);
    // A caller that cannot read it would be sent it each time.
    if (held != have.target_sha256.end() && held->second != hash) {
      parts.target_files.push_back(path);
    }
  }
  return grpc::Status::OK;
}

void FillUpdate(const Publication& publication, const UpdateParts& parts,
                v1::GetUpdateResponse& response) {
  for (std::size_t i = parts.first_root; i < parts.end_root; ++i) {
    response.add_roots(publication.files.roots[i]);
  }
  response.set_more_roots(parts.more_roots);
  if (parts.timestamp) response.set_timestamp(publication.files.timestamp);
  if (parts.snapshot) response.set_snapshot(publication.files.snapshot);
  if (parts.targets) response.set_targets(publication.files.targets);
  for (const std::string& path : parts.target_files) {
    anchors::AddTarget(path, publication.files.target(path), response);
  }
  response.set_sequence(publication.catalog.sequence);
}

void FillHint(const Publication& publication, v1::WatchUpdatesResponse& hint) {
  hint.set_sequence(publication.catalog.sequence);
  hint.set_timestamp_version(publication.timestamp_version);
}

grpc::Status AnswerList(const Publication& publication,
                        const v1::ListAnchorsRequest& request,
                        v1::ListAnchorsResponse& response) {
  if (request.page_size() < 0 || request.page_size() > kMaxPageSize) {
    return RequestError(
        absl::StrCat("'page_size' is from 0 to ", kMaxPageSize));
  }
  if (request.partition().size() > kMaxFilterBytes ||
      request.region().size() > kMaxFilterBytes) {
    return RequestError("'partition' and 'region' are at most 64 bytes");
  }
  PageToken at{publication.catalog.sequence, 0, FilterName(request)};
  if (!request.page_token().empty()) {
    const auto token = PageToken::Decode(request.page_token());
    if (!token.has_value() || token->filter != at.filter) {
      return RpcError(grpc::StatusCode::INVALID_ARGUMENT, kPageTokenInvalid,
                      "the page token is not one of this filter");
    }
    if (token->sequence != at.sequence) {
      return RpcError(grpc::StatusCode::ABORTED, kCatalogChanged,
                      "a newer catalog was published: begin again");
    }
    at.offset = token->offset;
  }
  const std::uint64_t size =
      request.page_size() == 0 ? kDefaultPageSize : request.page_size();
  std::uint64_t passed = 0;
  for (const anchors::CatalogAnchor& anchor : publication.catalog.anchors) {
    v1::Anchor proto = anchors::ToProto(anchor);
    if (!Passes(request, proto)) continue;
    if (passed >= at.offset && passed - at.offset < size) {
      *response.add_anchors() = std::move(proto);
    }
    ++passed;
  }
  if (at.offset < passed && passed - at.offset > size) {
    at.offset += size;
    response.set_next_page_token(at.Encode());
  }
  response.set_sequence(publication.catalog.sequence);
  response.set_total_size(static_cast<int>(passed));
  return grpc::Status::OK;
}

}  // namespace anchorage::trustd
