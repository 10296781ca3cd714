package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Errors a [Reader] reports. Each is returned wrapped with no detail of the
// message: a decoder of hostile input has nothing to say to the sender but no.
var (
	ErrTruncated = errors.New("wire: message is truncated")
	ErrTrailing  = errors.New("wire: bytes after the end of the message")
	ErrMPInt     = errors.New("wire: mpint is not in its shortest form")
	ErrNameList  = errors.New("wire: malformed name-list")
	ErrNumber    = errors.New("wire: not the expected message number")
)

// Bounds on the names in a name-list. RFC 4251, section 6, allows a name 64
// characters; no implementation offers anywhere near a thousand of them.
const (
	maxNameLength = 64
	maxNames      = 1024
)

// A Reader takes one message apart. The first failure sticks: every later call
// returns a zero value, so callers read all fields and check End once.
// Byte slices returned by a Reader alias its input. A Reader is a value that
// need not be heap-allocated; it is not safe for concurrent use.
type Reader struct {
	buf []byte
	err error
}

// NewReader returns a Reader of p, which it reads in place.
func NewReader(p []byte) Reader { return Reader{buf: p} }

// take returns the next n bytes.
func (r *Reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.buf) {
		r.fail(ErrTruncated)
		return nil
	}
	p := r.buf[:n:n]
	r.buf = r.buf[n:]
	return p
}

func (r *Reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.buf = nil
}

// Byte reads a byte (RFC 4251, section 5).
func (r *Reader) Byte() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

// Number reads the message number that every message begins with, and fails
// unless it is n.
func (r *Reader) Number(n Number) {
	if Number(r.Byte()) != n {
		r.fail(ErrNumber)
	}
}

// Bool reads a boolean (RFC 4251, section 5): "All non-zero values MUST be
// interpreted as TRUE".
func (r *Reader) Bool() bool { return r.Byte() != 0 }

// Uint32 reads a uint32 (RFC 4251, section 5).
func (r *Reader) Uint32() uint32 {
	if p := r.take(4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

// Uint64 reads a uint64 (RFC 4251, section 5).
func (r *Reader) Uint64() uint64 {
	if p := r.take(8); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

// Blob reads a string (RFC 4251, section 5) as bytes that alias the input.
func (r *Reader) Blob() []byte {
	n := r.Uint32()
	if uint64(n) > uint64(len(r.buf)) {
		r.fail(ErrTruncated)
		return nil
	}
	return r.take(int(n))
}

// Text reads a string (RFC 4251, section 5) as a copy.
func (r *Reader) Text() string { return string(r.Blob()) }

// Bytes reads n bytes that carry no length of their own. The result aliases
// the input.
func (r *Reader) Bytes(n int) []byte { return r.take(n) }

// MPInt reads an mpint (RFC 4251, section 5). "Unnecessary leading bytes with
// the value 0 or 255 MUST NOT be included": an mpint that has them is refused.
func (r *Reader) MPInt() *big.Int {
	p := r.Blob()
	if r.err != nil {
		return nil
	}
	if len(p) == 0 {
		return new(big.Int)
	}
	if p[0] == 0 && (len(p) == 1 || p[1] < 0x80) || p[0] == 0xff && len(p) > 1 && p[1] >= 0x80 {
		r.fail(ErrMPInt)
		return nil
	}
	v := new(big.Int).SetBytes(p)
	if p[0] >= 0x80 { // two's complement
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(len(p))*8))
	}
	return v
}

// NameList reads a name-list (RFC 4251, section 5). It refuses empty names,
// names over 64 characters or with anything but printable US-ASCII in them
// (section 6), and lists of more than 1024 names.
func (r *Reader) NameList() []string {
	p := r.Blob()
	if r.err != nil || len(p) == 0 {
		return nil
	}
	if !validNameList(p) {
		r.fail(ErrNameList)
		return nil
	}
	return strings.Split(string(p), ",")
}

// validNameList reports whether each name in p may stand in a name-list. It
// looks before anything is allocated.
func validNameList(p []byte) bool {
	names, length := 1, 0
	for _, c := range p {
		switch {
		case c == ',':
			if length == 0 {
				return false
			}
			names, length = names+1, 0
		case c <= ' ' || c > '~':
			return false
		default:
			length++
		}
		if length > maxNameLength || names > maxNames {
			return false
		}
	}
	return length > 0
}

// count reads how many items of at least size bytes each follow. A count that
// the bytes left cannot hold is refused before anything is allocated for it.
func (r *Reader) count(size int) uint32 {
	n := r.Uint32()
	if uint64(n)*uint64(size) > uint64(len(r.buf)) {
		r.fail(ErrTruncated)
		return 0
	}
	return n
}

// Rest reads all that is left. The result aliases the input.
func (r *Reader) Rest() []byte { return r.take(len(r.buf)) }

// Len returns the number of bytes left to read.
func (r *Reader) Len() int { return len(r.buf) }

// Err returns the first error, or nil.
func (r *Reader) Err() error { return r.err }

// End returns the first error, or [ErrTrailing] if bytes are left over.
func (r *Reader) End() error {
	if r.err == nil && len(r.buf) > 0 {
		return ErrTrailing
	}
	return r.err
}

// AppendBool appends a boolean (RFC 4251, section 5): "applications MUST NOT
// store values other than 0 and 1".
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendUint32 appends a uint32 (RFC 4251, section 5).
func AppendUint32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

// AppendUint64 appends a uint64 (RFC 4251, section 5).
func AppendUint64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

// AppendString appends s as a string (RFC 4251, section 5).
func AppendString[S ~string | ~[]byte](b []byte, s S) []byte {
	return append(AppendUint32(b, uint32(len(s))), s...)
}

// AppendMPInt appends v as an mpint (RFC 4251, section 5).
func AppendMPInt(b []byte, v *big.Int) []byte {
	if v.Sign() >= 0 {
		return AppendUnsigned(b, v.Bytes())
	}
	// Two's complement: 2^(8n) + v, with n the least that leaves the sign bit set.
	n := new(big.Int).Not(v).BitLen()/8 + 1
	p := new(big.Int).Lsh(big.NewInt(1), uint(n)*8)
	return AppendString(b, p.Add(p, v).Bytes())
}

// AppendUnsigned appends the mpint (RFC 4251, section 5) whose magnitude is
// the big-endian bytes given, without the detour over a big.Int.
func AppendUnsigned(b, magnitude []byte) []byte {
	for len(magnitude) > 0 && magnitude[0] == 0 {
		magnitude = magnitude[1:]
	}
	if len(magnitude) > 0 && magnitude[0] >= 0x80 {
		b = append(AppendUint32(b, uint32(len(magnitude)+1)), 0)
		return append(b, magnitude...)
	}
	return AppendString(b, magnitude)
}

// AppendNameList appends names as a name-list (RFC 4251, section 5). It panics
// if a name is empty or holds a comma, which only a programmer's mistake puts
// there.
func AppendNameList(b []byte, names []string) []byte {
	for _, name := range names {
		if name == "" || strings.Contains(name, ",") {
			panic(fmt.Sprintf("wire: %q cannot stand in a name-list", name))
		}
	}
	return AppendString(b, strings.Join(names, ","))
}
