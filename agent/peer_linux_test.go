package agent

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestM7MayEnter(t *testing.T) { // M7
	for _, test := range []struct {
		uid   uint32
		owner int
		want  bool
	}{{1000, 1000, true}, {0, 1000, true}, {1001, 1000, false}, {1000, 0, false}, {0, 0, true}, {1<<32 - 1, -1, false}} {
		require.Equal(t, test.want, mayEnter(test.uid, test.owner), "M7 %d of %d", test.uid, test.owner)
	}
}
