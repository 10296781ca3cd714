package kex

import (
	"crypto/ecdh"
	"crypto/sha256"
	"crypto/sha512"
	"slices"
)

// Default returns the methods to offer, in order of preference. Hybrids lead
// because a recorded session can be opened by whoever later has a quantum
// computer: ML-KEM before sntrup761, which costs a client more than everything
// else in a handshake. Two methods have two names because they were in use before
// RFC 9941 and RFC 8731 gave them the first. NIST's curves are for peers bound to
// them (RFC 5656, section 10.1, requires them), the fastest first. The caller
// owns the result.
func Default() []Method {
	return []Method{
		New("mlkem768x25519-sha256", sha256.New, hybrid{mlkem768{}, x25519{}, sha256.New}),
		New("sntrup761x25519-sha512", sha512.New, hybrid{sntrup{}, x25519{}, sha512.New}),
		New("sntrup761x25519-sha512@openssh.com", sha512.New, hybrid{sntrup{}, x25519{}, sha512.New}),
		New("curve25519-sha256", sha256.New, mpint{x25519{}}),
		New("curve25519-sha256@libssh.org", sha256.New, mpint{x25519{}}),
		New("ecdh-sha2-nistp256", sha256.New, mpint{nistp{ecdh.P256()}}),
		New("ecdh-sha2-nistp384", sha512.New384, mpint{nistp{ecdh.P384()}}), // RFC 5656, section 6.2.1: HASH by curve size
		New("ecdh-sha2-nistp521", sha512.New, mpint{nistp{ecdh.P521()}}),
	}
}

// Optional returns the methods that are as sound as those of Default, but that
// few peers have or that add nothing to it: they are offered only when asked
// for by name. The caller owns the result.
func Optional() []Method {
	return []Method{
		New("mlkem768nistp256-sha256", sha256.New, hybrid{mlkem768{}, nistp{ecdh.P256()}, sha256.New}),
		New("mlkem1024nistp384-sha384", sha512.New384, hybrid{mlkem1024{}, nistp{ecdh.P384()}, sha512.New384}),
	}
}

// Insecure returns the methods that are implemented but never offered unless
// asked for by name. There are none.
func Insecure() []Method { return nil }

// Lookup returns the method of that name, whether secure or not.
func Lookup(name string) (Method, bool) {
	for _, m := range slices.Concat(Default(), Optional(), Insecure()) {
		if m.Name() == name {
			return m, true
		}
	}
	return nil, false
}
