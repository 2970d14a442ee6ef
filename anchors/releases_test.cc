#include "anchors/releases.h"

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::AttestationType;
using verify::Reason;
using verify::ReasonOf;
using verify::ReleaseStatus;

absl::Time At(std::int64_t seconds) { return absl::FromUnixSeconds(seconds); }

std::string Value(char c) { return std::string(verify::kPcrBytes, c); }

Release Made(std::string product, std::string name, AttestationType type,
             std::map<int, std::string> measurements, ReleaseStatus status) {
  Release release;
  release.product = std::move(product);
  release.name = std::move(name);
  release.type = type;
  release.measurements = std::move(measurements);
  release.status = status;
  return release;
}

// In canonical order; the first has everything that a release can have.
ReleaseList Good() {
  ReleaseList list;
  list.sequence = 7;
  list.created = At(1'700'000'000);
  list.releases = {
      Made("shop", "1.0", AttestationType::kNitroTpm,
           {{4, Value('d')}, {12, Value('\0')}}, ReleaseStatus::kActive),
      Made("signer", "2.2.0", AttestationType::kEnclave,
           {{0, Value('a')}, {1, Value('b')}}, ReleaseStatus::kRevoked),
      Made("signer", "2.3.0", AttestationType::kEnclave,
           {{0, Value('e')}, {8, Value('f')}}, ReleaseStatus::kActive),
      Made("signer", "2.1.0", AttestationType::kNitroTpm, {{4, Value('c')}},
           ReleaseStatus::kRetired),
  };
  Release& full = list.releases[0];
  full.image_ids = {"ami-0123456789abcdef0", "shop.raw"};
  full.valid_from = At(0);
  full.valid_until = At(2'000'000'000);
  full.notes = "the first; says \"\\\"";
  full.allow_extensions = "a lab";
  return list;
}

std::string GoodText() { return SerializeReleases(Good()); }

std::string FortyEight(const char* digits) {
  std::string hex;
  for (int i = 0; i < 48; ++i) hex += digits;
  return hex;
}

// --- What the text is ------------------------------------------------------

TEST(Releases, ComeBackFromTheirText) {
  const auto read = ParseReleases(GoodText());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == Good());
  EXPECT_EQ(SerializeReleases(*read), GoodText());
}

TEST(Releases, HaveExactlyThisText) {
  ReleaseList list = Good();
  list.releases.resize(2);
  EXPECT_EQ(SerializeReleases(list),
            absl::StrCat(
                R"({"mediaType":"application/vnd.anchorage.releases.v1+json",)"
                R"("sequence":"7","createdTime":"2023-11-14T22:13:20Z",)"
                R"("releases":[{"product":"shop","name":"1.0",)"
                R"("imageIds":["ami-0123456789abcdef0","shop.raw"],)"
                R"("type":"RELEASE_TYPE_NITROTPM","measurements":{"4":")",
                FortyEight("64"), R"(","12":")", FortyEight("00"),
                R"("},"validFrom":"1970-01-01T00:00:00Z",)"
                R"("validUntil":"2033-05-18T03:33:20Z",)"
                R"("status":"RELEASE_STATUS_ACTIVE",)"
                R"("notes":"the first; says \"\\\"",)"
                R"("allowExtensions":"a lab"},)"
                R"({"product":"signer","name":"2.2.0",)"
                R"("type":"RELEASE_TYPE_ENCLAVE","measurements":{"0":")",
                FortyEight("61"), R"(","1":")", FortyEight("62"),
                R"("},"status":"RELEASE_STATUS_REVOKED"}]})"));
}

TEST(Releases, HaveOneTextWhateverTheOrder) {
  ReleaseList shuffled = Good();
  std::swap(shuffled.releases[0], shuffled.releases[3]);
  std::swap(shuffled.releases[1], shuffled.releases[2]);
  EXPECT_EQ(SerializeReleases(shuffled), GoodText());
}

TEST(Releases, MayBeNone) {
  ReleaseList list = Good();
  list.releases.clear();
  const auto read = ParseReleases(SerializeReleases(list));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == list);
  EXPECT_TRUE(ToReleaseSet(*read)->releases().empty());
}

TEST(Releases, IgnoreMembersThatTheyDoNotKnow) {
  const auto read = ParseReleases(absl::StrReplaceAll(
      GoodText(), {{"\"product\":", "\"later\":{\"a\":[1.5]},\"product\":"},
                   {"\"releases\":", "\"more\":null,\"releases\":"}}));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == Good());
}

TEST(Releases, SkipAndCountWhatIsNewerThanThemselves) {
  for (const auto& [known, left] : {std::pair("RELEASE_TYPE_NITROTPM", 2u),
                                    std::pair("RELEASE_STATUS_REVOKED", 3u)}) {
    const auto read = ParseReleases(
        absl::StrReplaceAll(GoodText(), {{known, "RELEASE_LATER"}}));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->releases.size(), left);
    EXPECT_EQ(read->skipped, 4 - static_cast<int>(left));
  }
}

TEST(Releases, SkipAnUnknownReleaseHoweverItIsMade) {
  std::string text = GoodText();
  text.insert(
      text.find("\"releases\":[") + 12,
      R"({"type":"RELEASE_TYPE_LATER","status":"RELEASE_STATUS_ACTIVE"},)");
  const auto read = ParseReleases(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->skipped, 1);
  EXPECT_EQ(read->releases.size(), 4u);
}

TEST(Releases, BecomeASetWithTheirWindowsAndStatuses) {
  const auto set = ToReleaseSet(Good());
  EXPECT_EQ(set->releases().size(), 4u);
  const auto shop = set->Of(AttestationType::kNitroTpm, "shop");
  ASSERT_EQ(shop.size(), 1u);
  EXPECT_EQ(shop[0].name, "1.0");
  EXPECT_EQ(shop[0].valid_from, At(0));
  EXPECT_EQ(shop[0].valid_until, At(2'000'000'000));
  EXPECT_EQ(shop[0].pcrs.values(), Good().releases[0].measurements);
  const auto signer = set->Of(AttestationType::kEnclave, "signer");
  ASSERT_EQ(signer.size(), 2u);
  EXPECT_EQ(signer[0].status, ReleaseStatus::kRevoked);
  EXPECT_EQ(signer[1].status, ReleaseStatus::kActive);
  EXPECT_EQ(signer[1].valid_from, absl::InfinitePast());
  EXPECT_EQ(signer[1].valid_until, absl::InfiniteFuture());
}

// --- What is refused: of the text ------------------------------------------

// Replaces the first `from` in the good text by `to`.
struct TextBreakage {
  const char* name;
  std::string from;
  std::string to;
  Reason expected;
};

class OneTextBreakage : public ::testing::TestWithParam<TextBreakage> {};

TEST_P(OneTextBreakage, IsRejectedForExactlyThatReason) {
  std::string text = GoodText();
  const std::size_t at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, GetParam().from.size(), GetParam().to);
  EXPECT_EQ(ReasonOf(ParseReleases(text).status()), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Releases, OneTextBreakage,
    ::testing::Values(
        TextBreakage{"NotJson", "{", "[", Reason::kDocumentMalformed},
        TextBreakage{"AfterTheEnd", "{", "{}{", Reason::kTrailingBytes},
        TextBreakage{"NameTwice", "\"name\":", "\"name\":\"x\",\"name\":",
                     Reason::kDuplicateKey},
        TextBreakage{"OtherMediaType", "v1+json", "v2+json",
                     Reason::kFieldInvalid},
        TextBreakage{"ACatalog", "anchorage.releases", "anchorage.catalog",
                     Reason::kFieldInvalid},
        TextBreakage{"NoMediaType", "mediaType", "media_type",
                     Reason::kFieldMissing},
        TextBreakage{"NoSequence", "sequence", "was", Reason::kFieldMissing},
        TextBreakage{"SequenceANumber", "\"7\"", "7", Reason::kFieldInvalid},
        TextBreakage{"SequenceZero", "\"7\"", "\"0\"", Reason::kFieldInvalid},
        TextBreakage{"NoTime", "createdTime", "was", Reason::kFieldMissing},
        TextBreakage{"TimeWithFraction", "20Z", "20.5Z", Reason::kFieldInvalid},
        TextBreakage{"ReleasesAnObject", "\"releases\":[",
                     "\"releases\":{},\"was\":[", Reason::kFieldInvalid},
        TextBreakage{"ReleaseNoObject", "\"releases\":[", "\"releases\":[1,",
                     Reason::kFieldInvalid},
        TextBreakage{"NoProduct", "\"product\"", "\"was\"",
                     Reason::kFieldMissing},
        TextBreakage{"NoName", "\"name\"", "\"was\"", Reason::kFieldMissing},
        TextBreakage{"NoType", "\"type\"", "\"was\"", Reason::kFieldMissing},
        TextBreakage{"TypeUnspecified", "RELEASE_TYPE_NITROTPM",
                     "RELEASE_TYPE_UNSPECIFIED", Reason::kFieldInvalid},
        TextBreakage{"NoStatus", "\"status\"", "\"was\"",
                     Reason::kFieldMissing},
        TextBreakage{"StatusUnspecified", "RELEASE_STATUS_ACTIVE",
                     "RELEASE_STATUS_UNSPECIFIED", Reason::kFieldInvalid},
        TextBreakage{"StatusANumber", "\"RELEASE_STATUS_ACTIVE\"", "1",
                     Reason::kFieldInvalid},
        TextBreakage{"ImagesAString", "\"imageIds\":[\"ami",
                     "\"imageIds\":\"x\",\"was\":[\"ami",
                     Reason::kFieldInvalid},
        TextBreakage{"ImageANumber", "\"imageIds\":[", "\"imageIds\":[1,",
                     Reason::kFieldInvalid},
        TextBreakage{"NoMeasurements", "\"measurements\"", "\"was\"",
                     Reason::kFieldMissing},
        TextBreakage{"MeasurementsAnArray", "\"measurements\":{",
                     "\"measurements\":[],\"was\":{", Reason::kFieldInvalid},
        TextBreakage{"MeasurementANumber", "\"4\":\"64", "\"5\":0,\"4\":\"64",
                     Reason::kFieldInvalid},
        TextBreakage{"PcrTwice", "\"4\":\"64", "\"4\":\"64\",\"4\":\"64",
                     Reason::kDuplicateKey},
        TextBreakage{"PcrPadded", "\"12\":", "\"012\":", Reason::kFieldInvalid},
        TextBreakage{"PcrNegative",
                     "\"12\":", "\"-1\":", Reason::kFieldInvalid},
        TextBreakage{"PcrOutOfRange",
                     "\"12\":", "\"32\":", Reason::kFieldInvalid},
        TextBreakage{"PcrNamed",
                     "\"12\":", "\"PCR12\":", Reason::kFieldInvalid},
        TextBreakage{"PcrInUpperCase", "\"4\":\"64", "\"4\":\"6A",
                     Reason::kEncodingMalformed},
        TextBreakage{"PcrNotHex", "\"4\":\"64", "\"4\":\"0x",
                     Reason::kEncodingMalformed},
        TextBreakage{"PcrOfAnOddLength", "\"4\":\"64", "\"4\":\"6",
                     Reason::kEncodingMalformed},
        TextBreakage{"PcrTooShort", "\"4\":\"64", "\"4\":\"",
                     Reason::kFieldInvalid},
        TextBreakage{"NotesNotAscii", "the first", "the f\u00efrst",
                     Reason::kFieldInvalid},
        TextBreakage{"NotesWithControl", "the first", "the\\nfirst",
                     Reason::kFieldInvalid}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Releases, RefuseATextOverTheLimit) {
  std::string text = GoodText();
  text.append(kMaxReleasesBytes - text.size(), ' ');
  EXPECT_TRUE(ParseReleases(text).ok());
  text.push_back(' ');
  EXPECT_EQ(ReasonOf(ParseReleases(text).status()), Reason::kInputTooLarge);
}

TEST(Releases, RefuseEveryPrefixOfTheirText) {
  const std::string text = GoodText();
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(ReasonOf(ParseReleases(text.substr(0, size)).status()),
              Reason::kDocumentMalformed)
        << size;
  }
}

// --- What is refused: of the value, and so of the text too ------------------

struct Breakage {
  const char* name;
  std::function<void(ReleaseList&)> apply;
  Reason expected;
};

class OneBreakage : public ::testing::TestWithParam<Breakage> {};

TEST_P(OneBreakage, IsRejectedForExactlyThatReason) {
  ReleaseList list = Good();
  ASSERT_TRUE(CheckReleases(list).ok());
  GetParam().apply(list);
  EXPECT_EQ(ReasonOf(CheckReleases(list)), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Releases, OneBreakage,
    ::testing::Values(
        Breakage{"CreatedInHalfSeconds",
                 [](ReleaseList& l) { l.created += absl::Milliseconds(500); },
                 Reason::kFieldInvalid},
        Breakage{"SequenceOverInt64",
                 [](ReleaseList& l) { l.sequence = UINT64_MAX; },
                 Reason::kFieldInvalid},
        Breakage{"TooManyReleases",
                 [](ReleaseList& l) { l.releases.resize(kMaxReleases + 1); },
                 Reason::kInputTooLarge},
        Breakage{"NoProduct",
                 [](ReleaseList& l) { l.releases[0].product = ""; },
                 Reason::kFieldInvalid},
        Breakage{"ProductWithBlank",
                 [](ReleaseList& l) { l.releases[0].product = "a b"; },
                 Reason::kFieldInvalid},
        Breakage{"ProductTooLong",
                 [](ReleaseList& l) {
                   l.releases[0].product.assign(kMaxProductBytes + 1, 'a');
                 },
                 Reason::kFieldInvalid},
        Breakage{"NoName", [](ReleaseList& l) { l.releases[0].name = ""; },
                 Reason::kFieldInvalid},
        Breakage{"NameWithControl",
                 [](ReleaseList& l) { l.releases[0].name = "1\n2"; },
                 Reason::kFieldInvalid},
        Breakage{"NameTooLong",
                 [](ReleaseList& l) {
                   l.releases[0].name.assign(kMaxReleaseNameBytes + 1, 'a');
                 },
                 Reason::kFieldInvalid},
        Breakage{"TooManyImages",
                 [](ReleaseList& l) {
                   l.releases[0].image_ids.assign(kMaxImagesPerRelease + 1,
                                                  "a");
                 },
                 Reason::kInputTooLarge},
        Breakage{"EmptyImage",
                 [](ReleaseList& l) { l.releases[0].image_ids[0] = ""; },
                 Reason::kFieldInvalid},
        Breakage{"NotesTooLong",
                 [](ReleaseList& l) {
                   l.releases[0].notes.assign(kMaxNotesBytes + 1, 'a');
                 },
                 Reason::kFieldInvalid},
        Breakage{
            "AllowsExtensionsWithoutAReason",
            [](ReleaseList& l) { l.releases[0].allow_extensions = "true"; },
            Reason::kFieldInvalid},
        Breakage{"AllowsExtensionsForTooLongAReason",
                 [](ReleaseList& l) {
                   l.releases[0].allow_extensions.assign(kMaxNotesBytes + 1,
                                                         'a');
                 },
                 Reason::kFieldInvalid},
        Breakage{
            "AllowsExtensionsOfAnEnclave",
            [](ReleaseList& l) { l.releases[1].allow_extensions = "a lab"; },
            Reason::kFieldInvalid},
        Breakage{
            "FilesWithoutTheImage",
            [](ReleaseList& l) {
              l.releases[0].measurements = {{8, Value('a')}, {12, Value('\0')}};
            },
            Reason::kFieldMissing},
        Breakage{"WindowBackwards",
                 [](ReleaseList& l) { l.releases[0].valid_until = At(-1); },
                 Reason::kFieldInvalid},
        Breakage{"WindowInHalfSeconds",
                 [](ReleaseList& l) {
                   *l.releases[0].valid_from += absl::Milliseconds(500);
                 },
                 Reason::kFieldInvalid},
        Breakage{"NoMeasurements",
                 [](ReleaseList& l) { l.releases[0].measurements.clear(); },
                 Reason::kFieldMissing},
        Breakage{"EnclaveWithoutItsImage",
                 [](ReleaseList& l) { l.releases[2].measurements.erase(0); },
                 Reason::kFieldMissing},
        Breakage{"NitroTpmWithoutItsImage",
                 [](ReleaseList& l) { l.releases[0].measurements.erase(4); },
                 Reason::kFieldMissing},
        Breakage{
            "MeasurementTooShort",
            [](ReleaseList& l) { l.releases[2].measurements[0].pop_back(); },
            Reason::kFieldInvalid},
        Breakage{
            "MeasurementOfNoPcr",
            [](ReleaseList& l) { l.releases[2].measurements[32] = Value('a'); },
            Reason::kFieldInvalid},
        Breakage{"ActiveWithAnOpenCommandLine",
                 [](ReleaseList& l) {
                   l.releases[3].status = ReleaseStatus::kActive;
                 },
                 Reason::kPolicyUnsafe},
        Breakage{"TwiceTheSame",
                 [](ReleaseList& l) { l.releases.push_back(l.releases[2]); },
                 Reason::kFieldInvalid},
        Breakage{"TwiceTheNameWithOtherMeasurements",
                 [](ReleaseList& l) {
                   l.releases.push_back(l.releases[2]);
                   l.releases.back().measurements[0] = Value('z');
                 },
                 Reason::kFieldInvalid}),
    [](const auto& info) { return std::string(info.param.name); });

// A list that was signed before this was asked: it is read as before, but
// nobody makes or signs it again.
TEST(Releases, AreReadThoughTheirImagesTellNothing) {
  ReleaseList list = Good();
  EXPECT_TRUE(CheckReleasesSafe(list).ok());
  Release& enclave = list.releases[2];
  ASSERT_EQ(enclave.type, AttestationType::kEnclave);
  enclave.status = ReleaseStatus::kActive;
  enclave.measurements = {{0, Value('\0')}, {1, Value('a')}};
  EXPECT_TRUE(ParseReleases(SerializeReleases(list)).ok());
  EXPECT_EQ(ReasonOf(CheckReleaseSafe(enclave)), Reason::kPolicyUnsafe);
  EXPECT_EQ(ReasonOf(CheckReleasesSafe(list)), Reason::kPolicyUnsafe);
  enclave.measurements[2] = Value('a');
  EXPECT_TRUE(CheckReleasesSafe(list).ok());
  enclave.measurements = {{1, Value('a')}};
  EXPECT_EQ(ReasonOf(CheckReleaseSafe(enclave)), Reason::kPolicyUnsafe);
  enclave.status = ReleaseStatus::kRevoked;
  EXPECT_TRUE(CheckReleaseSafe(enclave).ok());
}

TEST(Releases, MayHaveOneNameForEachTypeAndProduct) {
  ReleaseList list = Good();
  list.releases[3].name = "2.3.0";
  list.releases[0].name = "2.3.0";
  EXPECT_TRUE(CheckReleases(list).ok());
}

TEST(Releases, TakeTheLargestValuesThatTheyPromise) {
  ReleaseList list = Good();
  list.sequence = INT64_MAX;
  Release& release = list.releases[0];
  release.product.assign(kMaxProductBytes, '~');
  release.name.assign(kMaxReleaseNameBytes, '"');
  release.image_ids.assign(kMaxImagesPerRelease,
                           std::string(kMaxImageIdBytes, '\\'));
  release.notes.assign(kMaxNotesBytes, ' ');
  for (int i = 0; i < 32; ++i) release.measurements.try_emplace(i, Value('a'));
  const auto read = ParseReleases(SerializeReleases(list));
  ASSERT_TRUE(read.ok()) << read.status();
  Sort(list);
  EXPECT_TRUE(*read == list);
}

}  // namespace
}  // namespace anchorage::anchors
