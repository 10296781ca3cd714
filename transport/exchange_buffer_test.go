package transport

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExchange(t *testing.T) {
	large := append([]byte{testMessage}, bytes.Repeat([]byte("0123456789abcdef"), 2<<10)...)
	small := []byte{testMessage, 1}
	for _, test := range []struct {
		name    string
		payload []byte
		fresh   int
		own     bool
	}{
		{"a large packet is in a buffer of its own", large, BufferSize, true},
		{"a small one shares a buffer", small, BufferSize, false},
		{"one that fits no buffer", append(bytes.Clone(large), large...), BufferSize, false},
		{"nothing is given for a buffer that is too short", large, BufferSize - 1, false},
		{"nothing is given for one that is too long", large, BufferSize + 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := hostilePair(t)
			for range 3 { // fresh buffers come into use, and go again
				require.NoError(t, a.Enqueue(test.payload))
				p, err := b.ReadPacket()
				require.NoError(t, err)
				require.True(t, bytes.Equal(test.payload, p))
				buffer, offset := b.Exchange(make([]byte, test.fresh))
				require.Equal(t, test.own, buffer != nil)
				again, _ := b.Exchange(make([]byte, test.fresh))
				require.Nil(t, again, "the buffer is gone")
				require.NoError(t, a.Enqueue(small))
				_, err = b.ReadPacket()
				require.NoError(t, err)
				if test.own {
					require.Len(t, buffer, BufferSize)
					require.True(t, bytes.Equal(test.payload, buffer[offset:offset+len(test.payload)]), "it is the caller's")
				}
			}
		})
	}
}
