#include "trustd/rpc/reflection.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>
#include <string>
#include <vector>

#include "proto/grpc/reflection/v1alpha/reflection.pb.h"

namespace anchorage::trustd {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using ::grpc::reflection::v1alpha::ErrorResponse;
using ::grpc::reflection::v1alpha::FileDescriptorResponse;
using ::grpc::reflection::v1alpha::ServerReflectionRequest;
using ::grpc::reflection::v1alpha::ServerReflectionResponse;

constexpr char kService[] = "grpc.reflection.v1alpha.ServerReflection";
// No name of ours is longer.
constexpr std::size_t kMaxNameBytes = 256;

// Adds `file` and what it imports, each once.
void AddFiles(const FileDescriptor& file, std::set<std::string>& seen,
              FileDescriptorResponse& response) {
  if (!seen.insert(file.name()).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  response.add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) {
    AddFiles(*file.dependency(i), seen, response);
  }
}

const FileDescriptor* FindFile(const ServerReflectionRequest& request) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  if (request.message_request_case() ==
      ServerReflectionRequest::kFileByFilename) {
    return pool.FindFileByName(request.file_by_filename());
  }
  return pool.FindFileContainingSymbol(request.file_containing_symbol());
}

void SetError(grpc::StatusCode code, const char* message,
              ServerReflectionResponse& response) {
  ErrorResponse& error = *response.mutable_error_response();
  error.set_error_code(code);
  error.set_error_message(message);
}

void Answer(const std::vector<std::string>& services,
            const ServerReflectionRequest& request,
            ServerReflectionResponse& response) {
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kListServices:
      for (const std::string& service : services) {
        response.mutable_list_services_response()->add_service()->set_name(
            service);
      }
      return;
    case ServerReflectionRequest::kFileByFilename:
    case ServerReflectionRequest::kFileContainingSymbol: {
      std::set<std::string> seen;
      if (const FileDescriptor* file = FindFile(request); file != nullptr) {
        return AddFiles(*file, seen,
                        *response.mutable_file_descriptor_response());
      }
      return SetError(grpc::StatusCode::NOT_FOUND, "not found", response);
    }
    default:
      // Nothing of ours has an extension.
      SetError(grpc::StatusCode::NOT_FOUND, "there are no extensions",
               response);
  }
}

}  // namespace

void AddReflection(CallGate& gate) {
  std::vector<std::string> services = gate.Services();
  services.emplace_back(kService);
  gate.AddConversation(
      std::string("/") + kService + "/ServerReflectionInfo",
      [&gate, services](const Caller& caller, const grpc::ByteBuffer& bytes,
                        grpc::ByteBuffer& answer) {
        ServerReflectionRequest request;
        const grpc::Status status = gate.Read(caller, bytes, request);
        if (!status.ok()) return status;
        if (request.ByteSizeLong() > 2 * kMaxNameBytes) {
          return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                              "no name is as long");
        }
        ServerReflectionResponse response;
        Answer(services, request, response);
        answer = CallGate::ToBuffer(response);
        return grpc::Status::OK;
      });
}

}  // namespace anchorage::trustd
