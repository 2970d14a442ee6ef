#include "test/fake_aws/page_writer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace anchorage::anchors {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;

constexpr std::size_t kPemColumns = 64;
constexpr std::size_t kIndent = 6;

struct RegionName {
  std::string_view code;
  std::string_view name;
  // Of its tab in the older layout; empty for the shared tabs.
  std::string_view prose;
};

constexpr std::array<RegionName, 39> kNames = {{
    {"us-east-1", "US East (N. Virginia)", ""},
    {"us-east-2", "US East (Ohio)", ""},
    {"us-west-1", "US West (N. California)", ""},
    {"us-west-2", "US West (Oregon)", ""},
    {"af-south-1", "Africa (Cape Town)", "Cape Town Region"},
    {"ap-east-1", "Asia Pacific (Hong Kong)", "Hong Kong Region"},
    {"ap-east-2", "Asia Pacific (Taipei)", ""},
    {"ap-south-1", "Asia Pacific (Mumbai)", ""},
    {"ap-south-2", "Asia Pacific (Hyderabad)", "Hyderabad Region"},
    {"ap-southeast-1", "Asia Pacific (Singapore)", ""},
    {"ap-southeast-2", "Asia Pacific (Sydney)", ""},
    {"ap-southeast-3", "Asia Pacific (Jakarta)", "Jakarta Region"},
    {"ap-southeast-4", "Asia Pacific (Melbourne)", "Melbourne Region"},
    {"ap-southeast-5", "Asia Pacific (Malaysia)", ""},
    {"ap-southeast-6", "Asia Pacific (New Zealand)", ""},
    {"ap-southeast-7", "Asia Pacific (Thailand)", ""},
    {"ap-northeast-1", "Asia Pacific (Tokyo)", ""},
    {"ap-northeast-2", "Asia Pacific (Seoul)", ""},
    {"ap-northeast-3", "Asia Pacific (Osaka)", ""},
    {"ca-central-1", "Canada (Central)", ""},
    {"ca-west-1", "Canada West (Calgary)", ""},
    {"eu-central-1", "Europe (Frankfurt)", ""},
    {"eu-central-2", "Europe (Zurich)", "Zurich Region"},
    {"eu-west-1", "Europe (Ireland)", ""},
    {"eu-west-2", "Europe (London)", ""},
    {"eu-west-3", "Europe (Paris)", ""},
    {"eu-north-1", "Europe (Stockholm)", ""},
    {"eu-south-1", "Europe (Milan)", "Milan Region"},
    {"eu-south-2", "Europe (Spain)", "Spain Region"},
    {"il-central-1", "Israel (Tel Aviv)", ""},
    {"mx-central-1", "Mexico (Central)", ""},
    {"me-south-1", "Middle East (Bahrain)", "Bahrain Region"},
    {"me-central-1", "Middle East (UAE)", "UAE Region"},
    {"sa-east-1", "South America (Sao Paulo)", ""},
    {"us-gov-east-1", "AWS GovCloud (US-East)", ""},
    {"us-gov-west-1", "AWS GovCloud (US-West)", ""},
    {"cn-north-1", "China (Beijing)", ""},
    {"cn-northwest-1", "China (Ningxia)", ""},
    {"eusc-de-east-1", "AWS European Sovereign Cloud (Germany)", ""},
}};

RegionName NameOfRegion(std::string_view code) {
  for (const RegionName& name : kNames) {
    if (name.code == code) return name;
  }
  return {code, code, ""};
}

std::string DisplayName(std::string_view code, PageLayout layout) {
  if (layout == PageLayout::kChineseMarkdown) {
    if (code == "cn-north-1") return "中国（北京）";
    if (code == "cn-northwest-1") return "中国（宁夏）";
  }
  return std::string(NameOfRegion(code).name);
}

std::string_view TabName(AnchorKind kind) {
  switch (kind) {
    case AnchorKind::kIidDsa:
      return "DSA";
    case AnchorKind::kIidRsa1024:
      return "RSA";
    case AnchorKind::kIidRsa2048:
      return "RSA-2048";
    case AnchorKind::kNitroRoot:
      break;
  }
  return "Nitro";
}

std::string ProseTab(const verify::Slot& slot) {
  if (slot.partition == "aws-cn") return "China Regions";
  if (slot.partition == "aws-us-gov") return "GovCloud Regions";
  const std::string_view prose = NameOfRegion(slot.region).prose;
  return prose.empty() ? "Other AWS Regions" : std::string(prose);
}

// Entries under one heading, or under one tab of it.
struct Group {
  std::string title;
  std::vector<const PageEntry*> entries;
};

// Puts entries with one title together, in order of the first.
template <typename Title>
std::vector<Group> GroupBy(const std::vector<const PageEntry*>& entries,
                           const Title& title) {
  std::vector<Group> groups;
  for (const PageEntry* entry : entries) {
    const std::string name = title(entry->slot);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& g) { return g.title == name; });
    if (group == groups.end()) group = groups.insert(group, {name, {}});
    group->entries.push_back(entry);
  }
  return groups;
}

std::vector<Group> ByTab(const std::vector<const PageEntry*>& entries) {
  return GroupBy(entries, [](const verify::Slot& slot) {
    return std::string(TabName(slot.kind));
  });
}

std::vector<Group> ByRegion(const std::vector<const PageEntry*>& entries) {
  return GroupBy(entries, [](const verify::Slot& slot) { return slot.region; });
}

void AppendFence(const PageEntry& entry, PemStyle style, std::string& out) {
  const std::string indent(style == PemStyle::kIndented ? kIndent : 0, ' ');
  absl::StrAppend(&out, "\n", indent, "```\n", WritePem(entry.der, style),
                  style == PemStyle::kNoFinalNewline ? "" : indent, "```\n");
}

void AppendMarkdown(const std::vector<const PageEntry*>& all,
                    const PageStyle& style, std::string& out) {
  const bool chinese = style.layout == PageLayout::kChineseMarkdown;
  out +=
      "# Public certificates of instance identity documents"
      "<a name=\"regions-certs\"></a>\n\n"
      "Each Region has certificates of its own.\n";
  for (const Group& region : ByRegion(all)) {
    absl::StrAppend(&out, "\n## ", DisplayName(region.title, style.layout),
                    chinese ? "" : " ", "\xe2\x80\x94 ", region.title,
                    chinese ? "" : "\n", "<a name=\"", region.title,
                    "-cert\"></a>\n");
    for (const Group& tab : ByTab(region.entries)) {
      absl::StrAppend(&out, "\n------\n#### [ ", tab.title, " ]\n");
      for (const PageEntry* entry : tab.entries) {
        AppendFence(*entry, style.pem, out);
      }
    }
    out += "\n------\n";
  }
}

void AppendProse(const std::vector<const PageEntry*>& all,
                 const PageStyle& style, std::string& out) {
  for (const Group& kind : ByTab(all)) {
    absl::StrAppend(&out, "# Use the ", kind.title, " certificate\n\n",
                    "1. Retrieve the signature.\n\n------\n#### [ IMDSv2 ]\n\n",
                    "   ```\n   $ TOKEN=`curl -X PUT \"http://host/\"`\n",
                    "   ```\n\n------\n\n1. Add the certificate\\.\n\n");
    const auto tabs = GroupBy(kind.entries, ProseTab);
    for (const Group& tab : tabs) {
      absl::StrAppend(&out, "------\n#### [ ", tab.title,
                      " ]\n\n      The certificate is as follows\\.\n");
      for (const PageEntry* entry : tab.entries) {
        AppendFence(*entry, style.pem, out);
      }
      out += "\n";
    }
    out += "------\n\n1. Save and close the file\\.\n\n";
  }
}

void AppendHtml(const std::vector<const PageEntry*>& all,
                const PageStyle& style, std::string& out) {
  out +=
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<title>Public certificates</title>\n<script>if (1 < 2) { "
      "document.write(\"<dl>\"); }</script></head>\n<body>"
      "<div id=\"main\"><!-- <dl> --><h1>Public certificates</h1>\n"
      "<p>Each Region has certificates of its own.<br>\n";
  for (const Group& region : ByRegion(all)) {
    absl::StrAppend(&out,
                    "<awsui-expandable-section variant=\"container\" header=\"",
                    DisplayName(region.title, style.layout), " \xe2\x80\x94 ",
                    region.title, "\" id=\"", region.title,
                    "-cert\" expanded=\"false\">\n<dl><awsdocs-tabs>");
    for (const Group& tab : ByTab(region.entries)) {
      absl::StrAppend(&out, "<dt>", tab.title, "</dt><dd tab-id=\"", tab.title,
                      "\">");
      for (const PageEntry* entry : tab.entries) {
        absl::StrAppend(&out, "<pre class=\"programlisting\"><code>",
                        WritePem(entry->der, style.pem), "</code></pre>");
      }
      out += "</dd>\n";
    }
    out += "</awsdocs-tabs></dl></awsui-expandable-section>\n";
  }
  out += "</div></body></html>\n";
}

}  // namespace

std::string WritePem(std::string_view der, PemStyle style) {
  const std::string body = absl::Base64Escape({der.data(), der.size()});
  const std::size_t columns =
      style == PemStyle::kOneLine ? body.size() : kPemColumns;
  const std::string end = style == PemStyle::kSpaceJoined ? " " : "\n";
  const std::string indent(style == PemStyle::kIndented ? kIndent : 0, ' ');
  std::string out = indent + "-----BEGIN CERTIFICATE-----" + end;
  for (std::size_t at = 0; at < body.size(); at += columns) {
    absl::StrAppend(&out, indent, body.substr(at, columns), end);
  }
  absl::StrAppend(&out, indent, "-----END CERTIFICATE-----");
  return style == PemStyle::kNoFinalNewline ? out : out + "\n";
}

std::string WriteRegionsPage(const std::vector<PageEntry>& entries,
                             const PageStyle& style) {
  std::vector<const PageEntry*> all;
  for (const PageEntry& entry : entries) all.push_back(&entry);
  std::string out;
  switch (style.layout) {
    case PageLayout::kMarkdown:
    case PageLayout::kChineseMarkdown:
      AppendMarkdown(all, style, out);
      break;
    case PageLayout::kHtml:
      AppendHtml(all, style, out);
      break;
    case PageLayout::kProseTabs:
      AppendProse(all, style, out);
      break;
  }
  return style.crlf ? absl::StrReplaceAll(out, {{"\n", "\r\n"}}) : out;
}

std::vector<PageEntry> PageEntries(const Catalog& catalog) {
  std::vector<PageEntry> entries;
  for (const CatalogAnchor& anchor : catalog.anchors) {
    const bool used = anchor.status == AnchorStatus::kActive ||
                      anchor.status == AnchorStatus::kRetiring;
    if (!used || anchor.slot.kind == AnchorKind::kNitroRoot) continue;
    for (const CatalogCertificate& certificate : anchor.certificates) {
      if (certificate.superseded) continue;
      entries.push_back({anchor.slot, certificate.der});
    }
  }
  return entries;
}

Catalog CatalogBeforeReissues(Catalog catalog) {
  for (CatalogAnchor& anchor : catalog.anchors) {
    auto& certificates = anchor.certificates;
    const bool reissued =
        std::any_of(certificates.begin(), certificates.end(),
                    [](const CatalogCertificate& c) { return c.superseded; });
    if (!reissued) continue;
    std::erase_if(certificates,
                  [](const CatalogCertificate& c) { return !c.superseded; });
    for (CatalogCertificate& c : certificates) c.superseded = false;
  }
  return catalog;
}

}  // namespace anchorage::anchors
