package hostkey

import (
	"bytes"
	"cmp"
	"crypto/fips140"
	"crypto/sha1" // one of the two hashes that revocation lists have
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A KRL is a key revocation list (OpenSSH PROTOCOL.krl): keys, and certificates
// by the serial number or key id that their authority gave them. The zero KRL
// revokes nothing.
//
// A KRL is safe for concurrent use while nobody changes it.
type KRL struct {
	Version   uint64 // grows from one list to the next
	Generated time.Time
	Comment   string
	Signers   []PublicKey // that signed it, as [ParseKRL] found; nobody says who may

	authorities map[string]*revokedBy // by the authority's blob; "" for any
	keys        map[string]bool
	sha1s       map[[sha1.Size]byte]bool
	sha256s     map[[sha256.Size]byte]bool
}

// A revokedBy is what is revoked of one authority's certificates.
//
// serials are in order and neither overlap nor touch, once they are settled.
type revokedBy struct {
	serials []serialRange
	bitmaps []serialBitmap
	ids     map[string]bool
}

// A serialRange is serial numbers from low to high.
type serialRange struct{ low, high uint64 }

// A serialBitmap is the serial numbers offset + i of each bit i that is set. It
// stays as it came: taken apart, it would need a hundred times the memory.
type serialBitmap struct {
	offset uint64
	bits   []byte // big-endian
}

func (m *serialBitmap) has(serial uint64) bool {
	if serial < m.offset || (serial-m.offset)/8 >= uint64(len(m.bits)) {
		return false
	}
	i := serial - m.offset
	return m.bits[uint64(len(m.bits))-1-i/8]>>(i%8)&1 == 1
}

// A RevokedError reports a key or certificate that a list revokes.
type RevokedError struct {
	Key PublicKey // that the list has, which may be the authority of what was asked about
	By  string    // "key", "fingerprint", "serial number" or "key id"
}

func (e *RevokedError) Error() string {
	return fmt.Sprintf("hostkey: the %s %s is revoked by its %s", e.Key.Type(), Fingerprint(e.Key), e.By)
}

// Check returns a [*RevokedError] if the list has the key; the certificate, the
// key it is about, or its authority.
func (l *KRL) Check(key PublicKey) error {
	if key == nil {
		return errors.New("hostkey: there is no key to look for in a revocation list")
	}
	if c, ok := key.(*Certificate); ok {
		if c.Key == nil || c.CA == nil {
			return errors.New("hostkey: a certificate without key or authority is not looked for in a revocation list")
		}
		if err := l.checkCertificate(c); err != nil {
			return err
		}
		if err := l.checkKey(c.Key, c); err != nil {
			return err
		}
		return l.checkKey(c.CA, c.CA)
	}
	return l.checkKey(key, key)
}

// checkKey looks for a key, on behalf of what has it.
func (l *KRL) checkKey(key, of PublicKey) error {
	blob := key.Marshal()
	switch {
	case l.keys[string(blob)]:
		return &RevokedError{of, "key"}
	case l.sha256s[sha256.Sum256(blob)], len(l.sha1s) > 0 && l.sha1s[sumSHA1(blob)]:
		return &RevokedError{of, "fingerprint"}
	}
	return nil
}

// sumSHA1 returns the name that a list may have for a key. Another key of that
// name would be revoked as well, which FIPS 140 does not mind.
func sumSHA1(blob []byte) (sum [sha1.Size]byte) {
	fips140.WithoutEnforcement(func() { sum = sha1.Sum(blob) })
	return sum
}

func (l *KRL) checkCertificate(c *Certificate) error {
	ca := string(c.CA.Marshal())
	for _, authority := range []string{"", ca} {
		a := l.authorities[authority]
		if a == nil {
			continue
		}
		if a.ids[c.KeyID] {
			return &RevokedError{c, "key id"}
		}
		// 0 is the serial number of a certificate that was given none.
		if c.Serial != 0 && a.has(c.Serial) {
			return &RevokedError{c, "serial number"}
		}
	}
	return nil
}

func (a *revokedBy) has(serial uint64) bool {
	_, found := slices.BinarySearchFunc(a.serials, serial, func(r serialRange, s uint64) int {
		switch {
		case r.high < s:
			return -1
		case r.low > s:
			return 1
		}
		return 0
	})
	return found || slices.ContainsFunc(a.bitmaps, func(m serialBitmap) bool { return m.has(serial) })
}

// RevokeKey adds a key. For a certificate that is the key it is about, with all
// its other certificates: [KRL.RevokeCertificate] adds one alone.
func (l *KRL) RevokeKey(key PublicKey) {
	if l.keys == nil {
		l.keys = make(map[string]bool)
	}
	l.keys[string(plainKey(key).Marshal())] = true
}

// plainKey returns the key that a certificate is about, or key.
func plainKey(key PublicKey) PublicKey {
	if c, ok := key.(*Certificate); ok && c.Key != nil {
		return c.Key
	}
	return key
}

// RevokeFingerprint adds a key by its fingerprint: "SHA256:" and the hash in
// base64, as [Fingerprint] returns it.
func (l *KRL) RevokeFingerprint(fingerprint string) error {
	encoded, ok := strings.CutPrefix(fingerprint, "SHA256:")
	sum, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if !ok || err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("hostkey: %q is not a fingerprint: write SHA256: and 43 characters of base64", fingerprint)
	}
	l.addSHA256([sha256.Size]byte(sum))
	return nil
}

func (l *KRL) addSHA256(sum [sha256.Size]byte) {
	if l.sha256s == nil {
		l.sha256s = make(map[[sha256.Size]byte]bool)
	}
	l.sha256s[sum] = true
}

func (l *KRL) addSHA1(sum [sha1.Size]byte) {
	if l.sha1s == nil {
		l.sha1s = make(map[[sha1.Size]byte]bool)
	}
	l.sha1s[sum] = true
}

// RevokeCertificate adds a certificate by its authority and serial number, or
// by its key id if its serial number is 0.
func (l *KRL) RevokeCertificate(c *Certificate) error {
	if c.CA == nil {
		return errors.New("hostkey: a certificate without authority cannot be revoked")
	}
	if c.Serial == 0 {
		l.RevokeKeyID(c.CA, c.KeyID)
		return nil
	}
	return l.RevokeSerials(c.CA, c.Serial, c.Serial)
}

// RevokeSerials adds the certificates of an authority, or of any if ca is nil,
// with serial numbers from low to high. 0 is no serial number.
func (l *KRL) RevokeSerials(ca PublicKey, low, high uint64) error {
	if low == 0 || low > high {
		return fmt.Errorf("hostkey: %d to %d is no range of serial numbers: they begin with 1", low, high)
	}
	a := l.of(ca)
	n := len(a.serials)
	last := n > 0 && a.serials[n-1].high < low-1
	a.serials = append(a.serials, serialRange{low, high})
	if !last {
		a.settle()
	}
	return nil
}

// RevokeKeyID adds the certificates of an authority, or of any if ca is nil,
// with a key id.
func (l *KRL) RevokeKeyID(ca PublicKey, id string) { l.of(ca).addID(id) }

func (a *revokedBy) addID(id string) {
	if a.ids == nil {
		a.ids = make(map[string]bool)
	}
	a.ids[id] = true
}

// of returns what there is about an authority's certificates.
func (l *KRL) of(ca PublicKey) *revokedBy {
	if ca == nil {
		return l.ofBlob("")
	}
	return l.ofBlob(string(ca.Marshal()))
}

func (l *KRL) ofBlob(blob string) *revokedBy {
	a := l.authorities[blob]
	if a == nil {
		a = new(revokedBy)
		if l.authorities == nil {
			l.authorities = make(map[string]*revokedBy)
		}
		l.authorities[blob] = a
	}
	return a
}

// settle puts serials in order and joins those that overlap or touch.
func (a *revokedBy) settle() {
	ordered := func(x, y serialRange) int { return cmp.Compare(x.low, y.low) }
	if !slices.IsSortedFunc(a.serials, ordered) {
		slices.SortFunc(a.serials, ordered)
	}
	joined := a.serials[:0]
	for _, r := range a.serials {
		if n := len(joined); n > 0 && r.low-1 <= joined[n-1].high {
			joined[n-1].high = max(joined[n-1].high, r.high)
		} else {
			joined = append(joined, r)
		}
	}
	a.serials = joined
}

// ParseRevokedKeys reads what RevokedKeys of sshd_config(5) names: a key
// revocation list, or a text with a key on each line, where that of an
// authority revokes its certificates. A line that is no key is an error, since
// it may have been meant for one. The result does not alias file.
func ParseRevokedKeys(file []byte) (*KRL, error) {
	if bytes.HasPrefix(file, []byte(krlMagic)) {
		return ParseKRL(file)
	}
	l := new(KRL)
	n := 0
	for line := range bytes.Lines(file) {
		n++
		if isBlank(line) {
			continue
		}
		key, err := parseRevokedLine(line)
		if err != nil {
			return nil, &LineError{Line: n, Err: err}
		}
		l.RevokeKey(key)
	}
	return l, nil
}

// parseRevokedLine parses a key format and a key, which may be a certificate.
func parseRevokedLine(line []byte) (PublicKey, error) {
	text, err := lineText(line, "revoked keys")
	if err != nil {
		return nil, err
	}
	format, rest := cutWord(text)
	encoded, _ := cutWord(rest)
	if blob, err := base64.StdEncoding.DecodeString(encoded); err == nil && isCertificateName(format) {
		return ParsePublicKey(blob)
	}
	return parseKeyText(format, encoded)
}
