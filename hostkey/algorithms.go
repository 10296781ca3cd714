package hostkey

import (
	"crypto"
	"crypto/fips140"
	_ "crypto/sha1" // linked in for the hashes of the tables
	_ "crypto/sha256"
	_ "crypto/sha512"
	"slices"
	"strings"
)

// Names of signature algorithms. All but those of RSA and WebAuthn are names of
// key formats as well.
const (
	Ed25519          = "ssh-ed25519"         // RFC 8709
	ECDSA256         = "ecdsa-sha2-nistp256" // RFC 5656, section 6.2
	ECDSA384         = "ecdsa-sha2-nistp384"
	ECDSA521         = "ecdsa-sha2-nistp521"
	SKEd25519        = "sk-ssh-ed25519@openssh.com" // OpenSSH PROTOCOL.u2f
	SKECDSA256       = "sk-ecdsa-sha2-nistp256@openssh.com"
	WebAuthnECDSA256 = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
	RSASHA512        = "rsa-sha2-512" // RFC 8332, section 3
	RSASHA256        = "rsa-sha2-256"
)

// RSA is the key format of RSA keys (RFC 4253, section 6.6). The signature
// algorithm of the same name hashes with SHA-1, and is insecure.
const RSA = "ssh-rsa"

// DSA is the key format of DSA keys, and their signature algorithm, which is
// insecure (RFC 4253, section 6.6): it takes keys of 1024 bits and SHA-1.
const DSA = "ssh-dss"

// An algorithm is a way to sign.
type algorithm struct {
	name    string
	keyType string      // the format of the keys that sign so
	hash    crypto.Hash // what is hashed before the key sees it; 0 if nothing
}

// algorithms is every sound signature algorithm, in order of preference:
// Ed25519 signs fastest and cannot leak its key through a bad random number;
// security keys wait for a finger; RSA comes last because it signs twenty times
// slower, SHA-512 first as in OpenSSH.
//
// FIPS 186-5 approves of all of them: of Ed25519 (section 7), of ECDSA on these
// curves and of RSA from 2048 bits on. So the mode of GODEBUG=fips140=on takes
// nothing away. A security key signs with one of the first two.
var algorithms = []algorithm{
	{Ed25519, Ed25519, 0},
	{ECDSA256, ECDSA256, crypto.SHA256},
	{ECDSA384, ECDSA384, crypto.SHA384},
	{ECDSA521, ECDSA521, crypto.SHA512},
	{SKEd25519, SKEd25519, 0},
	{SKECDSA256, SKECDSA256, 0},
	{WebAuthnECDSA256, SKECDSA256, 0},
	{RSASHA512, RSA, crypto.SHA512},
	{RSASHA256, RSA, crypto.SHA256},
}

// insecure is the rest: collisions of SHA-1 cost less than 2^62 steps (Leurent
// and Peyrin 2020), so that somebody may have signed another text than the one
// verified. RFC 8332, section 5.1, says not to use it; old switches know
// nothing else.
var insecure = []algorithm{
	{RSA, RSA, crypto.SHA1},
	{DSA, DSA, crypto.SHA1},
}

// Default returns the names of the signature algorithms offered and accepted
// when nothing else is asked for, in order of preference. The caller owns the
// result.
func Default() []string { return names(algorithms, plain) }

// Optional returns the names of the algorithms that are sound, and offered and
// accepted only by those who know an authority: those of certificates, which are
// worth as much as is known of the authority that signed them. An [Authority]
// asks for them, and a known_hosts file with an authority for the host does; of
// somebody who knows none a host would accept the offer, and present a
// certificate that is refused in place of the key that is known. The order is
// that of Default. The caller owns the result.
func Optional() []string { return names(algorithms, CertificateName) }

// Insecure returns the names of the algorithms that are implemented and never
// offered or accepted unless asked for by name: those over SHA-1. With
// GODEBUG=fips140=on they are not implemented, and there are none. The caller
// owns the result.
func Insecure() []string {
	if fips140.Enabled() {
		return nil
	}
	return append(names(insecure, plain), names(insecure, CertificateName)...)
}

func plain(name string) string { return name }

func names(list []algorithm, form func(string) string) []string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = form(a.name)
	}
	return names
}

// The name of an algorithm or a format for certificates is that for keys with
// a suffix in front of OpenSSH's domain, whether the latter has it or not.
const (
	opensshDomain     = "@openssh.com"
	certificateSuffix = "-cert-v01@openssh.com"
)

// CertificateName returns the name that a format or an algorithm for keys has
// for their certificates: "ssh-ed25519-cert-v01@openssh.com" for "ssh-ed25519".
func CertificateName(name string) string {
	return strings.TrimSuffix(name, opensshDomain) + certificateSuffix
}

// isCertificateName reports whether name is one for certificates.
func isCertificateName(name string) bool { return strings.HasSuffix(name, certificateSuffix) }

// isCertificateOf reports whether name is the one for certificates that belongs
// to a name for keys.
func isCertificateOf(name, key string) bool {
	base, ok := strings.CutSuffix(name, certificateSuffix)
	return ok && base == strings.TrimSuffix(key, opensshDomain)
}

// lookup returns the algorithm of a name, and whether the name is that for
// certificates.
func lookup(name string) (a algorithm, certified, ok bool) {
	for _, list := range [][]algorithm{algorithms, insecure} {
		for _, a := range list {
			if a.name == name {
				return a, false, true
			}
			if isCertificateOf(name, a.name) {
				return a, true, true
			}
		}
	}
	return algorithm{}, false, false
}

// KeyType returns the format of the keys or certificates that sign with the
// named algorithm, insecure or not: "ssh-rsa" for "rsa-sha2-512". It returns ""
// for an algorithm this package does not know.
func KeyType(algorithm string) string {
	a, certified, ok := lookup(algorithm)
	switch {
	case !ok:
		return ""
	case certified:
		return CertificateName(a.keyType)
	}
	return a.keyType
}

// Algorithms returns the names of the sound signature algorithms of keys or
// certificates of the given format, in order of preference. It returns nil for
// a format this package does not know, and for one that has none. The caller
// owns the result.
func Algorithms(keyType string) []string {
	var names []string
	for _, a := range algorithms {
		if a.keyType == keyType {
			names = append(names, a.name)
		} else if isCertificateOf(keyType, a.keyType) {
			names = append(names, CertificateName(a.name))
		}
	}
	return names
}

// SignatureFormat returns what a [Signature] that key makes with the named
// algorithm says its own algorithm is. For a key that is the same name; a
// certificate leaves out what says that it is one, and "rsa-sha2-512-cert-v01@openssh.com"
// signs "rsa-sha2-512". It returns an [*AlgorithmError] if key does not sign
// with the algorithm.
//
// An algorithm this package does not know is that of the [Format] of the same
// name.
func SignatureFormat(key PublicKey, algorithm string) (string, error) {
	refused := &AlgorithmError{Algorithm: algorithm, KeyType: key.Type()}
	if a, _, ok := lookup(algorithm); ok {
		if KeyType(algorithm) != key.Type() {
			return "", refused
		}
		return a.name, nil
	}
	if algorithm == "" || algorithm != key.Type() {
		return "", refused
	}
	if c, ok := key.(*Certificate); ok {
		return c.Key.Type(), nil
	}
	return algorithm, nil
}

// PreferKeys returns the default algorithms with those that the given keys
// sign with ahead of the rest. Within both parts the order is the default one,
// so that the result says nothing but which formats the keys have. The name of
// a format this package does not know stands first, as the algorithm of its
// keys: whoever makes an offer of the result leaves out what it cannot verify.
func PreferKeys(keys []PublicKey) []string {
	var first, rest []string
	for _, k := range keys {
		if t := k.Type(); KeyType(t) == "" && !slices.Contains(first, t) {
			first = append(first, t)
		}
	}
	slices.Sort(first)
	for _, a := range algorithms {
		if slices.ContainsFunc(keys, func(k PublicKey) bool { return k.Type() == a.keyType }) {
			first = append(first, a.name)
		} else {
			rest = append(rest, a.name)
		}
	}
	return append(first, rest...)
}

// hashFor returns the hash of a sound signature algorithm that keys of type
// keyType may use, and an error for any other algorithm.
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
