//go:build unix

package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// A daemon is a server for one account, with the settings of all connections or
// of some.
type daemon struct {
	account     account
	server      server.Server
	log         *slog.Logger
	stderr      io.Writer
	session     sessionOptions
	conditional bool // there are other settings for other connections
	programs    chan struct{}
	penalties   *server.Penalties // of all connections
}

// newDaemon makes the daemon that o describes, logging to stderr.
func newDaemon(o *options, a account, stderr io.Writer) (*daemon, error) {
	d := &daemon{account: a, stderr: stderr, programs: make(chan struct{}, programsMost), penalties: o.sources.policy()}
	d.log = newLogger(o, stderr)
	keys, err := d.hostKeys(o)
	if err != nil {
		return nil, err
	}
	if keys, err = withCertificates(keys, o.hostCertificates); err != nil {
		return nil, err
	}
	if keys, err = usable(keys, o.transport.HostKeyAlgorithms); err != nil {
		return nil, err
	}
	d.server.HostKeys = keys
	d.server.Transport.KeyExchanges, err = d.withModuli(o.transport.KeyExchanges, o.moduli)
	return d, err
}

// settle makes the server that o describes. Host keys and key exchanges are
// there already.
func (d *daemon) settle(o *options) error {
	d.session = o.session
	config := o.transport
	config.KeyExchanges = d.server.Transport.KeyExchanges
	if o.logging.packets {
		config.Trace = traceTo(d.log)
	}
	d.server = server.Server{
		HostKeys:   d.server.HostKeys,
		Session:    server.HandlerFunc(d.serveCommand),
		Subsystems: make(map[string]server.Handler),
		AcceptEnv:  beginnings(o.session.acceptEnv),
		AllowPty:   o.session.permitTTY,

		AllowAgentForwarding: o.lendAgent && !o.forwarding.disabled,

		MaxSessions:      o.sessions,
		MaxStartups:      o.startups,
		Penalties:        d.penalties,
		HandshakeTimeout: o.loginGrace,
		IdleTimeout:      o.unused,
		KeepAlive:        o.alive,
		Transport:        config,
		Logger:           d.log,
		ConnContext:      withConnection,
	}
	for name, command := range o.subsystems {
		d.server.Subsystems[name] = d.subsystem(command)
	}
	var err error
	d.server.Auth, err = d.auth(o)
	return err
}

// variant makes a daemon like d with other settings.
func (d *daemon) variant(o *options) (*daemon, error) {
	v := &daemon{account: d.account, stderr: d.stderr, conditional: d.conditional, programs: d.programs, penalties: d.penalties}
	v.log = newLogger(o, d.stderr)
	v.server.HostKeys = d.server.HostKeys
	v.server.Transport.KeyExchanges = d.server.Transport.KeyExchanges
	return v, v.settle(o)
}

// newLogger returns the logger for the level that o asks for.
func newLogger(o *options, stderr io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: o.logging.level}))
}

// traceTo returns a trace that logs every message.
func traceTo(log *slog.Logger) *transport.Trace {
	packet := func(direction string) func(uint32, []byte) {
		return func(seq uint32, payload []byte) {
			log.Debug(direction, "seq", seq, "message", wire.Describe(payload))
		}
	}
	return &transport.Trace{
		Version:    func(local, remote string) { log.Debug("versions", "ours", local, "theirs", fmt.Sprintf("%q", remote)) },
		PacketSent: packet("sent"),
		PacketRead: packet("read"),
		KeyExchange: func(s transport.State, err error) {
			log.Debug("key exchange", "method", s.KeyExchange, "post-quantum", s.PostQuantum, "host key", s.HostKeyAlgorithm,
				"send", s.Send, "recv", s.Recv, "strict", s.StrictKeyExchange, "err", err)
		},
	}
}
