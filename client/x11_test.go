package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/wire"
)

// hello is how a program begins its connection to a display.
func hello(order byte, protocol string, cookie []byte) []byte {
	number := func(n int) []byte {
		if order == 'l' {
			return []byte{byte(n), byte(n >> 8)}
		}
		return []byte{byte(n >> 8), byte(n)}
	}
	pad := func(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }
	b := append([]byte{order, 0}, number(11)...)
	b = append(append(b, number(0)...), number(len(protocol))...)
	b = append(append(b, number(len(cookie))...), 0, 0)
	return append(append(b, pad([]byte(protocol))...), pad(bytes.Clone(cookie))...)
}

// screen is a display: what its programs begin with comes from the channel.
func screen(n int) (*client.X11, chan []byte) {
	got := make(chan []byte, 10)
	return &client.X11{
		Cookie: []byte("the true cookie!"), Screen: 2,
		Dial: func(context.Context) (net.Conn, error) {
			near, far := memnet.Pipe()
			go func() {
				defer far.Close()
				b := make([]byte, n)
				if _, err := io.ReadFull(far, b); err != nil {
					return
				}
				got <- b
				io.WriteString(far, "welcome")
				io.Copy(far, far)
			}()
			return near, nil
		},
	}, got
}

// graphical is a server that lends displays to sessions, which run f.
func graphical(f func(*server.Session)) *server.Server {
	srv := lenient(f)
	srv.AllowX11Forwarding = true
	return srv
}

// Programs come with the cookie that was made for them, and the display gets its
// own.
func TestX11(t *testing.T) {
	for _, order := range []byte("lB") {
		x, got := screen(len(hello(order, client.X11Cookie, make([]byte, 16))))
		srv := graphical(func(s *server.Session) {
			lent, ok := s.X11()
			fmt.Fprint(s, ok, lent.Single, lent.Protocol, lent.Screen, len(lent.Cookie), bytes.Equal(lent.Cookie, x.Cookie))
			ch, err := s.DialX11(s.Context(), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4000})
			if err != nil {
				return
			}
			defer ch.Close()
			ch.Write(hello(order, lent.Protocol, lent.Cookie))
			answer := make([]byte, 7)
			io.ReadFull(ch, answer)
			fmt.Fprintf(s, " %s", answer)
		})
		c, err := enter(t, srv, nil)
		require.NoError(t, err)
		cmd := c.Command("")
		cmd.X11 = x
		out, err := cmd.Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "true falseMIT-MAGIC-COOKIE-12 16 false welcome", string(out), "L6 the true cookie stays here")
		require.Equal(t, hello(order, client.X11Cookie, x.Cookie), <-got)
	}
}

// A display without a cookie is come to without one.
func TestX11WithoutCookie(t *testing.T) {
	x, got := screen(12)
	x.Cookie = nil
	srv := graphical(func(s *server.Session) {
		lent, _ := s.X11()
		ch, err := s.DialX11(s.Context(), nil)
		if err != nil {
			return
		}
		defer ch.Close()
		ch.Write(hello('l', lent.Protocol, lent.Cookie))
		io.ReadFull(ch, make([]byte, 7))
	})
	c, err := enter(t, srv, nil)
	require.NoError(t, err)
	cmd := c.Command("")
	cmd.X11 = x
	require.NoError(t, cmd.Run(t.Context()))
	require.Equal(t, hello('l', "", nil), <-got)
}

// L6: who does not have the cookie does not get to the display.
func TestX11TurnsAway(t *testing.T) {
	x, got := screen(1)
	srv := graphical(func(s *server.Session) {
		lent, _ := s.X11()
		wrong := bytes.Clone(lent.Cookie)
		wrong[15] ^= 1
		for name, said := range map[string][]byte{
			"no cookie":         hello('l', "", nil),
			"L6 wrong cookie":   hello('l', lent.Protocol, wrong),
			"L6 cookie, cut":    hello('l', lent.Protocol, lent.Cookie[:15]),
			"L6 cookie, longer": hello('l', lent.Protocol, append(bytes.Clone(lent.Cookie), 0)),
			"true cookie":       hello('l', lent.Protocol, x.Cookie),
			"other protocol":    hello('l', "XDM-AUTHORIZATION-1", lent.Cookie),
			"order of bytes":    hello('x', lent.Protocol, lent.Cookie),
			"long name":         hello('l', strings.Repeat("a", 257), lent.Cookie),
			"long cookie":       hello('B', lent.Protocol, make([]byte, 60000)),
			"cut short":         hello('l', lent.Protocol, lent.Cookie)[:20],
		} {
			ch, err := s.DialX11(s.Context(), nil)
			if err != nil {
				fmt.Fprint(s, name, err)
				continue
			}
			ch.Write(said)
			ch.CloseWrite()
			if b, err := io.ReadAll(ch); len(b) > 0 || err != nil {
				fmt.Fprint(s, name, b, err)
			}
		}
	})
	c, err := enter(t, srv, nil)
	require.NoError(t, err)
	cmd := c.Command("")
	cmd.X11 = x
	out, err := cmd.Output(t.Context())
	require.NoError(t, err)
	require.Empty(t, string(out))
	require.Empty(t, got)
}

// K16: a display that was not lent, or not any more.
func TestX11WasNotLent(t *testing.T) {
	open := func(s *server.Session) error {
		m := wire.X11Open{OriginHost: "h"}
		ch, err := s.Conn().Mux().Open(context.Background(), "x11", m.Append(nil), channel.Params{})
		if err == nil {
			ch.Close()
		}
		return err
	}
	results, release := make(chan error, 2), make(chan bool)
	c, err := enter(t, graphical(func(s *server.Session) {
		results <- open(s)
		<-release
	}), nil)
	require.NoError(t, err)
	cmd := c.Command("")
	require.NoError(t, cmd.Start(t.Context()))
	prohibited(t, <-results, "K16 it was not asked for")
	close(release)
	require.NoError(t, cmd.Wait())

	x, _ := screen(1)
	x.Until = time.Now().Add(-time.Second)
	cmd = c.Command("")
	cmd.X11 = x
	require.NoError(t, cmd.Run(t.Context()))
	prohibited(t, <-results, "ForwardX11Timeout")

	x.Until, x.Single = time.Time{}, true
	single, err := enter(t, graphical(func(s *server.Session) {
		lent, _ := s.X11()
		ch, err := s.DialX11(s.Context(), nil)
		if err != nil {
			return
		}
		ch.Write(hello('l', lent.Protocol, lent.Cookie))
		io.ReadFull(ch, make([]byte, 7))
		results <- open(s)
	}), nil)
	require.NoError(t, err)
	cmd = single.Command("")
	cmd.X11 = x
	require.NoError(t, cmd.Run(t.Context()))
	prohibited(t, <-results, "RFC 4254, section 6.3.1: single connection")
}

func TestX11IsRefused(t *testing.T) {
	c, err := enter(t, lenient(func(*server.Session) {}), nil)
	require.NoError(t, err)
	x, _ := screen(1)
	cmd := c.Command("")
	cmd.X11 = x
	err = cmd.Start(t.Context())
	var refused *client.StartError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "x11-req", refused.Request)
	require.EqualError(t, err, "client: the server refuses to forward X11: it must permit that (X11Forwarding), and have xauth")
	cmd = c.Command("")
	cmd.X11 = new(client.X11)
	require.ErrorContains(t, cmd.Start(t.Context()), "Cmd.X11 has no Dial")
	c, err = enter(t, lenient(func(*server.Session) {}), func(c *client.Config) { c.Mux = connection.Config{Opens: 1} })
	require.NoError(t, err)
	cmd = c.Command("")
	cmd.X11 = x
	require.ErrorIs(t, cmd.Start(t.Context()), client.ErrListen)
}

// A display that does not answer, and one that is gone.
func TestX11Fails(t *testing.T) {
	srv := graphical(func(s *server.Session) {
		lent, _ := s.X11()
		ch, err := s.DialX11(s.Context(), nil)
		if err != nil {
			return
		}
		ch.Write(hello('l', lent.Protocol, lent.Cookie))
		b, err := io.ReadAll(ch)
		fmt.Fprint(s, len(b), err)
	})
	for name, dial := range map[string]func(context.Context) (net.Conn, error){
		"there is none": func(context.Context) (net.Conn, error) { return nil, errors.New("none") },
		"it is gone": func(context.Context) (net.Conn, error) {
			near, far := memnet.Pipe()
			return near, far.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := enter(t, srv, nil)
			require.NoError(t, err)
			cmd := c.Command("")
			cmd.X11 = &client.X11{Dial: dial}
			out, err := cmd.Output(t.Context())
			require.NoError(t, err)
			require.Equal(t, "0 <nil>", string(out))
		})
	}
}
