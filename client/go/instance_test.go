package anchorage_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anchorage"
)

func TestThisInstance(t *testing.T) {
	imds := os.Getenv("ANCHORAGE_TEST_IMDS")
	if imds == "" {
		t.Skip("ANCHORAGE_TEST_IMDS names no metadata service")
	}
	client := newClient(t, anchorage.Options{})
	policy := identityPolicy(t, anyMachine)
	ledger, err := anchorage.NewLedger(10)
	if err != nil {
		t.Fatal(err)
	}
	here := []anchorage.VerifyOption{anchorage.IMDSURL(imds),
		anchorage.IMDSTimeout(5 * time.Second), anchorage.SingleUse(ledger)}
	machine, err := client.VerifyThisInstance(context.Background(), policy,
		here...)
	if err != nil {
		t.Fatal(err)
	}
	if machine.Region != "us-west-2" || machine.Form != anchorage.RSA2048 {
		t.Errorf("got %+v", machine)
	}
	_, err = client.VerifyThisInstance(context.Background(), policy, here...)
	expectRefused(t, err, "REPLAYED", anchorage.StaleOrForAnother)
}

func TestThisIsNoInstance(t *testing.T) {
	client := newClient(t, anchorage.Options{})
	policy := identityPolicy(t, anyMachine)
	_, err := client.VerifyThisInstance(context.Background(), policy,
		anchorage.IMDSURL("http://127.0.0.1:1"))
	expectRefused(t, err, "IMDS_ABSENT", anchorage.Undecided)
	_, err = client.VerifyThisInstance(context.Background(), policy,
		anchorage.IMDSURL("ftp://127.0.0.1"))
	expectError(t, err, anchorage.Usage)
	_, err = client.VerifyThisInstance(context.Background(), nil)
	expectError(t, err, anchorage.Usage)
}

func TestWhoAsksMayLeave(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan struct{})
	defer close(left)
	go func() {
		if asked, err := silent.Accept(); err == nil {
			defer asked.Close()
			cancel()
			<-left
		}
	}()
	_, err = newClient(t, anchorage.Options{}).VerifyThisInstance(ctx,
		identityPolicy(t, anyMachine),
		anchorage.IMDSURL("http://"+silent.Addr().String()))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAttests(t *testing.T) {
	program := os.Getenv("ANCHORAGE_TEST_ATTEST")
	if program == "" {
		t.Skip("ANCHORAGE_TEST_ATTEST names no program")
	}
	ctx := context.Background()
	nonce := []byte("a nonce of mine")
	attested, err := anchorage.Attest(ctx, anchorage.AttestOptions{
		Nonce: nonce, Program: program, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(attested.Document, nonce) ||
		attested.Source != anchorage.SourceProgram ||
		attested.PrivateKey != nil {
		t.Errorf("got %v, %q", attested.Source, attested.Document)
	}
	attested, err = anchorage.Attest(ctx, anchorage.AttestOptions{
		NewKey: true, Program: program})
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(attested.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(
		&key.(*rsa.PrivateKey).PublicKey)
	if err != nil || !bytes.Contains(attested.Document, public) {
		t.Errorf("the document has not the public key: %v", err)
	}
	_, err = anchorage.Attest(ctx, anchorage.AttestOptions{
		NewKey: true, PublicKey: public, Program: program})
	expectError(t, err, anchorage.Usage)
}

func TestNobodyAttests(t *testing.T) {
	_, err := anchorage.Attest(context.Background(),
		anchorage.AttestOptions{Program: "/nowhere/at/all"})
	expectRefused(t, err, "ATTESTATION_ABSENT", anchorage.Undecided)
}

func TestALoopOfOnesOwn(t *testing.T) {
	url, root := repository(t)
	metrics := filepath.Join(t.TempDir(), "product.prom")
	client := newClient(t, anchorage.Options{URL: "http://127.0.0.1:1/tuf/",
		FurtherURLs: []string{url}, TrustedRoot: root,
		NoBackgroundRefresh: true, RefreshBudget: 20 * time.Second,
		MetricsFile: metrics})
	if pause := client.FirstPause(); pause != 0 {
		t.Errorf("first pause %v", pause)
	}
	pause, err := client.RefreshOnce()
	if err != nil || pause < 50*time.Minute || pause > 70*time.Minute {
		t.Errorf("got %v, %v", pause, err)
	}
	text := read(t, metrics)
	if !strings.Contains(string(text), "anchorage_client_") {
		t.Errorf("got %s", text)
	}
	client.Close()
	if pause, err = client.RefreshOnce(); pause >= 0 {
		t.Errorf("got %v", pause)
	}
	expectClosed(t, err)

	pause, err = newClient(t, anchorage.Options{URL: "http://127.0.0.1:1/",
		TrustedRoot: root, NoBackgroundRefresh: true}).RefreshOnce()
	if pause <= 0 || pause > time.Minute {
		t.Errorf("got %v", pause)
	}
	expectError(t, err, anchorage.Unreachable)
	alone := newClient(t, anchorage.Options{})
	if pause, err = alone.RefreshOnce(); pause >= 0 || err == nil ||
		alone.FirstPause() >= 0 {
		t.Errorf("got %v, %v", pause, err)
	}
}

func TestOptionsThatNeedOthers(t *testing.T) {
	for _, options := range []anchorage.Options{
		{FurtherURLs: []string{"http://127.0.0.1/"}},
		{MetricsFile: "product.prom"},
		{ReportOutcomes: true},
	} {
		_, err := anchorage.NewClient(options)
		expectError(t, err, anchorage.Usage)
	}
}
