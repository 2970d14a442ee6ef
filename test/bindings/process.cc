// A process of somebody else's that loads libanchorage.so.1: with a malloc and
// an operator new of its own, which end it where one is given the other's
// memory, and with whatever else such a process does.
//
// usage: process LIBRARY VECTORS POLICIES CASE
//
// Prints one line that says what came of each call, and exits with 0.

#include <anchorage/anchorage.h>
#include <dlfcn.h>
#include <locale.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// --- This host's memory ------------------------------------------------------

extern "C" void* __libc_malloc(std::size_t);
extern "C" void __libc_free(void*);

namespace {

enum Owner : std::uint64_t { kMalloc = 0x636f6c6c616d, kNew = 0x77656e };

// Before each block, and again what `free` was told of.
struct Header {
  void* begin;
  std::size_t size;
  std::uint64_t owner;
  std::uint64_t unused;
};

// How many allocations of this thread still succeed; below zero: all.
thread_local int left = -1;
thread_local bool failed = false;

Header* HeaderOf(void* memory) { return static_cast<Header*>(memory) - 1; }

void* Allocate(std::size_t size, std::size_t alignment, Owner owner) {
  if (left == 0) {
    failed = true;
    errno = ENOMEM;
    return nullptr;
  }
  if (left > 0) --left;
  if (size > SIZE_MAX - alignment - sizeof(Header)) return nullptr;
  void* const begin = __libc_malloc(size + alignment + sizeof(Header));
  if (begin == nullptr) return nullptr;
  auto at = reinterpret_cast<std::uintptr_t>(begin) + sizeof(Header);
  at += (alignment - at % alignment) % alignment;
  void* const memory = reinterpret_cast<void*>(at);
  *HeaderOf(memory) = {begin, size, owner, 0};
  return memory;
}

void Release(void* memory, Owner owner) {
  if (memory == nullptr) return;
  Header* const header = HeaderOf(memory);
  if (header->owner != owner) {
    constexpr char kText[] = "process: memory of another allocator is freed\n";
    (void)!write(2, kText, sizeof kText - 1);
    abort();
  }
  header->owner = 0;
  __libc_free(header->begin);
}

}  // namespace

extern "C" {
void* malloc(std::size_t size) { return Allocate(size, 16, kMalloc); }
void free(void* memory) { Release(memory, kMalloc); }
void* calloc(std::size_t count, std::size_t size) {
  if (size != 0 && count > SIZE_MAX / size) return nullptr;
  void* const memory = malloc(count * size);
  return memory != nullptr ? memset(memory, 0, count * size) : nullptr;
}
void* realloc(void* memory, std::size_t size) {
  void* const grown = malloc(size);
  if (grown == nullptr || memory == nullptr) return grown;
  const std::size_t before = HeaderOf(memory)->size;
  memcpy(grown, memory, before < size ? before : size);
  free(memory);
  return grown;
}
void* memalign(std::size_t alignment, std::size_t size) {
  return Allocate(size, alignment < 16 ? 16 : alignment, kMalloc);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  *memory = memalign(alignment, size);
  return *memory != nullptr ? 0 : ENOMEM;
}
}  // extern "C"

void* operator new(std::size_t size) {
  void* const memory = Allocate(size, 16, kNew);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { Release(memory, kNew); }
void operator delete(void* memory, std::size_t) noexcept {
  Release(memory, kNew);
}

namespace {

// --- The library -------------------------------------------------------------

#define FUNCTIONS(X)                          \
  X(anchorage_error_code)                     \
  X(anchorage_error_reason)                   \
  X(anchorage_error_message)                  \
  X(anchorage_error_json)                     \
  X(anchorage_error_free)                     \
  X(anchorage_string_free)                    \
  X(anchorage_options_new)                    \
  X(anchorage_options_free)                   \
  X(anchorage_options_set_url)                \
  X(anchorage_options_set_trusted_root)       \
  X(anchorage_options_set_cache_folder)       \
  X(anchorage_options_set_background_refresh) \
  X(anchorage_client_new)                     \
  X(anchorage_client_free)                    \
  X(anchorage_client_refresh)                 \
  X(anchorage_client_state)                   \
  X(anchorage_state_json)                     \
  X(anchorage_state_free)                     \
  X(anchorage_identity_policy_read)           \
  X(anchorage_identity_policy_free)           \
  X(anchorage_attestation_policy_read)        \
  X(anchorage_attestation_policy_free)        \
  X(anchorage_request_new)                    \
  X(anchorage_request_free)                   \
  X(anchorage_request_set_recorded_at)        \
  X(anchorage_request_set_trace)              \
  X(anchorage_verify_identity)                \
  X(anchorage_identity_json)                  \
  X(anchorage_identity_free)                  \
  X(anchorage_verify_attestation)             \
  X(anchorage_attestation_json)               \
  X(anchorage_attestation_free)

struct Library {
#define DECLARE(name) decltype(&::name) name = nullptr;
  FUNCTIONS(DECLARE)
#undef DECLARE
};

const char* path = nullptr;
Library api;
void* handle = nullptr;

void Load() {
  handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    fprintf(stderr, "%s\n", dlerror());
    exit(2);
  }
#define FIND(name) \
  api.name = reinterpret_cast<decltype(api.name)>(dlsym(handle, #name));
  FUNCTIONS(FIND)
#undef FIND
}

std::string identity, changed, attestation, identity_policy, attestation_policy;

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.good()) exit(2);
  return {std::istreambuf_iterator<char>(file), {}};
}

// "ok", or code and reason of an error, which is freed.
std::string Said(bool given, anchorage_error* error) {
  if (given != (error == nullptr)) return "NEITHER";
  if (given) return "ok";
  const std::string said = std::to_string(api.anchorage_error_code(error)) +
                           " " + api.anchorage_error_reason(error);
  api.anchorage_string_free(api.anchorage_error_json(error, nullptr));
  api.anchorage_error_free(error);
  return said;
}

anchorage_client* NewClient(std::string& said, std::string_view folder = "") {
  anchorage_error* error = nullptr;
  anchorage_options* const options = api.anchorage_options_new();
  const std::string root = Read(std::string(getenv("ANCHORAGE_TEST_ROOT")));
  // Nobody listens there.
  api.anchorage_options_set_url(options, "https://127.0.0.1:1/", 20);
  api.anchorage_options_set_trusted_root(options, root.data(), root.size());
  api.anchorage_options_set_background_refresh(options, 0);
  if (!folder.empty()) {
    api.anchorage_options_set_cache_folder(options, folder.data(),
                                           folder.size());
  }
  anchorage_client* const client = api.anchorage_client_new(options, &error);
  api.anchorage_options_free(options);
  said = "client " + Said(client != nullptr, error);
  return client;
}

std::string Verify(const anchorage_client* client, const std::string& text,
                   const anchorage_identity_policy* policy) {
  anchorage_error* error = nullptr;
  anchorage_identity* const verified = api.anchorage_verify_identity(
      client, text.data(), text.size(), policy, nullptr, &error);
  api.anchorage_string_free(api.anchorage_identity_json(verified, nullptr));
  api.anchorage_identity_free(verified);
  return Said(verified != nullptr, error);
}

std::string VerifyAttestation(const anchorage_client* client,
                              const anchorage_attestation_policy* policy) {
  anchorage_error* error = nullptr;
  anchorage_request* const request = api.anchorage_request_new();
  api.anchorage_request_set_recorded_at(request, 1786642609000);
  api.anchorage_request_set_trace(request, 1);
  anchorage_attestation* const verified = api.anchorage_verify_attestation(
      client, attestation.data(), attestation.size(), policy, request, &error);
  api.anchorage_request_free(request);
  api.anchorage_string_free(api.anchorage_attestation_json(verified, nullptr));
  api.anchorage_attestation_free(verified);
  return Said(verified != nullptr, error);
}

// All that a product does, and what came of it.
std::string Work() {
  std::string said;
  anchorage_client* const client = NewClient(said);
  anchorage_error* error = nullptr;
  anchorage_identity_policy* const policy = api.anchorage_identity_policy_read(
      identity_policy.data(), identity_policy.size(), "policy", 6, &error);
  said += ", policy " + Said(policy != nullptr, error);
  anchorage_attestation_policy* const other =
      api.anchorage_attestation_policy_read(attestation_policy.data(),
                                            attestation_policy.size(), "policy",
                                            6, &error);
  said += ", policy " + Said(other != nullptr, error);
  said += ", identity " + Verify(client, identity, policy);
  said += ", changed " + Verify(client, changed, policy);
  said += ", attestation " + VerifyAttestation(client, other);
  anchorage_state* const state = api.anchorage_client_state(client, nullptr);
  api.anchorage_string_free(api.anchorage_state_json(state, nullptr));
  api.anchorage_state_free(state);
  api.anchorage_identity_policy_free(policy);
  api.anchorage_attestation_policy_free(other);
  api.anchorage_client_free(client);
  return said;
}

std::string Refresh() {
  std::string said;
  anchorage_client* const client = NewClient(said);
  anchorage_error* error = nullptr;
  const std::int32_t code = api.anchorage_client_refresh(client, &error);
  said += ", refresh " + Said(code == ANCHORAGE_OK, error);
  api.anchorage_client_free(client);
  return said;
}

// --- The cases ---------------------------------------------------------------

// What is nested as deeply as can be given.
std::string Deep() {
  std::string said;
  anchorage_client* const client = NewClient(said);
  anchorage_error* error = nullptr;
  const std::string list(60'000, '[');
  anchorage_identity_policy* const policy = api.anchorage_identity_policy_read(
      list.data(), list.size(), "policy", 6, &error);
  said += ", policy " + Said(policy != nullptr, error);
  anchorage_identity_policy* const good = api.anchorage_identity_policy_read(
      identity_policy.data(), identity_policy.size(), "policy", 6, nullptr);
  // CMS, and sequences of unknown length within it.
  std::string der;
  for (int i = 0; i < 20'000; ++i) der += "\x30\x80";
  said += ", identity " + Verify(client, der, good);
  anchorage_attestation_policy* const other =
      api.anchorage_attestation_policy_read(attestation_policy.data(),
                                            attestation_policy.size(), "policy",
                                            6, nullptr);
  const std::string before = attestation;
  attestation = std::string(10'000, '\x81');
  said += ", attestation " + VerifyAttestation(client, other);
  attestation = before;
  api.anchorage_identity_policy_free(good);
  api.anchorage_attestation_policy_free(other);
  api.anchorage_client_free(client);
  return said;
}

// In a thread whose stack has that many bytes.
std::string OnStack(std::size_t size, std::string (*work)()) {
  struct Job {
    std::string (*work)();
    std::string said;
  } job{work, ""};
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstacksize(&attributes, size) != 0 ||
      pthread_create(
          &thread, &attributes,
          [](void* given) -> void* {
            auto& job = *static_cast<Job*>(given);
            job.said = job.work();
            return nullptr;
          },
          &job) != 0) {
    return "no thread";
  }
  pthread_join(thread, nullptr);
  return job.said;
}

std::string Threads() {
  const std::string first = Work();
  std::atomic<int> others = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 100; ++i) {
    threads.emplace_back([&] {
      if (Work() != first) ++others;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return first + ", " + std::to_string(others) + " otherwise";
}

std::string Loops() {
  std::string said;
  for (int i = 0; i < 50; ++i) {
    said = Work();
    dlclose(handle);
    Load();
  }
  // With a client alive the library stays.
  std::string none;
  anchorage_client* const client = NewClient(none);
  for (int i = 0; i < 3; ++i) dlclose(handle);
  anchorage_state* const state = api.anchorage_client_state(client, nullptr);
  said += state != nullptr ? ", closed and alive" : ", gone";
  api.anchorage_state_free(state);
  api.anchorage_client_free(client);
  return said;
}

std::atomic<int> signals = 0;

std::string Signals() {
  struct sigaction action {};
  // Without SA_RESTART: what waits is interrupted.
  action.sa_handler = [](int) { ++signals; };
  sigaction(SIGALRM, &action, nullptr);
  const itimerval often = {{0, 200}, {0, 200}};
  setitimer(ITIMER_REAL, &often, nullptr);
  const std::string first = Work() + "; " + Refresh();
  while (signals < 1000) {
    if (Work() + "; " + Refresh() != first) return "otherwise";
  }
  return first;
}

// As many descriptors as it has now, and no other.
std::string Descriptors() {
  const int next = dup(0);
  close(next);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = static_cast<rlim_t>(next);
  const std::string folder = std::string(getenv("TMPDIR")) + "/cache";
  // What it reads for itself.
  std::string said;
  anchorage_client* const client = NewClient(said, folder);
  setrlimit(RLIMIT_NOFILE, &limit);
  anchorage_error* error = nullptr;
  const std::int32_t code = api.anchorage_client_refresh(client, &error);
  said += ", refresh " + Said(code == ANCHORAGE_OK, error);
  anchorage_identity_policy* const policy = api.anchorage_identity_policy_read(
      identity_policy.data(), identity_policy.size(), "policy", 6, &error);
  said += ", identity " + Verify(client, identity, policy);
  api.anchorage_identity_policy_free(policy);
  api.anchorage_client_free(client);
  return said;
}

// Each call with each of its allocations failing in turn, OpenSSL's too:
// whatever comes is what comes with memory, or UNDECIDED.
std::string Memory() {
  std::string none;
  anchorage_client* const client = NewClient(none);
  anchorage_identity_policy* const policy = api.anchorage_identity_policy_read(
      identity_policy.data(), identity_policy.size(), "policy", 6, nullptr);
  anchorage_attestation_policy* const other =
      api.anchorage_attestation_policy_read(attestation_policy.data(),
                                            attestation_policy.size(), "policy",
                                            6, nullptr);
  std::string said;
  int failures = 0;
  const auto try_all = [&](const char* what, auto call) {
    const bool with_memory = call(nullptr);
    for (int before = 0;; before += 1 + before / 50) {
      anchorage_error* error = nullptr;
      left = before;
      failed = false;
      const bool given = call(&error);
      left = -1;
      const std::string came = Said(given, error);
      if (given ? !with_memory : with_memory || failed) {
        if (came != "6 RESOURCES_EXHAUSTED") {
          said += std::string(what) + " after " + std::to_string(before) +
                  ": " + came + "; ";
        }
        ++failures;
      }
      if (!failed) break;
    }
  };
  try_all("client", [&](anchorage_error** error) {
    anchorage_client* const made = api.anchorage_client_new(nullptr, error);
    api.anchorage_client_free(made);
    return made != nullptr;
  });
  try_all("policy", [&](anchorage_error** error) {
    anchorage_identity_policy* const made = api.anchorage_identity_policy_read(
        identity_policy.data(), identity_policy.size(), "policy", 6, error);
    api.anchorage_identity_policy_free(made);
    return made != nullptr;
  });
  try_all("identity", [&](anchorage_error** error) {
    anchorage_identity* const made = api.anchorage_verify_identity(
        client, identity.data(), identity.size(), policy, nullptr, error);
    api.anchorage_string_free(api.anchorage_identity_json(made, nullptr));
    api.anchorage_identity_free(made);
    return made != nullptr;
  });
  try_all("attestation", [&](anchorage_error** error) {
    anchorage_request* const request = api.anchorage_request_new();
    api.anchorage_request_set_recorded_at(request, 1786642609000);
    anchorage_attestation* const made = api.anchorage_verify_attestation(
        client, attestation.data(), attestation.size(), other, request, error);
    api.anchorage_request_free(request);
    api.anchorage_string_free(api.anchorage_attestation_json(made, nullptr));
    api.anchorage_attestation_free(made);
    return made != nullptr;
  });
  try_all("state", [&](anchorage_error** error) {
    anchorage_state* const made = api.anchorage_client_state(client, error);
    api.anchorage_string_free(api.anchorage_state_json(made, nullptr));
    api.anchorage_state_free(made);
    return made != nullptr;
  });
  api.anchorage_identity_policy_free(policy);
  api.anchorage_attestation_policy_free(other);
  api.anchorage_client_free(client);
  return said + (failures > 100 ? "many failures" : "too few failures");
}

std::string Run(std::string_view name) {
  if (name == "work") return Work();
  if (name == "refresh") return Refresh();
  if (name == "locale") {
    if (setlocale(LC_ALL, "") == nullptr) return "no such locale";
    return std::string(localeconv()->decimal_point) + " " + Work();
  }
  if (name == "legacy") {
    if (OSSL_PROVIDER_load(nullptr, "legacy") == nullptr) return "no provider";
    return Work();
  }
  if (name == "legacy-and-default") {
    OSSL_PROVIDER_load(nullptr, "legacy");
    OSSL_PROVIDER_load(nullptr, "default");
    return Work();
  }
  if (name == "null") {
    if (OSSL_PROVIDER_load(nullptr, "null") == nullptr) return "no provider";
    return Work();
  }
  if (name == "fips") {
    EVP_set_default_properties(nullptr, "fips=yes");
    return Work();
  }
  if (name == "fips-later") {
    std::string none;
    anchorage_client* const client = NewClient(none);
    anchorage_identity_policy* const policy =
        api.anchorage_identity_policy_read(identity_policy.data(),
                                           identity_policy.size(), "policy", 6,
                                           nullptr);
    EVP_set_default_properties(nullptr, "fips=yes");
    anchorage_error* error = nullptr;
    const std::int32_t code = api.anchorage_client_refresh(client, &error);
    return "identity " + Verify(client, identity, policy) + ", refresh " +
           Said(code == ANCHORAGE_OK, error);
  }
  if (name == "stack") {
    return OnStack(64 * 1024, &Work) + "; " + OnStack(64 * 1024, &Deep) + "; " +
           OnStack(256 * 1024, &Refresh);
  }
  if (name == "threads") return Threads();
  if (name == "loops") return Loops();
  if (name == "signals") return Signals();
  if (name == "descriptors") return Descriptors();
  if (name == "memory") return Memory();
  return "no such case";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  path = argv[1];
  const std::string vectors = argv[2];
  const std::string policies = argv[3];
  identity = Read(vectors + "/iid/usw2-2021-teleport-1/rsa2048.b64");
  changed = identity;
  changed[400] = changed[400] == 'A' ? 'B' : 'A';
  attestation = Read(vectors + "/nitro-tpm/live-usw2-i-000fa553.cbor");
  identity_policy = Read(policies + "/identity.yaml");
  attestation_policy = Read(policies + "/attestation.yaml");
  Load();
  printf("%s\n", Run(argv[4]).c_str());
  return 0;
}
