// Alerts over real TLS: what is open, and who says that they know.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "anchors/base/proto_time.h"
#include "proto/anchorage/v1/alerts.pb.h"
#include "test/support/admin_calls.h"
#include "trustd/admin/admin_server.h"

namespace anchorage::trustd {
namespace {

class AdminAlertTest : public AdminServerTest {
 protected:
  void SetUp() override {
    AdminServerTest::SetUp();
    world_.server_options.open_alerts = [](absl::Time) {
      v1::OpenAlert alert;
      alert.set_id("rotation/1");
      alert.set_kind("ROTATION_DETECTED");
      return std::vector<v1::OpenAlert>{alert};
    };
    world_.Start();
  }

  v1::AcknowledgeAlertRequest Good() const {
    v1::AcknowledgeAlertRequest request;
    request.set_id("rotation/1");
    anchors::SetTime(world_.now() + absl::Hours(8),
                     *request.mutable_until_time());
    request.set_why("asleep");
    return request;
  }

  v1::OpenAlert Listed() {
    v1::ListAlertsResponse response;
    const grpc::Status status =
        Call<Audit>(world_.ConnectAs("viewer-vera"), &Audit::Stub::ListAlerts,
                    v1::ListAlertsRequest(), response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.alerts_size(), 1);
    return response.alerts_size() == 1 ? response.alerts(0) : v1::OpenAlert();
  }

  grpc::Status Acknowledge(const std::string& who,
                           const v1::AcknowledgeAlertRequest& request) {
    return Try<Admin>(world_.ConnectAs(who), &Admin::Stub::AcknowledgeAlert,
                      request);
  }
};

TEST_F(AdminAlertTest, SaysWhoKnowsUnderTheNameThatTlsProved) {
  EXPECT_EQ(Listed().acknowledged_by(), "");
  v1::AcknowledgeAlertResponse response;
  const grpc::Status status =
      Call<Admin>(world_.ConnectAs("approver-alice"),
                  &Admin::Stub::AcknowledgeAlert, Good(), response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.alert().acknowledged_by(), "approver-alice");
  const v1::OpenAlert listed = Listed();
  EXPECT_EQ(listed.acknowledged_by(), "approver-alice");
  EXPECT_EQ(listed.acknowledged_why(), "asleep");
  EXPECT_EQ(anchors::TimeOf(listed.acknowledged_until_time()),
            world_.now() + absl::Hours(8));
  world_.Advance(absl::Hours(8));
  EXPECT_EQ(Listed().acknowledged_by(), "");
}

TEST_F(AdminAlertTest, IsForWhoDecides) {
  EXPECT_TRUE(Acknowledge("operator-olga", Good()).ok());
  for (const char* who : {"viewer-vera", "instance-ines"}) {
    EXPECT_EQ(ReasonOf(Acknowledge(who, Good())), "ROLE_INSUFFICIENT") << who;
  }
  EXPECT_EQ(
      ReasonOf(Try<Audit>(world_.ConnectAs("instance-ines"),
                          &Audit::Stub::ListAlerts, v1::ListAlertsRequest())),
      "ROLE_INSUFFICIENT");
}

TEST_F(AdminAlertTest, IsOfWhatIsOpenWithAReasonAndATime) {
  v1::AcknowledgeAlertRequest request = Good();
  request.set_id("rotation/2");
  EXPECT_EQ(ReasonOf(Acknowledge("operator-olga", request)), "ALERT_NOT_FOUND");
  request = Good();
  request.clear_why();
  EXPECT_EQ(ReasonOf(Acknowledge("operator-olga", request)), "REQUEST_INVALID");
  request = Good();
  request.clear_until_time();
  EXPECT_EQ(ReasonOf(Acknowledge("operator-olga", request)), "REQUEST_INVALID");
}

}  // namespace
}  // namespace anchorage::trustd
