#include "client/verdict_json.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/tuf/tuf_error.h"
#include "verify/encoding/utf8.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

// Writes one object, indented by two.
class Json {
 public:
  Json() { out_ = "{"; }
  std::string Finish() && {
    Close('}');
    return std::move(out_);
  }

  void Open(std::string_view name, char bracket) {
    Name(name);
    out_ += bracket;
    empty_ = true;
    ++depth_;
  }
  // Of an array: opens an object in it.
  void OpenElement() {
    Line();
    out_ += '{';
    empty_ = true;
    ++depth_;
  }
  void Close(char bracket) {
    --depth_;
    if (!empty_) NewLine();
    out_ += bracket;
    empty_ = false;
  }

  void Text(std::string_view name, std::string_view text) {
    Name(name);
    Quote(text);
  }
  void OptionalText(std::string_view name,
                    const std::optional<std::string>& text) {
    text.has_value() ? Text(name, *text) : Null(name);
  }
  void Hex(std::string_view name, const std::optional<std::string>& bytes) {
    bytes.has_value() ? Text(name, absl::BytesToHexString(*bytes)) : Null(name);
  }
  void Time(std::string_view name, absl::Time time) {
    Text(name,
         absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()));
  }
  template <typename Number>
  void Integer(std::string_view name, Number number) {
    Name(name);
    absl::StrAppend(&out_, number);
  }
  void Null(std::string_view name) {
    Name(name);
    out_ += "null";
  }
  void YesOrNo(std::string_view name, bool yes) {
    Name(name);
    out_ += yes ? "true" : "false";
  }
  template <typename List, typename ToText>
  void Texts(std::string_view name, const List& list, ToText to_text) {
    Open(name, '[');
    for (const auto& element : list) {
      Line();
      Quote(to_text(element));
    }
    Close(']');
  }
  void Texts(std::string_view name, const std::vector<std::string>& list) {
    Texts(name, list, [](std::string_view text) { return text; });
  }
  void OptionalTexts(std::string_view name,
                     const std::optional<std::vector<std::string>>& list) {
    list.has_value() ? Texts(name, *list) : Null(name);
  }

 private:
  void NewLine() {
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }
  void Line() {
    if (!empty_) out_ += ',';
    empty_ = false;
    NewLine();
  }
  void Name(std::string_view name) {
    Line();
    Quote(name);
    out_ += ": ";
  }

  // Bytes that are not UTF-8 become U+FFFD.
  void Quote(std::string_view text) {
    out_ += '"';
    while (!text.empty()) {
      const std::size_t length = verify::Utf8SequenceLength(text);
      if (length == 1) {
        Escape(text.front());
      } else if (length == 0) {
        out_ += "\xef\xbf\xbd";
      } else {
        out_ += text.substr(0, length);
      }
      text.remove_prefix(length == 0 ? 1 : length);
    }
    out_ += '"';
  }

  void Escape(char c) {
    constexpr std::string_view kShort = "\b\f\n\r\t\"\\";
    if (const std::size_t i = kShort.find(c); i != kShort.npos) {
      out_ += '\\';
      out_ += "bfnrt\"\\"[i];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppend(&out_, "\\u", absl::Hex(c, absl::kZeroPad4));
    } else {
      out_ += c;
    }
  }

  std::string out_;
  std::size_t depth_ = 1;
  bool empty_ = true;
};

std::string_view ReasonNameOf(const absl::Status& status) {
  if (const auto reason = verify::ReasonOf(status); reason.has_value()) {
    return verify::NameOf(*reason);
  }
  const auto reason = anchors::tuf::TufReasonOf(status);
  return reason.has_value() ? anchors::tuf::NameOf(*reason) : "";
}

std::string_view MarkOf(verify::Trace::Outcome outcome) {
  switch (outcome) {
    case verify::Trace::Outcome::kPassed:
      return "ok";
    case verify::Trace::Outcome::kFailed:
      return "FAIL";
    case verify::Trace::Outcome::kNotReached:
      return "--";
  }
  return "";
}

// What every verdict begins with.
void Begin(const absl::Status& status, const verify::Trace& trace, Json& json) {
  json.Text("verdict", VerdictWord(status));
  json.Text("reason", ReasonNameOf(status));
  json.Text("check", trace.failed_check());
  const absl::string_view detail = status.message();
  json.Text("detail", std::string_view(detail.data(), detail.size()));
  if (const int index = verify::CertificateIndexOf(status); index >= 0) {
    json.Integer("certificate_index", index);
  }
}

void Provenance(const verify::AnchorProvenance& provenance,
                verify::Freshness freshness, Json& json) {
  const auto is_finite = [](absl::Time time) {
    return time != absl::InfinitePast() && time != absl::InfiniteFuture();
  };
  json.Text("origin", verify::NameOf(provenance.origin));
  json.Integer("sequence", provenance.sequence);
  json.Text("freshness", verify::NameOf(freshness));
  if (is_finite(provenance.as_of)) json.Time("as_of", provenance.as_of);
  // What a program was built with is not fresh until any time.
  if (freshness != verify::Freshness::kBakedIn &&
      is_finite(provenance.fresh_until)) {
    json.Time("fresh_until", provenance.fresh_until);
  }
}

// What every verdict ends with.
std::string End(const AnchorsUsed& used, const verify::Trace& trace,
                Json json) {
  json.Open("anchors", '{');
  Provenance(used.provenance, used.freshness, json);
  json.Close('}');
  json.Open("trace", '[');
  if (trace.records_all()) {
    for (const auto& entry : trace.entries()) {
      json.OpenElement();
      json.Text("check", entry.check);
      json.Text("outcome", MarkOf(entry.outcome));
      json.Text("detail", entry.detail);
      json.Close('}');
    }
  }
  json.Close(']');
  return std::move(json).Finish();
}

}  // namespace

std::string_view VerdictWord(const absl::Status& status) {
  if (status.ok()) return "ACCEPTED";
  const auto reason = verify::ReasonOf(status);
  return reason.has_value() &&
                 verify::FamilyOf(*reason) != verify::Family::kUndecided
             ? "REJECTED"
             : "UNDECIDED";
}

std::string VerdictJson(const verify::VerifiedIdentity& identity,
                        const AnchorsUsed& used, const verify::Trace& trace) {
  const verify::IdentityDocument& document = identity.document();
  Json json;
  Begin(absl::OkStatus(), trace, json);
  json.Open("identity", '{');
  json.Text("account_id", document.account_id);
  json.Text("region", document.region);
  json.Text("partition", identity.partition());
  json.Text("availability_zone", document.availability_zone);
  json.Text("instance_id", document.instance_id);
  json.Text("instance_type", document.instance_type);
  json.Text("image_id", document.image_id);
  json.Text("architecture", document.architecture);
  json.OptionalText("kernel_id", document.kernel_id);
  json.OptionalText("ramdisk_id", document.ramdisk_id);
  json.OptionalText("private_ip", document.private_ip);
  json.Time("pending_time", document.pending_time);
  json.Text("version", document.version);
  json.OptionalTexts("marketplace_product_codes",
                     document.marketplace_product_codes);
  json.OptionalTexts("devpay_product_codes", document.devpay_product_codes);
  json.OptionalTexts("billing_products", document.billing_products);
  json.Texts("unknown_keys", document.unknown_keys);
  if (identity.signing_time().has_value()) {
    json.Time("signing_time", *identity.signing_time());
  }
  json.Texts("notes", identity.notes(),
             [](verify::IdentityNote note) { return verify::NameOf(note); });
  json.Close('}');
  json.Open("notes", '[');
  json.Close(']');
  json.Open("anchor", '{');
  json.Text("slot", verify::ToString(identity.anchor_slot()));
  json.Text("spki_sha256", identity.anchor_spki_sha256());
  json.Text("signer_serial", identity.signer_serial_hex());
  json.Close('}');
  return End(used, trace, std::move(json));
}

std::string VerdictJson(const verify::AttestedFacts& facts,
                        verify::AttestationType type, const AnchorsUsed& used,
                        const verify::Trace& trace) {
  Json json;
  Begin(absl::OkStatus(), trace, json);
  json.Open("attestation", '{');
  json.Text("type", verify::NameOf(type));
  json.Text("module_id", facts.module_id);
  json.OptionalText("instance_id", facts.instance_id);
  json.OptionalText("region", facts.region);
  json.Text("partition", facts.partition);
  json.Time("timestamp", facts.timestamp);
  json.Time("leaf_not_before", facts.leaf_not_before);
  json.Time("leaf_not_after", facts.leaf_not_after);
  json.Hex("public_key", facts.public_key);
  json.Hex("user_data", facts.user_data);
  json.Hex("nonce", facts.nonce);
  if (facts.release_name.empty()) {
    json.Null("release");
  } else {
    json.Text("release", facts.release_name);
  }
  json.Texts("unknown_keys", facts.unknown_keys);
  json.Open("pcrs", '{');
  for (const auto& [index, value] : facts.pcrs) {
    json.Hex(absl::StrCat("PCR", index), value);
  }
  json.Close('}');
  json.Close('}');
  json.Open("notes", '[');
  for (const verify::Note& note : facts.notes) {
    json.OpenElement();
    json.Text("note", verify::NameOf(note.kind));
    json.Text("detail", note.detail);
    json.Close('}');
  }
  json.Close(']');
  json.Open("anchor", '{');
  json.Text("slot", absl::StrCat(facts.partition, "//nitro-root"));
  json.Text("spki_sha256", facts.anchor_spki_sha256);
  json.Close('}');
  return End(used, trace, std::move(json));
}

std::string RefusalJson(std::string_view subject, const absl::Status& refusal,
                        const AnchorsUsed& used, const verify::Trace& trace) {
  Json json;
  Begin(refusal, trace, json);
  json.Null(subject);
  json.Open("notes", '[');
  json.Close(']');
  json.Null("anchor");
  return End(used, trace, std::move(json));
}

std::string StateJson(const TrustClientState& state) {
  Json json;
  Provenance(state.provenance, state.freshness, json);
  json.Integer("anchors", state.anchors);
  json.Integer("regions", state.regions);
  json.Integer("releases", state.releases);
  json.Integer("refreshed", state.refreshed);
  json.Integer("unreachable", state.unreachable);
  json.Integer("rejected", state.rejected);
  json.Integer("clock_suspect", state.clock_suspect);
  json.Integer("equivocations", state.equivocations);
  const auto status = [&](std::string_view name, const absl::Status& status) {
    if (status.ok()) return json.Null(name);
    json.Open(name, '{');
    json.Text("reason", ReasonNameOf(status));
    const absl::string_view detail = status.message();
    json.Text("detail", std::string_view(detail.data(), detail.size()));
    json.Close('}');
  };
  status("last_refresh_error", state.last_refresh);
  status("cache_error", state.cache);
  json.Open("servers", '[');
  for (const TrustServerState& server : *state.servers) {
    json.OpenElement();
    json.Text("name", server.name);
    json.YesOrNo("answered_last", server.answered_last);
    status("last_error", server.last);
    json.Close('}');
  }
  json.Close(']');
  return std::move(json).Finish();
}

}  // namespace anchorage::client
