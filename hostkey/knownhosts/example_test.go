package knownhosts_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

// A program that asks its user about a host it sees for the first time.
func Example_firstUse() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	known := knownhosts.New(knownhosts.Config{Files: []string{filepath.Join(dir, ".ssh", "known_hosts")}})

	verifier := hostkey.VerifierFunc(func(ctx context.Context, host hostkey.Host, key hostkey.PublicKey) error {
		err := known.VerifyHostKey(ctx, host, key)
		if !errors.Is(err, knownhosts.ErrUnknown) {
			return err
		}
		fmt.Printf("%s has the key %s. Go on?\n", host.Name, hostkey.Fingerprint(key))
		return known.Add(host, key) // since the answer is yes
	})

	key, err := hostkey.ParseAuthorizedKey([]byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"))
	if err != nil {
		panic(err)
	}
	for range 2 {
		fmt.Println(verifier.VerifyHostKey(context.Background(), hostkey.Host{Name: "github.com:22"}, key.Key))
	}
	// Output:
	// github.com:22 has the key SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU. Go on?
	// <nil>
	// <nil>
}
