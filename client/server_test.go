package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// A peer is a server made of the layers, with programs instead of processes.
type peer struct {
	transport transport.Config
	checks    []userauth.Check
	banner    string
	programs  map[string]func(s *session, args []string) // by first word
	refuse    string                                     // the request that is refused
	hold      func(*channel.Request) bool                // reports whether the test answers a request
	opened    func(*connection.Mux)                      // called once the user is in
	asked     func(*connection.Request, transport.State) // called with each global request

	mu       sync.Mutex
	requests []string // types of all session requests, in order
}

// A session is one channel of a peer.
type session struct {
	*channel.Channel
	env     []string
	pty     *wire.PtyRequest
	signals chan string
	sizes   chan wire.WindowChange
	breaks  chan uint32 // milliseconds
	program func()      // to be run once the client has been told so
}

const (
	testUser     = "alice"
	testPassword = "correct horse"
	testAddress  = "example.com:22"
)

func newPeer() *peer {
	return &peer{
		transport: transport.Config{HostKeys: []hostkey.Signer{testkeys.Ed25519()}},
		checks: []userauth.Check{
			userauth.CheckPublicKey(func(_ context.Context, a *userauth.Attempt, key hostkey.PublicKey) (d userauth.Decision, err error) {
				if a.User == testUser && hostkey.Equal(key, testkeys.Ed25519().PublicKey()) {
					d = userauth.Accept(nil)
				}
				return d, nil
			}),
			userauth.CheckPassword(func(_ context.Context, a *userauth.Attempt, password string) (d userauth.Decision, err error) {
				if a.User == testUser && password == testPassword {
					d = userauth.Accept(nil)
				}
				return d, nil
			}),
		},
		programs: programs(),
	}
}

// programs are what commands a peer knows.
func programs() map[string]func(*session, []string) {
	return map[string]func(*session, []string){
		"echo": func(s *session, args []string) {
			fmt.Fprintln(s, strings.Join(args, " "))
			s.exit(0)
		},
		"cat": func(s *session, _ []string) {
			io.Copy(s, s)
			s.exit(0)
		},
		"exit": func(s *session, args []string) {
			n, _ := strconv.Atoi(args[0])
			s.exit(uint32(n))
		},
		"fail": func(s *session, args []string) {
			io.WriteString(s, "partial\n")
			io.WriteString(s.Stderr(), strings.Join(args, " "))
			s.exit(2)
		},
		"die": func(s *session, args []string) {
			m := wire.ExitSignal{Signal: args[0], Core: len(args) > 1, Message: "was killed\x1b[2J"}
			s.Notify("exit-signal", m.Append(nil))
		},
		"env": func(s *session, _ []string) {
			io.WriteString(s, strings.Join(s.env, ","))
			s.exit(0)
		},
		"tty": func(s *session, _ []string) {
			fmt.Fprintf(s, "%s %dx%d\n", s.pty.Term, s.pty.Columns, s.pty.Rows)
			size := <-s.sizes
			fmt.Fprintf(s, "%dx%d\n", size.Columns, size.Rows)
			s.exit(0)
		},
		"trap": func(s *session, _ []string) {
			fmt.Fprintln(s, <-s.signals)
			s.exit(0)
		},
		"sleep": func(s *session, _ []string) { <-s.Done() },
		"silent": func(s *session, _ []string) {
			io.WriteString(s, "no status\n")
		},
		"garbled": func(s *session, _ []string) { s.Notify("exit-status", []byte{0, 0}) },
		"early": func(s *session, _ []string) { // the status comes before the output
			s.status(7)
			io.WriteString(s, "late output")
		},
		"yes": func(s *session, _ []string) {
			for {
				if _, err := s.Write([]byte(strings.Repeat("y\n", 1000))); err != nil {
					return
				}
				time.Sleep(time.Millisecond) // or time would stand still in a bubble
			}
		},
		"spew": func(s *session, args []string) { // both streams, more than a window of each
			n, _ := strconv.Atoi(args[0])
			var both sync.WaitGroup
			for _, w := range []io.Writer{s, s.Stderr()} {
				both.Go(func() { w.Write(make([]byte, n)) })
			}
			both.Wait()
			s.exit(0)
		},
		"nag": func(s *session, _ []string) { // as sshd with ClientAliveInterval
			err := s.Request(context.Background(), "keepalive@openssh.com", nil)
			fmt.Fprint(s, err)
			s.exit(0)
		},
	}
}

func (s *session) status(n uint32) {
	m := wire.ExitStatus{Status: n}
	s.Notify("exit-status", m.Append(nil))
}

func (s *session) exit(n uint32) {
	s.CloseWrite()
	s.status(n)
}

// serve is a whole connection, until it ends.
func (p *peer) serve(nc net.Conn) error {
	ctx := context.Background()
	t := transport.Server(nc, &p.transport)
	defer t.Close()
	if err := t.Handshake(ctx); err != nil {
		return err
	}
	if _, err := t.AcceptService("ssh-userauth"); err != nil {
		return err
	}
	auth := userauth.Server{Checks: p.checks, Delay: -1}
	if p.banner != "" {
		auth.Banner = func(context.Context, string) string { return p.banner }
	}
	if _, err := auth.Authenticate(ctx, t, userauth.Binding{SessionID: t.State().SessionID}); err != nil {
		return err
	}
	config := &connection.Config{Opens: 100}
	if p.asked != nil {
		config.Requests = 10
		config.OnRequest = func(r *connection.Request) { p.asked(r, t.State()) }
	}
	mux := connection.New(t, config)
	if p.opened != nil {
		go p.opened(mux)
	}
	go p.accept(mux)
	return mux.Serve()
}

func (p *peer) accept(mux *connection.Mux) {
	for {
		opening, err := mux.Accept(context.Background())
		if err != nil {
			return
		}
		if p.refuse == "session" {
			opening.Reject(channel.ConnectFailed, "no\x07")
			continue
		}
		ch, err := opening.Accept(channel.Params{Requests: 100})
		if err != nil {
			return
		}
		go p.session(&session{Channel: ch, signals: make(chan string, 10), sizes: make(chan wire.WindowChange, 10), breaks: make(chan uint32, 10)})
	}
}

func (p *peer) session(s *session) {
	for r := range s.Requests(context.Background()) {
		p.mu.Lock()
		p.requests = append(p.requests, r.Type)
		p.mu.Unlock()
		s.program = nil
		ok := p.refuse != r.Type && p.request(s, r)
		if p.hold == nil || !p.hold(r) {
			r.Reply(ok)
		}
		if program := s.program; ok && program != nil {
			go func() {
				program()
				s.Close()
			}()
		}
	}
}

func (p *peer) request(s *session, r *channel.Request) bool {
	switch r.Type {
	case "env":
		m, _ := wire.ParseEnvRequest(r.Payload)
		s.env = append(s.env, m.Name+"="+m.Value)
	case "pty-req":
		m, _ := wire.ParsePtyRequest(r.Payload)
		s.pty = &m
	case "window-change":
		m, _ := wire.ParseWindowChange(r.Payload)
		s.sizes <- m
	case "signal":
		m, _ := wire.ParseSignalRequest(r.Payload)
		s.signals <- m.Name
	case "break":
		m, _ := wire.ParseBreak(r.Payload)
		s.breaks <- m.Milliseconds
	case "shell":
		return p.run(s, "cat")
	case "exec":
		m, _ := wire.ParseExecRequest(r.Payload)
		return p.run(s, m.Command)
	case "subsystem":
		m, _ := wire.ParseSubsystemRequest(r.Payload)
		return m.Name == "cat" && p.run(s, "cat")
	}
	return true
}

func (p *peer) run(s *session, command string) bool {
	words := strings.Fields(command)
	program, ok := p.programs[words[0]]
	s.program = func() { program(s, words[1:]) }
	return ok
}

func (p *peer) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// testConfig is who a peer lets in.
func testConfig() *Config {
	return &Config{
		User:     testUser,
		Auth:     []userauth.Method{userauth.PublicKey(testkeys.Ed25519())},
		HostKeys: hostkey.Pin(testkeys.Ed25519().PublicKey()),
	}
}

// dial connects a client to p.
func (p *peer) dial(config *Config) (*Client, error) {
	clientEnd, serverEnd := memnet.Pipe()
	go p.serve(serverEnd)
	return New(context.Background(), clientEnd, testAddress, config)
}

// in runs f with a client of p in a bubble, which fails the test if it leaves
// a goroutine behind.
func in(t *testing.T, p *peer, f func(t *testing.T, c *Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c, err := p.dial(testConfig())
		require.NoError(t, err)
		defer func() {
			require.NoError(t, c.Close())
			require.ErrorIs(t, c.Wait(), net.ErrClosed)
			time.Sleep(time.Second) // for the peer's programs to notice
		}()
		f(t, c)
	})
}

// inEarnest is in for tests that move much: they run in real time, and leave no
// goroutine behind either.
func inEarnest(t *testing.T, p *peer, f func(t *testing.T, c *Client)) {
	t.Helper()
	before := runtime.NumGoroutine()
	c, err := p.dial(testConfig())
	require.NoError(t, err)
	f(t, c)
	require.NoError(t, c.Close())
	for range 5000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d goroutines, and %d before", runtime.NumGoroutine(), before)
}

var errTest = errors.New("a failure of the test's")
