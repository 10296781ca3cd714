package sshtest_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/server/sshtest"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// shell does what its command says.
var shell = server.HandlerFunc(func(s *server.Session) {
	switch s.Command() {
	case "fail":
		s.Exit(3)
	case "die":
		s.ExitSignal("TERM", false, "")
	case "panic":
		panic("oops")
	case "wait":
		<-s.Context().Done()
	case "sleep":
		time.Sleep(time.Hour)
	default:
		io.Copy(s, s)
	}
})

func TestSessions(t *testing.T) {
	for name, start := range map[string]func(*sshtest.Server){"memory": (*sshtest.Server).Start, "TCP": (*sshtest.Server).StartTCP} {
		t.Run(name, func(t *testing.T) {
			srv := sshtest.NewUnstartedServer(shell)
			srv.User = "alice"
			srv.Config.Subsystems = map[string]server.Handler{"echo": shell}
			start(srv)
			defer srv.Close()
			require.Empty(t, srv.Sessions())
			c := srv.Client()
			cmd := c.Command("cat")
			cmd.Stdin, cmd.Env, cmd.Pty = strings.NewReader("in"), []string{"A=b"}, &client.Pty{Term: "vt100"}
			out, err := cmd.Output(t.Context())
			require.NoError(t, err)
			require.Equal(t, "in", string(out))
			for _, command := range []string{"fail", "die", "panic"} {
				require.Error(t, c.Command(command).Run(t.Context()))
			}
			ch, err := c.Subsystem(t.Context(), "echo")
			require.NoError(t, err)
			require.Equal(t, []sshtest.Session{
				{User: "alice", Command: "cat", Env: []string{"A=b"}, Term: "vt100", Pty: true, Ended: true},
				{User: "alice", Command: "fail", Ended: true, Status: 3},
				{User: "alice", Command: "die", Ended: true, Status: 255},
				{User: "alice", Command: "panic", Ended: true, Status: 255},
			}, srv.Sessions()[:4])
			ch.Close()
			srv.Close()
			require.Equal(t, sshtest.Session{User: "alice", Subsystem: "echo", Ended: true}, srv.Sessions()[4])
		})
	}
}

func TestLogins(t *testing.T) {
	srv := sshtest.NewUnstartedServer(shell)
	var reported int
	srv.Config.Auth.Report = func(context.Context, *userauth.Attempt, error) { reported++ }
	srv.Start()
	defer srv.Close()
	config := srv.ClientConfig()
	config.User, config.Auth = "mallory", []userauth.Method{userauth.PublicKey(testkeys.Ed25519())}
	nc, err := srv.Dial(t.Context())
	require.NoError(t, err)
	_, err = client.New(t.Context(), nc, srv.Addr(), config)
	var refused *userauth.Error
	require.ErrorAs(t, err, &refused)
	srv.Client()
	logins := srv.Logins()
	require.Equal(t, reported, len(logins), "the Report that was there is called too")
	last := logins[len(logins)-1]
	require.Equal(t, sshtest.Login{User: "user", Method: "publickey"}, last)
	failed := false
	for _, l := range logins[:len(logins)-1] {
		failed = failed || l.User == "mallory" && l.Method == "publickey" && l.Err != nil
	}
	require.True(t, failed, "%v", logins)
}

// Each server has keys of its own, and a client of one trusts no other.
func TestKeysAreFresh(t *testing.T) {
	a, b := sshtest.NewServer(shell), sshtest.NewServer(shell)
	defer a.Close()
	defer b.Close()
	require.False(t, hostkey.Equal(a.HostKey.PublicKey(), b.HostKey.PublicKey()))
	require.False(t, hostkey.Equal(a.UserKey.PublicKey(), b.UserKey.PublicKey()))
	nc, err := a.Dial(t.Context())
	require.NoError(t, err)
	_, err = client.New(t.Context(), nc, a.Addr(), b.ClientConfig())
	var wrong *transport.HostKeyError
	require.ErrorAs(t, err, &wrong)
}

// In a bubble hours pass at once, and latency is exact.
func TestInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		srv := sshtest.NewServer(shell)
		require.NoError(t, srv.Client().Command("sleep").Run(t.Context()))
		require.Equal(t, time.Hour, time.Since(start))
		srv.Close()

		srv = sshtest.NewUnstartedServer(shell)
		srv.Latency = time.Second
		srv.Start()
		c := srv.Client()
		start = time.Now()
		require.NoError(t, c.Command("").Run(t.Context()))
		require.GreaterOrEqual(t, time.Since(start), 2*time.Second)
		srv.Close()
	})
}

// Close ends what is open, waits for the handlers, and may be repeated.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sshtest.NewServer(shell)
		c := srv.Client()
		ended := make(chan error, 1)
		go func() { ended <- c.Command("wait").Run(context.Background()) }()
		synctest.Wait()
		require.False(t, srv.Sessions()[0].Ended)
		srv.Close()
		require.Error(t, <-ended)
		require.True(t, srv.Sessions()[0].Ended)
		srv.Close()
		_, err := srv.Dial(t.Context())
		require.Error(t, err)
		require.Panics(t, func() { srv.Client() })
		sshtest.NewUnstartedServer(shell).Close()
	})
}

func TestManyClients(t *testing.T) {
	srv := sshtest.NewServer(shell)
	defer srv.Close()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := srv.Client().Command("fail").Run(context.Background()); !errors.As(err, new(*client.ExitError)) {
				t.Error(err)
			}
			srv.Sessions()
		})
	}
	all.Wait()
	require.Len(t, srv.Sessions(), 20)
}

func TestMisuse(t *testing.T) {
	srv := sshtest.NewUnstartedServer(shell)
	require.Panics(t, func() { srv.Addr() })
	srv.Start()
	defer srv.Close()
	require.Panics(t, func() { srv.Start() })
	require.Equal(t, "192.0.2.2:22", srv.Addr())
}

// Keys that the test brings along are trusted as well.
func TestKeysOfTheTest(t *testing.T) {
	srv := sshtest.NewUnstartedServer(shell)
	srv.Config.HostKeys = []hostkey.Signer{testkeys.ECDSA256()}
	srv.UserKey = testkeys.RSA2048()
	srv.Start()
	defer srv.Close()
	c := srv.Client()
	require.True(t, hostkey.Equal(testkeys.ECDSA256().PublicKey(), c.State().HostKey))
	require.NoError(t, c.Command("").Run(t.Context()))
}
