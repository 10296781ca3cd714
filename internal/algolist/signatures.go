package algolist

import (
	"crypto/fips140"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/ed448"
	"github.com/whelk-ssh/whelk/hostkey/mldsa44"
)

// Signatures returns the names of the signature algorithms that list asks for,
// for host keys or for those of users. Some of them mean something only with
// [Formats] or [Restrict].
func Signatures(list string) ([]string, error) { return signatures().parse(list) }

// AllSignatures returns the names of all signature algorithms, those of
// certificates included, and those last that are insecure.
func AllSignatures() []string { return signatures().all() }

func signatures() *table[string] {
	optional := hostkey.Optional()
	for _, f := range formats() {
		optional = append(optional, f.Name)
	}
	return &table[string]{
		what: "signature algorithm", topic: "key-sig", name: func(name string) string { return name },
		byDefault: hostkey.Default(), optional: optional, insecure: hostkey.Insecure(),
	}
}

// formats are those of sub-packages of hostkey, none of which is within the
// boundary of a FIPS 140 module.
func formats() []hostkey.Format {
	if fips140.Enabled() {
		return nil
	}
	return []hostkey.Format{ed448.Format(), mldsa44.Format()}
}

// Formats returns what a transport.Config needs in its KeyFormats to verify
// signatures of the algorithms named.
func Formats(names []string) []hostkey.Format {
	return slices.DeleteFunc(formats(), func(f hostkey.Format) bool { return !slices.Contains(names, f.Name) })
}

// KeyType returns the format of the keys that sign with the named algorithm of
// [AllSignatures].
func KeyType(algorithm string) string {
	if t := hostkey.KeyType(algorithm); t != "" {
		return t
	}
	return algorithm // a Format has one algorithm, of its name
}

// IsCertificate reports whether a name is one of certificates: of their format
// or of an algorithm.
func IsCertificate(name string) bool { return strings.HasSuffix(name, hostkey.CertificateName("")) }

// Restrict returns a signer that signs with no other algorithms than those
// named, in their order, and false if it signs with none of them. An RSA key
// signs over SHA-1 too if "ssh-rsa" is named.
func Restrict(s hostkey.Signer, names []string) (hostkey.Signer, bool) {
	if slices.Contains(names, hostkey.RSA) {
		if old, err := hostkey.InsecureSHA1(s); err == nil {
			s = old
		}
	}
	able := s.Algorithms()
	r := &restricted{Signer: s}
	for _, name := range names {
		if slices.Contains(able, name) {
			r.algorithms = append(r.algorithms, name)
		}
	}
	if len(r.algorithms) == 0 {
		return nil, false
	}
	return r, true
}

type restricted struct {
	hostkey.Signer
	algorithms []string
}

func (r *restricted) Algorithms() []string { return r.algorithms }
