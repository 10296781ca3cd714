package kex

import (
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPostQuantum(t *testing.T) {
	var names []string
	for _, m := range slices.Concat(Default(), Optional(), Insecure()) {
		if PostQuantum(m) {
			names = append(names, m.Name())
		}
	}
	require.Equal(t, []string{
		"mlkem768x25519-sha256",
		"sntrup761x25519-sha512",
		"sntrup761x25519-sha512@openssh.com",
		"mlkem768nistp256-sha256",
		"mlkem1024nistp384-sha384",
	}, names)
	require.False(t, PostQuantum(nil))
}

// A quiet KEM says nothing about itself, a doubtful one does.
type (
	quiet    struct{ KEM }
	doubtful struct {
		KEM
		answer bool
	}
)

func (d doubtful) PostQuantum() bool { return d.answer }

// A method of somebody else's counts by what it, or its KEM, says.
func TestPostQuantumOfOthers(t *testing.T) {
	require.False(t, PostQuantum(New("x", sha256.New, quiet{hybrid{}})))
	require.False(t, PostQuantum(New("x", sha256.New, doubtful{hybrid{}, false})))
	require.True(t, PostQuantum(New("x", sha256.New, doubtful{x25519{}, true})))
}
