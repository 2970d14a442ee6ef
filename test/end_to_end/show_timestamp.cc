// What a thief of a trustd's online key can do to it from anywhere: shows it a
// timestamp of any version.
//
//   show_timestamp HOST:PORT KEY.pem VERSION
//
// Exit code 0 if trustd took the question.

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "anchors/publishing/repository_writer.h"
#include "anchors/publishing/signer.h"
#include "anchors/tuf/metadata.h"
#include "proto/anchorage/v1/anchor_service.grpc.pb.h"

namespace anchorage {
namespace {

namespace tuf = anchors::tuf;

absl::StatusOr<std::string> Forge(const std::string& key_path,
                                  std::int64_t version) {
  const auto pem = anchors::ReadFile(key_path, tuf::kMaxRootBytes);
  if (!pem.ok()) return pem.status();
  const auto key = tuf::SoftwareKey::FromPem(*pem);
  if (!key.ok()) return key.status();
  tuf::TimestampSpec spec;
  spec.version = version;
  spec.expires =
      absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()) + 24 * 60 * 60);
  spec.snapshot = tuf::DescribeMetaFile(version, "a snapshot");
  const auto text = tuf::WriteTimestamp(spec);
  if (!text.ok()) return text.status();
  return tuf::SignNew(*text, {key->get()});
}

int Run(const std::string& server, const std::string& key_path,
        std::int64_t version) {
  const auto forged = Forge(key_path, version);
  if (!forged.ok()) {
    std::cerr << forged.status() << "\n";
    return 1;
  }
  v1::GetUpdateRequest request;
  request.mutable_have()->set_timestamp_version(
      static_cast<std::uint64_t>(version));
  request.set_held_timestamp(*forged);
  const auto stub = v1::AnchorService::NewStub(
      grpc::CreateChannel(server, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(20));
  v1::GetUpdateResponse update;
  const grpc::Status status = stub->GetUpdate(&context, request, &update);
  if (status.ok()) return 0;
  std::cerr << status.error_message() << "\n";
  return 1;
}

}  // namespace
}  // namespace anchorage

int main(int argc, char** argv) {
  std::int64_t version = 0;
  if (argc != 4 || !absl::SimpleAtoi(argv[3], &version)) {
    std::cerr << "show_timestamp HOST:PORT KEY.pem VERSION\n";
    return 2;
  }
  return anchorage::Run(argv[1], argv[2], version);
}
