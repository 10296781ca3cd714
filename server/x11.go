package server

import (
	"context"
	"encoding/hex"
	"net"
	"strings"
	"sync"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/splice"
	"github.com/whelk-ssh/whelk/wire"
)

// X11 is what a client says of the display that it lends (RFC 4254, section
// 6.3.1). The cookie is for programs of the session to show, and the client
// knows it: the display's own is another one.
type X11 struct {
	Single   bool   // one connection, and no other
	Protocol string // such as "MIT-MAGIC-COOKIE-1": letters, digits, "-", "_" and "."
	Cookie   []byte
	Screen   uint32 // at most 255
}

// What a session takes of a display's description.
const (
	maxX11Protocol = 64  // bytes
	maxX11Cookie   = 256 // bytes, half as many as the digits
	maxX11Screen   = 255 // which is all that X11 has
	maxX11         = 256 // connections at once
)

// lendX11 handles "x11-req" (RFC 4254, section 6.3.1). All of it goes into the
// programs of the session, and is to have no sign that means anything to them
// (CVE-2016-3115).
func (s *Session) lendX11(p []byte) bool {
	m, err := wire.ParseX11Request(p)
	if err != nil || s.x11 != nil || !s.conn.mayForwardX11() {
		return false
	}
	cookie, err := hex.DecodeString(m.Cookie)
	if err != nil || len(cookie) == 0 || len(cookie) > maxX11Cookie || m.Screen > maxX11Screen || !isX11Protocol(m.Protocol) {
		return false
	}
	s.x11 = &X11{Single: m.Single, Protocol: m.Protocol, Cookie: cookie, Screen: m.Screen}
	return true
}

func isX11Protocol(name string) bool {
	odd := func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-_.", c))
	}
	return name != "" && len(name) <= maxX11Protocol && name[0] != '-' && !strings.ContainsFunc(name, odd)
}

// mayForwardX11 reports whether the user may lend a display.
func (c *Conn) mayForwardX11() bool {
	return c.server.AllowX11Forwarding && c.permissions().Permits(hostkey.PermitX11Forwarding)
}

// X11 returns the display that the client lends to the session, and whether it
// lends one.
func (s *Session) X11() (X11, bool) {
	if s.x11 == nil {
		return X11{}, false
	}
	return *s.x11, true
}

// DialX11 connects to the client's display, for the caller to close: for
// somebody at an address, which the client is told. It fails with [ErrNoX11] if
// there is no display.
func (s *Session) DialX11(ctx context.Context, origin net.Addr) (*channel.Channel, error) {
	if s.x11 == nil {
		return nil, ErrNoX11
	}
	m := wire.X11Open{OriginHost: "unknown"}
	if a, ok := origin.(*net.TCPAddr); ok {
		m.OriginHost, m.OriginPort = a.AddrPort().Addr().Unmap().String(), uint32(a.Port)
	}
	return s.conn.mux.Open(ctx, "x11", m.Append(nil), channel.Params{})
}

// ServeX11 connects whoever comes to l with the client's display, until l is
// closed or the session has ended, and closes l; it returns when nobody is
// connected any more. 256 may be at a time, and one in all if the display is
// good for one. Who may use the display is for the client to find out, by the
// cookie.
func (s *Session) ServeX11(l net.Listener) error {
	if s.x11 == nil {
		l.Close()
		return ErrNoX11
	}
	var mu sync.Mutex
	var all, connected int
	admit := func() bool {
		mu.Lock()
		defer mu.Unlock()
		if connected == maxX11 || s.x11.Single && all > 0 {
			return false
		}
		all++
		connected++
		return true
	}
	return splice.Serve(s.Context(), l, func(ctx context.Context, nc net.Conn) {
		if !admit() {
			return
		}
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			connected--
		}()
		if ch, err := s.DialX11(ctx, nc.RemoteAddr()); err == nil {
			splice.JoinUntil(ctx, nc, ch)
		}
	})
}
