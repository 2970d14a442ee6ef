package anchorage

/*
#include <anchorage/anchorage.h>
*/
import "C"

import (
	"os"
	"runtime"
	"time"
	"unsafe"
)

// owned is an object of the library, freed when nothing refers to it. What has
// one may be copied: the copies share it.
type owned[T any] struct{ object *T }

func own[T any](object *T, free func(*T)) *owned[T] {
	o := &owned[T]{object}
	runtime.SetFinalizer(o, func(o *owned[T]) { free(o.object) })
	return o
}

// Returns the object, which lives as long as `o`; NULL for none.
func (o *owned[T]) get() *T {
	if o == nil {
		return nil
	}
	return o.object
}

// IdentityPolicy is what is demanded of an identity document.
type IdentityPolicy struct {
	handle *owned[C.anchorage_identity_policy]
}

// ReadIdentityPolicy reads a policy, YAML or JSON. `name` stands in messages.
func ReadIdentityPolicy(text []byte, name string) (*IdentityPolicy, error) {
	if text == nil {
		return nil, usage("the policy is nil")
	}
	var failure *C.anchorage_error
	policy := C.anchorage_identity_policy_read(chars(string(text)),
		C.size_t(len(text)), chars(name), C.size_t(len(name)), &failure)
	if policy == nil {
		return nil, takeError(failure)
	}
	return &IdentityPolicy{own(policy, func(p *C.anchorage_identity_policy) {
		C.anchorage_identity_policy_free(p)
	})}, nil
}

// LoadIdentityPolicy reads a policy from a file.
func LoadIdentityPolicy(path string) (*IdentityPolicy, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ReadIdentityPolicy(text, path)
}

// AttestationPolicy is what is demanded of an attestation document.
type AttestationPolicy struct {
	handle *owned[C.anchorage_attestation_policy]
}

// ReadAttestationPolicy reads a policy, YAML or JSON, or a key policy of AWS
// KMS. `name` stands in messages.
func ReadAttestationPolicy(text []byte,
	name string) (*AttestationPolicy, error) {
	if text == nil {
		return nil, usage("the policy is nil")
	}
	var failure *C.anchorage_error
	policy := C.anchorage_attestation_policy_read(chars(string(text)),
		C.size_t(len(text)), chars(name), C.size_t(len(name)), &failure)
	if policy == nil {
		return nil, takeError(failure)
	}
	return &AttestationPolicy{
		own(policy, func(p *C.anchorage_attestation_policy) {
			C.anchorage_attestation_policy_free(p)
		})}, nil
}

// LoadAttestationPolicy reads a policy from a file.
func LoadAttestationPolicy(path string) (*AttestationPolicy, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ReadAttestationPolicy(text, path)
}

// Ledger remembers which documents were used, in memory.
type Ledger struct{ handle *owned[C.anchorage_ledger] }

// NewLedger makes a ledger that refuses a new key once it holds maxEntries.
func NewLedger(maxEntries int) (*Ledger, error) {
	if maxEntries < 1 {
		return nil, usage("a ledger of less than one entry")
	}
	ledger := C.anchorage_ledger_new(C.size_t(maxEntries))
	if ledger == nil {
		return nil, noMemory()
	}
	return &Ledger{own(ledger, func(l *C.anchorage_ledger) {
		C.anchorage_ledger_free(l)
	})}, nil
}

// ForgetBefore forgets documents from before t; it returns how many.
func (l *Ledger) ForgetBefore(t time.Time) int {
	n := C.anchorage_ledger_forget_before(l.handle.get(), milliseconds(t))
	runtime.KeepAlive(l)
	return int(n)
}

// VerifyOption is something that one verification is given beside the evidence.
type VerifyOption struct {
	set func(*C.anchorage_request) error
}

// Document gives the exact bytes of the document, which the answer of
// "signature" does not hold.
func Document(document []byte) VerifyOption {
	return VerifyOption{func(r *C.anchorage_request) error {
		if document == nil {
			return usage("the document is nil")
		}
		at := backing(document)
		C.anchorage_request_set_document(r, unsafe.Pointer(&at[0]),
			C.size_t(len(document)))
		return nil
	}}
}

// Form is which of IMDS's three signatures evidence is.
type Form int32

const (
	Signature Form = C.ANCHORAGE_FORM_SIGNATURE
	PKCS7     Form = C.ANCHORAGE_FORM_PKCS7
	RSA2048   Form = C.ANCHORAGE_FORM_RSA2048
)

func (f Form) String() string {
	return name(f, "", "signature", "pkcs7", "rsa2048")
}

// InForm says which form the text must be in; without it, it is recognised.
func InForm(form Form) VerifyOption {
	return VerifyOption{func(r *C.anchorage_request) error {
		C.anchorage_request_set_form(r, C.int32_t(form))
		return nil
	}}
}

// SingleUse refuses a document that was used before.
func SingleUse(ledger *Ledger) VerifyOption {
	return replay(ledger, C.ANCHORAGE_REPLAY_SINGLE_USE, nil)
}

// FirstUseBinds refuses a document that was first used by somebody else than
// binding names.
func FirstUseBinds(ledger *Ledger, binding string) VerifyOption {
	return replay(ledger, C.ANCHORAGE_REPLAY_FIRST_USE_BINDS, &binding)
}

// NewestPendingTime refuses a document of an instance that was used with a
// newer one.
func NewestPendingTime(ledger *Ledger) VerifyOption {
	return replay(ledger, C.ANCHORAGE_REPLAY_NEWEST_PENDING_TIME, nil)
}

func replay(ledger *Ledger, mode C.int32_t, binding *string) VerifyOption {
	return VerifyOption{func(r *C.anchorage_request) error {
		if ledger == nil {
			return usage("the ledger is nil")
		}
		var at *C.char
		var size C.size_t
		if binding != nil {
			at, size = chars(*binding), C.size_t(len(*binding))
		}
		C.anchorage_request_set_ledger(r, ledger.handle.get(), mode, at, size)
		return nil
	}}
}

// ExpectNonce says what the nonce of an attestation must be, exactly. One that
// is nil or empty is an error.
func ExpectNonce(nonce []byte) VerifyOption {
	return VerifyOption{func(r *C.anchorage_request) error {
		if nonce == nil {
			return usage("the expected nonce is nil")
		}
		at := backing(nonce)
		C.anchorage_request_set_nonce(r, unsafe.Pointer(&at[0]),
			C.size_t(len(nonce)))
		return nil
	}}
}

// ExpectUserData says what the user data must be, exactly. nil is an error;
// empty is present and empty.
func ExpectUserData(data []byte) VerifyOption {
	return VerifyOption{func(r *C.anchorage_request) error {
		if data == nil {
			return usage("the expected user data is nil")
		}
		at := backing(data)
		C.anchorage_request_set_user_data(r, unsafe.Pointer(&at[0]),
			C.size_t(len(data)))
		return nil
	}}
}

// ExpectPublicKey says what the public key must be, as ExpectUserData does.
func ExpectPublicKey(key []byte) VerifyOption {
	return VerifyOption{func(r *C.anchorage_request) error {
		if key == nil {
			return usage("the expected public key is nil")
		}
		at := backing(key)
		C.anchorage_request_set_public_key(r, unsafe.Pointer(&at[0]),
			C.size_t(len(key)))
		return nil
	}}
}

// RecordedAt judges evidence that was recorded as of t: never an answer about
// who is there now.
func RecordedAt(t time.Time) VerifyOption {
	return VerifyOption{func(r *C.anchorage_request) error {
		C.anchorage_request_set_recorded_at(r, milliseconds(t))
		return nil
	}}
}

// Traced records every check, for the JSON of the result or the refusal.
func Traced() VerifyOption {
	return VerifyOption{func(r *C.anchorage_request) error {
		C.anchorage_request_set_trace(r, 1)
		return nil
	}}
}

// Returns a request with the options, NULL for none; the caller frees it.
func newRequest(options []VerifyOption) (*C.anchorage_request, error) {
	if len(options) == 0 {
		return nil, nil
	}
	request := C.anchorage_request_new()
	for _, option := range options {
		err := usage("a VerifyOption that no function made")
		if option.set != nil {
			err = option.set(request)
		}
		if err != nil {
			C.anchorage_request_free(request)
			return nil, err
		}
	}
	return request, nil
}

// Identity is what AWS says of an instance. json.Marshal gives what
// `trustctl verify identity --output json` prints.
type Identity struct {
	AccountID        string
	Region           string
	Partition        string
	AvailabilityZone string
	InstanceID       string
	InstanceType     string
	ImageID          string
	Architecture     string
	Version          string
	// nil: the document has none.
	KernelID  *string
	RamdiskID *string
	PrivateIP *string
	// nil: the document has no list; a list may be empty.
	ProductCodes    []string
	BillingProducts []string
	// When the instance was last launched or started.
	PendingTime time.Time
	// nil: the signature has none.
	SigningTime *time.Time
	Form        Form
	// The exact bytes that AWS signed.
	Document []byte
	// What is worth knowing and no fault, by name.
	Notes []string

	whole *owned[C.anchorage_identity]
}

// MarshalJSON returns what `trustctl verify identity --output json` prints.
func (i Identity) MarshalJSON() ([]byte, error) {
	if i.whole == nil {
		return nil, usage("an Identity that no verification made")
	}
	var size C.size_t
	json := takeJSON(C.anchorage_identity_json(i.whole.get(), &size), size)
	runtime.KeepAlive(i.whole)
	return orNoMemory(json)
}

// VerifyIdentity verifies what IMDS answers below
// /latest/dynamic/instance-identity/: text is the answer of "rsa2048", "pkcs7"
// or "signature" as it came. The error is a *Refused where the evidence is not
// good.
func (c *Client) VerifyIdentity(text []byte, policy *IdentityPolicy,
	options ...VerifyOption) (*Identity, error) {
	if text == nil || policy == nil {
		return nil, usage("text or policy is nil")
	}
	request, err := newRequest(options)
	if err != nil {
		return nil, err
	}
	defer C.anchorage_request_free(request)
	var handle *C.anchorage_identity
	err = c.with(func(client *C.anchorage_client) error {
		at := backing(text)
		var failure *C.anchorage_error
		handle = C.anchorage_verify_identity(client, unsafe.Pointer(&at[0]),
			C.size_t(len(text)), policy.handle.get(), request, &failure)
		if handle == nil {
			return takeError(failure)
		}
		return nil
	})
	runtime.KeepAlive(policy)
	runtime.KeepAlive(options)
	if err != nil {
		return nil, err
	}
	return newIdentity(own(handle, func(i *C.anchorage_identity) {
		C.anchorage_identity_free(i)
	})), nil
}

func newIdentity(whole *owned[C.anchorage_identity]) *Identity {
	i := whole.get()
	field := func(name string) *string {
		var size C.size_t
		text := C.anchorage_identity_field(i, chars(name), &size)
		if text == nil {
			return nil
		}
		s := C.GoStringN(text, C.int(size))
		return &s
	}
	// Every document that is accepted has these.
	required := func(name string) string { return *field(name) }
	identity := &Identity{
		AccountID:        required("account_id"),
		Region:           required("region"),
		Partition:        required("partition"),
		AvailabilityZone: required("availability_zone"),
		InstanceID:       required("instance_id"),
		InstanceType:     required("instance_type"),
		ImageID:          required("image_id"),
		Architecture:     required("architecture"),
		Version:          required("version"),
		KernelID:         field("kernel_id"),
		RamdiskID:        field("ramdisk_id"),
		PrivateIP:        field("private_ip"),
		PendingTime:      timeOf(C.anchorage_identity_pending_time(i)),
		Form:             Form(C.anchorage_identity_form(i)),
		whole:            whole,
	}
	var signed C.int64_t
	if C.anchorage_identity_signing_time(i, &signed) != 0 {
		t := timeOf(signed)
		identity.SigningTime = &t
	}
	var size C.size_t
	if C.anchorage_identity_product_codes(i, &size) != 0 {
		identity.ProductCodes = list(int(size), func(n C.size_t) *C.char {
			return C.anchorage_identity_product_code(i, n)
		})
	}
	if C.anchorage_identity_billing_products(i, &size) != 0 {
		identity.BillingProducts = list(int(size), func(n C.size_t) *C.char {
			return C.anchorage_identity_billing_product(i, n)
		})
	}
	for n := C.size_t(0); ; n++ {
		note := C.anchorage_identity_note(i, n)
		if note == nil {
			break
		}
		identity.Notes = append(identity.Notes, C.GoString(note))
	}
	document := C.anchorage_identity_document(i, &size)
	identity.Document = bytesOf(document, size)
	runtime.KeepAlive(whole)
	return identity
}

// Returns `size` texts, not nil where there are none.
func list(size int, at func(C.size_t) *C.char) []string {
	texts := make([]string, size)
	for n := range texts {
		texts[n] = C.GoString(at(C.size_t(n)))
	}
	return texts
}

// Kind is of what an attestation is.
type Kind int32

const (
	Enclave  Kind = C.ANCHORAGE_TYPE_ENCLAVE
	NitroTPM Kind = C.ANCHORAGE_TYPE_NITRO_TPM
)

func (k Kind) String() string { return name(k, "", "ENCLAVE", "NITRO_TPM") }

// Attestation is what the Nitro hypervisor says of an enclave or an instance.
// json.Marshal gives what `trustctl verify attestation --output json` prints.
type Attestation struct {
	Kind      Kind
	ModuleID  string
	Partition string
	// nil: not known. Code that keys anything on one refuses evidence without.
	InstanceID *string
	Region     *string
	// The release whose measurements these are; nil: the policy expects none.
	Release *string
	// When the document was made.
	Time time.Time
	// nil: absent; present and empty is not nil.
	PublicKey []byte
	UserData  []byte
	Nonce     []byte
	// By index; what the document does not have is not in it.
	PCRs map[int][]byte
	// What is worth knowing and no fault, by name.
	Notes []string

	whole *owned[C.anchorage_attestation]
}

// MarshalJSON returns what `trustctl verify attestation --output json` prints.
func (a Attestation) MarshalJSON() ([]byte, error) {
	if a.whole == nil {
		return nil, usage("an Attestation that no verification made")
	}
	var size C.size_t
	json := takeJSON(C.anchorage_attestation_json(a.whole.get(), &size), size)
	runtime.KeepAlive(a.whole)
	return orNoMemory(json)
}

// VerifyAttestation verifies a document, of an enclave or a NitroTPM as the
// policy says. The error is a *Refused where the evidence is not good.
func (c *Client) VerifyAttestation(document []byte, policy *AttestationPolicy,
	options ...VerifyOption) (*Attestation, error) {
	if document == nil || policy == nil {
		return nil, usage("document or policy is nil")
	}
	request, err := newRequest(options)
	if err != nil {
		return nil, err
	}
	defer C.anchorage_request_free(request)
	var handle *C.anchorage_attestation
	err = c.with(func(client *C.anchorage_client) error {
		at := backing(document)
		var failure *C.anchorage_error
		handle = C.anchorage_verify_attestation(client, unsafe.Pointer(&at[0]),
			C.size_t(len(document)), policy.handle.get(), request, &failure)
		if handle == nil {
			return takeError(failure)
		}
		return nil
	})
	runtime.KeepAlive(policy)
	runtime.KeepAlive(options)
	if err != nil {
		return nil, err
	}
	return newAttestation(own(handle, func(a *C.anchorage_attestation) {
		C.anchorage_attestation_free(a)
	})), nil
}

// The highest index of a PCR.
const maxPCR = 31

func newAttestation(
	whole *owned[C.anchorage_attestation]) *Attestation {
	a := whole.get()
	attestation := &Attestation{
		Kind:       Kind(C.anchorage_attestation_type(a)),
		ModuleID:   C.GoString(C.anchorage_attestation_module_id(a)),
		Partition:  C.GoString(C.anchorage_attestation_partition(a)),
		InstanceID: optional(C.anchorage_attestation_instance_id(a)),
		Region:     optional(C.anchorage_attestation_region(a)),
		Release:    optional(C.anchorage_attestation_release(a)),
		Time:       timeOf(C.anchorage_attestation_time(a)),
		PCRs:       map[int][]byte{},
		whole:      whole,
	}
	var size C.size_t
	key := C.anchorage_attestation_public_key(a, &size)
	attestation.PublicKey = bytesOf(key, size)
	data := C.anchorage_attestation_user_data(a, &size)
	attestation.UserData = bytesOf(data, size)
	nonce := C.anchorage_attestation_nonce(a, &size)
	attestation.Nonce = bytesOf(nonce, size)
	for index := 0; index <= maxPCR; index++ {
		pcr := C.anchorage_attestation_pcr(a, C.int32_t(index), &size)
		if pcr != nil {
			attestation.PCRs[index] = bytesOf(pcr, size)
		}
	}
	for n := C.size_t(0); ; n++ {
		note := C.anchorage_attestation_note(a, n)
		if note == nil {
			break
		}
		attestation.Notes = append(attestation.Notes, C.GoString(note))
	}
	runtime.KeepAlive(whole)
	return attestation
}
