// A host that has Debian's abseil, protobuf and yaml-cpp, and libanchorage with
// its own abseil and yaml-cpp: linked as the archive, and loaded as the shared
// library. Neither finds the other's.

#include <dlfcn.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/synchronization/mutex.h"
#include "anchorage/anchorage.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/struct.pb.h"
#include "gtest/gtest.h"

namespace {

constexpr char kSharedLibrary[] = "client/c/libanchorage.so.1";
constexpr std::string_view kRules =
    "regions: [ap-southeast-2]\nignore_the_rest: any machine there will do\n";

std::string Signature() {
  std::ifstream file("test/vectors/real/iid/apse2-2026-ts-verify/rsa2048.b64");
  return {std::istreambuf_iterator<char>(file), {}};
}

// The part of the interface that a verdict needs, from one of the two.
struct Library {
  decltype(&anchorage_client_new) client_new = &anchorage_client_new;
  decltype(&anchorage_client_free) client_free = &anchorage_client_free;
  decltype(&anchorage_identity_policy_read) policy_read =
      &anchorage_identity_policy_read;
  decltype(&anchorage_identity_policy_free) policy_free =
      &anchorage_identity_policy_free;
  decltype(&anchorage_verify_identity) verify = &anchorage_verify_identity;
  decltype(&anchorage_identity_region) region = &anchorage_identity_region;
  decltype(&anchorage_identity_free) identity_free = &anchorage_identity_free;
};

template <typename Function>
void Find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  ASSERT_NE(function, nullptr) << name;
}

Library Loaded() {
  Library library;
  // The way in which names mix most.
  void* handle = dlopen(kSharedLibrary, RTLD_NOW | RTLD_GLOBAL);
  EXPECT_NE(handle, nullptr) << dlerror();
  if (handle == nullptr) return library;
  Find(handle, "anchorage_client_new", library.client_new);
  Find(handle, "anchorage_client_free", library.client_free);
  Find(handle, "anchorage_identity_policy_read", library.policy_read);
  Find(handle, "anchorage_identity_policy_free", library.policy_free);
  Find(handle, "anchorage_verify_identity", library.verify);
  Find(handle, "anchorage_identity_region", library.region);
  Find(handle, "anchorage_identity_free", library.identity_free);
  EXPECT_NE(library.client_new, &anchorage_client_new);
  return library;
}

void Verify(const Library& library) {
  const std::string signature = Signature();
  anchorage_client* client = library.client_new(nullptr, nullptr);
  anchorage_identity_policy* policy =
      library.policy_read(kRules.data(), kRules.size(), "rules", 5, nullptr);
  ASSERT_NE(client, nullptr);
  ASSERT_NE(policy, nullptr);
  for (int i = 0; i < 50; ++i) {
    anchorage_identity* machine = library.verify(
        client, signature.data(), signature.size(), policy, nullptr, nullptr);
    ASSERT_NE(machine, nullptr);
    EXPECT_STREQ(library.region(machine), "ap-southeast-2");
    library.identity_free(machine);
  }
  library.policy_free(policy);
  library.client_free(client);
}

// What the host does with its own: threads, hash maps, cords, arenas, YAML.
void UseTheHosts() {
  absl::Mutex mutex;
  absl::flat_hash_map<std::string, int> seen;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        absl::MutexLock lock(&mutex);
        ++seen[std::to_string(i) + "/" + std::to_string(t)];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen.size(), 800u);
  absl::Status status = absl::NotFoundError("of the host");
  status.SetPayload("type.example/x", absl::Cord("payload"));
  EXPECT_EQ(*status.GetPayload("type.example/x"), "payload");
  google::protobuf::Arena arena;
  auto* values =
      google::protobuf::Arena::CreateMessage<google::protobuf::Struct>(&arena);
  (*values->mutable_fields())["a"].set_number_value(1);
  EXPECT_EQ(values->ByteSizeLong(), values->SerializeAsString().size());
  EXPECT_EQ(YAML::Load("{a: [1, 2]}")["a"].size(), 2u);
  EXPECT_THROW(YAML::Load("{a: ["), YAML::Exception);
}

TEST(HostTest, TheArchiveBesideTheHostsOwnLibraries) {
  UseTheHosts();
  std::thread other([] { Verify(Library()); });
  UseTheHosts();
  other.join();
  UseTheHosts();
}

TEST(HostTest, TheSharedLibraryBesideThemAndTheArchive) {
  const Library loaded = Loaded();
  ASSERT_FALSE(HasFailure());
  std::thread other([&] { Verify(loaded); });
  UseTheHosts();
  Verify(Library());
  other.join();
  UseTheHosts();
}

// An exception that is thrown and caught on each side of a call.
TEST(HostTest, ExceptionsOfBothStayWhereTheyAre) {
  const Library loaded = Loaded();
  ASSERT_FALSE(HasFailure());
  for (const Library& library : {Library(), loaded}) {
    try {
      throw std::pair<int, int>(1, 2);
    } catch (const std::pair<int, int>& thrown) {
      // Not YAML: the reader's own exception stays inside.
      EXPECT_EQ(library.policy_read("{a: [", 5, "rules", 5, nullptr), nullptr);
      EXPECT_EQ(thrown.second, 2);
    }
  }
}

}  // namespace
