//go:build unix

package main

import (
	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/server"
)

// agentSocket makes a socket for the agent that the client lends, if it lends
// one, and returns the variable that says where it is. stop removes it. A
// session without the agent is better than none.
func (d *daemon) agentSocket(s *server.Session) (env []string, stop func()) {
	if !s.HasAgent() {
		return nil, func() {}
	}
	l, err := agent.Listen()
	if err != nil {
		d.log.Error("no socket for the client's agent", "err", err)
		return nil, func() {}
	}
	go s.ServeAgent(l)
	return []string{"SSH_AUTH_SOCK=" + l.Addr().String()}, func() { l.Close() }
}
