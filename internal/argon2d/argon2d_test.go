package argon2d

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 9106, section 5.1.
func TestRFC9106(t *testing.T) {
	key, err := derive(inputs{bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 16), bytes.Repeat([]byte{3}, 8), bytes.Repeat([]byte{4}, 12)},
		Options{Passes: 3, Memory: 32, Threads: 4}, 32)
	require.NoError(t, err)
	require.Equal(t, "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb", hex.EncodeToString(key))
}

func TestCostMatters(t *testing.T) {
	seen := make(map[string]Options)
	for _, o := range []Options{{1, 8, 1}, {2, 8, 1}, {1, 9, 1}, {1, 16, 1}, {1, 16, 2}, {3, 64, 2}, {2, 100, 3}} {
		passphrase, salt := []byte("passphrase"), []byte("salt")
		key, err := Key(passphrase, salt, o, 80)
		require.NoError(t, err)
		require.Len(t, key, 80)
		require.NotContains(t, seen, string(key))
		seen[string(key)] = o
		require.Equal(t, "passphrase", string(passphrase))
		again, err := Key(passphrase, salt, o, 80)
		require.NoError(t, err)
		require.Equal(t, key, again)
	}
	for _, size := range []int{4, 63, 64, 65, 96, 97, 128, 1024} {
		key, err := Key([]byte("p"), nil, Options{1, 8, 1}, size)
		require.NoError(t, err)
		require.Len(t, key, size)
	}
}

func TestRefuses(t *testing.T) {
	for name, o := range map[string]Options{
		"no passes":          {0, 8, 1},
		"no threads":         {1, 8, 0},
		"no memory":          {1, 0, 1},
		"7 KiB":              {1, 7, 1},
		"15 KiB for 2":       {1, 15, 2},
		"negative passes":    {-1, 8, 1},
		"negative threads":   {1, 8, -1},
		"negative everybody": {-1, -8, -1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Key([]byte("p"), []byte("s"), o, 32)
			require.ErrorContains(t, err, "argon2d: ")
		})
	}
	_, err := Key([]byte("p"), []byte("s"), Options{1, 8, 1}, 3)
	require.Error(t, err)
}

func BenchmarkMiB(b *testing.B) {
	for b.Loop() {
		Key([]byte("passphrase"), []byte("salt"), Options{Passes: 1, Memory: 1 << 10, Threads: 1}, 80)
	}
}
