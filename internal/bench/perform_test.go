package main

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// duplex is a session with all its input there.
type duplex struct{ in, out bytes.Buffer }

func (d *duplex) Read(p []byte) (int, error) { return d.in.Read(p) }

func (d *duplex) Write(p []byte) (int, error) { return d.out.Write(p) }

func TestPerform(t *testing.T) {
	for _, c := range []struct {
		command string
		input   int
		output  int
	}{
		{"sink 10", 35, 3},
		{"sink 10", 9, 0},
		{fmt.Sprintf("source %d", 3*block+1), 0, 3*block + 1},
		{"echo", 200, 200},
		{"idle", 1, 0},
	} {
		d := new(duplex)
		d.in.Write(make([]byte, c.input))
		if err := perform(c.command, d); err != nil {
			require.ErrorIs(t, err, io.EOF, c.command)
		}
		require.Equal(t, c.output, d.out.Len(), c.command)
	}
	for _, command := range []string{"", "sink x", "source -1", "rm"} {
		require.Error(t, perform(command, new(duplex)), "%q", command)
	}
}

// Both stacks do the same work, whatever the direction, and know each other.
func TestStacks(t *testing.T) {
	k, err := newKeys()
	require.NoError(t, err)
	for _, s := range []suite{{}, gcm, chacha, ctr} {
		for clientName, client := range stacks {
			for serverName, server := range stacks {
				t.Run(fmt.Sprintf("%s to %s %s", clientName, serverName, s.cipher), func(t *testing.T) {
					l, err := loopback()
					require.NoError(t, err)
					stop, err := server.serve(l, k, s)
					require.NoError(t, err)
					defer stop()
					c, err := client.dial(l.Addr().String(), k, s)
					require.NoError(t, err)
					defer c.Close()
					str, err := c.start("sink 100000")
					require.NoError(t, err)
					require.NoError(t, str.send(100000))
					str, err = c.start("source 100000")
					require.NoError(t, err)
					require.NoError(t, drain(str.out, 100000))

					stranger, err := newKeys()
					require.NoError(t, err)
					_, err = client.dial(l.Addr().String(), stranger, s)
					require.Error(t, err, "the host key is not the one")
					stranger.host = k.host
					_, err = client.dial(l.Addr().String(), stranger, s)
					require.Error(t, err, "the user key is not the one")
				})
			}
		}
	}
}

func TestKeys(t *testing.T) {
	k, err := newKeys()
	require.NoError(t, err)
	again, err := parseKeys(k.String())
	require.NoError(t, err)
	require.Equal(t, k.host, again.host)
	require.Equal(t, k.user, again.user)
	_, err = parseKeys("00")
	require.Error(t, err)
}

func TestRecords(t *testing.T) {
	sender, err := newRecords()
	require.NoError(t, err)
	receiver, err := newRecords()
	require.NoError(t, err)
	var stream bytes.Buffer
	require.NoError(t, sender.seal(&stream, 2))
	require.Equal(t, 2*batch*recordSize, stream.Len())
	stream.Bytes()[batch*recordSize+5] ^= 1
	require.NoError(t, receiver.open(&stream, 1))
	require.Error(t, receiver.open(&stream, 1), "a record that was changed is not opened")
}
