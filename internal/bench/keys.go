package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os/user"

	"github.com/whelk-ssh/whelk/hostkey"
	"golang.org/x/crypto/ssh"
)

// keys are those of a run, and the name of the user: who runs it, because sshd
// knows no other.
type keys struct {
	host, user ed25519.PrivateKey
	name       string

	// The user's key as the stacks want it: who dials often makes it once.
	whelkUser   hostkey.Signer
	xcryptoUser ssh.Signer
}

func newKeys() (*keys, error) {
	var seeds [2 * ed25519.SeedSize]byte
	if _, err := rand.Read(seeds[:]); err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	k, err := keysOf(seeds[:])
	if err != nil {
		return nil, err
	}
	k.name = me.Username
	return k, nil
}

func keysOf(seeds []byte) (*keys, error) {
	k := &keys{
		host: ed25519.NewKeyFromSeed(seeds[:ed25519.SeedSize]),
		user: ed25519.NewKeyFromSeed(seeds[ed25519.SeedSize:]),
	}
	var err error
	if k.whelkUser, err = hostkey.NewSigner(k.user); err != nil {
		return nil, err
	}
	k.xcryptoUser, err = ssh.NewSignerFromKey(k.user)
	return k, err
}

// String returns the keys for parseKeys.
func (k *keys) String() string { return hex.EncodeToString(append(k.host.Seed(), k.user.Seed()...)) }

// parseKeys is how a server in another process gets to know the keys. It does
// not need the name.
func parseKeys(text string) (*keys, error) {
	seeds, err := hex.DecodeString(text)
	if err != nil || len(seeds) != 2*ed25519.SeedSize {
		return nil, fmt.Errorf("bench: these are no keys: %q", text)
	}
	return keysOf(seeds)
}
