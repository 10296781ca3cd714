package fuzz_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/inflate"
)

var zlibHeader = []byte{0x78, 0x9c}

// inflatePieces decodes stream in pieces of size bytes, and returns what came
// out until the end or the first error.
func inflatePieces(t *testing.T, stream []byte, size, limit int) (all []byte, err error) {
	d := inflate.NewDecoder(limit)
	_, err = d.Decode(zlibHeader)
	require.NoError(t, err)
	for len(stream) > 0 && err == nil {
		var out []byte
		piece := stream[:min(size, len(stream))]
		stream = stream[len(piece):]
		out, err = d.Decode(piece)
		require.LessOrEqual(t, len(out), limit)
		all = append(all, out...)
	}
	return all, err
}

// standard is what compress/flate decodes stream to.
func standard(stream []byte, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(stream)), limit))
}

// FuzzInflate decodes anything, and compares with compress/flate. Whatever size
// the pieces have, the outcome is the same. compress/flate goes on behind a
// final block, and takes a block that cannot end, which zlib does not.
func FuzzInflate(f *testing.F) {
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level += 3 {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, level)
		require.NoError(f, err)
		for _, text := range []string{"a", "abcabcabcabcabc", "the reader never waits for the writer", string(make([]byte, 3000))} {
			io.WriteString(w, text)
			w.Flush()
		}
		f.Add(bytes.Clone(b.Bytes()), uint16(7))
		w.Close()
		f.Add(b.Bytes(), uint16(1))
	}
	f.Fuzz(func(t *testing.T, stream []byte, size uint16) {
		const limit = 1 << 24
		whole, wholeErr := inflatePieces(t, stream, len(stream)+1, limit)
		byPiece, err := inflatePieces(t, stream, int(size)+1, limit)
		if wholeErr == nil {
			require.NoError(t, err)
			require.True(t, bytes.Equal(whole, byPiece))
		} else if !errors.Is(wholeErr, inflate.ErrTooLong) {
			require.Equal(t, wholeErr, err)
		}
		byByte, err := inflatePieces(t, stream, 1, limit)
		if !errors.Is(wholeErr, inflate.ErrTooLong) {
			require.Equal(t, wholeErr, err)
		}

		theirs, theirErr := standard(stream, limit)
		if wholeErr == nil && len(theirs) < limit {
			if !errors.Is(theirErr, io.ErrUnexpectedEOF) {
				// It sees without the rest of a symbol that this will be none.
				_, err = inflatePieces(t, append(bytes.Clone(stream), make([]byte, 8)...), len(stream)+8, limit)
				require.Error(t, err, "theirs is %v", theirErr)
			}
			require.True(t, bytes.HasPrefix(whole, theirs), "%d bytes, %d of theirs", len(whole), len(theirs))
		}
		// It may leave symbols at the end that are shorter than that of the end
		// of the block.
		theirs, _ = standard(append(bytes.Clone(stream), 0, 0), limit)
		require.True(t, bytes.HasPrefix(theirs, byByte), "%d bytes, %d of theirs", len(byByte), len(theirs))
	})
}

// FuzzDeflate decodes what compress/flate makes of anything, cut into packets.
func FuzzDeflate(f *testing.F) {
	f.Add([]byte("the reader never waits"), uint16(3), uint8(6))
	f.Add(make([]byte, 5000), uint16(1000), uint8(4))
	f.Fuzz(func(t *testing.T, data []byte, size uint16, level uint8) {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, int(level%10))
		require.NoError(t, err)
		d := inflate.NewDecoder(1 << 16)
		_, err = d.Decode(zlibHeader)
		require.NoError(t, err)
		for len(data) > 0 {
			n := min(int(size)+1, len(data))
			b.Reset()
			w.Write(data[:n])
			w.Flush()
			out, err := d.Decode(b.Bytes())
			require.NoError(t, err)
			require.True(t, bytes.Equal(data[:n], out))
			data = data[n:]
		}
	})
}
