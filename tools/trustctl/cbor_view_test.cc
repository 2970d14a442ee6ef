#include "tools/trustctl/cbor_view.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/fake_aws/cbor_writer.h"

namespace anchorage::trustctl {
namespace {

using test::CborArray;
using test::CborBytes;
using test::CborIndefiniteMap;
using test::CborInt;
using test::CborMap;
using test::CborNull;
using test::CborTag;
using test::CborText;
using test::CborUint;

std::string Shown(const std::string& bytes) { return ShowCbor(bytes).dump(); }

TEST(CborView, ShowsEveryKindOfValue) {
  EXPECT_EQ(Shown(CborIndefiniteMap(
                {{CborText("module_id"), CborText("i-1")},
                 {CborUint(0), CborBytes("\x01\xff")},
                 {CborText("list"), CborArray({CborInt(-1), CborNull()})},
                 {CborText("time"), CborTag(1) + CborUint(7)},
                 {CborText("yes"), "\xf5"},
                 {CborText("undefined"), "\xf7"}})),
            R"({"module_id":"i-1","0":"01ff","list":["-1-0",null],)"
            R"("time":{"tag 1":7},"yes":true,"undefined":"undefined"})");
}

TEST(CborView, ShowsBothOfAKeyTwice) {
  EXPECT_EQ(Shown(CborMap(
                {{CborText("a"), CborUint(1)}, {CborText("a"), CborUint(2)}})),
            R"j({"a":1,"a (1)":2})j");
}

TEST(CborView, ShowsWhatStandsBeforeWhatCannotBeRead) {
  EXPECT_EQ(
      Shown(CborMap({{CborText("a"), CborUint(1)}, {CborText("b"), "\xff"}})),
      R"j({"a":1,"b":"(cannot be read)"})j");
  EXPECT_EQ(Shown(CborMap({{CborText("a"), CborUint(1)}, {"\xff", ""}})),
            R"j({"a":1,"(cannot be read)":null})j");
  EXPECT_EQ(Shown(""), R"j("(cannot be read)")j");
}

TEST(CborView, IsBounded) {
  EXPECT_NE(Shown(std::string(20000, '\x81')).find("(cannot be read)"),
            std::string::npos);
  const std::string many =
      Shown(CborArray(std::vector<std::string>(30000, CborUint(1))));
  EXPECT_LT(many.size(), 10000u);
  EXPECT_NE(many.find("(more than is shown)"), std::string::npos);
  std::vector<test::CborMember> same(10000, {CborText("a"), CborUint(1)});
  EXPECT_LT(Shown(CborMap(same)).size(), 20000u);
}

TEST(CborView, FindsThePayloadOfAnOddCose) {
  EXPECT_EQ(PayloadOfOddCose(
                CborArray({CborBytes("header"), CborNull(),
                           CborBytes("payload"), CborBytes("signature")})),
            "payload");
  EXPECT_EQ(PayloadOfOddCose(CborTag(98) + CborArray({CborNull(), CborNull(),
                                                      CborBytes("payload")})),
            "payload");
  for (const std::string& bytes :
       {std::string(), CborUint(1), CborArray({}), CborArray({CborNull()}),
        CborArray({CborNull(), CborNull(), CborNull(), CborNull()})}) {
    EXPECT_EQ(PayloadOfOddCose(bytes), std::nullopt);
  }
}

}  // namespace
}  // namespace anchorage::trustctl
