package hostkey

import (
	"crypto"
	_ "crypto/sha256" // linked in for the hashes of the table
	_ "crypto/sha512"
	"slices"
)

// Names of signature algorithms. All but the two of RSA are names of key
// formats as well.
const (
	Ed25519   = "ssh-ed25519"         // RFC 8709
	ECDSA256  = "ecdsa-sha2-nistp256" // RFC 5656, section 6.2
	ECDSA384  = "ecdsa-sha2-nistp384"
	ECDSA521  = "ecdsa-sha2-nistp521"
	RSASHA512 = "rsa-sha2-512" // RFC 8332, section 3
	RSASHA256 = "rsa-sha2-256"
)

// RSA is the key format of RSA keys (RFC 4253, section 6.6). The signature
// algorithm of the same name hashes with SHA-1: no key here makes or verifies
// such signatures.
const RSA = "ssh-rsa"

// An algorithm is a way to sign.
type algorithm struct {
	name    string
	keyType string      // the format of the keys that sign so
	hash    crypto.Hash // what is hashed before the key sees it; 0 if nothing
}

// algorithms is every signature algorithm, in order of preference: Ed25519
// signs fastest and cannot leak its key through a bad random number; RSA comes
// last because it signs twenty times slower, SHA-512 first as in OpenSSH.
var algorithms = []algorithm{
	{Ed25519, Ed25519, 0},
	{ECDSA256, ECDSA256, crypto.SHA256},
	{ECDSA384, ECDSA384, crypto.SHA384},
	{ECDSA521, ECDSA521, crypto.SHA512},
	{RSASHA512, RSA, crypto.SHA512},
	{RSASHA256, RSA, crypto.SHA256},
}

// Default returns the names of the signature algorithms offered and accepted
// when nothing else is asked for, in order of preference. The caller owns the
// result.
func Default() []string {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = a.name
	}
	return names
}

// KeyType returns the format of the keys that sign with the named algorithm:
// "ssh-rsa" for "rsa-sha2-512". It returns "" for an algorithm this package
// does not know.
func KeyType(algorithm string) string {
	for _, a := range algorithms {
		if a.name == algorithm {
			return a.keyType
		}
	}
	return ""
}

// Algorithms returns the names of the signature algorithms of keys of the
// given format, in order of preference. It returns nil for a format this
// package does not know. The caller owns the result.
func Algorithms(keyType string) []string {
	var names []string
	for _, a := range algorithms {
		if a.keyType == keyType {
			names = append(names, a.name)
		}
	}
	return names
}

// PreferKeys returns the default algorithms with those that the given keys
// sign with ahead of the rest. Within both parts the order is the default one,
// so that the result says nothing but which formats the keys have.
func PreferKeys(keys []PublicKey) []string {
	var first, rest []string
	for _, a := range algorithms {
		if slices.ContainsFunc(keys, func(k PublicKey) bool { return k.Type() == a.keyType }) {
			first = append(first, a.name)
		} else {
			rest = append(rest, a.name)
		}
	}
	return append(first, rest...)
}

// hashFor returns the hash of a signature algorithm that keys of type keyType
// may use, and an error for any other algorithm.
func hashFor(algorithm, keyType string) (crypto.Hash, error) {
	for _, a := range algorithms {
		if a.name == algorithm && a.keyType == keyType {
			return a.hash, nil
		}
	}
	return 0, &AlgorithmError{Algorithm: algorithm, KeyType: keyType}
}

// digest returns what a key signs instead of data: its hash, or data itself if
// the algorithm does its own hashing.
func digest(hash crypto.Hash, data []byte) []byte {
	if hash == 0 {
		return data
	}
	h := hash.New()
	h.Write(data)
	return h.Sum(nil)
}
