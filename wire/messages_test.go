package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A message is anything with an encoding.
type message interface{ Append(b []byte) []byte }

// A sample is one message, its layout as the RFC gives it, and its line.
type sample struct {
	message message
	parse   func([]byte) (message, error)
	layout  []any // see encode
	rest    int   // bytes at the end that carry no length of their own
	line    string
}

// samples has at least one of every message and of every payload.
var samples = slices.Concat(transportSamples, kexSamples, gexSamples, userauthSamples, gssapiSamples, methodSamples,
	connectionSamples, channelSamples, sessionSamples, forwardSamples, opensshSamples)

func (s *sample) name() string { return strings.TrimPrefix(fmt.Sprintf("%T", s.message), "*wire.") }

// numbered reports whether the message has a number, as payloads do not.
func (s *sample) numbered() bool {
	_, ok := s.layout[0].(Number)
	return ok
}

// encode builds an encoding without the code under test: each field of a
// layout is of the Go type nearest to its RFC 4251 type, and raw is as it is.
func encode(layout []any) []byte {
	var b []byte
	for _, field := range layout {
		switch v := field.(type) {
		case Number:
			b = append(b, byte(v))
		case bool:
			b = append(b, map[bool]byte{true: 1}[v])
		case uint32:
			b = binary.BigEndian.AppendUint32(b, v)
		case string:
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		case raw:
			b = append(b, v...)
		default:
			panic(fmt.Sprintf("no encoding for %T", field))
		}
	}
	return b
}

type raw string

// parsing adapts a Parse function.
func parsing[T any, P interface {
	*T
	message
}](parse func([]byte) (T, error)) func([]byte) (message, error) {
	return func(p []byte) (message, error) {
		m, err := parse(p)
		return P(&m), err
	}
}

// each runs test for every sample.
func each(t *testing.T, test func(t *testing.T, s *sample, encoded []byte)) {
	for _, s := range samples {
		t.Run(s.name(), func(t *testing.T) { test(t, &s, encode(s.layout)) })
	}
}

func TestMessageLayout(t *testing.T) {
	each(t, func(t *testing.T, s *sample, encoded []byte) {
		require.Equal(t, encoded, s.message.Append(nil))
	})
}

func TestMessageRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, s *sample, encoded []byte) {
		m, err := s.parse(encoded)
		require.NoError(t, err)
		require.Equal(t, s.message, m)
	})
}

func TestMessageAppendsToBuffer(t *testing.T) {
	each(t, func(t *testing.T, s *sample, encoded []byte) {
		buf := append(make([]byte, 0, 1024), "before"...)
		got := s.message.Append(buf)
		require.Equal(t, "before"+string(encoded), string(got))
		require.Same(t, &buf[0], &got[0], "there was room")
	})
}

func TestMessageTruncated(t *testing.T) {
	each(t, func(t *testing.T, s *sample, encoded []byte) {
		for n := range len(encoded) - s.rest {
			_, err := s.parse(encoded[:n])
			require.Error(t, err, "%d of %d bytes", n, len(encoded))
		}
		for n := len(encoded) - s.rest; n < len(encoded); n++ {
			_, err := s.parse(encoded[:n])
			require.NoError(t, err, "%d of %d bytes: the rest may have any length", n, len(encoded))
		}
	})
}

func TestMessageTrailingByte(t *testing.T) {
	each(t, func(t *testing.T, s *sample, encoded []byte) {
		for b := range 256 {
			_, err := s.parse(append(slices.Clone(encoded), byte(b)))
			if s.rest > 0 {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, ErrTrailing)
			}
		}
	})
}

func TestMessageNumberIsChecked(t *testing.T) {
	each(t, func(t *testing.T, s *sample, encoded []byte) {
		if !s.numbered() {
			return
		}
		for n := range 256 {
			other := slices.Clone(encoded)
			other[0] = byte(n)
			_, err := s.parse(other)
			if byte(n) == encoded[0] {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, ErrNumber)
			}
		}
	})
}

// A message is hostile until proven otherwise: whatever its length fields say,
// parsing allocates in proportion to the bytes that came.
func TestMessageLengthFieldsAreNotBelieved(t *testing.T) {
	each(t, func(t *testing.T, s *sample, encoded []byte) {
		for i := range len(encoded) - 3 {
			huge := slices.Clone(encoded)
			copy(huge[i:], "\xff\xff\xff\xff")
			before := bytes.Clone(huge)
			m, err := s.parse(huge)
			require.Equal(t, before, huge, "parsing does not write")
			if err == nil {
				_, err = s.parse(m.Append(nil))
				require.NoError(t, err, "what parses encodes to what parses")
			}
		}
	})
}

func TestDescribeMessages(t *testing.T) {
	each(t, func(t *testing.T, s *sample, encoded []byte) {
		if s.numbered() {
			require.Equal(t, s.line, Describe(encoded))
		}
	})
}

// Every message that has a number, and every payload, is among the samples.
func TestSamplesAreComplete(t *testing.T) {
	numbers := map[Number]bool{}
	for _, s := range samples {
		if n, ok := s.layout[0].(Number); ok {
			numbers[n] = true
		}
	}
	for n := range numberNames {
		require.True(t, numbers[n], "no sample of %v", n)
	}
	for n := range messages {
		require.True(t, numbers[n], "no sample of %v", n)
	}
}
