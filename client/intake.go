package client

import (
	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
)

// maxOpens is how many channels that the server opens may be without an answer:
// those that wait for Accept of a listener among them.
const maxOpens = 1024

// An intake takes the channels that the server opens, on the goroutine that
// reads: it never waits. What was not asked for is refused (K16).
//
//	auth-agent@openssh.com, agent-connect    lending    to commands with ForwardAgent
//	forwarded-tcpip, forwarded-streamlocal   forwards   to listeners
//	x11                                      displays   to commands with X11
//	what is left                             next       Config.Mux.OnOpen
type intake struct {
	lending  *lending // nil without an Agent
	forwards *forwards
	displays *displays
	next     func(*connection.Opening) // or nil
}

// takeIn makes the intake the one that gets the channels the server opens,
// unless the user of the Client takes them with the Accept of its Mux.
func (c *Client) takeIn(config *Config, mux *connection.Config) {
	c.forwards.client = c
	if mux.Opens > 0 && mux.OnOpen == nil {
		c.forwards.taken = true
		return
	}
	c.lend(config)
	in := &intake{lending: c.lending, forwards: &c.forwards, displays: &c.displays}
	if mux.Opens > 0 {
		in.next = mux.OnOpen
	}
	mux.Opens = max(mux.Opens, maxOpens)
	mux.OnOpen = in.open
}

// open answers the server, which wants a channel, or has it answered.
func (in *intake) open(o *connection.Opening) {
	switch o.Type {
	case agentChannel, agentChannelOpenSSH:
		if in.lending != nil {
			in.lending.open(o)
			return
		}
	case forwardedTCPIP, forwardedStreamlocal:
		if in.forwards.open(o) {
			return
		}
	case x11Channel:
		if in.displays.open(o) {
			return
		}
	}
	if in.next != nil {
		in.next(o)
		return
	}
	o.Reject(channel.AdministrativelyProhibited, "opening channels is not allowed")
}
