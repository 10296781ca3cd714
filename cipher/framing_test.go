package cipher

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Every layout's shortest packet holds what Open looks at without asking: the
// head, the tag and padding_length.
func TestShortest(t *testing.T) {
	for name, f := range map[string]Framing{
		"none": noneFraming, "GCM": gcmFraming, "ChaCha20-Poly1305": chachaFraming,
		"EtM": newEtM(16, 64, nil, nil).framing, "MtE": newMtE(16, 64, nil, nil).framing,
	} {
		t.Run(name, func(t *testing.T) {
			require.GreaterOrEqual(t, f.shortest(), f.Head+f.Tag)
			require.Greater(t, f.shortest(), lengthSize+f.Tag)
			require.GreaterOrEqual(t, f.Block, 8, "RFC 4253 6: a multiple of 8 at least")
			require.Contains(t, []int{0, lengthSize}, f.Clear)
		})
	}
}
