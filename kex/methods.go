package kex

import (
	"crypto/ecdh"
	"crypto/sha256"
)

// Default returns the methods to offer, in order of preference. The hybrid
// leads because a recorded session can be opened by whoever later has a quantum
// computer; curve25519-sha256 has two names because it was in use before
// RFC 8731 gave it the first; nistp256 is for peers bound to NIST's curves
// (RFC 5656, section 10.1, requires it). The caller owns the result.
func Default() []Method {
	return []Method{
		New("mlkem768x25519-sha256", sha256.New, mlkem768x25519{}),
		New("curve25519-sha256", sha256.New, x25519{}),
		New("curve25519-sha256@libssh.org", sha256.New, x25519{}),
		New("ecdh-sha2-nistp256", sha256.New, nistp{ecdh.P256()}),
	}
}

// Insecure returns the methods that are implemented but never offered unless
// asked for by name. There are none.
func Insecure() []Method { return nil }

// Lookup returns the method of that name, whether secure or not.
func Lookup(name string) (Method, bool) {
	for _, m := range append(Default(), Insecure()...) {
		if m.Name() == name {
			return m, true
		}
	}
	return nil, false
}
