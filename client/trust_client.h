// The client library on the instance: holds a verified set of anchors, keeps it
// fresh, and verifies evidence with it.
//
//   TrustClientOptions options;
//   options.server = "trust.vendor.example:7443";
//   options.trusted_root = kVendorRoot;  // your trustd's first root.json
//   options.cache_folder = "/var/cache/vendor/anchors";
//   auto client = TrustClient::Create(options);
//   auto identity = (*client)->VerifyIdentity(evidence, policy);
//
// Create() never waits for the network and never fails without it: the baked-in
// set is there at once, a cached one replaces it if it verifies, and a thread
// of the client's own asks the server. From then on the set only moves forward.
// What the server, the network or the disk provides is believed only after the
// same TUF workflow; what fails it is counted and shown in State, and the last
// verified set stays. No option turns verification off.
//
// Thread-safe: any number of threads may call at once. A verification uses the
// set that is current when it starts. Reading that set, for a verification or
// by anchors(), releases() and release_list(), takes no lock and never waits
// for a refresh or for other readers. Nothing throws: a call that runs out of
// memory fails with RESOURCE_EXHAUSTED.
//
// After fork(2) the child's copy verifies with the set of that moment, which
// ages as usual; Refresh() and State say that the child needs a client of its
// own. OpenSSL must have been used before for what the child verifies: a fork
// while another thread loads an algorithm can leave that locked in the child.
//
// exit(3) stops the clients' threads before OpenSSL is cleaned up, and waits for
// them, about a second and at most two.

#ifndef ANCHORAGE_CLIENT_TRUST_CLIENT_H_
#define ANCHORAGE_CLIENT_TRUST_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/images/image_index.h"
#include "anchors/images/producers.h"
#include "anchors/releases.h"
#include "client/cache_folder.h"
#include "client/notify/counters.h"
#include "client/notify/event.h"
#include "client/transport.h"
#include "verify/anchor_set.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/attestation/release.h"
#include "verify/identity/identity_verifier.h"
#include "verify/trace.h"

namespace anchorage::client {

// What to do once the set is EXPIRED: no good answer from the server for longer
// than the timestamp's validity plus `max_stale`.
// Verifications of recorded evidence (VerifyRecordedIdentity() and the like, with
// anchors()) are made with the last verified set: they are no answer about now.
enum class WhenExpired {
  // Verify with the last verified set; every verdict says that it is EXPIRED.
  kServeLastGood,
  // Fail every verification with kAnchorsExpired.
  kRefuse,
};

// Where bundles come from: one of `server` and `metadata_url`. What is trusted
// never depends on it.
struct TrustServer {
  // HOST:PORT of a trustd.
  std::string server = {};
  // Where a trustd, a CDN or a bucket has the files, such as
  // "https://trust.vendor.example/tuf/". "http://" changes nothing in what is
  // trusted; it only shows who asks.
  std::string metadata_url = {};
  // Where its targets are; empty: in the folder "targets/" of `metadata_url`.
  std::string targets_url = {};
  // PEM certificates that the server's TLS certificate must chain to; empty:
  // the system's roots. TLS hides who asks.
  std::string tls_roots_pem = {};
  // Asks without TLS. For the loopback interface and proxies on the instance.
  bool plaintext = false;
};

// The first server to ask, and everything else.
struct TrustClientOptions : TrustServer {
  // --- Affects what is trusted ---------------------------------------------

  // The root.json of the trustd's repository, from a channel that you trust,
  // such as your own build: every bundle from the server and the cache is
  // verified from it, at each load. Required with `server`, `metadata_url` or
  // `cache_folder`.
  std::string trusted_root;

  // The set that is used before, and without, any other.
  anchors::BakedBundle baked = anchors::NewBakedBundle();

  // How long after its timestamp expired a set counts as STALE and not yet as
  // EXPIRED. At most 365 days. With a server, the baked-in set counts in the
  // same way from 30 days after its `as_of`.
  absl::Duration max_stale = absl::Hours(30 * 24);
  // A program that was built long ago starts, for the first time, with an
  // expired baked-in set. Until its first refresh has ended, or for
  // `rpc_timeout`, that set counts as STALE. Does not apply where a cache was
  // lost or damaged.
  bool stale_before_first_refresh = true;
  WhenExpired identity_when_expired = WhenExpired::kServeLastGood;
  WhenExpired attestation_when_expired = WhenExpired::kRefuse;

  // --- Affects where it comes from -----------------------------------------

  // Besides the fields of TrustServer, which are the first server; without
  // them, none is asked. Each refresh asks in this order until the answer of one
  // is verified and accepted. At most 16.
  std::vector<TrustServer> further_servers;

  // The proxy for all servers, such as "http://proxy.example:3128"; with gRPC
  // it begins with "http://". Empty: none. nullopt: what the environment says
  // (https_proxy, no_proxy and so on, as libcurl and gRPC read them).
  std::optional<std::string> proxy = "";

  // A folder for what was last verified; empty: none. Any number of clients and
  // processes may use it: each refresh begins with what others wrote. It belongs
  // to root or to this process's user, and nobody else may write there. A
  // relative path is of the folder that the process is in when the client is
  // made. If it cannot be used or written, State says so; otherwise that does no
  // harm.
  std::string cache_folder;

  // --- Affects when ----------------------------------------------------------

  // Asks the servers from a thread of the client's own, when RefreshSchedule
  // (refresh_schedule.h) says so: at once, or with a fresh set from the cache
  // after some minutes at most, and then about every `refresh_interval`. Off:
  // only Refresh() and RefreshOnce() ask.
  bool background_refresh = true;
  absl::Duration refresh_interval = absl::Hours(1);
  // The longest that one call to the server, or one file, may take: from 1 ms
  // to 1 h.
  absl::Duration rpc_timeout = absl::Seconds(20);
  // The longest that one refresh may take, all servers together: from 1 ms to
  // 1 h. Each server has an equal part of what is left when it is asked, so that
  // one that stalls leaves time for the next.
  absl::Duration refresh_budget = absl::Minutes(2);

  // --- Affects who is told ---------------------------------------------------

  // Called with what happens: see client/notify/event.h. By the thread that did
  // or noticed it: the client's own, or one that refreshes or verifies, perhaps
  // several at once, and perhaps before Create() has returned. No lock is held,
  // so it may call the client, but must not destroy it, and where a refresh is
  // told of, Refresh() of any client fails with FAILED_PRECONDITION, for it
  // would tell again; a callback that is slow makes its own caller slow and
  // nobody else. What it throws is dropped. A
  // refusal of the same reason and slot is told of once a minute, with the
  // number of those that were left out. Null: nobody is told.
  EventCallback on_event;
  // Off: `on_event` is never called by a thread that verifies. Then refusals are
  // not told of, and a refresh is what notices a set that has become old.
  bool events_while_verifying = true;

  // Called after each refresh, as `on_event` is, with how it ended and the
  // sequence of the set that is now in use.
  std::function<void(const absl::Status& ended, std::uint64_t sequence)>
      on_refresh;

  // A file for node_exporter's textfile collector, replaced after a refresh and,
  // with `background_refresh`, every minute. An absolute path that ends in
  // ".prom", of this client alone; everybody may read the file. Empty: none. If
  // it cannot be written, State says so; otherwise that does no harm.
  std::string metrics_file;

  // Whether to report to the servers that have the bundle how many
  // verifications ended how: counts by slot and reason, the library's version
  // and the set's sequence; no account, instance or address. By the client's
  // thread, or without one by the caller of Refresh() or RefreshOnce() once the
  // refresh has ended, for at most 5 s; client/notify/README.md has the rest.
  bool report_outcomes = false;
  // Between two reports, up to a tenth more or less: from 1 minute to 1 day.
  // Without `background_refresh`, never more often than a refresh is asked for.
  absl::Duration report_interval = absl::Minutes(15);
  // Of so many reports one is sent, chosen by chance, and the others' counts are
  // dropped: for fleets whose trustd is to be asked less. At most 1,000,000.
  std::uint32_t report_sample_one_in = 1;

  // For tests. Null: the system's clock.
  std::function<absl::Time()> clock;
  // For tests: a number from 0 to less than 1, evenly spread, which spreads the
  // refreshes. Null: a generator with a seed of the system's.
  std::function<double()> random;
};

// The set that a verdict was made with, as it stood then.
struct AnchorsUsed {
  verify::AnchorProvenance provenance;
  verify::Freshness freshness = verify::Freshness::kBakedIn;
};

struct TrustServerState {
  // HOST:PORT, or the URL without a password.
  std::string name;
  // What became of its last answer; OK before the first.
  absl::Status last = {};
  // Whether the answer that was accepted last is this server's.
  bool answered_last = false;
};

// How a refresh ended, and how long to wait before the next.
struct RefreshResult {
  // As Refresh() returns it.
  absl::Status ended;
  // InfiniteDuration where there is nothing to wait for: no server, or a forked
  // process.
  absl::Duration pause;
};

// A snapshot of the client's state, for status pages and metrics.
struct TrustClientState {
  verify::AnchorProvenance provenance;
  verify::Freshness freshness = verify::Freshness::kBakedIn;
  int anchors = 0;
  int regions = 0;
  // Reference releases, whatever their status; 0 where there is no list.
  int releases = 0;
  // Refreshes since the start, by how they ended. Rejected: an answer came but
  // was not signed by the trusted keys, or was older than what is known:
  // perhaps an attack.
  std::uint64_t refreshed = 0;
  std::uint64_t unreachable = 0;
  std::uint64_t rejected = 0;
  // Refreshes that were refused because the bundle was made more than 24 hours
  // ahead of this machine's clock: set the clock.
  std::uint64_t clock_suspect = 0;
  // How often two different files of one version were found, both properly
  // signed: another timestamp, which was ignored, or a cached root that
  // contradicts the trusted one, whose cache was not used. Somebody who has the
  // key signs two different texts. Alert people.
  std::uint64_t equivocations = 0;
  // The result of the last refresh; OK before the first.
  absl::Status last_refresh;
  // When it ended; InfinitePast before the first.
  absl::Time last_refresh_at = absl::InfinitePast();
  // In the order in which they are asked. Never null.
  std::shared_ptr<const std::vector<TrustServerState>> servers =
      std::make_shared<const std::vector<TrustServerState>>();
  // Why the cache could last not be used or written; OK if it could.
  absl::Status cache;
  // As counters() returns them.
  std::vector<OutcomeCount> verifications;
  // Reports of outcomes by how they ended, and how the last one did.
  std::uint64_t reports_sent = 0;
  std::uint64_t reports_failed = 0;
  absl::Status last_report;
  // Why the file of the metrics could last not be written; OK if it could.
  absl::Status metrics_file;
};

class TrustClient {
 public:
  // Returns a client that can verify. Fails with INVALID_ARGUMENT for options
  // that contradict themselves: a server or a cache without `trusted_root`, a
  // server that is none or two, a root that is not one, or one that anybody can sign for; limits
  // exceeded; a cache folder whose path is too long, or relative to a folder
  // that is gone; a baked-in bundle that does not verify. RESOURCE_EXHAUSTED: no
  // memory, or no thread can be started.
  static absl::StatusOr<std::unique_ptr<TrustClient>> Create(
      TrustClientOptions options);

  // Returns a transport to what `options` name; null where they name nobody.
  using OpenTransport =
      absl::StatusOr<std::unique_ptr<Transport>> (*)(const TrustClientOptions&);
  // The same with the transports that the caller links (Create() has all) and,
  // unless it is null, with `folder` instead of options.cache_folder.
  static absl::StatusOr<std::unique_ptr<TrustClient>> CreateWith(
      TrustClientOptions options, OpenTransport open,
      std::unique_ptr<CacheFolder> folder = nullptr);

  // Stops the thread; waits at most `rpc_timeout` for a call under way. In a
  // forked child, frees nothing.
  ~TrustClient();
  TrustClient(const TrustClient&) = delete;
  TrustClient& operator=(const TrustClient&) = delete;

  // Returns the current set, also where it is EXPIRED: WhenExpired is about
  // evidence of now, and recorded evidence is judged as of its own time. Never
  // null. Says in `used`, which may be null, how it stands.
  std::shared_ptr<const verify::AnchorSet> anchors(
      AnchorsUsed* used = nullptr) const;

  // The current list of reference releases, for policies that expect one; null
  // where the current bundle has none. A policy keeps the list that it was
  // built with: take this for each verification, so that what was revoked since
  // is refused.
  std::shared_ptr<const verify::ReleaseSet> releases() const;

  // The same list with what is in it for people: images, notes, sequence.
  std::shared_ptr<const anchors::ReleaseList> release_list() const;

  // Whose manifests of images count, and which are listed
  // (anchors/images/judgement.h judges by them); null where the current bundle
  // has no such list.
  std::shared_ptr<const anchors::ProducerList> producers() const;
  std::shared_ptr<const anchors::ImageIndex> images() const;

  TrustClientState state() const;

  // How many verifications with the current set ended how since the start, by
  // slot and reason; those of recorded evidence are not among them. A slot is
  // one that anchors are known for: where the evidence names no such one, its
  // partition and region are empty. Empty, too, where there is no memory.
  std::vector<OutcomeCount> counters() const;

  // Asks the server now and returns OK once the answer is verified and
  // accepted, or why it was not: a TufReason (anchors/tuf/tuf_error.h) or, with
  // nobody to ask, or in a forked process, FAILED_PRECONDITION. Whatever the
  // answer, the set is as good as before, unless a new root ended it. Calls
  // wait for one another. Without a server it looks at what others wrote to the
  // cache folder; NOT_FOUND if that has no bundle. With several servers and no good answer: why the
  // first was refused whose answer was, or else why the first did not answer.
  absl::Status Refresh();

  // The same for hosts with a loop of their own, instead of the background
  // thread: says when to call it again. For the first call, wait for
  // FirstPause().
  RefreshResult RefreshOnce();
  absl::Duration FirstPause() const;

  // Ends a refresh under way and fails every later one; the thread ends too.
  // Verifications go on. Does not wait: for who has other threads in Refresh()
  // and is about to destroy the client.
  void Cancel();

  // Calls verify::VerifyIdentity() with the current set and time. Besides its
  // reasons: kAnchorsExpired. Says in `used`, which may be null, with which set.
  absl::StatusOr<verify::VerifiedIdentity> VerifyIdentity(
      const verify::IdentityEvidence& evidence,
      const verify::IdentityPolicy& policy,
      const verify::ReplayCheck* replay = nullptr,
      verify::Trace* trace = nullptr, AnchorsUsed* used = nullptr) const;

  // Counts and tells of evidence that was refused before it could be given to
  // VerifyIdentity(), by DecodeIdentitySignature(), as if it had been there.
  // Does nothing with a status that has no verify::ReasonOf().
  void CountUnreadable(const absl::Status& refused,
                       verify::IdentityForm form) const;

  // Calls verify::VerifyEnclave() or VerifyNitroTpm() with the current set and
  // time and the client's chain cache. Besides their reasons:
  // kAnchorsExpired.
  absl::StatusOr<verify::VerifiedEnclave> VerifyEnclave(
      std::string_view document, const verify::EnclavePolicy& policy,
      verify::Trace* trace = nullptr, AnchorsUsed* used = nullptr) const;
  absl::StatusOr<verify::VerifiedNitroTpm> VerifyNitroTpm(
      std::string_view document, const verify::NitroTpmPolicy& policy,
      verify::Trace* trace = nullptr, AnchorsUsed* used = nullptr) const;

 private:
  class Engine;
  explicit TrustClient(std::unique_ptr<Engine> engine);
  static absl::StatusOr<std::unique_ptr<TrustClient>> Make(
      TrustClientOptions options, OpenTransport open,
      std::unique_ptr<CacheFolder> folder);

  std::unique_ptr<Engine> engine_;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_TRUST_CLIENT_H_
