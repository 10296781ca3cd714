package client_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// lenient is a server that lets in alice with the key testkeys.Ed25519, takes
// agents and runs h.
func lenient(h func(*server.Session)) *server.Server {
	check := userauth.CheckPublicKey(func(_ context.Context, a *userauth.Attempt, key hostkey.PublicKey) (d userauth.Decision, err error) {
		if a.User == "alice" && hostkey.Equal(key, testkeys.Ed25519().PublicKey()) {
			d = userauth.Accept(nil)
		}
		return d, nil
	})
	return &server.Server{
		HostKeys: []hostkey.Signer{testkeys.ECDSA256()}, Auth: userauth.Server{Checks: []userauth.Check{check}, Delay: -1},
		Session: server.HandlerFunc(h), AllowAgentForwarding: true,
	}
}

// enter connects alice to a server.
func enter(t *testing.T, srv *server.Server, change func(*client.Config)) (*client.Client, error) {
	t.Helper()
	near, far := memnet.Pipe()
	go srv.ServeConn(context.Background(), far)
	config := &client.Config{User: "alice", Auth: []userauth.Method{userauth.PublicKey(testkeys.Ed25519())}, HostKeys: hostkey.Pin(testkeys.ECDSA256().PublicKey())}
	if change != nil {
		change(config)
	}
	c, err := client.New(t.Context(), near, "host", config)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func key(t *testing.T, name string) crypto.Signer {
	k, err := hostkey.ParsePrivateKeyFile(testkeys.PEM(name), nil)
	require.NoError(t, err)
	return k.Key
}

// to returns the destination of a host, from here.
func to(host hostkey.Signer) agent.Destination {
	return agent.Destination{To: agent.Hop{Host: "host", Keys: []agent.HopKey{{Key: host.PublicKey()}}}}
}

// A session may use the agent that its client lends, and sees the keys that are
// of use there.
func TestForwardAgent(t *testing.T) {
	k := agent.NewKeyring()
	require.NoError(t, k.Add(t.Context(), agent.AddedKey{Key: key(t, "rsa2048"), Comment: "anywhere"}))
	require.NoError(t, k.Add(t.Context(), agent.AddedKey{Key: key(t, "ed25519"), Comment: "only to the host", Destinations: []agent.Destination{to(testkeys.ECDSA256())}}))
	srv := lenient(func(s *server.Session) {
		if !s.HasAgent() {
			fmt.Fprint(s, "none")
			return
		}
		ch, err := s.DialAgent(s.Context())
		if err != nil {
			fmt.Fprint(s, err)
			return
		}
		defer ch.Close()
		a := agent.NewClient(ch)
		keys, err := a.Keys(s.Context())
		fmt.Fprint(s, len(keys), keys[0].Comment, err)
		_, err = a.Sign(s.Context(), keys[0], hostkey.RSASHA512, []byte("data"))
		fmt.Fprint(s, err)
	})
	c, err := enter(t, srv, func(c *client.Config) { c.Agent = agent.DialTo(k) })
	require.NoError(t, err)
	state := c.State()
	require.Equal(t, "0", string(state.Extensions["agent-forward"]), "RFC 9987, section 6")
	for range 3 {
		cmd := c.Command("")
		cmd.ForwardAgent = true
		out, err := cmd.Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "1anywhere<nil><nil>", string(out))
	}
	out, err := c.Command("").Output(t.Context())
	require.NoError(t, err)
	require.Equal(t, "none", string(out), "it is off unless asked for")
}

// A server that opens channels to an agent which it was not offered, or not any
// more.
func TestAgentWasNotOffered(t *testing.T) { // K16, M7
	conns := make(chan *server.Conn, 1)
	release := make(chan struct{})
	srv := lenient(func(s *server.Session) {
		conns <- s.Conn()
		<-release
	})
	prohibited := func(conn *server.Conn, kind string) {
		_, err := conn.Mux().Open(t.Context(), kind, nil, channel.Params{})
		var refused *channel.OpenError
		require.ErrorAs(t, err, &refused, "K16")
		require.Equal(t, channel.AdministrativelyProhibited, refused.Reason, "K16")
	}
	for name, change := range map[string]func(*client.Config){
		"K16 there is none":        nil,
		"K16 it was not asked for": func(c *client.Config) { c.Agent = agent.DialTo(agent.NewKeyring()) },
	} {
		t.Run(name, func(t *testing.T) {
			c, err := enter(t, srv, change)
			require.NoError(t, err)
			cmd := c.Command("")
			require.NoError(t, cmd.Start(t.Context()))
			conn := <-conns
			for _, kind := range []string{"auth-agent@openssh.com", "agent-connect", "session", "x11", "forwarded-tcpip"} {
				prohibited(conn, kind)
			}
			release <- struct{}{}
			require.NoError(t, cmd.Wait())
		})
	}
	t.Run("M7 the command has ended", func(t *testing.T) {
		c, err := enter(t, srv, func(c *client.Config) { c.Agent = agent.DialTo(agent.NewKeyring()) })
		require.NoError(t, err)
		cmd := c.Command("")
		cmd.ForwardAgent = true
		require.NoError(t, cmd.Start(t.Context()))
		conn := <-conns
		for _, kind := range []string{"auth-agent@openssh.com", "agent-connect"} {
			ch, err := conn.Mux().Open(t.Context(), kind, nil, channel.Params{})
			require.NoError(t, err)
			require.NoError(t, ch.Close())
		}
		release <- struct{}{}
		require.NoError(t, cmd.Wait())
		require.Eventually(t, func() bool {
			ch, err := conn.Mux().Open(t.Context(), "agent-connect", nil, channel.Params{})
			if err == nil {
				ch.Close()
			}
			return err != nil
		}, 5*time.Second, time.Millisecond)
		prohibited(conn, "agent-connect")
	})
	t.Run("ForwardAgent without an agent", func(t *testing.T) {
		c, err := enter(t, srv, nil)
		require.NoError(t, err)
		cmd := c.Command("")
		cmd.ForwardAgent = true
		require.ErrorContains(t, cmd.Start(t.Context()), "Config.Agent")
	})
}

// A server has so many connections to the agent, and none that outlives its own.
func TestManyConnectionsToTheAgent(t *testing.T) {
	conns := make(chan *server.Conn, 1)
	srv := lenient(func(s *server.Session) {
		conns <- s.Conn()
		<-s.Context().Done()
	})
	var open sync.WaitGroup
	c, err := enter(t, srv, func(c *client.Config) {
		c.Agent = func(context.Context) (io.ReadWriteCloser, error) {
			near, far := memnet.Pipe()
			open.Go(func() { agent.Serve(context.Background(), agent.NewKeyring(), far) })
			return near, nil
		}
	})
	require.NoError(t, err)
	cmd := c.Command("")
	cmd.ForwardAgent = true
	require.NoError(t, cmd.Start(t.Context()))
	conn := <-conns
	for i := range 40 {
		_, err := conn.Mux().Open(t.Context(), "auth-agent@openssh.com", nil, channel.Params{})
		var refused *channel.OpenError
		if i < 32 {
			require.NoError(t, err)
			continue
		}
		require.ErrorAs(t, err, &refused)
		require.Equal(t, channel.ResourceShortage, refused.Reason)
	}
	require.NoError(t, c.Close())
	open.Wait()
}

// Agents that do not answer, or not as they should.
func TestAgentFails(t *testing.T) {
	for name, dial := range map[string]func(context.Context) (io.ReadWriteCloser, error){
		"there is none": agent.Dialer("/nonesuch"),
		"it closes": func(context.Context) (io.ReadWriteCloser, error) {
			near, far := memnet.Pipe()
			return near, far.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := lenient(func(s *server.Session) {
				_, err := s.DialAgent(s.Context())
				fmt.Fprint(s, err)
			})
			c, err := enter(t, srv, func(c *client.Config) { c.Agent = dial })
			require.NoError(t, err)
			cmd := c.Command("")
			cmd.ForwardAgent = true
			out, err := cmd.Output(t.Context())
			require.NoError(t, err, "the command runs without it")
			require.Contains(t, string(out), "the agent does not answer")
		})
	}
}

// The channels that are not the agent's are the user's.
func TestAgentAndOtherChannels(t *testing.T) {
	srv := lenient(func(s *server.Session) {
		ch, err := s.Conn().Mux().Open(s.Context(), "other", nil, channel.Params{})
		if err == nil {
			ch.Close()
		}
		fmt.Fprint(s, err)
	})
	c, err := enter(t, srv, func(c *client.Config) {
		c.Agent = agent.DialTo(agent.NewKeyring())
		c.Mux = connection.Config{Opens: 1, OnOpen: func(o *connection.Opening) { o.Accept(channel.Params{}) }}
	})
	require.NoError(t, err)
	out, err := c.Command("").Output(t.Context())
	require.NoError(t, err)
	require.Equal(t, "<nil>", string(out))
	_, err = enter(t, srv, func(c *client.Config) {
		c.Agent = agent.DialTo(agent.NewKeyring())
		c.Mux.Opens = 1
	})
	require.ErrorIs(t, err, client.ErrAgent)
}

// A key that is restricted to hosts lets the user in there, and is not even
// offered elsewhere.
func TestAgentKeys(t *testing.T) {
	for _, test := range []struct {
		name string
		host hostkey.Signer
		ok   bool
	}{{"the host", testkeys.ECDSA256(), true}, {"another", testkeys.ECDSA384(), false}} {
		for kind, of := range map[string]func(*agent.Keyring) agent.Agent{
			"keyring": func(k *agent.Keyring) agent.Agent { return k },
			"client": func(k *agent.Keyring) agent.Agent {
				rw, err := agent.DialTo(k)(t.Context())
				require.NoError(t, err)
				return agent.NewClient(rw)
			},
		} {
			t.Run(test.name+"/"+kind, func(t *testing.T) {
				k := agent.NewKeyring()
				require.NoError(t, k.Add(t.Context(), agent.AddedKey{Key: key(t, "ed25519"), Destinations: []agent.Destination{to(test.host)}}))
				_, err := enter(t, lenient(func(*server.Session) {}), func(c *client.Config) {
					c.Auth = []userauth.Method{userauth.PublicKeyFunc(client.AgentKeys(of(k)))}
				})
				require.Equal(t, test.ok, err == nil, "%v", err)
			})
		}
	}
	signers, err := client.AgentKeys(agent.NewKeyring())(t.Context())
	require.NoError(t, err, "nothing to bind to")
	require.Empty(t, signers)
	dead, far := memnet.Pipe()
	require.NoError(t, far.Close())
	_, err = enter(t, lenient(func(*server.Session) {}), func(c *client.Config) {
		c.Auth = []userauth.Method{userauth.PublicKeyFunc(client.AgentKeys(agent.NewClient(dead)))}
	})
	var broke *agent.ConnError
	require.True(t, errors.As(err, &broke), "%v", err)
}
