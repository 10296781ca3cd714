package main

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// whelk is ours.
type whelk struct{}

func (whelk) serve(l net.Listener, k *keys, s suite) (func(), error) {
	hostKey, err := hostkey.NewSigner(k.host)
	if err != nil {
		return nil, err
	}
	userKey, err := hostkey.NewPublicKey(k.user.Public())
	if err != nil {
		return nil, err
	}
	config, err := s.whelk()
	if err != nil {
		return nil, err
	}
	srv := &server.Server{
		HostKeys: []hostkey.Signer{hostKey},
		Auth: userauth.Server{Checks: []userauth.Check{userauth.CheckPublicKey(
			func(_ context.Context, _ *userauth.Attempt, key hostkey.PublicKey) (userauth.Decision, error) {
				if !hostkey.Equal(key, userKey) {
					return userauth.Decision{}, nil
				}
				return userauth.Accept(nil), nil
			})}},
		Session:     server.HandlerFunc(func(s *server.Session) { perform(s.Command(), s) }),
		MaxSessions: manyChannels,
		MaxStartups: server.Startups{Start: -1, Full: -1, PerSource: -1},
		Transport:   config,
	}
	go srv.Serve(l)
	return func() { srv.Close() }, nil
}

func (whelk) dial(address string, k *keys, s suite) (link, error) {
	hostKey, err := hostkey.NewPublicKey(k.host.Public())
	if err != nil {
		return nil, err
	}
	config, err := s.whelk()
	if err != nil {
		return nil, err
	}
	c, err := client.Dial(context.Background(), "tcp", address, &client.Config{
		User:      k.name,
		Auth:      []userauth.Method{userauth.PublicKey(k.whelkUser)},
		HostKeys:  hostkey.Pin(hostKey),
		Transport: config,
	})
	if err != nil {
		return nil, err
	}
	return whelkLink{c}, nil
}

// whelk returns the configuration for the suite.
func (s suite) whelk() (config transport.Config, err error) {
	if s == (suite{}) {
		return config, nil
	}
	i := slices.IndexFunc(keyExchanges(), func(m kex.Method) bool { return m.Name() == s.keyExchange() })
	if i < 0 {
		return config, fmt.Errorf("bench: whelk has no %q", s.keyExchange())
	}
	config.KeyExchanges = keyExchanges()[i : i+1]
	if s.cipher != "" {
		mode, ok := cipher.Lookup(s.cipher)
		if !ok {
			return config, fmt.Errorf("bench: whelk has no %q", s.cipher)
		}
		config.Ciphers = []cipher.Mode{mode}
	}
	if s.mac != "" {
		algorithm, ok := mac.Lookup(s.mac)
		if !ok {
			return config, fmt.Errorf("bench: whelk has no %q", s.mac)
		}
		config.MACs = []mac.Algorithm{algorithm}
	}
	return config, nil
}

type whelkLink struct{ *client.Client }

func (l whelkLink) start(command string) (*stream, error) {
	cmd := l.Command(command)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &stream{in, out}, cmd.Start(context.Background())
}
