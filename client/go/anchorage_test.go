package anchorage_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"anchorage"
)

const (
	real     = "../../test/vectors/real/"
	recent   = real + "iid/apse2-2026-ts-verify/"
	nitroTPM = real + "nitro-tpm/live-usw2-i-000fa553.cbor"

	anyMachine = "authenticity_only: a test"
	anyBoot    = `
type: TYPE_NITRO_TPM
condition:
  all_of:
    - key: NitroTPMPCR4
      values:
        - 3c428daf639a86655cbe8aeff1eeb298f59c6a82d8ea6fdc` +
		`34c6f3af1d2582f091a25aca4a6f390c32f0f7701952829a
    - key: NitroTPMPCR12
      values:
        - 000000000000000000000000000000000000000000000000` +
		`000000000000000000000000000000000000000000000000
`
	theRest = "ignore_the_rest: a test\n"
)

// When the attestation was made, and how its verification is told.
var (
	madeAt = time.Date(2026, 8, 13, 17, 36, 48, 432e6, time.UTC)
	then   = anchorage.RecordedAt(madeAt)
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newClient(t *testing.T, options anchorage.Options) *anchorage.Client {
	t.Helper()
	client, err := anchorage.NewClient(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func identityPolicy(t *testing.T, text string) *anchorage.IdentityPolicy {
	t.Helper()
	policy, err := anchorage.ReadIdentityPolicy([]byte(text), "policy")
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func bootPolicy(t *testing.T, text string) *anchorage.AttestationPolicy {
	t.Helper()
	policy, err := anchorage.ReadAttestationPolicy([]byte(text), "policy")
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func expectRefused(t *testing.T, err error, reason string,
	code anchorage.Code) *anchorage.Refused {
	t.Helper()
	var refused *anchorage.Refused
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, expected a refusal", err)
	}
	if refused.Reason != reason || refused.Code != code {
		t.Fatalf("got %s (%s): %s, expected %s (%s)", refused.Reason,
			refused.Code, refused.Message, reason, code)
	}
	if refused.Message == "" {
		t.Error("no message")
	}
	return refused
}

func expectError(t *testing.T, err error, code anchorage.Code) {
	t.Helper()
	var mistake *anchorage.Error
	if !errors.As(err, &mistake) || mistake.Code != code {
		t.Fatalf("got %v, expected an Error with the code %s", err, code)
	}
	if mistake.Reason == "" || mistake.Message == "" {
		t.Error("no reason or no message")
	}
}

func expectJSON(t *testing.T, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if json.Unmarshal(text, &object) != nil || len(object) == 0 {
		t.Errorf("got %s, expected an object", text)
	}
}

func TestVerifiesTheRealIdentity(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	machine, err := client.VerifyIdentity(read(t, recent+"rsa2048.b64"),
		identityPolicy(t, "accounts: ['189292791360']\n"+theRest))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{machine.AccountID, machine.Region, machine.Partition,
		machine.AvailabilityZone, machine.InstanceID, machine.InstanceType,
		machine.ImageID, machine.Architecture, machine.Version}
	expected := []string{"189292791360", "ap-southeast-2", "aws",
		"ap-southeast-2a", "i-0c5541936caf78c12", "t4g.small",
		"ami-0cbde744623b7506b", "arm64", "2017-09-30"}
	for n := range expected {
		if got[n] != expected[n] {
			t.Errorf("got %q, expected %q", got[n], expected[n])
		}
	}
	if machine.PrivateIP == nil || *machine.PrivateIP != "10.0.1.242" {
		t.Error("another private IP")
	}
	if machine.KernelID != nil || machine.RamdiskID != nil ||
		machine.ProductCodes != nil || machine.BillingProducts != nil {
		t.Error("what the document does not have is there")
	}
	if !machine.PendingTime.Equal(
		time.Date(2026, 2, 16, 0, 38, 27, 0, time.UTC)) {
		t.Errorf("pending since %v", machine.PendingTime)
	}
	if machine.Form != anchorage.RSA2048 {
		t.Errorf("form %s", machine.Form)
	}
	if !bytes.Equal(machine.Document, read(t, recent+"document")) {
		t.Error("another document")
	}
	expectJSON(t, machine)
	value := *machine
	machine = nil
	runtime.GC()
	if text, err := json.Marshal(value); err != nil ||
		!bytes.Contains(text, []byte(`"account_id"`)) {
		t.Errorf("got %s, %v for a copy", text, err)
	}
}

func TestVerifiesTheSignatureOfADocument(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	text, policy := read(t, recent+"signature.b64"),
		identityPolicy(t, anyMachine)
	machine, err := client.VerifyIdentity(text, policy,
		anchorage.InForm(anchorage.Signature),
		anchorage.Document(read(t, recent+"document")))
	if err != nil {
		t.Fatal(err)
	}
	if machine.Form != anchorage.Signature {
		t.Errorf("form %s", machine.Form)
	}
	invalid := real + "negative/iid-ts-invalid-document/"
	_, err = client.VerifyIdentity(read(t, invalid+"signature.b64"), policy,
		anchorage.Document(read(t, invalid+"document")))
	expectRefused(t, err, "SIGNATURE_MISMATCH", anchorage.NotFromAWS)
}

func TestRefusesAChangedIdentity(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	der, err := base64.StdEncoding.DecodeString(string(
		bytes.ReplaceAll(read(t, recent+"rsa2048.b64"), []byte("\n"), nil)))
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(der, []byte("189292791360"),
		[]byte("189292791361"), 1)
	_, err = client.VerifyIdentity(changed, identityPolicy(t, anyMachine))
	expectRefused(t, err, "DIGEST_MISMATCH", anchorage.NotFromAWS)
}

func TestRefusesAMachineWithoutTheLicence(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	_, err := client.VerifyIdentity(read(t, recent+"rsa2048.b64"),
		identityPolicy(t, "product_codes: {any_of: [abc]}\n"+theRest))
	refused := expectRefused(t, err, "PRODUCT_CODE_NOT_ALLOWED",
		anchorage.RefusedByPolicy)
	if refused.Check == nil || *refused.Check != "product-codes" {
		t.Errorf("check %v", refused.Check)
	}
	if refused.CertificateIndex != nil {
		t.Errorf("certificate %d", *refused.CertificateIndex)
	}
	expectJSON(t, refused)
}

func TestRefusesTextThatIsNoEvidence(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	_, err := client.VerifyIdentity([]byte{}, identityPolicy(t, anyMachine))
	var refused *anchorage.Refused
	if !errors.As(err, &refused) || refused.Code != anchorage.Unreadable {
		t.Errorf("got %v", err)
	}
}

func TestVerifiesTheRealNitroTPM(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	machine, err := client.VerifyAttestation(read(t, nitroTPM),
		bootPolicy(t, anyBoot+theRest), then)
	if err != nil {
		t.Fatal(err)
	}
	if machine.Kind != anchorage.NitroTPM ||
		machine.ModuleID != "i-000fa553dad58a9f1-tpm0000000000000000" ||
		machine.Partition != "aws" {
		t.Errorf("got %+v", machine)
	}
	if machine.InstanceID == nil ||
		*machine.InstanceID != "i-000fa553dad58a9f1" {
		t.Error("another instance")
	}
	if machine.Region == nil || *machine.Region != "us-west-2" {
		t.Error("another region")
	}
	if machine.Release != nil || machine.UserData != nil {
		t.Error("what the document does not have is there")
	}
	if len(machine.Nonce) != 64 || len(machine.PublicKey) != 91 {
		t.Error("another nonce or another public key")
	}
	if !machine.Time.Equal(madeAt) {
		t.Errorf("made at %v", machine.Time)
	}
	if len(machine.PCRs[12]) != 48 || machine.PCRs[31] != nil {
		t.Error("other PCRs")
	}
	expectJSON(t, machine)
}

func TestRefusesAChangedAttestation(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	document := read(t, nitroTPM)
	document[len(document)-1] ^= 1
	_, err := client.VerifyAttestation(document, bootPolicy(t, anyBoot+theRest), then)
	expectRefused(t, err, "SIGNATURE_MISMATCH", anchorage.NotFromAWS)
}

func TestTheNonceIsExpected(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	document, policy := read(t, nitroTPM), bootPolicy(t, anyBoot+theRest)
	machine, err := client.VerifyAttestation(document, policy, then)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.VerifyAttestation(document, policy, then,
		anchorage.ExpectNonce(machine.Nonce)); err != nil {
		t.Error(err)
	}
}

func TestEmptyIsExpected(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	document, policy := read(t, nitroTPM), bootPolicy(t, anyBoot+theRest)
	_, err := client.VerifyAttestation(document, policy, then,
		anchorage.ExpectUserData([]byte{}))
	expectRefused(t, err, "USER_DATA_MISMATCH", anchorage.StaleOrForAnother)
	_, err = client.VerifyAttestation(document, policy, then,
		anchorage.ExpectPublicKey([]byte{}))
	expectRefused(t, err, "PUBLIC_KEY_MISMATCH", anchorage.StaleOrForAnother)
	_, err = client.VerifyAttestation(document, policy, then,
		anchorage.ExpectNonce([]byte{}))
	expectError(t, err, anchorage.Usage)
}

// A part of a value that holds pointers may be given.
func TestAnExpectationInAStruct(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	session := &struct {
		nonce [16]byte
		name  *string
	}{name: new(string)}
	_, err := client.VerifyAttestation(read(t, nitroTPM),
		bootPolicy(t, anyBoot+theRest), then,
		anchorage.ExpectNonce(session.nonce[:]))
	expectRefused(t, err, "NONCE_MISMATCH", anchorage.StaleOrForAnother)
}

func TestNilIsNeverNotExpected(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	policy := bootPolicy(t, anyBoot+theRest)
	for name, option := range map[string]anchorage.VerifyOption{
		"document":   anchorage.Document(nil),
		"nonce":      anchorage.ExpectNonce(nil),
		"user data":  anchorage.ExpectUserData(nil),
		"public key": anchorage.ExpectPublicKey(nil),
		"ledger":     anchorage.SingleUse(nil),
		"option":     {},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.VerifyAttestation(read(t, nitroTPM), policy, option)
			expectError(t, err, anchorage.Usage)
		})
	}
	_, err := client.VerifyAttestation(read(t, nitroTPM), nil)
	expectError(t, err, anchorage.Usage)
	_, err = client.VerifyAttestation(read(t, nitroTPM),
		&anchorage.AttestationPolicy{})
	expectError(t, err, anchorage.Usage)
	_, err = client.VerifyAttestation(nil, policy)
	expectError(t, err, anchorage.Usage)
	_, err = client.VerifyIdentity(nil, identityPolicy(t, anyMachine))
	expectError(t, err, anchorage.Usage)
	_, err = client.VerifyIdentity(read(t, recent+"rsa2048.b64"), nil)
	expectError(t, err, anchorage.Usage)
	_, err = anchorage.ReadIdentityPolicy(nil, "policy")
	expectError(t, err, anchorage.Usage)
	_, err = anchorage.ReadAttestationPolicy(nil, "policy")
	expectError(t, err, anchorage.Usage)
}

func TestRefusesAPolicyThatSaysNothing(t *testing.T) {
	_, err := anchorage.ReadIdentityPolicy([]byte("{}"), "policy")
	expectError(t, err, anchorage.Usage)
	_, err = anchorage.LoadIdentityPolicy(t.TempDir() + "/none")
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// What has an object of the library may be copied.
func TestACopyLivesLongerThanItsOriginal(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	policy := *identityPolicy(t, anyMachine)
	ledger, err := anchorage.NewLedger(1)
	if err != nil {
		t.Fatal(err)
	}
	same := *ledger
	ledger = nil
	for n := 0; n < 3; n++ {
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	text := read(t, recent+"rsa2048.b64")
	if _, err := client.VerifyIdentity(text, &policy,
		anchorage.SingleUse(&same)); err != nil {
		t.Error(err)
	}
	_, err = client.VerifyIdentity(text, &anchorage.IdentityPolicy{})
	expectError(t, err, anchorage.Usage)
	_, err = client.VerifyIdentity(text, &policy,
		anchorage.SingleUse(&anchorage.Ledger{}))
	expectError(t, err, anchorage.Usage)
}

func TestATextWithNUL(t *testing.T) {
	_, err := anchorage.ReadIdentityPolicy([]byte(anyMachine+"\x00"), "a\x00b")
	expectError(t, err, anchorage.Usage)
}

func TestASingleUse(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	ledger, err := anchorage.NewLedger(10)
	if err != nil {
		t.Fatal(err)
	}
	text, policy := read(t, recent+"rsa2048.b64"), identityPolicy(t, anyMachine)
	once := anchorage.SingleUse(ledger)
	if _, err := client.VerifyIdentity(text, policy, once); err != nil {
		t.Fatal(err)
	}
	_, err = client.VerifyIdentity(text, policy, once)
	expectRefused(t, err, "REPLAYED", anchorage.StaleOrForAnother)
	if n := ledger.ForgetBefore(time.Now()); n != 1 {
		t.Errorf("forgot %d documents", n)
	}
	_, err = anchorage.NewLedger(0)
	expectError(t, err, anchorage.Usage)
}

func TestTheFirstUseBinds(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	ledger, err := anchorage.NewLedger(10)
	if err != nil {
		t.Fatal(err)
	}
	text, policy := read(t, recent+"rsa2048.b64"), identityPolicy(t, anyMachine)
	for n := 0; n < 2; n++ {
		if _, err := client.VerifyIdentity(text, policy,
			anchorage.FirstUseBinds(ledger, "one")); err != nil {
			t.Fatal(err)
		}
	}
	_, err = client.VerifyIdentity(text, policy,
		anchorage.FirstUseBinds(ledger, "another"))
	expectRefused(t, err, "REPLAYED", anchorage.StaleOrForAnother)
	_, err = client.VerifyIdentity(text, policy,
		anchorage.FirstUseBinds(ledger, ""))
	expectError(t, err, anchorage.Usage)
	for n := 0; n < 2; n++ {
		if _, err := client.VerifyIdentity(text, policy,
			anchorage.NewestPendingTime(ledger)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAURLNeedsARoot(t *testing.T) {
	_, err := anchorage.NewClient(
		anchorage.Options{URL: "https://trust.example.com/tuf/"})
	expectError(t, err, anchorage.Usage)
}

func TestTheBuiltInSet(t *testing.T) {
	state, err := newClient(t, anchorage.Options{}).State()
	if err != nil {
		t.Fatal(err)
	}
	if state.Origin != anchorage.OriginBakedIn ||
		state.Freshness != anchorage.BakedIn || state.FreshUntil != nil ||
		state.AsOf.Year() < 2025 {
		t.Errorf("got %+v", state)
	}
	expectJSON(t, state)
}

func TestNumbersHaveNames(t *testing.T) {
	for got, expected := range map[fmt.Stringer]string{
		anchorage.UpdateRefused: "UPDATE_REFUSED",
		anchorage.OriginServer:  "SERVER",
		anchorage.BakedIn:       "BAKED_IN",
		anchorage.RSA2048:       "rsa2048",
		anchorage.NitroTPM:      "NITRO_TPM",
		anchorage.Kind(3):       "3",
		anchorage.Kind(-1):      "-1",
	} {
		if got.String() != expected {
			t.Errorf("got %s, expected %s", got, expected)
		}
	}
}

func TestAClosedClient(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	client.Close()
	client.Close()
	_, err := client.VerifyIdentity(read(t, recent+"rsa2048.b64"),
		identityPolicy(t, anyMachine))
	expectError(t, err, anchorage.Usage)
	_, err = client.State()
	expectError(t, err, anchorage.Usage)
	expectError(t, client.Refresh(context.Background()), anchorage.Usage)
}

func TestAResultOutlivesItsClient(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	machine, err := client.VerifyIdentity(read(t, recent+"rsa2048.b64"),
		identityPolicy(t, anyMachine))
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	expectJSON(t, machine)
}

func TestManyAtOnce(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	text, policy := read(t, recent+"rsa2048.b64"), identityPolicy(t, anyMachine)
	var all sync.WaitGroup
	for n := 0; n < 8; n++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := 0; i < 200; i++ {
				if _, err := client.VerifyIdentity(text, policy); err != nil {
					expectClosed(t, err)
					return
				}
				if _, err := client.State(); err != nil {
					expectClosed(t, err)
				}
			}
		}()
	}
	time.Sleep(5 * time.Millisecond)
	client.Close()
	all.Wait()
}

func expectClosed(t *testing.T, err error) {
	var mistake *anchorage.Error
	if !errors.As(err, &mistake) || mistake.Code != anchorage.Usage {
		t.Errorf("got %v", err)
	}
}

// The repository that the environment names: its URL, and the path of its root.
func repository(t *testing.T) (string, []byte) {
	url, root := os.Getenv("ANCHORAGE_TEST_URL"), os.Getenv("ANCHORAGE_TEST_ROOT")
	if url == "" || root == "" {
		t.Skip("ANCHORAGE_TEST_URL and ANCHORAGE_TEST_ROOT name no repository")
	}
	return url, read(t, root)
}

func TestRefreshes(t *testing.T) {
	url, root := repository(t)
	options := anchorage.Options{URL: url, TrustedRoot: root,
		CacheDir: t.TempDir(), NoBackgroundRefresh: true}
	client := newClient(t, options)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := client.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	state, err := client.State()
	if err != nil {
		t.Fatal(err)
	}
	if state.Origin != anchorage.OriginServer ||
		state.Freshness != anchorage.Fresh || state.FreshUntil == nil {
		t.Errorf("got %+v", state)
	}
	if _, err := client.VerifyIdentity(read(t, recent+"rsa2048.b64"),
		identityPolicy(t, anyMachine)); err != nil {
		t.Error(err)
	}
	client.Close()
	state, err = newClient(t, options).State()
	if err != nil || state.Origin != anchorage.OriginCache {
		t.Errorf("got %+v, %v", state, err)
	}
}

func TestCloseEndsARefresh(t *testing.T) {
	_, root := repository(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client := newClient(t, anchorage.Options{
		URL: "http://" + silent.Addr().String() + "/", TrustedRoot: root,
		NoBackgroundRefresh: true, Timeout: time.Minute})
	ctx, cancel := context.WithCancel(context.Background())
	left, ended := make(chan error, 1), make(chan error, 1)
	go func() { left <- client.Refresh(ctx) }()
	asked, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	// It waits for the transfer of the first, which goes on.
	go func() { ended <- client.Refresh(context.Background()) }()
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	time.Sleep(20 * time.Millisecond)
	begin := time.Now()
	closed := make(chan struct{})
	go func() {
		client.Close()
		close(closed)
	}()
	// Nothing waits for who closes.
	for err == nil {
		_, err = client.State()
	}
	expectClosed(t, err)
	if took := time.Since(begin); took > 500*time.Millisecond {
		t.Errorf("a call beside Close took %v", took)
	}
	expectError(t, <-ended, anchorage.Unreachable)
	<-closed
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("Close took %v", took)
	}
}

func TestNobodyAnswers(t *testing.T) {
	_, root := repository(t)
	client := newClient(t, anchorage.Options{URL: "http://127.0.0.1:1/",
		TrustedRoot: root, NoBackgroundRefresh: true})
	expectError(t, client.Refresh(context.Background()),
		anchorage.Unreachable)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := client.Refresh(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
