package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

func x11Request(m wire.X11Request) []byte { return m.Append(nil) }

var goodX11 = wire.X11Request{Protocol: "MIT-MAGIC-COOKIE-1", Cookie: "00ff", Screen: 1}

// What a client says goes into programs: only what means nothing to them does.
func TestX11Request(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) {
		x, ok := s.X11()
		fmt.Fprint(s, ok, x)
	}))
	srv.AllowX11Forwarding = true
	p := login(t, srv)
	with := func(change func(*wire.X11Request)) []byte {
		m := goodX11
		change(&m)
		return x11Request(m)
	}
	for name, payload := range map[string][]byte{
		"RFC 4254 6.3.1: empty":                nil,
		"RFC 4254 6.3.1: trailing":             append(x11Request(goodX11), 0),
		"L6 CVE-2016-3115 line end in cookie":  with(func(m *wire.X11Request) { m.Cookie = "00ff\nsource /etc/shadow" }),
		"L6 cookie that is not hexadecimal":    with(func(m *wire.X11Request) { m.Cookie = "0x" }),
		"L6 cookie of an odd number of digits": with(func(m *wire.X11Request) { m.Cookie = "00f" }),
		"L6 no cookie":                         with(func(m *wire.X11Request) { m.Cookie = "" }),
		"L6 long cookie":                       with(func(m *wire.X11Request) { m.Cookie = strings.Repeat("00", 257) }),
		"L6 line end in protocol":              with(func(m *wire.X11Request) { m.Protocol = "MIT\nremove :0" }),
		"L6 blank in protocol":                 with(func(m *wire.X11Request) { m.Protocol = "MIT 00" }),
		"L6 protocol that is an option":        with(func(m *wire.X11Request) { m.Protocol = "-f" }),
		"L6 no protocol":                       with(func(m *wire.X11Request) { m.Protocol = "" }),
		"L6 long protocol":                     with(func(m *wire.X11Request) { m.Protocol = strings.Repeat("a", 65) }),
		"L6 screen 256":                        with(func(m *wire.X11Request) { m.Screen = 256 }),
		"L6 screen 2^32-1":                     with(func(m *wire.X11Request) { m.Screen = 1<<32 - 1 }),
	} {
		s := p.session()
		require.ErrorIs(t, s.ask("x11-req", payload), channel.ErrRefused, name)
		require.Equal(t, "false {false  [] 0}", s.exec("").finish().stdout, name)
	}
	s := p.session()
	require.NoError(t, s.ask("x11-req", x11Request(goodX11)))
	require.ErrorIs(t, s.ask("x11-req", x11Request(goodX11)), channel.ErrRefused, "K15 twice")
	s.exec("")
	require.Equal(t, "true {false MIT-MAGIC-COOKIE-1 [0 255] 1}", s.finish().stdout)
	s = p.session()
	s.exec("")
	require.Error(t, s.ask("x11-req", x11Request(goodX11)), "K15 after the start")
}

// L4: nothing is lent unless that is allowed.
func TestX11IsDenied(t *testing.T) {
	srv := newServer(nothing)
	require.ErrorIs(t, login(t, srv).session().ask("x11-req", x11Request(goodX11)), channel.ErrRefused)
	srv = accepting(newServer(nothing), &userauth.Permissions{Extensions: map[string]string{hostkey.PermitPortForwarding: ""}})
	srv.AllowX11Forwarding = true
	require.ErrorIs(t, login(t, srv).session().ask("x11-req", x11Request(goodX11)), channel.ErrRefused, "no-X11-forwarding")
}

func TestServeX11(t *testing.T) {
	listening, served := make(chan net.Addr, 1), make(chan error, 1)
	srv := newServer(handler(func(s *server.Session) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return
		}
		go func() { served <- s.ServeX11(l) }()
		listening <- l.Addr()
		<-s.Context().Done()
	}))
	srv.AllowX11Forwarding = true
	p := login(t, srv)
	single := goodX11
	single.Single = true
	for _, m := range []wire.X11Request{goodX11, single} {
		s := p.session()
		require.NoError(t, s.ask("x11-req", x11Request(m)))
		s.exec("")
		at := <-listening
		for i := range 2 {
			nc, err := net.Dial("tcp", at.String())
			require.NoError(t, err)
			if m.Single && i == 1 {
				_, err := nc.Read(make([]byte, 1))
				require.Error(t, err, "RFC 4254, section 6.3.1: single connection")
				break
			}
			o, err := p.mux.Accept(t.Context())
			require.NoError(t, err)
			require.Equal(t, "x11", o.Type)
			origin, err := wire.ParseX11Open(o.Extra)
			require.NoError(t, err)
			host, port := split(t, nc.LocalAddr())
			require.Equal(t, wire.X11Open{OriginHost: host, OriginPort: port}, origin, "RFC 4254, section 6.3.2")
			ch, err := o.Accept(channel.Params{})
			require.NoError(t, err)
			go func() { io.Copy(ch, ch); ch.CloseWrite() }()
			converse(t, nc)
		}
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-served, context.Canceled)
		require.Eventually(t, func() bool {
			nc, err := net.Dial("tcp", at.String())
			if err == nil {
				nc.Close()
			}
			return err != nil
		}, 5*time.Second, time.Millisecond)
	}
}

func TestNoX11(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) {
		_, err := s.DialX11(s.Context(), nil)
		l, _ := net.Listen("tcp", "127.0.0.1:0")
		fmt.Fprint(s, err == server.ErrNoX11, s.ServeX11(l) == server.ErrNoX11)
	}))
	require.Equal(t, "true true", run(t, srv, "").stdout)
}
