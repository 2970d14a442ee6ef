// Package anchorage verifies AWS's instance identity documents and Nitro
// attestation documents with a set of anchors that keeps itself current. It is
// libanchorage in Go.
//
//	client, err := anchorage.NewClient(anchorage.Options{})
//	policy, err := anchorage.LoadIdentityPolicy("licence.yaml")
//	machine, err := client.VerifyIdentity(textFromIMDS, policy)
//	var refused *anchorage.Refused
//	if errors.As(err, &refused) {
//		log.Printf("no licence: %s", refused.Reason)
//	}
//
// What is absent in a document is nil, never "" and never empty. What the
// caller expects and did not find, such as a nonce that is nil, is an error:
// it is never taken for "not expected".
//
// Everything may be used by any number of goroutines at once.
package anchorage

/*
#cgo pkg-config: anchorage
#include <anchorage/anchorage.h>
*/
import "C"

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"
	"unsafe"
)

// The oldest library that has all that this package calls: 1.1.0.
const oldestLibrary = 10100

// Version returns the version and commit of the library, such as
// "1.1.0 (commit 9f3c2ab1c0de)".
func Version() string { return C.GoString(C.anchorage_version()) }

// WhenExpired is what a set of anchors does that is EXPIRED.
type WhenExpired int32

const (
	ServeLastGood WhenExpired = C.ANCHORAGE_WHEN_EXPIRED_SERVE_LAST_GOOD
	Refuse        WhenExpired = C.ANCHORAGE_WHEN_EXPIRED_REFUSE
)

// Options are what a Client is made with. A field that is zero has the default
// that it names; with none set, the client has the set that is built in, and
// asks nobody.
type Options struct {
	// Where a trustd, a CDN or a bucket has the files, such as
	// "https://trust.example.com/tuf/". Default: nowhere. Needs a TrustedRoot,
	// and libcurl.so.4 when something is first fetched.
	URL string
	// Where its targets are. Default: "targets/" below URL.
	TargetsURL string
	// Other places with the same files, asked in turn where those before do not
	// answer, or not with what verifies; at most 16.
	FurtherURLs []string
	// A proxy's URL. Default: none.
	Proxy string
	// The proxy is what https_proxy and the like say.
	ProxyOfEnvironment bool
	// The root.json of the repository, from a channel that you trust.
	TrustedRoot []byte
	// PEM certificates that the server's must chain to. Default: the system's.
	TLSRoots []byte
	// A folder for what was last verified, of root's or of this process's user,
	// for any number of clients; needs a TrustedRoot. Default: none.
	CacheDir string
	// The set that is there before any other, a serialised GetUpdateResponse,
	// and when it was known to be the newest. Default: the one that is built in.
	BakedBundle     []byte
	BakedBundleAsOf time.Time
	// Asks only where Refresh or RefreshOnce is called. Default: also in the
	// background.
	NoBackgroundRefresh bool
	// At least 1 s. Default: 1 h.
	RefreshInterval time.Duration
	// The longest that one file may take, 1 ms to 1 h. Default: 20 s.
	Timeout time.Duration
	// The longest that one refresh may take, 1 ms to 1 h. Default: 2 min.
	RefreshBudget time.Duration
	// For node_exporter's textfile collector: an absolute path that ends in
	// ".prom", of this client alone. Default: none.
	MetricsFile string
	// Reports to the server how many verifications ended how, by slot and
	// reason; no account, instance or address.
	ReportOutcomes bool
	// Between two reports, 1 min to 1 day. Default: 15 min.
	ReportInterval time.Duration
	// Sends one of so many reports, by chance. Default: 1.
	ReportSample int32
	// How long a set is STALE before it is EXPIRED, at most 365 days. Default:
	// 30 days.
	MaxStale time.Duration
	// What an EXPIRED set does. Defaults: ServeLastGood, Refuse.
	IdentityWhenExpired    WhenExpired
	AttestationWhenExpired WhenExpired
}

// Client verifies with the newest set of anchors that it has.
type Client struct {
	// Of `handle`, for a moment only.
	mu sync.RWMutex
	// nil once it is closed.
	handle *C.anchorage_client
	// Who uses the handle.
	users sync.WaitGroup
}

// NewClient never waits for the network and never fails for want of it.
func NewClient(options Options) (*Client, error) {
	if C.anchorage_version_number() < oldestLibrary {
		return nil, usage("libanchorage " + Version() +
			" is older than this package")
	}
	o := C.anchorage_options_new()
	defer C.anchorage_options_free(o)
	options.set(o)
	var failure *C.anchorage_error
	handle := C.anchorage_client_new(o, &failure)
	if handle == nil {
		return nil, takeError(failure)
	}
	client := &Client{handle: handle}
	// Freeing may wait for a transfer, and other finalizers for this one.
	runtime.SetFinalizer(client, func(c *Client) { go c.Close() })
	return client, nil
}

func (options *Options) set(o *C.anchorage_options) {
	if text := options.URL; text != "" {
		C.anchorage_options_set_url(o, chars(text), C.size_t(len(text)))
	}
	if text := options.TargetsURL; text != "" {
		C.anchorage_options_set_targets_url(o, chars(text),
			C.size_t(len(text)))
	}
	for _, text := range options.FurtherURLs {
		C.anchorage_options_add_url(o, chars(text), C.size_t(len(text)))
	}
	if text := options.Proxy; text != "" {
		C.anchorage_options_set_proxy(o, chars(text), C.size_t(len(text)))
	}
	if options.ProxyOfEnvironment {
		C.anchorage_options_set_proxy_of_environment(o, 1)
	}
	if root := options.TrustedRoot; root != nil {
		at := backing(root)
		C.anchorage_options_set_trusted_root(o, unsafe.Pointer(&at[0]),
			C.size_t(len(root)))
	}
	if pem := options.TLSRoots; pem != nil {
		C.anchorage_options_set_tls_roots(o, chars(string(pem)),
			C.size_t(len(pem)))
	}
	if text := options.CacheDir; text != "" {
		C.anchorage_options_set_cache_folder(o, chars(text),
			C.size_t(len(text)))
	}
	if bundle := options.BakedBundle; bundle != nil {
		at := backing(bundle)
		C.anchorage_options_set_baked_bundle(o, unsafe.Pointer(&at[0]),
			C.size_t(len(bundle)), milliseconds(options.BakedBundleAsOf))
	}
	if options.NoBackgroundRefresh {
		C.anchorage_options_set_background_refresh(o, 0)
	}
	if d := options.RefreshInterval; d != 0 {
		C.anchorage_options_set_refresh_interval(o, C.int64_t(d.Milliseconds()))
	}
	if d := options.Timeout; d != 0 {
		C.anchorage_options_set_timeout(o, C.int64_t(d.Milliseconds()))
	}
	if d := options.RefreshBudget; d != 0 {
		C.anchorage_options_set_refresh_budget(o, C.int64_t(d.Milliseconds()))
	}
	if text := options.MetricsFile; text != "" {
		C.anchorage_options_set_metrics_file(o, chars(text),
			C.size_t(len(text)))
	}
	if options.ReportOutcomes {
		C.anchorage_options_set_report_outcomes(o, 1)
	}
	if d := options.ReportInterval; d != 0 {
		C.anchorage_options_set_report_interval(o, C.int64_t(d.Milliseconds()))
	}
	if n := options.ReportSample; n != 0 {
		C.anchorage_options_set_report_sample(o, C.int32_t(n))
	}
	if d := options.MaxStale; d != 0 {
		C.anchorage_options_set_max_stale(o, C.int64_t(d.Milliseconds()))
	}
	if what := options.IdentityWhenExpired; what != 0 {
		C.anchorage_options_set_identity_when_expired(o, C.int32_t(what))
	}
	if what := options.AttestationWhenExpired; what != 0 {
		C.anchorage_options_set_attestation_when_expired(o, C.int32_t(what))
	}
}

// Close ends a Refresh under way, which takes about a second and fails with
// Unreachable, and frees what the client holds, once all calls that use it have
// returned; later calls fail at once. Closing twice does nothing, and who
// forgets to close loses nothing but time. It returns nil.
func (c *Client) Close() error {
	c.mu.Lock()
	handle := c.handle
	c.handle = nil
	c.mu.Unlock()
	C.anchorage_client_cancel(handle)
	c.users.Wait()
	C.anchorage_client_free(handle)
	return nil
}

// Calls `use` with the handle, which is not freed meanwhile.
func (c *Client) with(use func(*C.anchorage_client) error) error {
	c.mu.RLock()
	handle := c.handle
	if handle != nil {
		c.users.Add(1)
	}
	c.mu.RUnlock()
	if handle == nil {
		return usage("the client is closed")
	}
	defer c.users.Done()
	return use(handle)
}

// Refresh asks the server now. Whatever comes, the set is as good as before.
// Where ctx ends first, Refresh returns its error, and the transfer goes on in
// the background for at most Options.Timeout a file, or until Close.
func (c *Client) Refresh(ctx context.Context) error {
	_, err := unlessEnded(ctx, func() (*struct{}, error) {
		return nil, c.with(func(handle *C.anchorage_client) error {
			var failure *C.anchorage_error
			if C.anchorage_client_refresh(handle, &failure) != C.ANCHORAGE_OK {
				return takeError(failure)
			}
			return nil
		})
	})
	return err
}

// RefreshOnce is Refresh for a host with a loop of its own and
// NoBackgroundRefresh. The pause, also on failure, is how long to wait before the
// next call: negative where there is nothing to wait for, because there is no
// URL or the client is closed. Waits as long as Refresh does.
func (c *Client) RefreshOnce() (pause time.Duration, err error) {
	var ms C.int64_t = -1
	err = c.with(func(handle *C.anchorage_client) error {
		var failure *C.anchorage_error
		if C.anchorage_client_refresh_once(handle, &ms,
			&failure) != C.ANCHORAGE_OK {
			return takeError(failure)
		}
		return nil
	})
	return time.Duration(ms) * time.Millisecond, err
}

// FirstPause is how long to wait before the first RefreshOnce, so that a fleet
// does not ask together; negative as there.
func (c *Client) FirstPause() time.Duration {
	var ms C.int64_t = -1
	_ = c.with(func(handle *C.anchorage_client) error {
		ms = C.anchorage_client_first_pause(handle)
		return nil
	})
	return time.Duration(ms) * time.Millisecond
}

// Origin is where a set of anchors came from.
type Origin int32

const (
	OriginBakedIn Origin = C.ANCHORAGE_ORIGIN_BAKED_IN
	OriginCache   Origin = C.ANCHORAGE_ORIGIN_CACHE
	OriginServer  Origin = C.ANCHORAGE_ORIGIN_SERVER
)

// Freshness is how old a set of anchors is. A number that is not here is to be
// taken for Expired.
type Freshness int32

const (
	Fresh   Freshness = C.ANCHORAGE_FRESHNESS_FRESH
	Stale   Freshness = C.ANCHORAGE_FRESHNESS_STALE
	Expired Freshness = C.ANCHORAGE_FRESHNESS_EXPIRED
	// Built in, and there is nobody to ask for a newer one.
	BakedIn Freshness = C.ANCHORAGE_FRESHNESS_BAKED_IN
)

func (o Origin) String() string {
	return name(o, "", "BAKED_IN", "CACHE", "SERVER")
}

func (f Freshness) String() string {
	return name(f, "", "FRESH", "STALE", "EXPIRED", "BAKED_IN")
}

// Returns the name of `number`, or the number where it has none.
func name[Number ~int32](number Number, names ...string) string {
	if number > 0 && int(number) < len(names) {
		return names[number]
	}
	return strconv.Itoa(int(number))
}

// State is how a client stands. json.Marshal gives everything that the client
// counts.
type State struct {
	Origin    Origin
	Freshness Freshness
	Sequence  uint64
	AsOf      time.Time
	// nil: the set does not age.
	FreshUntil *time.Time

	json []byte
}

// MarshalJSON returns everything that the client counts, for status pages.
func (s State) MarshalJSON() ([]byte, error) { return orNoMemory(s.json) }

// State returns a snapshot.
func (c *Client) State() (*State, error) {
	var state *State
	err := c.with(func(handle *C.anchorage_client) error {
		var failure *C.anchorage_error
		s := C.anchorage_client_state(handle, &failure)
		if s == nil {
			return takeError(failure)
		}
		defer C.anchorage_state_free(s)
		state = &State{
			Origin:    Origin(C.anchorage_state_origin(s)),
			Freshness: Freshness(C.anchorage_state_freshness(s)),
			Sequence:  uint64(C.anchorage_state_sequence(s)),
			AsOf:      timeOf(C.anchorage_state_as_of(s)),
		}
		var until C.int64_t
		if C.anchorage_state_fresh_until(s, &until) != 0 {
			t := timeOf(until)
			state.FreshUntil = &t
		}
		var size C.size_t
		state.json = takeJSON(C.anchorage_state_json(s, &size), size)
		return nil
	})
	return state, err
}

// Code says what kind of failure an error is.
type Code int32

const (
	// The caller's mistake, or the library's: not the evidence's.
	Usage             Code = C.ANCHORAGE_USAGE
	Unreadable        Code = C.ANCHORAGE_UNREADABLE
	NotFromAWS        Code = C.ANCHORAGE_NOT_FROM_AWS
	StaleOrForAnother Code = C.ANCHORAGE_STALE_OR_FOR_ANOTHER
	RefusedByPolicy   Code = C.ANCHORAGE_REFUSED_BY_POLICY
	// Never a pass: no anchors, no memory, no algorithm, no ledger.
	Undecided Code = C.ANCHORAGE_UNDECIDED
	// Of Refresh: nobody answered.
	Unreachable Code = C.ANCHORAGE_UNREACHABLE
	// Of Refresh: what came was not what the trusted keys signed, or went back.
	UpdateRefused Code = C.ANCHORAGE_UPDATE_REFUSED
)

func (c Code) String() string {
	return name(c, "", "USAGE", "UNREADABLE", "NOT_FROM_AWS",
		"STALE_OR_FOR_ANOTHER", "REFUSED_BY_POLICY", "UNDECIDED", "UNREACHABLE",
		"UPDATE_REFUSED")
}

// Error is any failure that is no refusal of evidence: its Code is Usage,
// Unreachable or UpdateRefused.
type Error struct {
	Code Code
	// A stable name: "USAGE", what is wrong with a policy, such as
	// "POLICY_EMPTY", or that of a TUF reason.
	Reason string
	// One line for people.
	Message string
}

func (e *Error) Error() string { return describe(e.Reason, e.Message) }

// Refused is a refusal of evidence. Its Code is Unreadable, NotFromAWS,
// StaleOrForAnother, RefusedByPolicy or Undecided. json.Marshal gives what
// `trustctl verify --output json` prints.
type Refused struct {
	Code Code
	// A stable name, such as "SIGNATURE_MISMATCH".
	Reason string
	// The step that failed, such as "product-codes"; nil for none.
	Check *string
	// One line for people, whatever the evidence says: what was expected beside
	// what was found.
	Message string
	// The certificate of a chain that failed, 0 for the leaf; nil for none.
	CertificateIndex *int

	json []byte
}

func (r *Refused) Error() string { return describe(r.Reason, r.Message) }

// MarshalJSON returns what `trustctl verify --output json` prints.
func (r Refused) MarshalJSON() ([]byte, error) { return orNoMemory(r.json) }

func describe(reason, message string) string {
	return fmt.Sprintf("anchorage: %s: %s", reason, message)
}

func usage(message string) error {
	return &Error{Code: Usage, Reason: "USAGE", Message: message}
}

func noMemory() error {
	return &Refused{Code: Undecided, Reason: "RESOURCES_EXHAUSTED",
		Message: "no memory"}
}

// Returns `failure` as an error, and frees it.
func takeError(failure *C.anchorage_error) error {
	defer C.anchorage_error_free(failure)
	code := Code(C.anchorage_error_code(failure))
	reason := C.GoString(C.anchorage_error_reason(failure))
	message := C.GoString(C.anchorage_error_message(failure))
	if code == Usage || code == Unreachable || code == UpdateRefused {
		return &Error{Code: code, Reason: reason, Message: message}
	}
	refused := &Refused{Code: code, Reason: reason, Message: message}
	refused.Check = optional(C.anchorage_error_check(failure))
	if i := int(C.anchorage_error_certificate_index(failure)); i >= 0 {
		refused.CertificateIndex = &i
	}
	var size C.size_t
	refused.json = takeJSON(C.anchorage_error_json(failure, &size), size)
	return refused
}

// Returns bytes of which the first has an address.
func backing(b []byte) []byte {
	if len(b) == 0 {
		return []byte{0}
	}
	return b
}

// Returns the bytes of `text`, with a NUL behind them.
func chars(text string) *C.char {
	return (*C.char)(unsafe.Pointer(&append([]byte(text), 0)[0]))
}

// Returns nil for NULL.
func optional(text *C.char) *string {
	if text == nil {
		return nil
	}
	s := C.GoString(text)
	return &s
}

// Returns nil for NULL, and not nil for what is there and empty.
func bytesOf(p unsafe.Pointer, size C.size_t) []byte {
	if p == nil {
		return nil
	}
	return append([]byte{}, unsafe.Slice((*byte)(p), int(size))...)
}

// Frees `text`.
func takeJSON(text *C.char, size C.size_t) []byte {
	defer C.anchorage_string_free(text)
	return bytesOf(unsafe.Pointer(text), size)
}

func orNoMemory(json []byte) ([]byte, error) {
	if json == nil {
		return nil, noMemory()
	}
	return json, nil
}

func milliseconds(t time.Time) C.int64_t { return C.int64_t(t.UnixMilli()) }

func timeOf(ms C.int64_t) time.Time { return time.UnixMilli(int64(ms)).UTC() }
