//go:build unix

package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSIGTERMDrains(t *testing.T) {
	r := start(t)
	cmd, _ := r.spawn("echo $$; until [ -e " + r.path("enough") + " ]; do sleep 0.05; done; exit 5")
	idle := r.ssh("-M", "-N")
	require.NoError(t, idle.Start())
	require.Eventually(t, func() bool { return r.ssh("-O", "check", "").Run() == nil }, waitFor, 10*time.Millisecond)
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
	require.Error(t, idle.Wait(), "a connection without a session ends")
	require.NoError(t, syscall.Kill(r.cmd.Process.Pid, 0))
	r.write("enough", nil)
	cmd.Wait()
	require.Equal(t, 5, cmd.ProcessState.ExitCode(), "a session that runs ends by itself")
	require.Zero(t, r.wait())
	_, _, status := r.output("true")
	require.Equal(t, 255, status)
}

func TestSecondSIGTERMAndSIGINTClose(t *testing.T) {
	for _, signals := range [][]syscall.Signal{{syscall.SIGTERM, syscall.SIGTERM}, {syscall.SIGTERM, syscall.SIGINT}, {syscall.SIGINT}, {syscall.SIGHUP}} {
		t.Run(signals[0].String(), func(t *testing.T) {
			r := start(t)
			cmd, pid := r.spawn("echo $$; exec sleep 1000")
			for _, sig := range signals {
				require.NoError(t, syscall.Kill(pid, 0))
				require.NoError(t, r.cmd.Process.Signal(sig))
				time.Sleep(100 * time.Millisecond)
			}
			gone(t, pid)
			cmd.Wait()
			require.Equal(t, 255, cmd.ProcessState.ExitCode())
			require.Zero(t, r.wait())
		})
	}
}
