package knownhosts_test

import (
	"context"
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
	known := knownhosts.New(knownhosts.Config{
		Files:  []string{filepath.Join(dir, ".ssh", "known_hosts")},
		Policy: knownhosts.Ask,
		Ask: func(_ context.Context, q *knownhosts.Question) (bool, error) {
			fmt.Printf("%s has the key %s. Go on?\n", q.Host, hostkey.Fingerprint(q.Key))
			accept, _ := q.Answer("yes")
			return accept, nil
		},
	})

	key, err := hostkey.ParseAuthorizedKey([]byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"))
	if err != nil {
		panic(err)
	}
	for range 2 {
		fmt.Println(known.VerifyHostKey(context.Background(), hostkey.Host{Name: "github.com:22"}, key.Key))
	}
	// Output:
	// github.com has the key SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU. Go on?
	// <nil>
	// <nil>
}
