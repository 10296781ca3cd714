//go:build unix

package main

import (
	"bufio"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/userauth"
)

// dial connects package client, for what ssh(1) cannot ask for.
func (r *running) dial() *client.Client {
	r.t.Helper()
	c, err := client.Dial(context.Background(), "tcp", "127.0.0.1:"+r.port, &client.Config{
		User:     r.user,
		Auth:     []userauth.Method{userauth.PublicKey(testkeys.Ed25519Other())},
		HostKeys: hostkey.Pin(testkeys.Ed25519().PublicKey()),
	})
	require.NoError(r.t, err)
	r.t.Cleanup(func() { c.Close() })
	return c
}

// RFC 4254, section 6.9: signals reach the program and all it has started.
func TestSignalRequests(t *testing.T) {
	c := start(t).dial()
	for _, test := range []struct {
		name, command string
		send          []channel.Signal
		check         func(t *testing.T, e *client.ExitError)
	}{
		{"a signal that kills", "echo; exec sleep 1000", []channel.Signal{"TERM"}, func(t *testing.T, e *client.ExitError) {
			require.Equal(t, "TERM", string(e.Signal))
		}},
		{"to the whole group", "echo; sleep 1000; exit 3", []channel.Signal{"KILL"}, func(t *testing.T, e *client.ExitError) {
			require.Equal(t, "KILL", string(e.Signal))
		}},
		{"a signal that is caught", "trap 'exit 7' USR1; echo; while :; do sleep 0.01; done", []channel.Signal{"USR1"}, func(t *testing.T, e *client.ExitError) {
			require.Equal(t, 7, e.Status)
		}},
		{"names that are none do nothing", "trap 'exit 8' INT; echo; while :; do sleep 0.01; done", []channel.Signal{"STOP", "9", "", "INT"}, func(t *testing.T, e *client.ExitError) {
			require.Equal(t, 8, e.Status)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := c.Command(test.command)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start(context.Background()))
			_, err = bufio.NewReader(out).ReadByte()
			require.NoError(t, err)
			for _, sig := range test.send {
				require.NoError(t, cmd.SignalName(sig))
			}
			var exit *client.ExitError
			require.ErrorAs(t, cmd.Wait(), &exit)
			test.check(t, exit)
		})
	}
}
