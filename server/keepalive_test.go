package server_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// authenticated logs in as alice, and reads nothing from then on.
func authenticated(t *testing.T, srv *server.Server) *peer {
	p := connect(t, srv).handshake()
	client := userauth.Client{User: "alice", Methods: []userauth.Method{
		userauth.Password(func(context.Context) (string, error) { return "secret", nil })}}
	require.NoError(t, client.Authenticate(context.Background(), p.conn, userauth.Binding{SessionID: p.conn.State().SessionID}))
	return p
}

// O4: a client that is gone is given up, with its sessions.
func TestKeepAliveGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		srv.KeepAlive = connection.KeepAlive{Interval: 20 * time.Second, Count: 3}
		log := logged(srv)
		p := authenticated(t, srv)
		began := time.Now()
		err := <-p.served
		require.ErrorIs(t, err, server.ErrDeadPeer)
		require.ErrorIs(t, err, net.ErrClosed)
		require.ErrorContains(t, err, "no answer for 1m0s")
		require.Equal(t, time.Minute, time.Since(began).Round(time.Second))
		require.Contains(t, log.String(), "gives no sign of life")
		p.conn.Close()
	})
}

// A client that answers is kept, idle as it is, and one whose session waits for
// nothing but its client ends with it.
func TestKeepAliveKeepsClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		srv := newServer(server.HandlerFunc(func(s *server.Session) {
			<-s.Context().Done()
			close(ended)
		}))
		srv.KeepAlive = connection.KeepAlive{Interval: time.Second}
		p := login(t, srv)
		require.NoError(t, p.session().ask("shell", nil))
		time.Sleep(time.Hour / 2)
		select {
		case err := <-p.served:
			t.Fatal(err)
		default:
		}
		p.conn.Close()
		<-ended
		require.NotErrorIs(t, <-p.served, server.ErrDeadPeer)
	})
}

// O6: a client that reads nothing of a session's output ends the session, and
// with it the program, as soon as one that is gone.
func TestKeepAliveStalledClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrote := make(chan error, 1)
		srv := newServer(nil)
		srv.KeepAlive = connection.KeepAlive{Interval: 10 * time.Second}
		srv.Session = server.HandlerFunc(func(s *server.Session) {
			_, err := s.Write(bytes.Repeat([]byte("y\n"), 1<<24))
			wrote <- err
		})
		p := authenticated(t, srv)
		// A session of a client that has opened a window of 4 GiB, and talks.
		open := wire.ChannelOpen{Type: "session", Window: 1<<32 - 1, MaxPacket: 1 << 15}
		shell := wire.ChannelRequest{Type: "shell"}
		require.NoError(t, p.conn.WritePacket(open.Append(nil)))
		require.NoError(t, p.conn.WritePacket(shell.Append(nil)))
		began := time.Now()
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Second):
					talk := wire.GlobalRequest{Type: "x"}
					p.conn.WritePacket(talk.Append(nil))
				}
			}
		}()
		require.ErrorIs(t, <-wrote, server.ErrDeadPeer)
		require.LessOrEqual(t, time.Since(began), 31*time.Second)
		require.ErrorIs(t, <-p.served, server.ErrDeadPeer)
		close(stop)
		p.conn.Close()
	})
}
