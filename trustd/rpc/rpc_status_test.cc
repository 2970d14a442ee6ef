#include "trustd/rpc/rpc_status.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/anchorage/v1/errors.pb.h"

namespace anchorage::trustd {
namespace {

TEST(RpcError, CarriesItsReason) {
  const grpc::Status status =
      RpcError(grpc::StatusCode::NOT_FOUND, kSourceNotFound, "no such source");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no such source");
  v1::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.message(), "no such source");
  ASSERT_EQ(details.details_size(), 1);
  v1::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(details.details(0).value()));
  EXPECT_EQ(info.reason(), kSourceNotFound);
}

// It may quote a name of the request.
TEST(RpcError, SaysNothingThatATerminalObeys) {
  const grpc::Status status =
      RpcError(grpc::StatusCode::NOT_FOUND, kSourceNotFound,
               "no source 'a\x1b[2J\nACCEPTED  account 1'");
  const std::string shown = "no source 'a\\x1b[2J\\nACCEPTED  account 1'";
  EXPECT_EQ(status.error_message(), shown);
  v1::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.message(), shown);
}

}  // namespace
}  // namespace anchorage::trustd
