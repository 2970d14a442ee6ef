#include "proto/anchorage/v1/report_service.pb.h"
#include "test/fuzz/corpus.h"

namespace anchorage::test {

Seeds ReportSeeds() {
  v1::ReportOutcomesRequest request;
  request.set_library_version("1.0.0");
  request.set_bundle_sequence(7);
  request.set_seconds(3600);
  Seeds seeds = {request.SerializeAsString()};
  const auto add = [&](const char* region, v1::AnchorKind kind,
                       const char* reason, std::uint64_t number) {
    v1::OutcomeCount& count = *request.add_counts();
    if (*region != '\0') count.set_partition("aws");
    count.set_region(region);
    count.set_kind(kind);
    count.set_reason(reason);
    count.set_count(number);
  };
  add("eu-west-1", v1::ANCHOR_KIND_IID_RSA2048, "", 1000);
  add("eu-west-1", v1::ANCHOR_KIND_IID_RSA2048, "SIGNATURE_MISMATCH", 1);
  seeds.push_back(request.SerializeAsString());
  add("", v1::ANCHOR_KIND_UNSPECIFIED, "PKCS7_MALFORMED", ~std::uint64_t{0});
  add("mx-south-9", v1::ANCHOR_KIND_NITRO_ROOT, "MADE_UP", 1);
  request.set_sampled_one_in(1'000'000);
  seeds.push_back(request.SerializeAsString());
  return seeds;
}

Seeds ReportAnswerSeeds() {
  v1::ReportOutcomesResponse response;
  response.set_seconds_until_next(3600);
  return {"", response.SerializeAsString()};
}

}  // namespace anchorage::test
