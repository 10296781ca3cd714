// Package testkeys holds private keys for tests. They are in a public
// repository, so everybody has them: nothing but a test may trust them.
package testkeys

import (
	"embed"
	"sync"

	"github.com/whelk-ssh/whelk/hostkey"
)

//go:embed keys/*.pem
var files embed.FS

// PEM returns a key in the format of OpenSSH, without passphrase. The names are
// ed25519, ed25519-other, ecdsa256, ecdsa384, ecdsa521, rsa2048 and rsa3072.
// It panics if there is no such key. The caller owns the result.
func PEM(name string) []byte {
	pem, err := files.ReadFile("keys/" + name + ".pem")
	if err != nil {
		panic("testkeys: " + err.Error())
	}
	return pem
}

// Each key is parsed when a test first asks for it.
var (
	ed25519      = load("ed25519")
	ed25519Other = load("ed25519-other")
	ecdsa256     = load("ecdsa256")
	ecdsa384     = load("ecdsa384")
	ecdsa521     = load("ecdsa521")
	rsa2048      = load("rsa2048")
	rsa3072      = load("rsa3072")
)

func load(name string) func() hostkey.Signer {
	return sync.OnceValue(func() hostkey.Signer {
		s, err := hostkey.ParsePrivateKey(PEM(name), nil)
		if err != nil {
			panic("testkeys: " + name + ": " + err.Error())
		}
		return s
	})
}

// Ed25519 returns an Ed25519 key, the same in each call.
func Ed25519() hostkey.Signer { return ed25519() }

// Ed25519Other returns an Ed25519 key other than [Ed25519].
func Ed25519Other() hostkey.Signer { return ed25519Other() }

// ECDSA256 returns an ECDSA key on P-256.
func ECDSA256() hostkey.Signer { return ecdsa256() }

// ECDSA384 returns an ECDSA key on P-384.
func ECDSA384() hostkey.Signer { return ecdsa384() }

// ECDSA521 returns an ECDSA key on P-521.
func ECDSA521() hostkey.Signer { return ecdsa521() }

// RSA2048 returns an RSA key of 2048 bits.
func RSA2048() hostkey.Signer { return rsa2048() }

// RSA3072 returns an RSA key of 3072 bits.
func RSA3072() hostkey.Signer { return rsa3072() }

// All returns one key of each kind.
func All() []hostkey.Signer {
	return []hostkey.Signer{
		Ed25519(), ECDSA256(), ECDSA384(), ECDSA521(), RSA2048(), RSA3072(),
	}
}
