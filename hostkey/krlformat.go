package hostkey

import (
	"bytes"
	"crypto/sha1" // one of the two hashes that revocation lists have
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// krlMagic begins every key revocation list.
const krlMagic = "SSHKRL\n\x00"

const krlVersion = 1

// Sections of a list, and within the first of them.
const (
	krlCertificates = 1
	krlKeys         = 2
	krlSHA1         = 3
	krlSignature    = 4
	krlSHA256       = 5
	krlExtension    = 255

	krlSerials         = 0x20
	krlSerialRange     = 0x21
	krlSerialBitmap    = 0x22
	krlKeyIDs          = 0x23
	krlCertificateMore = 0x39
)

// maxKRLSigners is how many signatures of a list are verified. A signature
// takes longer to verify than to read.
const maxKRLSigners = 16

// ParseKRL parses a key revocation list (OpenSSH PROTOCOL.krl):
//
//	uint64    "SSHKRL\n\0"
//	uint32    1
//	uint64    version of the list
//	uint64    generated, in seconds since 1970-01-01 00:00 UTC
//	uint64    flags
//	string    reserved
//	string    comment
//
// and then sections, each
//
//	byte      type
//	string    data
//
// A section that is not known is an error, since it may revoke something; an
// extension is one only if it says that it is critical. Signatures are
// verified, and Signers then says by whom, as OpenSSH did until 9.3: later ones
// pass over them, since nothing makes them. The result does not alias p, and
// has a size of the order of that of p.
func ParseKRL(p []byte) (*KRL, error) {
	r := wire.NewReader(p)
	if string(r.Bytes(len(krlMagic))) != krlMagic {
		return nil, errors.New("hostkey: this is no key revocation list")
	}
	if v := r.Uint32(); r.Err() == nil && v != krlVersion {
		return nil, fmt.Errorf("hostkey: a key revocation list of version %d is not supported, only of %d", v, krlVersion)
	}
	l := &KRL{Version: r.Uint64(), Generated: time.Unix(int64(min(r.Uint64(), 1<<62)), 0)}
	r.Uint64() // flags, of which there are none
	r.Blob()
	l.Comment = r.Text()
	for r.Len() > 0 && r.Err() == nil {
		if err := l.parseSection(&r, p); err != nil {
			return nil, malformedKRL(err)
		}
	}
	if r.End() != nil {
		return nil, malformedKRL(errTruncated)
	}
	for _, a := range l.authorities {
		a.settle()
	}
	if err := l.checkSigners(); err != nil {
		return nil, err
	}
	return l, nil
}

var errTruncated = errors.New("it is truncated or malformed")

func malformedKRL(err error) error {
	return fmt.Errorf("hostkey: key revocation list: %s", strings.TrimPrefix(err.Error(), "hostkey: "))
}

// parseSection parses the section of the list file that r is before.
func (l *KRL) parseSection(r *wire.Reader, file []byte) error {
	before := len(file) - r.Len()
	section, data := r.Byte(), r.Blob()
	if r.Err() != nil {
		return errTruncated
	}
	if len(l.Signers) > 0 && section != krlSignature {
		return errors.New("something follows its signature")
	}
	s := wire.NewReader(data)
	switch section {
	case krlCertificates:
		return l.parseCertificates(&s)
	case krlKeys:
		for s.Len() > 0 && s.Err() == nil {
			if l.keys == nil {
				l.keys = make(map[string]bool)
			}
			l.keys[s.Text()] = true
		}
	case krlSHA1:
		for s.Len() > 0 && s.Err() == nil {
			sum := s.Blob()
			if len(sum) != sha1.Size {
				return errTruncated
			}
			l.addSHA1([sha1.Size]byte(sum))
		}
	case krlSHA256:
		for s.Len() > 0 && s.Err() == nil {
			sum := s.Blob()
			if len(sum) != sha256.Size {
				return errTruncated
			}
			l.addSHA256([sha256.Size]byte(sum))
		}
	case krlSignature:
		return l.parseSigned(data, r.Blob(), file[:before+1+4+len(data)])
	case krlExtension:
		return passExtension(&s)
	default:
		return fmt.Errorf("section %d is not known", section)
	}
	return asTruncated(s.End())
}

func asTruncated(err error) error {
	if err != nil {
		return errTruncated
	}
	return nil
}

// passExtension passes over an extension that is not critical:
//
//	string    name
//	boolean   critical
//	string    contents
func passExtension(r *wire.Reader) error {
	name, critical := r.Text(), r.Bool()
	r.Blob()
	if r.End() == nil && critical {
		return fmt.Errorf("the critical extension %.64q is not known", name)
	}
	return asTruncated(r.End())
}

// parseSigned verifies a signature, which covers what is before it and the key
// that made it.
func (l *KRL) parseSigned(blob, encoded, signed []byte) error {
	if len(l.Signers) == maxKRLSigners {
		return fmt.Errorf("it has more than %d signatures", maxKRLSigners)
	}
	key, err := parsePlain(blob, nil)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(l.Signers, func(k PublicKey) bool { return Equal(k, key) }) {
		return errors.New("one key signed it twice")
	}
	sig, err := ParseSignature(encoded)
	if err != nil {
		return ErrSignature
	}
	if err := key.Verify(signed, sig); err != nil {
		return fmt.Errorf("the signature by %s: %w", Fingerprint(key), err)
	}
	l.Signers = append(l.Signers, key)
	return nil
}

// checkSigners leaves out signers that the list itself revokes. One that is
// left with none is signed by nobody who may.
func (l *KRL) checkSigners() error {
	signed := len(l.Signers) > 0
	l.Signers = slices.DeleteFunc(l.Signers, func(k PublicKey) bool { return l.Check(k) != nil })
	if signed && len(l.Signers) == 0 {
		return malformedKRL(errors.New("it revokes every key that signed it"))
	}
	return nil
}

// parseCertificates parses what is revoked of one authority's certificates:
//
//	string    authority's key; empty for any authority
//	string    reserved
//
// and then sections like those of the list.
func (l *KRL) parseCertificates(r *wire.Reader) error {
	ca := r.Blob()
	r.Blob()
	if r.Err() != nil {
		return errTruncated
	}
	if len(ca) > 0 {
		if _, err := parseKeyInFile(ca); err != nil {
			return err
		}
	}
	a := l.ofBlob(string(ca))
	for r.Len() > 0 && r.Err() == nil {
		if err := a.parseSection(r); err != nil {
			return err
		}
	}
	return asTruncated(r.End())
}

func (a *revokedBy) parseSection(r *wire.Reader) error {
	section := r.Byte()
	s := wire.NewReader(r.Blob())
	if r.Err() != nil {
		return errTruncated
	}
	switch section {
	case krlSerials:
		for s.Len() > 0 && s.Err() == nil {
			serial := s.Uint64()
			if err := a.add(serial, serial, &s); err != nil {
				return err
			}
		}
	case krlSerialRange:
		if err := a.add(s.Uint64(), s.Uint64(), &s); err != nil {
			return err
		}
	case krlSerialBitmap:
		return a.parseBitmap(&s)
	case krlKeyIDs:
		for s.Len() > 0 && s.Err() == nil {
			id := s.Text()
			if strings.Contains(id, "\x00") {
				return errTruncated
			}
			a.addID(id)
		}
	case krlCertificateMore:
		return passExtension(&s)
	default:
		return fmt.Errorf("section %#x about certificates is not known", section)
	}
	return asTruncated(s.End())
}

// add adds serial numbers that r was read for.
func (a *revokedBy) add(low, high uint64, r *wire.Reader) error {
	switch {
	case r.Err() != nil:
		return errTruncated
	case low == 0 || low > high:
		return fmt.Errorf("%d to %d is no range of serial numbers", low, high)
	}
	a.serials = append(a.serials, serialRange{low, high})
	return nil
}

// parseBitmap parses
//
//	uint64    offset
//	mpint     bitmap
func (a *revokedBy) parseBitmap(r *wire.Reader) error {
	m := serialBitmap{offset: r.Uint64()}
	bits := r.Blob()
	if r.End() != nil || len(bits) > 0 && bits[0]&0x80 != 0 {
		return errTruncated
	}
	m.bits = bytes.Clone(bytes.TrimLeft(bits, "\x00"))
	n := uint64(len(m.bits))
	switch {
	case n == 0:
		return nil
	case m.offset+8*n < m.offset && m.wraps():
		return errors.New("a bitmap goes beyond the last serial number")
	case m.has(0):
		return errors.New("0 is no serial number")
	}
	a.bitmaps = append(a.bitmaps, m)
	return nil
}

// wraps reports whether the highest bit stands for a number of more than 64
// bits. The first byte is not 0.
func (m *serialBitmap) wraps() bool {
	top := uint64(len(m.bits)-1) * 8
	for b := m.bits[0]; b > 1; b >>= 1 {
		top++
	}
	return m.offset+top < m.offset
}
