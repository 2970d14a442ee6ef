// trustctl image submit | list | find | fetch: manifests at a trustd.

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/gzip.h"
#include "anchors/base/host_port.h"
#include "anchors/images/image_proto.h"
#include "anchors/wire/plain_message.h"
#include "proto/anchorage/v1/image_service.grpc.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/image_lists.h"
#include "tools/trustctl/image_tree.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/terminal.h"
#include "verify/crypto/public_key.h"
#include "verify/image/bundle.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kPieceBytes = 128 * 1024;
// Of chunks, with what is known of their image.
constexpr int kMaxAnswerBytes = 2 * 1024 * 1024;
constexpr std::chrono::minutes kSubmitTimeout{12};
// What a trustd stores at most, and what the index lists at most.
constexpr std::size_t kMaxListed = 20'000 + anchors::kMaxImages;

// The public listener of a trustd.
struct ReadingSource {
  std::string server;
  std::string tls_roots;

  void AddTo(CLI::App& command) {
    constexpr char kGroup[] = "The trustd that is asked";
    command
        .add_option("--server", server,
                    "HOST:PORT of its listener for clients (TLS, but for "
                    "loopback)")
        ->envname("ANCHORAGE_SERVER")
        ->group(kGroup)
        ->required();
    command
        .add_option("--tls-roots", tls_roots,
                    "PEM file of CAs for the server's TLS certificate")
        ->envname("ANCHORAGE_TLS_ROOTS")
        ->group(kGroup);
  }

  absl::StatusOr<AdminChannel> Open() const {
    Endpoint endpoint;
    endpoint.address = server;
    if (!tls_roots.empty()) {
      auto roots = ReadInput(tls_roots);
      if (!roots.ok()) return roots.status();
      endpoint.roots_pem = *std::move(roots);
    }
    const auto parsed = anchors::ParseHostPort(server);
    if (!parsed.has_value()) {
      return absl::InvalidArgumentError("--server is HOST:PORT");
    }
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
    anchors::RefuseCompression(arguments);
    const auto credentials =
        anchors::IsLoopbackHost(parsed->host) && tls_roots.empty()
            ? grpc::InsecureChannelCredentials()
            : grpc::SslCredentials({endpoint.roots_pem, "", ""});
    auto channel = grpc::CreateCustomChannel(server, credentials, arguments);
    return AdminChannel(std::move(channel),
                        std::make_shared<const Endpoint>(std::move(endpoint)));
  }
};

struct Flags {
  std::string file;
  std::string digest;
  std::string product;
  std::string image_id;
  std::string region;
  std::string account;
  std::string disk_sha256;
  std::string disk;
  std::string out;
  std::string entry;
  AdminSource admin;
  ReadingSource reading;
  Output output;
};

// As the index would list it, and how the server knows it.
absl::StatusOr<ordered_json> ServedFacts(const v1::ServedImage& served) {
  const auto image = anchors::FromProto(served.image());
  if (!image.ok()) return image.status();
  ordered_json json = FactsOf(*image);
  // Nobody has said so of what is not listed.
  if (!served.listed()) json.erase("status");
  json["listed"] = served.listed();
  json["stored"] = served.stored();
  return json;
}

std::string LineOf(const ordered_json& image) {
  const auto text = [&](const char* member) {
    return Printable(image[member].get<std::string>());
  };
  return absl::StrCat(
      text("product"), " ", text("version"), " of ", text("producer"), "  ",
      image["listed"].get<bool>() ? text("status") + "  listed" : "unlisted",
      "  ", text("manifest_sha256"), "\n");
}

int Submit(const Flags& flags) {
  const auto bundle = anchors::ReadFile(flags.file, verify::kMaxBundleBytes);
  if (!bundle.ok()) return Fail(bundle.status());
  if (const auto read = verify::ReadBundle(*bundle); !read.ok()) {
    return Fail(read.status(), HintForBundle(read.status(), flags.file));
  }
  const auto packed = anchors::Gzip(*bundle);
  if (!packed.ok()) return Fail(packed.status());
  const auto channel = OpenChannel(flags.admin);
  if (!channel.ok()) return Fail(channel.status());
  const auto stub = v1::ImageService::NewStub(*channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kSubmitTimeout);
  v1::SubmitManifestResponse response;
  grpc::Status status;
  {
    const Progress progress("submitting to " + channel->endpoint().address);
    const auto writer = stub->SubmitManifest(&context, &response);
    for (std::size_t at = 0; at < packed->size(); at += kPieceBytes) {
      v1::SubmitManifestRequest request;
      request.set_piece(packed->substr(at, kPieceBytes));
      if (!writer->Write(request)) break;
    }
    writer->WritesDone();
    status = writer->Finish();
  }
  if (!status.ok()) {
    // Nobody has answered: trustd may have been reached all the same.
    const bool is_lost =
        status.error_details().empty() &&
        (status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
    return Fail(ToStatus(status, *channel),
                is_lost ? "if trustd was reached, it may have kept the "
                          "manifest: submit it again"
                        : "");
  }
  const auto image = anchors::FromProto(response.image());
  if (!image.ok()) return Fail(image.status());
  flags.output.Print(
      {{"image", FactsOf(*image)}, {"was_known", response.was_known()}},
      {.name = "/image/manifest_sha256"}, [&] {
        std::cout << (response.was_known() ? "known      " : "submitted  ")
                  << NameOf(*image) << "\nmanifest   " << image->manifest_sha256
                  << "\nreceived   " << Rfc3339(image->received)
                  << "\nunlisted until people have signed an index that lists "
                     "it\n";
      });
  return kAccepted;
}

int List(const Flags& flags) {
  const auto channel = flags.reading.Open();
  if (!channel.ok()) return Fail(channel.status());
  ordered_json images = ordered_json::array();
  std::uint64_t sequence = 0;
  v1::ListImagesRequest request;
  request.set_product(flags.product);
  do {
    const auto page = CallAdmin<v1::ImageService>(
        *channel, &v1::ImageService::Stub::ListImages, request);
    if (!page.ok()) return Fail(page.status());
    for (const v1::ServedImage& served : page->images()) {
      auto image = ServedFacts(served);
      if (!image.ok()) return Fail(image.status());
      images.push_back(*std::move(image));
    }
    sequence = page->index_sequence();
    request.set_page_token(page->next_page_token());
    // Such a server would be asked for ever.
    if (!request.page_token().empty() &&
        (page->images().empty() || images.size() > kMaxListed)) {
      return Fail(absl::DataLossError("the server's list has no end"));
    }
  } while (!request.page_token().empty());
  flags.output.Print({{"images", images}, {"index_sequence", sequence}},
                     {.rows = "images",
                      .columns = {{"PRODUCT", "/product"},
                                  {"VERSION", "/version"},
                                  {"STATUS", "/status"},
                                  {"LISTED", "/listed"},
                                  {"PRODUCER", "/producer"},
                                  {"MANIFEST", "/manifest_sha256"}},
                      .name = "/manifest_sha256"},
                     [&] {
                       for (const auto& image : images) {
                         std::cout << LineOf(image);
                       }
                       std::cout << Counted(images.size(), "image")
                                 << ", index " << sequence << "\n";
                     });
  return kAccepted;
}

int Find(const Flags& flags) {
  v1::FindImageRequest request;
  request.set_image_id(flags.image_id);
  request.set_region(flags.region);
  request.set_account(flags.account);
  request.set_disk_sha256(flags.disk_sha256);
  if (!flags.disk.empty()) {
    auto disk = HashDisk(flags.disk);
    if (!disk.ok()) return Fail(disk.status());
    request.set_disk_sha256(*std::move(disk));
  }
  const auto channel = flags.reading.Open();
  if (!channel.ok()) return Fail(channel.status());
  const auto found = CallAdmin<v1::ImageService>(
      *channel, &v1::ImageService::Stub::FindImage, request);
  if (!found.ok()) return Fail(found.status());
  const auto image = ServedFacts(found->image());
  if (!image.ok()) return Fail(image.status());
  flags.output.Print({{"image", *image}}, {.name = "/image/manifest_sha256"},
                     [&] {
                       std::cout << LineOf(*image)
                                 << "said by the server, and not verified: "
                                    "'trustctl image verify --disk' does\n";
                     });
  return kAccepted;
}

// Gets the chunks, each as its image says. What the image is worth, the signed
// lists say.
absl::StatusOr<std::string> FetchPacked(const AdminChannel& channel,
                                        const std::string& digest,
                                        v1::ServedImage& image) {
  std::string packed;
  v1::GetManifestRequest request;
  request.set_manifest_sha256(digest);
  for (std::uint32_t i = 0;
       i == 0 || i < static_cast<std::uint32_t>(image.image().chunks_size());
       ++i) {
    request.set_chunk(i);
    auto chunk = CallAdmin<v1::ImageService>(
        channel, &v1::ImageService::Stub::GetManifest, request);
    if (!chunk.ok()) return chunk.status();
    if (i == 0) {
      image = chunk->image();
      if (const auto known = anchors::FromProto(image.image()); !known.ok()) {
        return known.status();
      }
      if (image.image().manifest_sha256() != digest) {
        return absl::DataLossError("the server has sent another manifest");
      }
    }
    if (verify::Sha256Hex(chunk->chunk()) !=
        image.image().chunks(static_cast<int>(i)).sha256()) {
      return absl::DataLossError(
          absl::StrCat("chunk ", i, " is not the one of its digest"));
    }
    packed += chunk->chunk();
  }
  return packed;
}

int Fetch(const Flags& flags) {
  const auto channel = flags.reading.Open();
  if (!channel.ok()) return Fail(channel.status());
  v1::ServedImage served;
  const auto packed = FetchPacked(*channel, flags.digest, served);
  if (!packed.ok()) return Fail(packed.status());
  const auto bundle = anchors::Gunzip(*packed, verify::kMaxBundleBytes);
  if (!bundle.ok()) return Fail(bundle.status());
  if (verify::Sha256Hex(*bundle) != served.image().bundle_sha256()) {
    return Fail(absl::DataLossError("the bundle is not the one of its digest"));
  }
  const auto image = anchors::FromProto(served.image());
  absl::Status status = image.status();
  if (status.ok()) status = WriteOutput(flags.out, *bundle);
  if (status.ok() && !flags.entry.empty()) {
    status = WriteOutput(flags.entry, anchors::SerializeImage(*image) + "\n");
  }
  if (!status.ok()) return Fail(status);
  if (flags.out == "-" || flags.entry == "-") return kAccepted;
  ordered_json answer = {{"image", FactsOf(*image)},
                         {"listed", served.listed()},
                         {"file", flags.out}};
  flags.output.Print(answer, {.name = "/file"}, [&] {
    std::cout << "fetched  " << NameOf(*image) << " into "
              << Printable(flags.out)
              << "\nnot verified: 'trustctl image verify' does that\n";
  });
  return kAccepted;
}

constexpr char kSubmitFooter[] = R"(
    trustctl image submit image.bundle.json --server trustd.example.com:7444 \
        --client-cert builder.pem --client-key builder.key

For a person with ROLE_PRODUCER. The bundle is one that 'trustctl image sign'
made. trustd verifies it and serves it as unlisted.
)";

constexpr char kListFooter[] = R"(
    trustctl image list --server 127.0.0.1:7443 --product shop
)";

constexpr char kFindFooter[] = R"(
    trustctl image find --server 127.0.0.1:7443 --image-id ami-0123456789abcdef0
    trustctl image find --server 127.0.0.1:7443 --disk shop.raw
)";

constexpr char kFetchFooter[] = R"(
    trustctl image fetch MANIFEST --server 127.0.0.1:7443 \
        --out image.bundle.json --entry entry.json
    trustctl image index add entry.json --bundle image.bundle.json \
        --producers producers.json
)";

}  // namespace

void AddImageOfTrustd(CLI::App& image, Action& action) {
  AddImage(image, action);
  const auto add = [&](const char* name, const char* help, const char* footer,
                       int (*run)(const Flags&)) {
    CLI::App& command = *image.add_subcommand(name, help);
    command.footer(footer);
    auto flags = std::make_shared<Flags>();
    flags->output.AddTo(command);
    command.callback([flags, run, &action] {
      action = [flags, run] { return run(*flags); };
    });
    return std::pair<CLI::App*, std::shared_ptr<Flags>>(&command, flags);
  };
  auto [submit, submitted] = add(
      "submit", "Submit a signed manifest to a trustd", kSubmitFooter, Submit);
  submit->add_option("bundle", submitted->file, "the signed manifest")
      ->required();
  submitted->admin.AddTo(*submit);

  auto [list, listed] =
      add("list", "List the images that a trustd knows", kListFooter, List);
  list->add_option("--product", listed->product, "only this product");
  listed->reading.AddTo(*list);

  auto [find, found] = add(
      "find", "Find an image by where it is or by its disk", kFindFooter, Find);
  CLI::Option_group& what = *find->add_option_group("one of these");
  what.add_option("--image-id", found->image_id, "an image, such as ami-...");
  what.add_option("--disk-sha256,--disk-digest", found->disk_sha256,
                  "SHA-256 of its raw disk");
  what.add_option("--disk", found->disk, "its raw disk, to be hashed");
  what.require_option(1);
  find->add_option("--region", found->region, "of --image-id; default any");
  find->add_option("--account", found->account,
                   "that owns --image-id; default any");
  found->reading.AddTo(*find);

  auto [fetch, fetched] = add("fetch", "Fetch a signed manifest by its digest",
                              kFetchFooter, Fetch);
  fetch
      ->add_option("manifest", fetched->digest,
                   "its SHA-256, as 'image list' and 'image find' show it")
      ->required();
  fetch
      ->add_option("--out", fetched->out,
                   "file for the bundle; - for standard output")
      ->required();
  fetch->add_option("--entry", fetched->entry,
                    "file for what 'image index add' takes");
  fetched->reading.AddTo(*fetch);
}

}  // namespace anchorage::trustctl
