package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// A daemon is a server for one account.
type daemon struct {
	account account
	server  server.Server
	log     *slog.Logger
	x11     x11
}

// newDaemon makes the daemon that o describes, logging to stderr.
func newDaemon(o *options, stderr io.Writer) (*daemon, error) {
	a, err := currentAccount()
	if err != nil {
		return nil, err
	}
	d := &daemon{account: a, log: newLogger(o, stderr), x11: o.x11}
	d.server = server.Server{
		Session:    server.HandlerFunc(d.serveCommand),
		Subsystems: make(map[string]server.Handler),
		AcceptEnv:  o.acceptEnv,
		AllowPty:   o.permitTTY,

		AllowAgentForwarding: o.lendAgent,

		MaxSessions:      o.sessions,
		MaxStartups:      o.startups,
		Penalties:        o.sources.policy(),
		HandshakeTimeout: o.loginGrace,
		IdleTimeout:      o.unused,
		Transport:        o.transport,
		Logger:           d.log,
	}
	o.x11.apply(&d.server)
	o.forwarding.apply(&d.server)
	for name, command := range o.subsystems {
		d.server.Subsystems[name] = server.HandlerFunc(func(s *server.Session) { d.serve(s, command) })
	}
	if o.verbose > 1 {
		d.server.Transport.Trace = traceTo(d.log)
	}
	if d.server.HostKeys, err = d.hostKeys(o.hostKeys); err != nil {
		return nil, err
	}
	if d.server.HostKeys, err = withCertificates(d.server.HostKeys, o.hostCertificates); err != nil {
		return nil, err
	}
	if d.server.HostKeys, err = usable(d.server.HostKeys, o.transport.HostKeyAlgorithms); err != nil {
		return nil, err
	}
	if d.server.Transport.KeyExchanges, err = d.withModuli(o.transport.KeyExchanges, o.moduli); err != nil {
		return nil, err
	}
	if d.server.Auth, err = d.auth(o); err != nil {
		return nil, err
	}
	return d, nil
}

// newLogger returns the logger for the level that o asks for.
func newLogger(o *options, stderr io.Writer) *slog.Logger {
	level := o.logLevel
	if o.verbose > 0 {
		level = min(level, slog.LevelDebug)
	}
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
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

// hostKeys reads the host keys, or makes one if no file is given.
func (d *daemon) hostKeys(files []string) ([]hostkey.Signer, error) {
	if len(files) == 0 {
		key, err := server.HostKeyFile(d.account.path(".ssh/whelkd_host_ed25519_key"))
		if err != nil {
			return nil, err
		}
		return []hostkey.Signer{d.announce(key)}, nil
	}
	var keys []hostkey.Signer
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("host key: %w; `ssh-keygen -t ed25519 -N '' -f %s` makes one", err, filepath.Clean(file))
		}
		key, err := server.HostKeyFile(file)
		if err != nil {
			return nil, err
		}
		keys = append(keys, d.announce(key))
	}
	return keys, nil
}

// announce logs what a client will see of key.
func (d *daemon) announce(key hostkey.Signer) hostkey.Signer {
	d.log.Info("host key", "type", key.PublicKey().Type(), "fingerprint", hostkey.Fingerprint(key.PublicKey()))
	return key
}

// auth lets in the account's user.
func (d *daemon) auth(o *options) (userauth.Server, error) {
	a := userauth.Server{MaxTries: o.maxTries, Chains: o.methods.chains}
	if o.pubkey && len(o.authorizedKeys)+len(o.keys.TrustedUserCAKeys) > 0 {
		a.Checks = append(a.Checks, onlyUser{d.publicKeys(o).Check(), d.account.name})
	}
	others, err := d.checks(&o.methods)
	if err != nil {
		return a, err
	}
	if a.Checks = append(a.Checks, others...); len(a.Checks) == 0 {
		return a, errors.New("nobody could log in: public keys are off, and so are the other ways")
	}
	if err := a.Validate(); err != nil {
		return a, fmt.Errorf("AuthenticationMethods: %w", err)
	}
	if o.banner != "" {
		text, err := os.ReadFile(o.banner)
		if err != nil {
			return a, fmt.Errorf("banner: %w", err)
		}
		a.Banner = func(context.Context, string) string { return string(text) }
	}
	return a, nil
}
