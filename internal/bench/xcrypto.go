package main

import (
	"bytes"
	"errors"
	"net"
	"sync"

	"golang.org/x/crypto/ssh"
)

// xcrypto is golang.org/x/crypto/ssh.
type xcrypto struct{}

var errUnknownKey = errors.New("bench: this is not the user's key")

func (xcrypto) serve(l net.Listener, k *keys, s suite) (func(), error) {
	hostKey, err := ssh.NewSignerFromKey(k.host)
	if err != nil {
		return nil, err
	}
	userKey, err := ssh.NewPublicKey(k.user.Public())
	if err != nil {
		return nil, err
	}
	want := userKey.Marshal()
	config := &ssh.ServerConfig{
		Config: s.xcrypto(),
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !bytes.Equal(key.Marshal(), want) {
				return nil, errUnknownKey
			}
			return nil, nil
		},
	}
	config.AddHostKey(hostKey)
	srv := &xcryptoServer{config: config, conns: make(map[net.Conn]bool)}
	go srv.accept(l)
	return func() { l.Close(); srv.close() }, nil
}

// An xcryptoServer does with connections what server.Server does: x/crypto/ssh
// leaves that to its user.
type xcryptoServer struct {
	config *ssh.ServerConfig
	mu     sync.Mutex
	conns  map[net.Conn]bool
}

func (s *xcryptoServer) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[nc] = true
		s.mu.Unlock()
		go s.serve(nc)
	}
}

func (s *xcryptoServer) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for nc := range s.conns {
		nc.Close()
	}
}

func (s *xcryptoServer) serve(nc net.Conn) {
	defer func() {
		nc.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, nc)
	}()
	_, opens, requests, err := ssh.NewServerConn(nc, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for open := range opens {
		if open.ChannelType() != "session" {
			open.Reject(ssh.UnknownChannelType, "unknown channel type")
			continue
		}
		ch, requests, err := open.Accept()
		if err != nil {
			return
		}
		go serveXCryptoSession(ch, requests)
	}
}

func serveXCryptoSession(ch ssh.Channel, requests <-chan *ssh.Request) {
	for r := range requests {
		var m struct{ Command string }
		if r.Type != "exec" || ssh.Unmarshal(r.Payload, &m) != nil {
			r.Reply(false, nil)
			continue
		}
		r.Reply(true, nil)
		go func() {
			defer ch.Close()
			perform(m.Command, ch)
			ch.SendRequest("exit-status", false, make([]byte, 4))
		}()
	}
}

func (xcrypto) dial(address string, k *keys, s suite) (link, error) {
	hostKey, err := ssh.NewPublicKey(k.host.Public())
	if err != nil {
		return nil, err
	}
	c, err := ssh.Dial("tcp", address, &ssh.ClientConfig{
		Config:            s.xcrypto(),
		User:              k.name,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(k.xcryptoUser)},
		HostKeyCallback:   ssh.FixedHostKey(hostKey),
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
	})
	if err != nil {
		return nil, err
	}
	return xcryptoLink{c}, nil
}

// xcrypto returns the configuration for the suite.
func (s suite) xcrypto() (config ssh.Config) {
	if s == (suite{}) {
		return config
	}
	config.KeyExchanges = []string{s.keyExchange()}
	if s.cipher != "" {
		config.Ciphers = []string{s.cipher}
	}
	if s.mac != "" {
		config.MACs = []string{s.mac}
	}
	return config
}

type xcryptoLink struct{ *ssh.Client }

func (l xcryptoLink) start(command string) (*stream, error) {
	s, err := l.NewSession()
	if err != nil {
		return nil, err
	}
	in, err := s.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := s.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &stream{in, out}, s.Start(command)
}
