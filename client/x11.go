package client

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/internal/splice"
	"github.com/whelk-ssh/whelk/wire"
)

// x11Channel is the type of the channels from which programs at the server get
// at a display (RFC 4254, section 6.3.2).
const x11Channel = "x11"

// maxX11 is how many connections to displays a server may have at once.
const maxX11 = 256

// x11Greeting is how long a program may take to say who it is.
const x11Greeting = 30 * time.Second

// X11Cookie is the protocol by which X11 servers know who may connect.
const X11Cookie = "MIT-MAGIC-COOKIE-1"

// X11 lends a display to a command (RFC 4254, section 6.3). Who is root at the
// server, or the user there, sees and types meanwhile what the display's server
// lets them: it should be given a cookie that it does not trust.
//
// The server does not get to see the cookie. It is told one that is made for
// the command and that no display knows; programs that come with it are
// connected to the display with the true one, and others are turned away.
type X11 struct {
	// Dial connects to the display. It returns when its context is done.
	Dial func(ctx context.Context) (net.Conn, error)

	Protocol string // X11Cookie if empty
	Cookie   []byte // the display's own; if nil, programs come to it without
	Screen   uint32
	Single   bool // one connection is made and no other

	// Until, unless zero, is when no further connection is made.
	Until time.Time
}

func (x *X11) protocol() string {
	if x.Protocol == "" {
		return X11Cookie
	}
	return x.Protocol
}

// A display is an X11 that a command has asked to be lent.
type display struct {
	*X11
	fake []byte
	used bool // guarded by the mutex of displays
}

// displays are those that a Client lends.
type displays struct {
	ctx    context.Context // done when the connection has ended
	cancel context.CancelFunc

	mu      sync.Mutex // never held to wait
	lent    []*display
	serving int // connections
	ended   bool
	running sync.WaitGroup
}

var errNoDisplay = errors.New("client: Cmd.X11 has no Dial: say how to connect to the display")

// offerX11 asks the server to make a display known to a command, and takes
// connections to it until the command's channel has closed.
func (c *Client) offerX11(ctx context.Context, ch *channel.Channel, x *X11) error {
	switch {
	case x.Dial == nil:
		return errNoDisplay
	case c.forwards.taken:
		return ErrListen
	}
	d := &display{X11: x, fake: make([]byte, max(16, len(x.Cookie)))}
	rand.Read(d.fake)
	if !c.displays.add(ch, d) {
		return c.mux.Err()
	}
	m := wire.X11Request{Single: x.Single, Protocol: x.protocol(), Cookie: hex.EncodeToString(d.fake), Screen: x.Screen}
	return refused(ch.Request(ctx, "x11-req", m.Append(nil)), "x11-req", "")
}

// add lends d until ch has closed. It reports false if the connection has ended.
func (s *displays) add(ch *channel.Channel, d *display) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancel(context.Background())
	}
	s.lent = append(s.lent, d)
	s.running.Go(func() {
		<-ch.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lent = slices.DeleteFunc(s.lent, func(other *display) bool { return other == d })
	})
	return true
}

// open answers the server, which wants a channel to a display. It reports false
// if none was lent (K16). It never waits.
func (s *displays) open(o *connection.Opening) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended || !slices.ContainsFunc(s.lent, (*display).open):
		return false
	case s.serving == maxX11:
		o.Reject(channel.ResourceShortage, "too many connections to the display")
		return true
	}
	s.serving++
	s.running.Go(func() { s.serve(o) })
	return true
}

// open reports whether d takes a further connection.
func (d *display) open() bool {
	return !(d.Single && d.used) && (d.Until.IsZero() || time.Now().Before(d.Until))
}

// serve connects a program at the server to the display that it has the cookie
// of.
func (s *displays) serve(o *connection.Opening) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.serving--
	}()
	ch, err := o.Accept(channel.Params{})
	if err != nil {
		return
	}
	defer ch.Close()
	defer context.AfterFunc(s.ctx, func() { ch.Close() })()
	ch.SetReadDeadline(time.Now().Add(x11Greeting))
	hello, err := readX11Hello(ch)
	if err != nil {
		return
	}
	d := s.match(hello)
	if d == nil {
		return
	}
	nc, err := d.Dial(s.ctx)
	if err != nil {
		return
	}
	defer nc.Close()
	ch.SetReadDeadline(time.Time{})
	if _, err := nc.Write(hello.with(d.X11)); err != nil {
		return
	}
	splice.JoinUntil(s.ctx, ch, nc)
}

// match returns the display that a program has the cookie of, and uses it up if
// it is good for one connection.
func (s *displays) match(h *x11Hello) *display {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.lent {
		same := subtle.ConstantTimeCompare(h.cookie, d.fake) == 1 // L6
		if same && string(h.protocol) == d.protocol() && d.open() {
			d.used = true
			return d
		}
	}
	return nil
}

// end ends what is lent when the connection has ended.
func (s *displays) end() {
	s.mu.Lock()
	s.ended = true
	cancel := s.cancel
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	s.running.Wait()
}

// An x11Hello is what a program begins with (X Window System Protocol, chapter
// 8, "Connection Setup"). Numbers are in the order of bytes that the first says.
//
//	byte       "B", the highest first, or "l"
//	byte       unused
//	byte[2]    major version
//	byte[2]    minor version
//	byte[2]    length of the protocol's name
//	byte[2]    length of the cookie
//	byte[2]    unused
//	byte[]     protocol's name, padded to a multiple of 4
//	byte[]     cookie, padded to a multiple of 4
type x11Hello struct {
	head             [12]byte
	order            binary.ByteOrder
	protocol, cookie []byte
}

// maxX11Field is the length of the longest name and the longest cookie, in
// bytes.
const maxX11Field = 256

var errX11Hello = errors.New("client: no beginning of an X11 connection")

func readX11Hello(r io.Reader) (*x11Hello, error) {
	h := new(x11Hello)
	if _, err := io.ReadFull(r, h.head[:]); err != nil {
		return nil, err
	}
	switch h.head[0] {
	case 'B':
		h.order = binary.BigEndian
	case 'l':
		h.order = binary.LittleEndian
	default:
		return nil, errX11Hello
	}
	n, d := int(h.order.Uint16(h.head[6:])), int(h.order.Uint16(h.head[8:]))
	if n > maxX11Field || d > maxX11Field {
		return nil, errX11Hello
	}
	fields := make([]byte, padded(n)+padded(d))
	if _, err := io.ReadFull(r, fields); err != nil {
		return nil, err
	}
	h.protocol, h.cookie = fields[:n], fields[padded(n):padded(n)+d]
	return h, nil
}

func padded(n int) int { return (n + 3) &^ 3 }

// with returns the beginning with the cookie of the display.
func (h *x11Hello) with(x *X11) []byte {
	protocol := x.protocol()
	if x.Cookie == nil {
		protocol = ""
	}
	n, d := len(protocol), len(x.Cookie)
	b := make([]byte, len(h.head)+padded(n)+padded(d))
	copy(b, h.head[:])
	h.order.PutUint16(b[6:], uint16(n))
	h.order.PutUint16(b[8:], uint16(d))
	copy(b[len(h.head):], protocol)
	copy(b[len(h.head)+padded(n):], x.Cookie)
	return b
}
