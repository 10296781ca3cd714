package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// sessionType is the type of the channels that commands run in (RFC 4254,
// section 6.1).
const sessionType = "session"

// errNoMore reports a session that comes too late.
var errNoMore = errors.New("client: NoMoreSessions was called: no further command or subsystem can be started")

// openSession opens a session.
func (c *Client) openSession(ctx context.Context, p channel.Params) (*channel.Channel, error) {
	if c.noMore.Load() {
		return nil, errNoMore
	}
	return c.mux.Open(ctx, sessionType, nil, p)
}

// NoMoreSessions has the server refuse further sessions, so that who gets hold
// of the connection by way of this process cannot run a command of their own
// (OpenSSH PROTOCOL, section 2.2). What runs goes on, and channels of other
// types can still be opened; commands and subsystems fail here as well. Servers
// that are not known to understand are told nothing.
func (c *Client) NoMoreSessions() error {
	c.noMore.Store(true)
	if !c.likeOpenSSH() {
		return nil
	}
	return c.mux.Notify("no-more-sessions@openssh.com", nil)
}

// likeOpenSSH reports whether the server knows those extensions of OpenSSH's
// that others have been seen to end the connection over.
func (c *Client) likeOpenSSH() bool {
	version := c.State().ServerVersion
	return strings.Contains(version, "OpenSSH") || strings.Contains(version, "Whelk")
}

// Subsystem starts a subsystem of the server (RFC 4254, section 6.5), such as
// "sftp", and returns the channel to it, for the caller to close. What the
// subsystem writes to its standard error is discarded. The context bounds the
// start alone. It fails with a [*StartError] if the server has no such
// subsystem.
func (c *Client) Subsystem(ctx context.Context, name string) (*channel.Channel, error) {
	start := time.Now()
	doing := fmt.Sprintf("starting the subsystem %q", name)
	ch, err := c.openSession(ctx, channel.Params{})
	if err != nil {
		return nil, contextual(ctx, err, start, doing)
	}
	request := wire.SubsystemRequest{Name: name}
	if err := ch.Request(ctx, "subsystem", request.Append(nil)); err != nil {
		ch.Close()
		return nil, contextual(ctx, refused(err, "subsystem", name), start, doing)
	}
	return ch, nil
}
