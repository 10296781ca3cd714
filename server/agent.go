package server

import (
	"context"
	"net"
	"sync"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/splice"
)

// The requests of clients that lend their agent, and the channels to it, have
// names of RFC 9987, section 6, and older ones of OpenSSH.
const (
	agentRequest        = "agent-req"
	agentChannel        = "agent-connect"
	agentExtension      = "agent-forward" // announces that the former are known
	agentRequestOpenSSH = "auth-agent-req@openssh.com"
	agentChannelOpenSSH = "auth-agent@openssh.com"
)

// maxAgents is how many connections to a client's agent a session serves at
// once.
const maxAgents = 32

// lendAgent handles the client's offer of its agent.
func (s *Session) lendAgent(name string, p []byte) bool {
	if len(p) > 0 || s.agent != "" || !s.conn.mayForwardAgent() {
		return false
	}
	s.agent = agentChannel
	if name == agentRequestOpenSSH {
		s.agent = agentChannelOpenSSH
	}
	return true
}

// mayForwardAgent reports whether the user may lend an agent.
func (c *Conn) mayForwardAgent() bool {
	return c.server.AllowAgentForwarding && c.permissions().Permits(hostkey.PermitAgentForwarding)
}

// HasAgent reports whether the client lends its agent to the session.
func (s *Session) HasAgent() bool { return s.agent != "" }

// DialAgent connects to the client's agent, for the caller to close: agent.NewClient
// makes a client of it. It fails with [ErrNoAgent] if there is none.
func (s *Session) DialAgent(ctx context.Context) (*channel.Channel, error) {
	if s.agent == "" {
		return nil, ErrNoAgent
	}
	return s.conn.mux.Open(ctx, s.agent, nil, channel.Params{})
}

// ServeAgent connects whoever comes to l with the client's agent, until l is
// closed or the session has ended, and closes l. It returns when nobody is
// connected any more; 32 may be at a time. agent.Listen makes a socket for it,
// whose address is SSH_AUTH_SOCK to programs: who can get at it has the client's
// agent sign.
func (s *Session) ServeAgent(l net.Listener) error {
	defer l.Close()
	if s.agent == "" {
		return ErrNoAgent
	}
	defer context.AfterFunc(s.Context(), func() { l.Close() })()
	var connected sync.WaitGroup
	defer connected.Wait()
	slots := make(chan struct{}, maxAgents)
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		select {
		case slots <- struct{}{}:
			connected.Go(func() {
				defer func() { <-slots }()
				s.connectAgent(nc)
			})
		default:
			nc.Close()
		}
	}
}

// connectAgent connects one to the client's agent, until either is gone or the
// session has ended.
func (s *Session) connectAgent(nc net.Conn) {
	ch, err := s.DialAgent(s.Context())
	if err != nil {
		nc.Close()
		return
	}
	defer context.AfterFunc(s.Context(), func() {
		nc.Close()
		ch.Close()
	})()
	splice.Join(nc, ch)
}
