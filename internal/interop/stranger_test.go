package interop

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/transport"
)

// A stranger is a peer that is no SSH implementation.
type stranger struct {
	name   string
	play   func(nc net.Conn)
	target any
	text   string
}

const silence = time.Second // after which a client gives up

func strangers() []stranger {
	hold := func(nc net.Conn) { io.Copy(io.Discard, nc) }
	say := func(text string, then func(net.Conn)) func(net.Conn) {
		return func(nc net.Conn) {
			io.WriteString(nc, text)
			then(nc)
		}
	}
	leave := func(net.Conn) {}
	return []stranger{
		{"closes at once", leave, new(*transport.Error), "version line"},
		{"says nothing", hold, new(*client.ContextError), "not done within"},
		{"an HTTP server", serveHTTP, new(*transport.VersionError), "HTTP/1.1 400"},
		{"an SMTP server", say("220 mail ESMTP\r\n", hold), new(*client.ContextError), ""},
		{"SSH 1", say("SSH-1.5-Ancient\r\n", hold), new(*transport.VersionError), "SSH-1.5-Ancient"},
		{"closes after its version", say("SSH-2.0-Short\r\n", leave), new(*transport.Error), ""},
		{"says nothing after its version", say("SSH-2.0-Mute\r\n", hold), new(*client.ContextError), ""},
		{"noise after its version", say("SSH-2.0-Noise\r\n"+strings.Repeat("\xff\xfe", 20000), hold), new(*transport.Error), ""},
	}
}

func serveHTTP(nc net.Conn) {
	l := newOneConn(nc)
	(&http.Server{Handler: http.NotFoundHandler()}).Serve(l)
}

// A oneConn is a listener that accepts one connection, and ends with it.
type oneConn struct {
	net.Conn
	accepted bool
	closed   chan struct{}
	once     sync.Once
}

func newOneConn(nc net.Conn) *oneConn { return &oneConn{Conn: nc, closed: make(chan struct{})} }

func (l *oneConn) Accept() (net.Conn, error) {
	if !l.accepted {
		l.accepted = true
		return l, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Conn.Close()
}

func (l *oneConn) Addr() net.Addr { return l.LocalAddr() }

// listen plays a stranger to everyone who connects.
func (st stranger) listen(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer nc.Close()
				st.play(nc)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return &server{port: l.Addr().(*net.TCPAddr).Port, knownHosts: filepath.Join(workDir, "none")}
}

// A peer that does not speak SSH costs a client no more time than it allows,
// and the client says what it met.
func TestStrangers(t *testing.T) {
	for _, st := range strangers() {
		t.Run(st.name, func(t *testing.T) {
			s := st.listen(t)
			t.Run("library", func(t *testing.T) {
				before := takeStock()
				config := s.config(t)
				config.HostKeys = hostkey.InsecureAcceptAny()
				ctx, cancel := context.WithTimeout(t.Context(), silence)
				defer cancel()
				start := time.Now()
				_, err := client.Dial(ctx, "tcp", s.address(), config)
				require.ErrorAs(t, err, st.target)
				require.ErrorContains(t, err, st.text)
				require.NotContains(t, err.Error(), "\n")
				require.Less(t, time.Since(start), silence+promptly)
				t.Log(err)
				before.requireSame(t)
			})
			for _, p := range []*program{ssh, whelk} {
				between(t, p.name, []*program{p}, func(t *testing.T) {
					if p == ssh && st.name == "says nothing after its version" {
						t.Skip("ssh waits for ever: its ConnectTimeout ends with the version")
					}
					r := s.run(t, p, "true", "-o", "ConnectTimeout=1")
					require.Less(t, r.elapsed, silence+promptly)
					if p == whelk {
						requireOneLine(t, r, "whelk: ", "127.0.0.1", st.text)
					}
					require.Equal(t, 255, r.status, r.stderr)
					t.Log(r.stderr)
				})
			}
		})
	}
	between(t, "nobody listens", []*program{whelk}, func(t *testing.T) {
		s := &server{port: freePort(t), knownHosts: filepath.Join(workDir, "none")}
		requireOneLine(t, s.run(t, whelk, "true"), "whelk: ", "127.0.0.1", "refused")
	})
}

// A client that does not speak SSH, or does not go on, costs a server no more
// than the time to log in, and leaves nothing behind. sshd is the control.
func TestStrangersAtServer(t *testing.T) {
	for _, p := range []*program{sshd, whelkd} {
		for _, test := range []struct{ name, text string }{
			{"closes at once", ""},
			{"HTTP", "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"},
			{"noise", strings.Repeat("\xff\x00", 10000)},
			{"nothing", "wait"},
			{"a version only", "SSH-2.0-Test\r\nwait"},
			{"noise after its version", "SSH-2.0-Test\r\n" + strings.Repeat("\xff\xfe", 20000)},
		} {
			between(t, p.name+", "+test.name, []*program{p}, func(t *testing.T) {
				t.Parallel()
				s := serve(t, p, "LoginGraceTime=1")
				before := descriptors(s.pid())
				for range 5 {
					nc, err := net.Dial("tcp", s.address())
					require.NoError(t, err)
					text, stay := strings.CutSuffix(test.text, "wait")
					io.WriteString(nc, text)
					if test.text == "" {
						require.NoError(t, nc.Close())
						continue
					}
					start := time.Now()
					nc.SetReadDeadline(time.Now().Add(patience))
					_, err = io.Copy(io.Discard, nc)
					var timeout net.Error
					require.False(t, errors.As(err, &timeout) && timeout.Timeout(), "it does not close the connection")
					if stay {
						require.Greater(t, time.Since(start), silence/2)
						nc.Close()
						break
					}
					nc.Close()
				}
				s.requireNoChildren(t)
				s.requireDescriptors(t, before)
				require.Equal(t, 0, s.run(t, whelk, "true").status)
			})
		}
	}
}
