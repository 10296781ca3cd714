package wire

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// What of one value is put on a [line]. A message may be 256 KiB long.
const (
	maxLineText  = 256 // bytes of text
	maxLineBytes = 16  // bytes shown in hexadecimal
	maxLineItems = 16  // repeated fields
)

// A line is a description of a message as it is being written: "key=value"
// fields, each with a space before it. Nothing of the peer's reaches it
// unquoted except name-lists, which a [Reader] has checked.
type line struct {
	strings.Builder
}

// uint32 writes a number.
func (l *line) uint32(key string, v uint32) *line {
	fmt.Fprintf(l, " %s=%d", key, v)
	return l
}

// bool writes a boolean.
func (l *line) bool(key string, v bool) *line {
	fmt.Fprintf(l, " %s=%t", key, v)
	return l
}

// text writes a string that people read.
func (l *line) text(key, s string) *line {
	if len(s) > maxLineText {
		fmt.Fprintf(l, " %s=%q...(%d bytes)", key, s[:maxLineText], len(s))
		return l
	}
	fmt.Fprintf(l, " %s=%q", key, s)
	return l
}

// bytes writes the length and the beginning of a binary string.
func (l *line) bytes(key string, p []byte) *line {
	fmt.Fprintf(l, " %s=(%s", key, size(len(p)))
	switch {
	case len(p) > maxLineBytes:
		l.WriteString(" " + hex.EncodeToString(p[:maxLineBytes]) + "...")
	case len(p) > 0:
		l.WriteString(" " + hex.EncodeToString(p))
	}
	l.WriteByte(')')
	return l
}

// mpint writes a number that may be long: its size in bits and its beginning.
func (l *line) mpint(key string, v *big.Int) *line {
	magnitude := v.Bytes()
	sign := ""
	if v.Sign() < 0 {
		sign = "-"
	}
	fmt.Fprintf(l, " %s=(%d bits %s0x%s", key, v.BitLen(), sign, hex.EncodeToString(magnitude[:min(len(magnitude), maxLineBytes)]))
	if len(magnitude) > maxLineBytes {
		l.WriteString("...")
	}
	l.WriteByte(')')
	return l
}

// hidden writes the length of something that others must not learn from a log.
func (l *line) hidden(key string, n int) *line {
	fmt.Fprintf(l, " %s=(%s)", key, size(n))
	return l
}

// tagged writes the length of a binary string and the name it begins with: the
// format of keys (RFC 4253, section 6.6) and signatures.
func (l *line) tagged(key string, p []byte) *line {
	r := NewReader(p)
	name := r.Text()
	if r.Err() != nil || len(name) > maxNameLength {
		return l.hidden(key, len(p))
	}
	l.text(key, name)
	fmt.Fprintf(l, "(%s)", size(len(p)))
	return l
}

// names writes a name-list in full.
func (l *line) names(key string, names []string) *line {
	fmt.Fprintf(l, " %s=[%s]", key, strings.Join(names, ","))
	return l
}

// repeated writes how many items there are, and calls item for the first few.
func (l *line) repeated(key string, n int, item func(i int)) {
	fmt.Fprintf(l, " %s=%d", key, n)
	for i := range min(n, maxLineItems) {
		item(i)
	}
	if n > maxLineItems {
		l.WriteString(" ...")
	}
}

// malformed writes why the rest could not be written.
func (l *line) malformed(err error) { fmt.Fprintf(l, " malformed: %v", err) }

// size returns n bytes in words.
func size(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return strconv.Itoa(n) + " bytes"
}
