package algolist

import (
	"crypto/fips140"
	"slices"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/kex/curve448"
	"github.com/whelk-ssh/whelk/mac"
)

// Ciphers returns the modes that list asks for.
func Ciphers(list string) ([]cipher.Mode, error) { return ciphers().parse(list) }

// AllCiphers returns every mode there is, those last that are insecure.
func AllCiphers() []cipher.Mode { return ciphers().all() }

func ciphers() *table[cipher.Mode] {
	return &table[cipher.Mode]{
		what: "cipher", topic: "cipher", name: func(m cipher.Mode) string { return m.Name },
		byDefault: cipher.Default(), insecure: cipher.Insecure(),
	}
}

// MACs returns the message authentication codes that list asks for.
func MACs(list string) ([]mac.Algorithm, error) { return macs().parse(list) }

// AllMACs returns every message authentication code there is, those last that
// are insecure.
func AllMACs() []mac.Algorithm { return macs().all() }

func macs() *table[mac.Algorithm] {
	return &table[mac.Algorithm]{
		what: "MAC", topic: "mac", name: func(a mac.Algorithm) string { return a.Name },
		byDefault: mac.Default(), insecure: mac.Insecure(),
	}
}

// KeyExchanges returns the key exchange methods that list asks for on a client.
func KeyExchanges(list string) ([]kex.Method, error) {
	return keyExchanges(kex.Default()).parse(list)
}

// ServerKeyExchanges returns the key exchange methods that list asks for on a
// server, which has fewer by default.
func ServerKeyExchanges(list string) ([]kex.Method, error) {
	return keyExchanges(kex.DefaultServer()).parse(list)
}

// AllKeyExchanges returns every method there is, those of sub-packages of kex
// included, and those last that are insecure.
func AllKeyExchanges() []kex.Method { return keyExchanges(kex.Default()).all() }

// keyExchanges is the methods, some of which are offered by default. The rest
// of what a client offers comes next.
func keyExchanges(byDefault []kex.Method) *table[kex.Method] {
	optional := slices.Concat(kex.Default(), kex.Optional())
	if !fips140.Enabled() {
		optional = append(optional, curve448.Method())
	}
	optional = slices.DeleteFunc(optional, func(m kex.Method) bool {
		return slices.ContainsFunc(byDefault, func(d kex.Method) bool { return d.Name() == m.Name() })
	})
	return &table[kex.Method]{
		what: "key exchange method", topic: "kex", name: kex.Method.Name,
		byDefault: byDefault, optional: optional, insecure: kex.Insecure(),
	}
}
