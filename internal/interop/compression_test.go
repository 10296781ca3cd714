package interop

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	whelkserver "github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
)

const (
	delayed = "zlib@openssh.com" // OpenSSH PROTOCOL, section 1.2
	zlib    = "zlib"             // RFC 4253, section 6.2
)

// A cargo is something to send: what it is here, and a command that makes it
// at the other end and says on standard error what came.
type cargo struct {
	name     string
	new      func(size int64) io.Reader
	exchange func(t *testing.T, size int64) string
}

// cargoes are one that can be compressed and one that cannot.
var cargoes = []cargo{
	{"numbers", func(size int64) io.Reader { return io.LimitReader(new(numbers), size) }, func(_ *testing.T, size int64) string {
		return fmt.Sprintf("seq 1000000000 | head -c %d & sha256sum >&2; wait", size)
	}},
	{"noise", func(size int64) io.Reader { return newStream(size) }, func(t *testing.T, size int64) string {
		return remotely(t, fmt.Sprint("exchange ", size))
	}},
}

// numbers is what seq(1) prints, without end.
type numbers struct {
	n    int64
	rest []byte
}

func (s *numbers) Read(p []byte) (int, error) {
	for len(s.rest) < len(p) {
		s.n++
		s.rest = append(strconv.AppendInt(s.rest, s.n, 10), '\n')
	}
	n := copy(p, s.rest)
	s.rest = append(s.rest[:0], s.rest[n:]...)
	return n, nil
}

// sum returns the SHA-256 of a cargo.
func (c cargo) sum(size int64) string {
	s := newSum()
	io.Copy(s, c.new(size))
	return hashOf(s.String())
}

// hashOf takes the hash out of what a sum or sha256sum(1) says, among other
// lines.
func hashOf(text string) string {
	for _, word := range strings.Fields(text) {
		if len(word) == 64 && strings.Trim(word, "0123456789abcdef") == "" {
			return word
		}
	}
	return ""
}

// compressed says, in the words of ssh -v and whelk -v, that both directions
// are.
func compressed(r result) bool {
	return strings.Contains(r.stderr, "kex: server->client") && strings.Contains(r.stderr, "kex: client->server") &&
		strings.Count(r.stderr, " compression: "+delayed) >= 2 && !strings.Contains(r.stderr, " compression: none")
}

// Both kinds of data go both ways at the same time, while keys are exchanged
// again because of either side's limit. RFC 4253, sections 6.2 and 9.
func TestCompression(t *testing.T) {
	const size = 16 * mebibyte
	heavy(t)
	for _, c := range cargoes {
		for _, side := range append(rekeySides, struct {
			name         string
			ours, theirs bool
		}{"neither", false, false}) {
			for _, p := range []pair{{ssh, whelkd}, {whelk, sshd}} {
				between(t, fmt.Sprintf("%v, %s, %s", p, c.name, side.name), p.programs(), func(t *testing.T) {
					t.Parallel()
					atClient, atServer := side.theirs, side.ours
					if p.client.ours {
						atClient, atServer = atServer, atClient
					}
					c.try(t, p, size, limit("1M", atClient), limit("1M", atServer))
				})
			}
		}
	}
}

// The same with little data, on all pairs, the control among them.
func TestCompressionOnPairs(t *testing.T) {
	for _, c := range cargoes {
		t.Run(c.name, func(t *testing.T) {
			onPairs(t, pairs, func(t *testing.T, p pair) {
				c.try(t, p, mebibyte, limit("128K", true), limit("128K", true))
			})
		})
	}
}

// try exchanges a cargo, and makes sure that it was compressed.
func (c cargo) try(t *testing.T, p pair, size int64, clientOptions, serverOptions []string) {
	t.Helper()
	s := serve(t, p.server, append(serverOptions, "Compression=yes")...)
	received := newSum()
	cmd := s.command(t, p.client, c.exchange(t, size), append(flags(clientOptions), "-C", "-v")...)
	cmd.Stdin, cmd.Stdout = c.new(size), received
	r := run(t, cmd)
	require.Equal(t, 0, r.status, "%.2000s", r.stderr)
	require.Equal(t, c.sum(size), hashOf(received.String()))
	require.Equal(t, c.sum(size), hashOf(r.stderr))
	require.True(t, compressed(r), "%.3000s", r.stderr)
	t.Logf("%.0f MB/s each way, %d key exchanges", float64(size)/1e6/r.elapsed.Seconds(), strings.Count(r.stderr, "kex: server->client"))
}

// One way at a time, for the figures.
func TestCompressionOneWay(t *testing.T) {
	const size = 16 * mebibyte
	heavy(t)
	for _, p := range pairs {
		for _, c := range cargoes {
			between(t, fmt.Sprintf("%v, %s, up", p, c.name), p.programs(), func(t *testing.T) {
				s := serve(t, p.server, "Compression=yes")
				r := s.fed(t, p.client, c.new(size), "sha256sum", "-C")
				require.Equal(t, 0, r.status, r.stderr)
				require.Equal(t, c.sum(size), hashOf(r.stdout))
				t.Logf("%.0f MB/s", size/1e6/r.elapsed.Seconds())
			})
			between(t, fmt.Sprintf("%v, %s, down", p, c.name), p.programs(), func(t *testing.T) {
				s := serve(t, p.server, "Compression=yes")
				received := newSum()
				cmd := s.command(t, p.client, c.exchange(t, size), "-C", "-n")
				cmd.Stdout = received
				r := run(t, cmd)
				require.Equal(t, 0, r.status, r.stderr)
				require.Equal(t, c.sum(size), hashOf(received.String()))
				t.Logf("%.0f MB/s", size/1e6/r.elapsed.Seconds())
			})
		}
	}
}

// Nobody compresses whom nobody asks to.
func TestCompressionIsOff(t *testing.T) {
	for _, p := range pairs[1:] {
		for _, test := range []struct {
			name           string
			client, server []string
		}{
			{"by default", nil, nil},
			{"the server would", nil, []string{"Compression=yes"}},
			{"the client would", []string{"-C"}, []string{"Compression=no"}},
		} {
			between(t, p.String()+", "+test.name, p.programs(), func(t *testing.T) {
				t.Parallel()
				s := serve(t, p.server, test.server...)
				r := s.run(t, p.client, "echo out", append(test.client, "-v")...)
				require.Equal(t, "out\n", r.stdout, r.stderr)
				require.Contains(t, r.stderr, "compression: none")
				require.False(t, compressed(r))
			})
		}
	}
}

// Package client has what it asked for, and says so.
func TestLibraryCompression(t *testing.T) {
	for _, peer := range []*program{sshd, whelkd} {
		between(t, "library to "+peer.name, []*program{library, peer}, func(t *testing.T) {
			t.Parallel()
			s := serve(t, peer, "Compression=delayed")
			c := s.dial(t, func(c *client.Config) {
				c.Transport.Compression = []string{delayed}
				c.Transport.Rekey.Bytes = 64 << 10
			})
			exchange(t, c, mebibyte)
			require.Equal(t, delayed, c.State().Send.Compression)
			require.Equal(t, delayed, c.State().Recv.Compression)
			require.Greater(t, c.State().KeyExchangesFinished, 3)
		})
	}
}

// An echo is package server in the test's process, which returns what it gets
// and keeps the states after its key exchanges.
type echo struct {
	*server

	mu     sync.Mutex
	states []transport.State
}

// newEcho starts one that compresses with the named algorithm, and no other.
func newEcho(t *testing.T, compression string) *echo {
	t.Helper()
	e := new(echo)
	trace := func(s transport.State, err error) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if err == nil { // a client that is done may go in the middle of one
			e.states = append(e.states, s)
		}
	}
	e.server = hostHandler(t, func(s *whelkserver.Session) { io.Copy(s, s) }, func(c *transport.Config) {
		quicken(c)
		c.Compression, c.Rekey.Bytes, c.Trace = []string{compression}, 64<<10, &transport.Trace{KeyExchange: trace}
	})
	return e
}

// requireCompressed fails unless there were some key exchanges, which all agreed
// on the algorithm.
func (e *echo) requireCompressed(t *testing.T, name string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	require.Greater(t, len(e.states), 3)
	for _, s := range e.states {
		require.Equal(t, name, s.Send.Compression)
		require.Equal(t, name, s.Recv.Compression)
	}
}

// Peers whose deflaters are other ones, or flush in other ways, or begin before
// authentication, with contexts that are made anew all the time.
func TestCompressionOfOthers(t *testing.T) {
	for _, p := range peers {
		for _, name := range []string{delayed, zlib} {
			if p.name == "x/crypto" || p.name == "Conch" && name == delayed {
				continue // it has none of that, as the table of TestMatrix shows
			}
			for _, c := range cargoes {
				between(t, fmt.Sprint(p.name, ", ", name, ", ", c.name), []*program{p.client, hosted}, func(t *testing.T) {
					t.Parallel()
					e := newEcho(t, name)
					received := newSum()
					cmd := p.connect(t, e.server, "echo")
					cmd.Stdin, cmd.Stdout = c.new(2*mebibyte), received
					r := run(t, cmd)
					require.Equal(t, c.sum(2*mebibyte), hashOf(received.String()), "%d %.2000s", received.size, r.stderr)
					require.Equal(t, 0, r.status, "%.2000s", r.stderr)
					e.requireCompressed(t, name)
				})
			}
		}
	}
}

// TestNumbers keeps the cargo and seq(1) the same.
func TestNumbers(t *testing.T) {
	want, err := exec.Command("sh", "-c", "seq 1000000000 | head -c 300000").Output()
	require.NoError(t, err)
	var got bytes.Buffer
	io.Copy(&got, cargoes[0].new(300000))
	require.Equal(t, string(want), got.String())
}
