//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/whelk-ssh/whelk/server"
)

// An x11 is what the keywords about X11 say.
type x11 struct {
	forward   bool
	offset    int  // X11DisplayOffset
	localhost bool // X11UseLocalhost
	xauth     string
}

func newX11() x11 { return x11{offset: 10, localhost: true, xauth: "/usr/bin/xauth"} }

func setDisplayOffset(o *options, v string) (err error) {
	o.x11.offset, err = strconv.Atoi(v)
	if err != nil || o.x11.offset < 0 || o.x11.offset >= maxDisplays {
		return fmt.Errorf("%q is not a number from 0 to %d", v, maxDisplays-1)
	}
	return nil
}

// apply sets up srv. Without xauth there is no way for programs to learn the
// cookie.
func (x *x11) apply(srv *server.Server) {
	_, err := exec.LookPath(x.xauth)
	srv.AllowX11Forwarding = x.forward && err == nil
}

const (
	x11Port     = 6000 // of display 0
	maxDisplays = 1000 // as sshd(8) has
)

// xauthTimeout is how long xauth may take: it waits for a lock that another one
// may have left behind.
const xauthTimeout = 10 * time.Second

// display makes a display for the one that the client lends, if it lends one,
// and returns the variable that says where it is. stop ends it. A session
// without it is better than none.
func (d *daemon) display(s *server.Session) (env []string, stop func()) {
	x, ok := s.X11()
	if !ok {
		return nil, func() {}
	}
	listeners, number, err := d.x11.listen()
	if err == nil {
		err = d.tellXauth(s, &x, number)
	}
	if err != nil {
		d.log.Error("no display for the client's", "err", err)
		closeListeners(listeners)
		return nil, func() {}
	}
	for _, l := range listeners {
		go s.ServeX11(l)
	}
	host := "localhost"
	if !d.x11.localhost {
		host = hostname()
	}
	return []string{fmt.Sprintf("DISPLAY=%s:%d.%d", host, number, x.Screen)}, func() { closeListeners(listeners) }
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

func closeListeners(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

var errNoDisplay = errors.New("all displays are in use")

// listen finds a display that nobody has. It has to be free at each address
// there is, or programs would come to somebody else (CVE-2008-1483).
func (x *x11) listen() (listeners []net.Listener, number int, err error) {
	hosts := []string{"127.0.0.1", "::1"}
	if !x.localhost {
		hosts = []string{""}
	}
	for number := x.offset; number < maxDisplays; number++ {
		listeners, err = listenAll(hosts, strconv.Itoa(x11Port+number))
		if err == nil && len(listeners) > 0 {
			return listeners, number, nil
		}
		if err != nil && !errors.Is(err, syscall.EADDRINUSE) {
			return nil, 0, err
		}
	}
	return nil, 0, errNoDisplay
}

// listenAll listens at the hosts that there are.
func listenAll(hosts []string, port string) (listeners []net.Listener, err error) {
	for _, host := range hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		switch {
		case err == nil:
			listeners = append(listeners, l)
		case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		default:
			closeListeners(listeners)
			return nil, err
		}
	}
	return listeners, nil
}

// tellXauth has the user's programs know the cookie.
func (d *daemon) tellXauth(s *server.Session, x *server.X11, number int) error {
	ctx, cancel := context.WithTimeout(s.Context(), xauthTimeout)
	defer cancel()
	name := fmt.Sprintf("unix:%d.%d", number, x.Screen) // which is what it takes for localhost
	if !d.x11.localhost {
		name = fmt.Sprintf("%s:%d.%d", hostname(), number, x.Screen)
	}
	cmd := exec.CommandContext(ctx, d.x11.xauth, "-q", "-")
	cmd.Env = d.environment(s, "")
	cmd.Stdin = bytes.NewReader(fmt.Appendf(nil, "remove %s\nadd %s %s %s\n", name, name, x.Protocol, hex.EncodeToString(x.Cookie)))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.200q", d.x11.xauth, err, out)
	}
	return nil
}
