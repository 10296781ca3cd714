package main

import (
	"io"
	"net"
)

// A stack is an implementation of SSH, as client and as server. Unless a suite
// says otherwise it uses what it does without being told.
type stack interface {
	// serve serves the connections of l, which it owns, to whoever has the
	// user's key, until stop is called. Commands are for perform.
	serve(l net.Listener, k *keys, s suite) (stop func(), err error)
	// dial connects to a server that has the host's key.
	dial(address string, k *keys, s suite) (link, error)
}

// The stacks that are compared.
var (
	ours stack = whelk{}
	peer stack = xcrypto{}
)

var stacks = map[string]stack{"ours": ours, "peer": peer}

// A link is an authenticated connection, from the client's end.
type link interface {
	// start runs a command in a session of its own.
	start(command string) (*stream, error)
	Close() error
}

// A stream is the standard input and output of a command. Out has a WriteTo
// where the stack's own has.
type stream struct {
	in  io.WriteCloser
	out io.Reader
}

// A suite is what both ends are made to use, where it is not empty. The key
// exchange of one that names a cipher and none itself is mlkem768x25519-sha256.
type suite struct{ kex, cipher, mac string }

// keyExchange returns the method to use.
func (s suite) keyExchange() string {
	if s.kex == "" {
		return "mlkem768x25519-sha256"
	}
	return s.kex
}

// loopback listens on a free port.
func loopback() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// A session is a server, a connection to it, and what is between them.
type session struct {
	link
	stop func()
}

// connect starts a server of a stack and connects to it.
func (b *bench) connect(st stack, s suite) (*session, error) {
	return b.connectVia(st, s, func(address string) (string, func(), error) { return address, func() {}, nil })
}

// connectVia is connect through what via puts in front of the server's
// address, at the address that it returns.
func (b *bench) connectVia(st stack, s suite, via func(string) (string, func(), error)) (*session, error) {
	l, err := loopback()
	if err != nil {
		return nil, err
	}
	stop, err := st.serve(l, b.keys, s)
	if err != nil {
		return nil, err
	}
	address, remove, err := via(l.Addr().String())
	if err != nil {
		stop()
		return nil, err
	}
	c, err := st.dial(address, b.keys, s)
	if err != nil {
		remove()
		stop()
		return nil, err
	}
	return &session{link: c, stop: func() { remove(); stop() }}, nil
}

// close ends the connection and the server.
func (s *session) close() {
	s.Close()
	s.stop()
}
