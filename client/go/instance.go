package anchorage

/*
#include <anchorage/anchorage.h>
*/
import "C"

import (
	"context"
	"runtime"
	"time"
)

// IMDSURL has VerifyThisInstance ask another address than EC2's two,
// "http://HOST[:PORT]": for tests.
func IMDSURL(url string) VerifyOption {
	return VerifyOption{func(r *C.anchorage_request) error {
		C.anchorage_request_set_imds_url(r, chars(url), C.size_t(len(url)))
		return nil
	}}
}

// IMDSTimeout is the longest that all requests of VerifyThisInstance together
// may take, 1 ms to 1 h. Without it: 10 s.
func IMDSTimeout(d time.Duration) VerifyOption {
	return VerifyOption{func(r *C.anchorage_request) error {
		C.anchorage_request_set_imds_timeout(r, C.int64_t(d.Milliseconds()))
		return nil
	}}
}

// IMDSVersion1 has VerifyThisInstance ask without a token: only for an instance
// that gives none.
func IMDSVersion1() VerifyOption {
	return VerifyOption{func(r *C.anchorage_request) error {
		C.anchorage_request_set_imds_version_1(r, 1)
		return nil
	}}
}

// VerifyThisInstance gets the identity of the instance that this process runs
// on from IMDSv2, and verifies it: the strongest form that the policy allows and
// that there is. Each call asks anew. A *Refused whose Code is Undecided, with a
// reason such as "IMDS_ABSENT": there was nothing to verify. Where ctx ends
// first, its error is returned, and the requests go on for at most IMDSTimeout.
func (c *Client) VerifyThisInstance(ctx context.Context,
	policy *IdentityPolicy, options ...VerifyOption) (*Identity, error) {
	if policy == nil {
		return nil, usage("the policy is nil")
	}
	return unlessEnded(ctx, func() (*Identity, error) {
		request, err := newRequest(options)
		if err != nil {
			return nil, err
		}
		defer C.anchorage_request_free(request)
		var handle *C.anchorage_identity
		err = c.with(func(client *C.anchorage_client) error {
			var failure *C.anchorage_error
			handle = C.anchorage_verify_this_instance(client,
				policy.handle.get(), request, &failure)
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
	})
}

// AttestOptions is what an attestation document is to hold, and who makes it.
// What is nil is not in the document; empty is present and empty.
type AttestOptions struct {
	Nonce     []byte
	UserData  []byte
	PublicKey []byte
	// Makes a key, whose public key the document holds: RSA with 2048 bits, as a
	// Recipient of AWS KMS has it.
	NewKey bool
	// The absolute path of the program that an instance attests with. Default:
	// /usr/bin/nitro-tpm-attest.
	Program string
	// The longest that the program may take, 1 ms to 10 min. Default: 30 s.
	Timeout time.Duration
}

// Source is who made an attestation document.
type Source int32

const (
	// An enclave's /dev/nsm.
	SourceNSM     Source = C.ANCHORAGE_SOURCE_NSM
	SourceProgram Source = C.ANCHORAGE_SOURCE_PROGRAM
)

func (s Source) String() string { return name(s, "", "NSM", "PROGRAM") }

// Attested is an attestation document of this machine.
type Attested struct {
	Document []byte
	Source   Source
	// PKCS #8, DER; nil: no key was made. Who is done with it overwrites it.
	PrivateKey []byte
}

// Attest asks this machine's enclave or NitroTPM for a document. Whether AWS made
// it is for who verifies it, elsewhere. A *Refused whose Code is Undecided, with
// a reason such as "ATTESTATION_ABSENT": there is no document. Where ctx ends
// first, its error is returned, and the program goes on for at most Timeout.
func Attest(ctx context.Context, options AttestOptions) (*Attested, error) {
	if C.anchorage_version_number() < oldestLibrary {
		return nil, usage("libanchorage " + Version() +
			" is older than this package")
	}
	return unlessEnded(ctx, func() (*Attested, error) {
		request := C.anchorage_request_new()
		defer C.anchorage_request_free(request)
		if err := options.set(request); err != nil {
			return nil, err
		}
		var failure *C.anchorage_error
		var attested *C.anchorage_attested
		if options.NewKey {
			attested = C.anchorage_attest_new_key(request, &failure)
		} else {
			attested = C.anchorage_attest(request, &failure)
		}
		if attested == nil {
			return nil, takeError(failure)
		}
		defer C.anchorage_attested_free(attested)
		var size C.size_t
		document := C.anchorage_attested_document(attested, &size)
		made := &Attested{
			Document: bytesOf(document, size),
			Source:   Source(C.anchorage_attested_source(attested)),
		}
		key := C.anchorage_attested_private_key(attested, &size)
		made.PrivateKey = bytesOf(key, size)
		return made, nil
	})
}

func (options *AttestOptions) set(r *C.anchorage_request) error {
	var given []VerifyOption
	if options.Nonce != nil {
		given = append(given, ExpectNonce(options.Nonce))
	}
	if options.UserData != nil {
		given = append(given, ExpectUserData(options.UserData))
	}
	if options.PublicKey != nil {
		given = append(given, ExpectPublicKey(options.PublicKey))
	}
	for _, option := range given {
		if err := option.set(r); err != nil {
			return err
		}
	}
	if path := options.Program; path != "" {
		C.anchorage_request_set_attest_program(r, chars(path),
			C.size_t(len(path)))
	}
	if d := options.Timeout; d != 0 {
		C.anchorage_request_set_attest_timeout(r, C.int64_t(d.Milliseconds()))
	}
	return nil
}

type outcome[T any] struct {
	value *T
	err   error
}

// Returns what `call` does, or the error of ctx where that ends first.
func unlessEnded[T any](ctx context.Context,
	call func() (*T, error)) (*T, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	done := make(chan outcome[T], 1)
	go func() {
		value, err := call()
		done <- outcome[T]{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
