#include "anchors/wire/plain_message.h"

#include <grpc/compression.h>
#include <grpcpp/support/slice.h>

#include <cstdint>
#include <string_view>

// gRPC exports this function but declares it in no header: the flags of the
// frame that was received last. A message that is flagged as compressed but
// names no encoding reaches us like any other, and nothing else tells it apart.
std::uint32_t grpc_call_test_only_get_message_flags(grpc_call* call);

namespace anchorage::anchors {
namespace {

constexpr int kOnlyIdentity = 1 << GRPC_COMPRESS_NONE;
// GRPC_WRITE_INTERNAL_COMPRESS of gRPC: the first byte of a frame is 1.
constexpr std::uint32_t kCompressed = 0x80000000u;

template <typename Arguments, typename Setter>
void Refuse(Arguments& arguments, Setter set) {
  // With the first setting alone, gRPC would decompress a message before
  // refusing it.
  set(arguments, GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
      kOnlyIdentity);
  set(arguments, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
}

}  // namespace

void RefuseCompression(grpc::ChannelArguments& arguments) {
  Refuse(arguments,
         [](auto& to, const char* name, int value) { to.SetInt(name, value); });
}

void RefuseCompression(grpc::ServerBuilder& builder) {
  Refuse(builder, [](auto& to, const char* name, int value) {
    to.AddChannelArgument(name, value);
  });
}

absl::Status ReadMessage(const grpc::ByteBuffer& buffer, grpc_call* call,
                         const WireLimits& limits,
                         google::protobuf::Message& message) {
  if ((grpc_call_test_only_get_message_flags(call) & kCompressed) != 0) {
    return absl::InternalError("a message is flagged as compressed");
  }
  grpc::Slice slice;
  if (!buffer.Valid() || (!buffer.TrySingleSlice(&slice).ok() &&
                          !buffer.DumpToSingleSlice(&slice).ok())) {
    return absl::InternalError("no message came");
  }
  return ParseBounded(
      std::string_view(reinterpret_cast<const char*>(slice.begin()),
                       slice.size()),
      limits, message);
}

}  // namespace anchorage::anchors
