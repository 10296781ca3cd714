package mac

import "slices"

// Algorithms in order of preference. Encrypt-then-MAC leads because a forged
// packet is thrown away before any of it is decrypted; then SHA-256, which most
// CPUs have instructions for.
var algorithms = []Algorithm{
	{Name: "hmac-sha2-256-etm@openssh.com", KeySize: 32, Size: 32, EtM: true, New: hmacSHA256},
	{Name: "hmac-sha2-512-etm@openssh.com", KeySize: 64, Size: 64, EtM: true, New: hmacSHA512},
	{Name: "hmac-sha2-256", KeySize: 32, Size: 32, New: hmacSHA256},
	{Name: "hmac-sha2-512", KeySize: 64, Size: 64, New: hmacSHA512},
}

// Default returns the algorithms to offer, in order of preference. The caller
// owns the result.
func Default() []Algorithm { return slices.Clone(algorithms) }

// Insecure returns the algorithms that are implemented but never offered
// unless asked for by name. There are none. The caller owns the result.
func Insecure() []Algorithm { return nil }

// Lookup returns the algorithm of the given name, secure or not.
func Lookup(name string) (Algorithm, bool) {
	for _, list := range [][]Algorithm{algorithms, Insecure()} {
		for _, a := range list {
			if a.Name == name {
				return a, true
			}
		}
	}
	return Algorithm{}, false
}
