package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/client"
)

// An x11 is what flags and keywords about X11 say.
type x11 struct {
	forward bool          // ForwardX11, -X
	trusted bool          // ForwardX11Trusted, -Y
	timeout time.Duration // ForwardX11Timeout: of displays that are not trusted
	xauth   string        // XAuthLocation
}

func newX11() x11 { return x11{timeout: 20 * time.Minute, xauth: "xauth"} }

// A displayName is where a display is: DISPLAY, taken apart.
type displayName struct {
	host   string // "" for a socket
	number int
	screen uint32
}

var errDisplay = errors.New("DISPLAY is not of the form [HOST]:NUMBER[.SCREEN]")

// parseDisplay takes DISPLAY apart. What is odd in it does not get to xauth.
func parseDisplay(text string) (d displayName, err error) {
	odd := func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(".:/-_[]", c))
	}
	i := strings.LastIndex(text, ":")
	if i < 0 || strings.HasPrefix(text, "-") || strings.ContainsFunc(text, odd) {
		return d, errDisplay
	}
	number, screen, _ := strings.Cut(text[i+1:], ".")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n > 59535 { // or there is no such port
		return d, errDisplay
	}
	d = displayName{host: strings.Trim(text[:i], "[]"), number: int(n)}
	if d.host == "unix" {
		d.host = ""
	}
	if screen != "" {
		n, err := strconv.ParseUint(screen, 10, 8)
		if err != nil {
			return d, errDisplay
		}
		d.screen = uint32(n)
	}
	return d, nil
}

// dial connects to the display.
func (d *displayName) dial(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	switch {
	case strings.HasPrefix(d.host, "/"): // as on macOS, where the name is that of a socket
		return dialer.DialContext(ctx, "unix", fmt.Sprintf("%s:%d", d.host, d.number))
	case d.host == "":
		return dialer.DialContext(ctx, "unix", fmt.Sprintf("/tmp/.X11-unix/X%d", d.number))
	}
	return dialer.DialContext(ctx, "tcp", net.JoinHostPort(d.host, strconv.Itoa(6000+d.number)))
}

// lendDisplay returns the display to lend, or nil if there is none, which it
// says.
func (p *program) lendDisplay(ctx context.Context) *client.X11 {
	if !p.x11.forward {
		return nil
	}
	text := os.Getenv("DISPLAY")
	if text == "" {
		p.log.printf(levelDebug1, "X11 forwarding requested but DISPLAY not set")
		return nil
	}
	d, err := parseDisplay(text)
	if err != nil {
		p.log.printf(levelError, "X11 forwarding: %v", err)
		return nil
	}
	x := &client.X11{Dial: d.dial, Screen: d.screen}
	if !p.x11.trusted {
		x.Cookie, err = p.untrusted(ctx, text)
		if err != nil {
			p.log.printf(levelInfo, "Warning: untrusted X11 forwarding setup failed: %v: -Y trusts the host with the display", err)
			return nil
		}
		if p.x11.timeout > 0 {
			x.Until = time.Now().Add(p.x11.timeout)
		}
		return x
	}
	if x.Cookie, err = p.cookie(ctx, text); err != nil {
		p.log.printf(levelInfo, "Warning: No xauth data; using fake authentication data for X11 forwarding: %v", err)
	}
	return x
}

// xauthPatience is how long xauth may take: it waits for a lock that another one
// may have left behind.
const xauthPatience = 10 * time.Second

// cookie returns the display's cookie, as xauth has it.
func (p *program) cookie(ctx context.Context, display string, flags ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, xauthPatience)
	defer cancel()
	if rest, ok := strings.CutPrefix(display, "localhost:"); ok {
		display = "unix:" + rest // as xauth calls it
	}
	out, err := exec.CommandContext(ctx, p.x11.xauth, append(flags, "list", display)...).Output()
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[1] == client.X11Cookie {
			return hex.DecodeString(fields[2])
		}
	}
	return nil, fmt.Errorf("%s has no %s of %s", p.x11.xauth, client.X11Cookie, display)
}

// untrusted has the display make a cookie for those that it does not trust.
func (p *program) untrusted(ctx context.Context, display string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "whelk-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "xauth")
	limited, cancel := context.WithTimeout(ctx, xauthPatience)
	defer cancel()
	args := []string{"-q", "-f", file, "generate", display, client.X11Cookie, "untrusted"}
	if p.x11.timeout > 0 { // a minute longer, so that it is not the display that refuses
		args = append(args, "timeout", strconv.Itoa(int((p.x11.timeout + time.Minute).Seconds())))
	}
	if out, err := exec.CommandContext(limited, p.x11.xauth, args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %.200q", err, out)
	}
	return p.cookie(ctx, display, "-q", "-f", file)
}

// withoutDisplay reports whether a command did not start because the host does
// not want the display: it is to do without.
func (p *program) withoutDisplay(err error) bool {
	refused, ok := errors.AsType[*client.StartError](err)
	if !ok || refused.Request != "x11-req" {
		return false
	}
	p.log.printf(levelInfo, "X11 forwarding request failed on channel 0")
	return true
}

// again returns the same command without a display.
func again(c *client.Client, cmd *client.Cmd) *client.Cmd {
	other := c.Command(cmd.String())
	other.Subsystem = cmd.Subsystem
	other.Stdin, other.Stdout, other.Stderr = cmd.Stdin, cmd.Stdout, cmd.Stderr
	other.Env, other.Pty, other.ForwardAgent = cmd.Env, cmd.Pty, cmd.ForwardAgent
	return other
}

func takeX11Timeout(s *settings, v value) error {
	if v.isSet() {
		s.x11.timeout = v.Seconds(v.keyword)
	}
	return nil
}

func takeXauth(s *settings, v value) error {
	if v.isSet() {
		s.x11.xauth = v.text()
	}
	return nil
}
