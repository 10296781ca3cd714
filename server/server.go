package server

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// A Server defines parameters for running an SSH server. The zero Server
// refuses to run with a [*ConfigError]: it has no host key, and no way to
// authenticate anyone. What is nil or zero among the rest is refused to
// clients, or has the default given.
//
// A Server must not be copied or changed once it runs.
type Server struct {
	Addr     string // where ListenAndServe listens; ":22" if empty
	HostKeys []hostkey.Signer
	Auth     userauth.Server

	Session    Handler            // serves shells and commands
	Subsystems map[string]Handler // serve subsystems, by name

	// Channels serve channels of other types than "session", by type. Each call
	// is on a goroutine of its own and is to answer the Opening; if it returns
	// without, the channel is refused. The context is done when the connection
	// ends.
	Channels map[string]func(context.Context, *Conn, *connection.Opening)

	// Requests serve global requests, by name: one after the other on each
	// connection, in the order they came. A request without an answer when the
	// function returns is refused.
	Requests map[string]func(context.Context, *Conn, *connection.Request)

	// AcceptEnv names the environment variables that a client may set: exactly,
	// or with a "*" at the end for any ending. Variables change what programs
	// do: LD_PRELOAD is one. A session takes 64 of them, of 4 KiB together.
	AcceptEnv []string

	// AllowPty accepts requests for a terminal. The client then leaves echo
	// and line editing to the Handler, which finds out with [Session.Pty].
	AllowPty bool

	// AllowAgentForwarding lets clients lend their agent to a session. A
	// Handler that gives it to its programs calls [Session.ServeAgent].
	AllowAgentForwarding bool

	MaxSessions int // open at once on one connection; 64 if zero

	// Transport has algorithms, limits and tracing; not HostKeys. Unless
	// UserKeyAlgorithms says otherwise users sign with those of
	// [hostkey.Default], with keys or certificates.
	Transport transport.Config

	// HandshakeTimeout is how long a client may take from the moment it is
	// connected to the end of authentication; 2 minutes if zero.
	HandshakeTimeout time.Duration

	// IdleTimeout is how long a connection may have no channel open; without
	// limit if zero.
	IdleTimeout time.Duration

	// KeepAlive ends connections whose client has died or gone out of reach, for
	// which they would wait for hours; the zero KeepAlive does not. A client that
	// takes nothing of what is sent to it, as one does that its user has
	// stopped, ends just as soon, unless Transport.StallTimeout says otherwise.
	KeepAlive connection.KeepAlive

	MaxStartups Startups // connections that have not authenticated

	// Penalties, unless nil, turn away for a while those who came for no good.
	// &Penalties{} has the durations of OpenSSH.
	Penalties *Penalties

	// ConnContext returns the context for a connection, derived from ctx, or nil
	// to refuse it. It is called before anything is sent, on a goroutine of the
	// connection's own.
	ConnContext func(ctx context.Context, nc net.Conn) context.Context

	Logger *slog.Logger // silent if nil

	tracker tracker
}

const (
	defaultAddr      = ":22"
	defaultSessions  = 64
	defaultHandshake = 2 * time.Minute
)

// ListenAndServe listens on the TCP address Addr and calls [Server.Serve].
func (s *Server) ListenAndServe() error {
	if err := s.validate(); err != nil {
		return err
	}
	if s.tracker.closing() {
		return ErrServerClosed
	}
	addr := s.Addr
	if addr == "" {
		addr = defaultAddr
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return s.Serve(l)
}

// Serve accepts connections on l and serves each on a goroutine of its own. It
// closes l before it returns: with [ErrServerClosed] after Shutdown or Close,
// and otherwise with the error of l. It survives failures that pass, such as a
// lack of file descriptors.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if err := s.validate(); err != nil {
		return err
	}
	if !s.tracker.addListener(l) {
		return ErrServerClosed
	}
	defer s.tracker.removeListener(l)
	return s.accept(l)
}

// ServeConn serves one connection, on the goroutine of its caller, and says
// why it ended; the error is a [net.ErrClosed] if that was the client's doing.
// The connection belongs to the Server from then on, which closes it. When ctx
// is done, the connection is closed.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) error {
	if err := s.validate(); err != nil {
		nc.Close()
		return err
	}
	c, err := s.admit(ctx, nc)
	if err != nil {
		nc.Close()
		return err
	}
	defer context.AfterFunc(ctx, c.interrupt)()
	return c.serve()
}

// validate finds out whether the Server may run.
func (s *Server) validate() error {
	switch {
	case len(s.HostKeys) == 0 && len(s.Transport.HostKeys) == 0:
		return &ConfigError{"HostKeys", "is empty: a server must have a host key; HostKeyFile makes one and keeps it"}
	case len(s.Auth.Checks) == 0:
		return &ConfigError{"Auth.Checks", "is empty: nobody could log in; AuthorizedKeys is the usual check"}
	}
	for _, key := range s.HostKeys {
		if key == nil {
			return &ConfigError{"HostKeys", "holds a nil key"}
		}
	}
	for _, check := range s.Auth.Checks {
		if check == nil {
			return &ConfigError{"Auth.Checks", "holds a nil check"}
		}
	}
	if err := s.Auth.Validate(); err != nil {
		return &ConfigError{"Auth", "does not work: " + err.Error()}
	}
	return nil
}

// transportConfig returns the configuration of one connection's transport.
func (s *Server) transportConfig() *transport.Config {
	config := s.Transport
	config.Announce = append(slices.Clone(config.Announce), wire.Extension{Name: userauth.HostBoundExtension, Value: []byte("0")})
	if s.AllowAgentForwarding {
		config.Announce = append(config.Announce, wire.Extension{Name: agentExtension, Value: []byte("0")})
	}
	if len(s.HostKeys) > 0 {
		config.HostKeys = s.HostKeys
	}
	if config.StallTimeout == 0 {
		config.StallTimeout = s.KeepAlive.Patience()
	}
	return &config
}

// userKeyAlgorithms returns what users may sign with. Clients are told the
// names for keys only, as sshd does: a certificate signs with those of its key.
func (s *Server) userKeyAlgorithms() []string {
	if s.Transport.UserKeyAlgorithms != nil {
		return s.Transport.UserKeyAlgorithms
	}
	names := append(hostkey.Default(), hostkey.Optional()...)
	for _, f := range s.Transport.KeyFormats {
		names = append(names, f.Name, hostkey.CertificateName(f.Name))
	}
	return names
}

func (s *Server) maxSessions() int {
	if s.MaxSessions > 0 {
		return s.MaxSessions
	}
	return defaultSessions
}

func (s *Server) handshakeTimeout() time.Duration {
	if s.HandshakeTimeout > 0 {
		return s.HandshakeTimeout
	}
	return defaultHandshake
}
