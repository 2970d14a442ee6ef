#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "anchors/images/image_proto.h"
#include "proto/anchorage/v1/image_service.grpc.pb.h"
#include "test/support/image_producer.h"
#include "test/support/run_command.h"
#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {
namespace {

using ::testing::HasSubstr;

// Always has another page.
class EndlessImages final : public v1::ImageService::Service {
 public:
  explicit EndlessImages(int of_page) : of_page_(of_page) {
    const absl::Time time = absl::FromUnixSeconds(1'800'000'000);
    const test::ImageProducer acme("acme");
    image_ = anchors::ToProto(
        acme.Entry(test::ImageProducer::Manifest("ledger", "1.2", time), time));
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }

  grpc::Status ListImages(grpc::ServerContext*, const v1::ListImagesRequest*,
                          v1::ListImagesResponse* response) override {
    for (int i = 0; i < of_page_; ++i) {
      *response->add_images()->mutable_image() = image_;
    }
    response->set_next_page_token(std::to_string(++asked_));
    return grpc::Status::OK;
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  const int of_page_;
  v1::Image image_;
  int asked_ = 0;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST(ImageListTest, AListWithoutAnEndIsRefused) {
  for (const int of_page : {0, 2'000}) {
    const EndlessImages server(of_page);
    const Ran ran = RunCommand(AddImageOfTrustd,
                               {"image", "list", "--server", server.address()});
    EXPECT_EQ(ran.code, kUnreadable);
    EXPECT_THAT(ran.err, HasSubstr("has no end"));
  }
}

}  // namespace
}  // namespace anchorage::trustctl
