package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// newServer returns a server that lets in alice with the password "secret" and
// does not make her wait when she is wrong.
func newServer(h server.Handler) *server.Server {
	check := userauth.CheckPassword(func(_ context.Context, a *userauth.Attempt, password string) (userauth.Decision, error) {
		if a.User == "alice" && password == "secret" {
			return userauth.Accept(nil), nil
		}
		return userauth.Decision{}, nil
	})
	return &server.Server{
		HostKeys: []hostkey.Signer{testkeys.Ed25519()},
		Auth:     userauth.Server{Checks: []userauth.Check{check}, Delay: -1},
		Session:  h,
	}
}

// accepting makes every login succeed with the permissions given.
func accepting(srv *server.Server, p *userauth.Permissions) *server.Server {
	srv.Auth.Checks = []userauth.Check{userauth.CheckPassword(
		func(context.Context, *userauth.Attempt, string) (userauth.Decision, error) {
			return userauth.Accept(p), nil
		})}
	return srv
}

// A logbook collects what a server logs.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func logged(srv *server.Server) *logbook {
	l := new(logbook)
	srv.Logger = slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return l
}

// A peer is a client made of the layers, and the server's side of its
// connection.
type peer struct {
	t      *testing.T
	conn   *transport.Conn
	mux    *connection.Mux
	served chan error // what ServeConn returned
	ended  chan error // what Serve of our mux returned
}

// connect has srv serve one end of a connection in memory and returns the
// other, before any authentication.
func connect(t *testing.T, srv *server.Server) *peer {
	t.Helper()
	return connectAs(t, srv, "")
}

// connectAs is connect with a client that says it is of some software.
func connectAs(t *testing.T, srv *server.Server, software string) *peer {
	t.Helper()
	near, far := memnet.Pipe()
	p := &peer{t: t, served: make(chan error, 1), ended: make(chan error, 1)}
	go func() { p.served <- srv.ServeConn(context.Background(), far) }()
	p.conn = transport.Client(near, &transport.Config{Verifier: hostkey.Pin(testkeys.Ed25519().PublicKey()), Software: software})
	t.Cleanup(func() { p.conn.Close() })
	return p
}

// handshake exchanges keys and asks for the authentication service.
func (p *peer) handshake() *peer {
	p.t.Helper()
	require.NoError(p.t, p.conn.Handshake(context.Background()))
	require.NoError(p.t, p.conn.RequestService("ssh-userauth"))
	return p
}

// login authenticates as alice and runs the connection protocol.
func (p *peer) login() *peer {
	p.t.Helper()
	p.handshake()
	client := userauth.Client{User: "alice", Methods: []userauth.Method{
		userauth.Password(func(context.Context) (string, error) { return "secret", nil })}}
	require.NoError(p.t, client.Authenticate(context.Background(), p.conn, userauth.Binding{SessionID: p.conn.State().SessionID}))
	p.mux = connection.New(p.conn, &connection.Config{Opens: 8, Requests: 8, OnRequest: func(r *connection.Request) { r.Reply(false, nil) }})
	go func() { p.ended <- p.mux.Serve() }()
	return p
}

// login connects to srv as alice.
func login(t *testing.T, srv *server.Server) *peer {
	t.Helper()
	return connect(t, srv).login()
}

// disconnected waits for the server's DISCONNECT and checks its reason.
func (p *peer) disconnected(reason transport.Reason) {
	p.t.Helper()
	var err error
	if p.mux != nil {
		err = <-p.ended
	} else {
		for err == nil {
			_, err = p.conn.ReadPacket()
		}
	}
	var bye *transport.DisconnectError
	require.ErrorAs(p.t, err, &bye)
	require.Equal(p.t, reason, bye.Reason, bye.Message)
}

// A session is the client's side of a session.
type session struct {
	t *testing.T
	*channel.Channel
}

func (p *peer) session() *session {
	p.t.Helper()
	ch, err := p.mux.Open(context.Background(), "session", nil, channel.Params{Extended: true, Requests: 8})
	require.NoError(p.t, err)
	return &session{p.t, ch}
}

// ask sends a request that wants an answer.
func (s *session) ask(name string, payload []byte) error {
	return s.Request(context.Background(), name, payload)
}

// exec starts a command.
func (s *session) exec(command string) *session {
	s.t.Helper()
	m := wire.ExecRequest{Command: command}
	require.NoError(s.t, s.ask("exec", m.Append(nil)))
	return s
}

// An outcome is how a session ended, in the order it came.
type outcome struct {
	stdout, stderr string
	status         int // -1 if there was none
	signal         string
}

// finish reads all that the session sends.
func (s *session) finish() outcome {
	s.t.Helper()
	var o outcome
	var wg sync.WaitGroup
	wg.Go(func() { o.stderr = text(s.Stderr()) })
	o.stdout = text(s)
	wg.Wait()
	o.status = -1
	for r := range s.Requests(context.Background()) {
		switch r.Type {
		case "exit-status":
			m, err := wire.ParseExitStatus(r.Payload)
			require.NoError(s.t, err)
			o.status = int(m.Status)
		case "exit-signal":
			m, err := wire.ParseExitSignal(r.Payload)
			require.NoError(s.t, err)
			o.signal = m.Signal
		default:
			s.t.Errorf("unexpected request %q", r.Type)
		}
	}
	return o
}

// text reads r to its end. What ends it early is part of the text.
func text(r io.Reader) string {
	b, err := io.ReadAll(r)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return string(b) + " " + err.Error()
	}
	return string(b)
}

// run logs in to srv, runs one command and returns how it ended.
func run(t *testing.T, srv *server.Server, command string) outcome {
	t.Helper()
	return login(t, srv).session().exec(command).finish()
}

// handler returns a handler.
func handler(f func(s *server.Session)) server.Handler { return server.HandlerFunc(f) }

// nothing is a handler that returns at once.
var nothing = handler(func(*server.Session) {})

// lines counts the lines of a log that hold text.
func (l *logbook) lines(text string) int {
	n := 0
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}
