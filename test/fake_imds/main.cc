// The fake IMDS as a program: serves until it is ended.
//
// usage: fake_imds [--evidence FOLDER] [--region REGION] [--without FORM]…
//                  [--address ADDRESS]… [--port N] [--hop-limit N]
//                  [--refusals N] [--tokens-optional] [--fault NAME]
//                  [--fault-at TEXT]
//
// A fault is off, html, empty, redirect, hang, slow-head, slow-body, endless,
// close, azure or google; --refusals N answers 503 so many times (throttled).
//
// Serves the evidence in FOLDER (files "document" and "FORM.b64") or, without
// it, what the fake AWS of test/fake_aws signs for REGION (us-east-1). Each
// ADDRESS is one that this host has, 127.0.0.1 by default. Once it listens, it
// prints the URLs, one a line, and a line "ready".

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "test/fake_imds/fake_imds.h"

namespace anchorage::test {
namespace {

int Usage() {
  std::cerr << "usage: fake_imds [--evidence FOLDER] [--region REGION] "
               "[--without FORM]...\n"
               "                 [--address ADDRESS]... [--port N] "
               "[--hop-limit N] [--refusals N]\n"
               "                 [--tokens-optional] [--fault NAME] "
               "[--fault-at TEXT]\n"
               "a fault: off, html, empty, redirect, hang, slow-head, "
               "slow-body, endless, close,\n"
               "azure, google; throttled: --refusals 1000\n";
  return 2;
}

int Main(int argc, char** argv) {
  FakeImdsOptions options;
  std::vector<std::string> addresses;
  std::vector<std::string> without;
  std::string evidence;
  std::string region = "us-east-1";
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--tokens-optional") {
      options.tokens_optional = true;
      continue;
    }
    if (i + 1 == argc) return Usage();
    const std::string value = argv[++i];
    if (flag == "--evidence") {
      evidence = value;
    } else if (flag == "--region") {
      region = value;
    } else if (flag == "--without") {
      without.push_back(value);
    } else if (flag == "--address") {
      addresses.push_back(value);
    } else if (flag == "--port") {
      options.port = std::atoi(value.c_str());
    } else if (flag == "--hop-limit") {
      options.hop_limit = std::atoi(value.c_str());
    } else if (flag == "--refusals") {
      options.refusals = std::atoi(value.c_str());
    } else if (flag == "--fault") {
      const auto fault = ImdsFaultNamed(value);
      if (!fault.has_value()) return Usage();
      options.fault = *fault;
    } else if (flag == "--fault-at") {
      options.fault_at = value;
    } else {
      return Usage();
    }
  }
  options.pages =
      evidence.empty() ? PagesOf(FakeIdentity(), region) : PagesIn(evidence);
  for (const std::string& form : without) {
    options.pages.erase("dynamic/instance-identity/" + form);
  }
  AddMetaData(options.pages);
  if (addresses.empty()) addresses.push_back(options.address);
  std::vector<std::unique_ptr<FakeImds>> servers;
  for (const std::string& address : addresses) {
    options.address = address;
    servers.push_back(std::make_unique<FakeImds>(options));
    std::cout << servers.back()->url() << "\n";
  }
  std::cout << "ready" << std::endl;
  for (;;) ::pause();
}

}  // namespace
}  // namespace anchorage::test

int main(int argc, char** argv) { return anchorage::test::Main(argc, argv); }
