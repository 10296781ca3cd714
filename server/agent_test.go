package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// Who may lend an agent, and how often.
func TestM7AgentRequest(t *testing.T) { // M7
	permits := func(names ...string) *userauth.Permissions {
		p := &userauth.Permissions{Extensions: map[string]string{}}
		for _, name := range names {
			p.Extensions[name] = ""
		}
		return p
	}
	for _, test := range []struct {
		name        string
		allowed     bool
		permissions *userauth.Permissions
		payload     []byte
		want        bool
	}{
		{"M7 off by default", false, nil, nil, false},
		{"allowed", true, nil, nil, true},
		{"permitted by a certificate", true, permits("permit-agent-forwarding"), nil, true},
		{"permitted by a certificate, not by the server", false, permits("permit-agent-forwarding"), nil, false},
		{"not permitted by a certificate", true, permits("permit-pty"), nil, false},
		{"malformed", true, nil, []byte{0}, false},
	} {
		for _, request := range []string{"auth-agent-req@openssh.com", "agent-req"} {
			t.Run(test.name+"/"+request, func(t *testing.T) {
				srv := accepting(newServer(handler(func(s *server.Session) { fmt.Fprint(s, s.HasAgent()) })), test.permissions)
				srv.AllowAgentForwarding = test.allowed
				s := login(t, srv).session()
				require.Equal(t, test.want, s.ask(request, test.payload) == nil)
				if test.payload == nil {
					require.Error(t, s.ask(request, nil), "K15: a second time, or not at all")
				}
				require.Equal(t, fmt.Sprint(test.want), s.exec("x").finish().stdout)
			})
		}
	}
}

// The channel to the agent is of the type that goes with the request, and what
// is said on it arrives.
func TestServeAgent(t *testing.T) {
	for request, kind := range map[string]string{"auth-agent-req@openssh.com": "auth-agent@openssh.com", "agent-req": "agent-connect"} {
		t.Run(request, func(t *testing.T) {
			l := memnet.Listen()
			srv := newServer(handler(func(s *server.Session) { fmt.Fprint(s, s.ServeAgent(l)) }))
			srv.AllowAgentForwarding = true
			p := login(t, srv)
			s := p.session()
			require.NoError(t, s.ask(request, nil))
			s.exec("x")
			for range 3 {
				nc, err := l.Dial(t.Context())
				require.NoError(t, err)
				o, err := p.mux.Accept(context.Background())
				require.NoError(t, err)
				require.Equal(t, kind, o.Type)
				ch, err := o.Accept(channel.Params{})
				require.NoError(t, err)
				go func() {
					agent.Serve(context.Background(), agent.NewKeyring(), ch)
					ch.Close()
				}()
				a := agent.NewClient(nc)
				require.NoError(t, a.RemoveAll(t.Context()))
				require.NoError(t, a.Close())
			}
			refused, err := l.Dial(t.Context())
			require.NoError(t, err)
			o, err := p.mux.Accept(context.Background())
			require.NoError(t, err)
			require.NoError(t, o.Reject(channel.ConnectFailed, ""))
			_, err = refused.Read(make([]byte, 1))
			require.Equal(t, io.EOF, err)

			lent, err := l.Dial(t.Context())
			require.NoError(t, err)
			o, err = p.mux.Accept(context.Background())
			require.NoError(t, err)
			_, err = o.Accept(channel.Params{})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			_, err = lent.Read(make([]byte, 1))
			require.Error(t, err, "the session has ended")
		})
	}
}

// A session without an agent has none to give.
func TestNoAgent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	o := run(t, newServer(handler(func(s *server.Session) {
		_, err := s.DialAgent(s.Context())
		fmt.Fprint(s, err == server.ErrNoAgent, s.ServeAgent(l) == server.ErrNoAgent)
	})), "x")
	require.Equal(t, "true true", o.stdout)
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}
