package sshtest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// A Server is an SSH server for a test, which closes it. Its fields may be
// changed between [NewUnstartedServer] and Start or StartTCP.
type Server struct {
	// Config is the server that runs. It has a key of its own and lets in any
	// user with UserKey; it allows terminals and all environment variables.
	Config *server.Server

	User    string         // whom Client logs in as; "user" if empty
	UserKey hostkey.Signer // the key that lets users in
	HostKey hostkey.Signer // the server's, unless Config has others

	// Latency is how long each byte takes from one end to the other. It is for
	// servers in memory.
	Latency time.Duration

	network  network
	served   chan error
	mu       sync.Mutex
	clients  []*client.Client
	sessions []*session
	logins   []Login
}

// A network is how clients get to a Server.
type network interface {
	net.Listener
	dial(context.Context) (net.Conn, error)
}

// NewServer starts a server in memory that serves shells and commands with h.
// The caller calls Close in the end.
func NewServer(h server.Handler) *Server {
	s := NewUnstartedServer(h)
	s.Start()
	return s
}

// NewTCPServer is NewServer on a free port of 127.0.0.1. It panics if there is
// none.
func NewTCPServer(h server.Handler) *Server {
	s := NewUnstartedServer(h)
	s.StartTCP()
	return s
}

// NewUnstartedServer returns a Server that is to be started.
func NewUnstartedServer(h server.Handler) *Server {
	s := &Server{UserKey: newKey(), HostKey: newKey()}
	check := userauth.CheckPublicKey(func(_ context.Context, _ *userauth.Attempt, key hostkey.PublicKey) (userauth.Decision, error) {
		if hostkey.Equal(key, s.UserKey.PublicKey()) {
			return userauth.Accept(nil), nil
		}
		return userauth.Decision{}, nil
	})
	s.Config = &server.Server{
		Auth:    userauth.Server{Checks: []userauth.Check{check}, Delay: -1},
		Session: h, AllowPty: true, AcceptEnv: []string{"*"},
	}
	return s
}

// newKey makes a key.
func newKey() hostkey.Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(fmt.Sprintf("sshtest: making a key: %v", err))
	}
	signer, err := hostkey.NewSigner(key)
	if err != nil {
		panic(fmt.Sprintf("sshtest: %v", err))
	}
	return signer
}

// Start starts the server in memory.
func (s *Server) Start() { s.start(&memory{Listener: memnet.Listen(), latency: s.Latency}) }

// StartTCP starts the server on a free port of 127.0.0.1. It panics if there is
// none.
func (s *Server) StartTCP() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("sshtest: %v", err))
	}
	s.start(loopback{l})
}

func (s *Server) start(n network) {
	if s.network != nil {
		panic("sshtest: the server was started already")
	}
	if len(s.Config.HostKeys) == 0 {
		s.Config.HostKeys = []hostkey.Signer{s.HostKey}
	}
	s.record()
	s.network, s.served = n, make(chan error, 1)
	go func() { s.served <- s.Config.Serve(n) }()
}

// Close closes the clients and the server, and waits for its handlers. It may
// be called more than once.
func (s *Server) Close() {
	s.mu.Lock()
	clients := s.clients
	s.clients = nil
	s.mu.Unlock()
	for _, c := range clients {
		c.Close()
	}
	s.Config.Close()
	s.Config.Shutdown(context.Background())
	if s.served != nil {
		s.served <- <-s.served
	}
}

// Addr returns the server's address, host and port.
func (s *Server) Addr() string { return s.started().Addr().String() }

// Dial connects to the server, and no more than that: client.New makes a client
// of it.
func (s *Server) Dial(ctx context.Context) (net.Conn, error) { return s.started().dial(ctx) }

// ClientConfig returns what a client needs to get in. The caller owns it.
func (s *Server) ClientConfig() *client.Config {
	user := s.User
	if user == "" {
		user = "user"
	}
	keys := []hostkey.PublicKey{s.HostKey.PublicKey()}
	for _, key := range s.Config.HostKeys {
		keys = append(keys, key.PublicKey())
	}
	return &client.Config{
		User: user, Auth: []userauth.Method{userauth.PublicKey(s.UserKey)}, HostKeys: hostkey.Pin(keys...),
	}
}

// Client returns a client that has logged in: another one with each call, which
// Close closes. It panics if it cannot.
func (s *Server) Client() *client.Client {
	nc, err := s.Dial(context.Background())
	if err != nil {
		panic(fmt.Sprintf("sshtest: %v", err))
	}
	c, err := client.New(context.Background(), nc, s.Addr(), s.ClientConfig())
	if err != nil {
		panic(fmt.Sprintf("sshtest: %v", err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = append(s.clients, c)
	return c
}

func (s *Server) started() network {
	if s.network == nil {
		panic("sshtest: the server was not started")
	}
	return s.network
}

// A memory is a network in memory.
type memory struct {
	*memnet.Listener
	latency time.Duration
	mu      sync.Mutex
	port    int // of the last client
}

func (m *memory) dial(ctx context.Context) (net.Conn, error) {
	m.mu.Lock()
	m.port = m.port%16384 + 1
	port := 49151 + m.port
	m.mu.Unlock()
	path := memnet.Path{Latency: m.latency}
	link := memnet.Link{Client: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: port}, Up: path, Down: path}
	nc, err := m.DialLink(ctx, link)
	if err != nil {
		return nil, err
	}
	return nc, nil
}

// A loopback is the network of this machine with itself.
type loopback struct{ net.Listener }

func (l loopback) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", l.Addr().String())
}
