package kex

import (
	"crypto/ecdh"
	"crypto/fips140"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"slices"
	"strings"
)

// Default returns the methods to offer, in order of preference. Hybrids lead
// because a recorded session can be opened by whoever later has a quantum
// computer: ML-KEM before sntrup761, which costs a client more than everything
// else in a handshake. Two methods have two names because they were in use
// before RFC 9941 and RFC 8731 gave them the first. NIST's curves are for peers
// bound to them (RFC 5656, section 10.1, requires them), the fastest first.
// Finite fields are the slowest by far and come last, for servers that have
// nothing else; among them the group that the server chose leads, since fewer
// others compute on it (RFC 4419, section 1). A client offers all of them, a
// server those of [DefaultServer]. The caller owns the result.
//
// In FIPS 140-3 mode those are left that are approved, behind the approved ones
// of [Optional], which are the only hybrids then.
func Default() []Method {
	if fips140.Enabled() {
		return approvedMethods()
	}
	return append(curves(),
		groupExchangeSHA256(Groups{}),
		New("diffie-hellman-group16-sha512", sha512.New, group16),
		New("diffie-hellman-group18-sha512", sha512.New, group18),
		New("diffie-hellman-group14-sha256", sha256.New, group14),
	)
}

// DefaultServer returns the methods for a server to offer, in order of
// preference: Default without finite fields. A client can have a server compute
// in those for the price of sending a number (CVE-2002-20001), and every client
// that is not very old has another method. The caller owns the result.
func DefaultServer() []Method {
	if fips140.Enabled() {
		return approvedMethods()
	}
	return curves()
}

// curves returns the methods on elliptic curves that are offered by default.
func curves() []Method {
	return []Method{
		New("mlkem768x25519-sha256", sha256.New, hybrid{mlkem768{}, ecdhCurve{ecdh.X25519()}, sha256.New}),
		New("sntrup761x25519-sha512", sha512.New, hybrid{sntrup{}, ecdhCurve{ecdh.X25519()}, sha512.New}),
		New("sntrup761x25519-sha512@openssh.com", sha512.New, hybrid{sntrup{}, ecdhCurve{ecdh.X25519()}, sha512.New}),
		New("curve25519-sha256", sha256.New, mpint{x25519{}}),
		New("curve25519-sha256@libssh.org", sha256.New, mpint{x25519{}}),
		New("ecdh-sha2-nistp256", sha256.New, mpint{ecdhCurve{ecdh.P256()}}),
		New("ecdh-sha2-nistp384", sha512.New384, mpint{ecdhCurve{ecdh.P384()}}), // RFC 5656, section 6.2.1: HASH by curve size
		New("ecdh-sha2-nistp521", sha512.New, mpint{ecdhCurve{ecdh.P521()}}),
	}
}

// Optional returns the methods that are as sound as those of Default, but that
// few peers have or that add nothing to it: they are offered only when asked
// for by name. In FIPS 140-3 mode there are none. The caller owns the result.
func Optional() []Method {
	if fips140.Enabled() {
		return nil
	}
	return append(nistHybrids(),
		New("diffie-hellman-group15-sha512", sha512.New, group15),
		New("diffie-hellman-group17-sha512", sha512.New, group17),
	)
}

// nistHybrids returns the hybrids of which both halves are NIST's.
func nistHybrids() []Method {
	return []Method{
		New("mlkem768nistp256-sha256", sha256.New, hybrid{mlkem768{}, ecdhCurve{ecdh.P256()}, sha256.New}),
		New("mlkem1024nistp384-sha384", sha512.New384, hybrid{mlkem1024{}, ecdhCurve{ecdh.P384()}, sha512.New384}),
	}
}

// Insecure returns the methods that are implemented but never offered unless
// asked for by name: SHA-1 has collisions (RFC 9142, section 1.1), and the group
// of 1024 bits is within reach (RFC 9142, section 1.2). In FIPS 140-3 mode there
// are none. The caller owns the result.
func Insecure() []Method {
	if fips140.Enabled() {
		return nil
	}
	return []Method{
		New("diffie-hellman-group14-sha1", sha1.New, group14),
		groupExchangeSHA1(Groups{}),
		New("diffie-hellman-group1-sha1", sha1.New, group1),
	}
}

// approvedMethods returns the methods of FIPS 140-3 mode (see the package
// comment): those whose every part is NIST's.
func approvedMethods() []Method {
	return slices.DeleteFunc(append(nistHybrids(), curves()...), func(m Method) bool { return !strings.Contains(m.Name(), "nistp") })
}

// Lookup returns the method of that name, whether secure or not.
func Lookup(name string) (Method, bool) {
	for _, m := range slices.Concat(Default(), Optional(), Insecure()) {
		if m.Name() == name {
			return m, true
		}
	}
	return nil, false
}
