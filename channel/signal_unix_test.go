//go:build unix

package channel

import (
	"maps"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSignals(t *testing.T) {
	require.Len(t, systemSignals, 13, "RFC 4254 6.10")
	all := maps.Clone(systemSignals)
	maps.Copy(all, infoSignals)
	_, hasInfo := SIGINFO.System()
	require.Equal(t, slices.Contains([]string{"darwin", "dragonfly", "freebsd", "netbsd", "openbsd"}, runtime.GOOS), hasInfo)
	for name, sig := range all {
		got, ok := SignalOf(sig)
		require.True(t, ok)
		require.Equal(t, name, got)
		system, ok := name.System()
		require.True(t, ok)
		require.Equal(t, os.Signal(sig), system)
	}
	got, ok := SignalOf(os.Interrupt)
	require.True(t, ok)
	require.Equal(t, SIGINT, got)
	_, ok = SignalOf(syscall.SIGWINCH)
	require.False(t, ok)
	for _, s := range []Signal{"", "SIGHUP", "hup", "x@example.com"} {
		_, ok := s.System()
		require.False(t, ok, "%q", s)
	}
}
