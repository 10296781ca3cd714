package client

import (
	"fmt"
	"math"
	"os"
	"time"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// Signal sends the command one of the signals that RFC 4254, section 6.10, has
// a name for. It does not wait for it to be delivered; servers may ignore it.
func (c *Cmd) Signal(s os.Signal) error {
	name, ok := channel.SignalOf(s)
	if !ok {
		return fmt.Errorf("client: RFC 4254 has no name for the signal %v: use SignalName", s)
	}
	return c.SignalName(name)
}

// SignalName is Signal with a signal that need not exist on this system.
func (c *Cmd) SignalName(name channel.Signal) error {
	m := wire.SignalRequest{Name: string(name)}
	return c.notify("signal", m.Append(nil))
}

// Resize tells the command's terminal its size (RFC 4254, section 6.7).
func (c *Cmd) Resize(w Window) error {
	m := wire.WindowChange(w)
	return c.notify("window-change", m.Append(nil))
}

// Break has the command's terminal see a break of the given length, as on a
// serial line (RFC 4335): zero leaves the length to the server. Like Signal it
// does not wait, and servers may ignore it.
func (c *Cmd) Break(length time.Duration) error {
	m := wire.Break{Milliseconds: uint32(min(max(length.Milliseconds(), 0), math.MaxUint32))}
	return c.notify("break", m.Append(nil))
}

func (c *Cmd) notify(name string, payload []byte) error {
	if c.channel == nil {
		return errNotStarted
	}
	return c.channel.Notify(name, payload)
}
