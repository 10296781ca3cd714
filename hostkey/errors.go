package hostkey

import (
	"errors"
	"fmt"
	"strings"
)

// ErrSignature reports a well-formed signature that is not one of the data by
// the key, or a signature that is not well-formed.
var ErrSignature = errors.New("hostkey: signature does not verify")

// An UnknownKeyTypeError reports a key in a format this package does not know.
type UnknownKeyTypeError struct {
	Type string // as found; a peer may have chosen it
}

func (e *UnknownKeyTypeError) Error() string {
	return fmt.Sprintf("hostkey: key format %q is not supported", e.Type)
}

// A KeyFormatError reports a key that is malformed, or of a size that is not
// accepted.
type KeyFormatError struct {
	Type   string // the key format, or the label of a PEM block
	Reason string
}

func (e *KeyFormatError) Error() string {
	return fmt.Sprintf("hostkey: bad %s key: %s", e.Type, e.Reason)
}

// An AlgorithmError reports a signature algorithm that keys of a format do not
// sign with.
type AlgorithmError struct {
	Algorithm string // as found; a peer may have chosen it
	KeyType   string
}

func (e *AlgorithmError) Error() string {
	right := Algorithms(e.KeyType)
	switch {
	case right == nil && KeyType(e.Algorithm) == e.KeyType:
		return fmt.Sprintf("hostkey: algorithm %q is insecure, and was not asked for by name", e.Algorithm)
	case right == nil:
		right = []string{e.KeyType}
	}
	return fmt.Sprintf("hostkey: algorithm %q is not for %s keys, which sign with %s",
		e.Algorithm, e.KeyType, strings.Join(right, " or "))
}

// A LineError reports a line of a file that was skipped.
type LineError struct {
	Line int // counted from 1
	Err  error
}

func (e *LineError) Error() string {
	return fmt.Sprintf("hostkey: line %d: %s", e.Line, strings.TrimPrefix(e.Err.Error(), "hostkey: "))
}

// Unwrap returns what is wrong with the line.
func (e *LineError) Unwrap() error { return e.Err }
