package mldsa44_test

import (
	"context"
	"fmt"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/mldsa44"
)

// A signature that is verified with the format of its key.
func Example() {
	key, err := mldsa44.NewSigner(make([]byte, mldsa44.SeedSize)) // of crypto/rand, in earnest
	if err != nil {
		panic(err)
	}
	sig, err := key.Sign(context.Background(), mldsa44.Name, []byte("text"))
	if err != nil {
		panic(err)
	}
	public, err := hostkey.ParsePublicKey(key.PublicKey().Marshal(), mldsa44.Format())
	if err != nil {
		panic(err)
	}
	fmt.Println(hostkey.Fingerprint(public))
	fmt.Println(hostkey.Verify(public, mldsa44.Name, []byte("text"), sig))
	// Output:
	// SHA256:Q9jgSNFodAz46pgXgGMdtdTzzw3b7QEQo2S+Ry0URDU
	// <nil>
}
