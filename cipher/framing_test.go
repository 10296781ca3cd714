package cipher

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/mac"
)

// Every layout's shortest packet holds what Open looks at without asking: the
// head, the tag and padding_length.
func TestShortest(t *testing.T) {
	for name, f := range map[string]Framing{
		"none": noneFraming, "GCM": gcmFraming, "ChaCha20-Poly1305": chachaFraming,
		"EtM": newEtM(16, 64, nil, nil).framing, "MtE": newMtE(16, 64, nil, nil).framing,
		"EtM, 64 bits": newEtM(8, 64, nil, nil).framing, "MtE, 64 bits": newMtE(8, 64, nil, nil).framing,
	} {
		t.Run(name, func(t *testing.T) {
			require.GreaterOrEqual(t, f.shortest(), f.Head+f.Tag)
			require.Greater(t, f.shortest(), lengthSize+f.Tag)
			require.GreaterOrEqual(t, f.Block, 8, "RFC 4253 6: a multiple of 8 at least")
			require.Contains(t, []int{0, lengthSize}, f.Clear)
		})
	}
}

func TestPossible(t *testing.T) {
	etm, mte := newEtM(16, 20, nil, nil).framing, newMtE(8, 20, nil, nil).framing
	for _, tt := range []struct {
		name  string
		frame Framing
		n     int
		unit  int
		want  bool
	}{
		{"nothing", etm, 0, 1, false},
		{"less than a block", etm, 4 + 15 + 20, 1, false},
		{"one block", etm, 4 + 16 + 20, 16, true},
		{"any number of bytes, of a stream", etm, 4 + 17 + 20, 1, true},
		{"a block and a part of one", etm, 4 + 17 + 20, 16, false},
		{"a small block", mte, 8 + 20, 8, true},
		{"two blocks, packet_length among them", mte, 16 + 20, 8, true},
		{"half a block more", mte, 20 + 20, 8, false},
		{"what a MAC takes", mte, mac.MaxData, 1, true},
		{"more than a MAC takes", mte, mac.MaxData + 1, 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, tt.frame.possible(tt.n, tt.unit))
		})
	}
}
