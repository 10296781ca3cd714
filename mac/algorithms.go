package mac

import (
	"crypto/fips140"
	"slices"
	"strings"
)

// Algorithms in order of preference. Encrypt-then-MAC leads because a forged
// packet is thrown away before any of it is decrypted. Within that UMAC with
// 128 bits of tag comes first: its security is proven from that of AES, and it
// takes less than half the time of SHA-256 where the CPU has instructions for
// that, and an eighth where it has none. SHA-256 follows, which most CPUs have
// them for, and SHA-512. UMAC with 64 bits is last, although OpenSSH has it
// first: half a tag buys a little time and costs half of the margin.
var algorithms = []Algorithm{
	{Name: "umac-128-etm@openssh.com", KeySize: umacKeySize, Size: 16, EtM: true, New: umac128},
	{Name: "hmac-sha2-256-etm@openssh.com", KeySize: 32, Size: 32, EtM: true, New: hmacSHA256},
	{Name: "hmac-sha2-512-etm@openssh.com", KeySize: 64, Size: 64, EtM: true, New: hmacSHA512},
	{Name: "umac-64-etm@openssh.com", KeySize: umacKeySize, Size: 8, EtM: true, New: umac64},
	{Name: "umac-128@openssh.com", KeySize: umacKeySize, Size: 16, New: umac128},
	{Name: "hmac-sha2-256", KeySize: 32, Size: 32, New: hmacSHA256},
	{Name: "hmac-sha2-512", KeySize: 64, Size: 64, New: hmacSHA512},
	{Name: "umac-64@openssh.com", KeySize: umacKeySize, Size: 8, New: umac64},
}

// Algorithms for peers that have nothing else, the least bad first. HMAC does
// not need what SHA-1 (RFC 6194) and MD5 (RFC 6151, section 2.3) have lost, but
// whoever is told to use neither need not explain an exception. hmac-sha1-96
// cuts the tag (RFC 4253, section 6.4).
var insecure = []Algorithm{
	{Name: "hmac-sha1-etm@openssh.com", KeySize: 20, Size: 20, EtM: true, New: hmacSHA1},
	{Name: "hmac-sha1", KeySize: 20, Size: 20, New: hmacSHA1},
	{Name: "hmac-sha1-96", KeySize: 20, Size: 12, New: hmacSHA1of96},
	{Name: "hmac-md5", KeySize: 16, Size: 16, New: hmacMD5},
}

// Default returns the algorithms to offer, in order of preference. The caller
// owns the result.
func Default() []Algorithm { return available(algorithms) }

// Insecure returns the algorithms that are implemented but never offered
// unless asked for by name. The caller owns the result.
func Insecure() []Algorithm { return available(insecure) }

// Lookup returns the algorithm of the given name, secure or not.
func Lookup(name string) (Algorithm, bool) {
	for _, list := range [][]Algorithm{algorithms, insecure} {
		for _, a := range available(list) {
			if a.Name == name {
				return a, true
			}
		}
	}
	return Algorithm{}, false
}

// available returns a copy of list, without what is not approved in FIPS 140-3
// mode (see the package comment).
func available(list []Algorithm) []Algorithm {
	list = slices.Clone(list)
	if fips140.Enabled() {
		list = slices.DeleteFunc(list, func(a Algorithm) bool { return !approved(a) })
	}
	return list
}

// approved reports whether a is HMAC with a hash of FIPS 180-4 that the Go
// Cryptographic Module holds.
func approved(a Algorithm) bool { return strings.HasPrefix(a.Name, "hmac-sha2-") }
