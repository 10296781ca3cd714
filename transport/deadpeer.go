package transport

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrDeadPeer is why a connection ended whose peer gives no sign of life: it
// took nothing of what was sent for [Config].StallTimeout, or a layer above
// asked it in vain. It is an [os.ErrDeadlineExceeded].
var ErrDeadPeer = fmt.Errorf("transport: the peer gives no sign of life: %w", os.ErrDeadlineExceeded)

// Abandon ends the connection because of err, which from then on everything
// fails with. The peer, who is not expected to listen, is told nothing. It does
// not wait, and is safe for concurrent use.
func (c *Conn) Abandon(err error) { c.fail(&Error{Reason: ReasonConnectionLost, Err: err}) }

// Heard returns when the last message of the peer's came that ReadPacket did
// not return, such as those of a key exchange.
func (c *Conn) Heard() time.Time {
	if t := c.heard.Load(); t != nil {
		return *t
	}
	return time.Time{}
}

// hear notes that such a message has come.
func (c *Conn) hear() {
	now := time.Now()
	c.heard.Store(&now)
}

// An insistent writes to the net.Conn for the writer, for as long as the peer
// takes something of it every so often.
type insistent struct{ c *Conn }

func (w insistent) Write(p []byte) (n int, err error) {
	limit := w.c.config.StallTimeout
	defer w.limit(time.Time{}) // or what flush tries would fail after it
	for idle := 1; ; idle++ {
		w.limit(time.Now().Add(limit / looks))
		m, err := w.c.nc.Write(p[n:])
		n += m
		if m > 0 {
			idle = 0
		}
		switch {
		case w.c.out.failure() != nil || !errors.Is(err, os.ErrDeadlineExceeded):
			return n, err
		case idle == looks-1:
			return n, fmt.Errorf("%w: it took nothing of what it was sent for %v", ErrDeadPeer, limit)
		}
	}
}

// looks is how often a Write that waits is looked at within StallTimeout. In
// the time of one look the peer may have taken something at its beginning and
// nothing since.
const looks = 8

// limit sets the deadline of a Write. That of the last words stays what it is:
// stop sets it after the failure that is looked for here.
func (w insistent) limit(t time.Time) {
	w.c.nc.SetWriteDeadline(t)
	if w.c.out.failure() != nil {
		w.c.nc.SetWriteDeadline(time.Now().Add(lastWords))
	}
}
