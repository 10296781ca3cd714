package client

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

func password(secret string) userauth.Method {
	return userauth.Password(func(context.Context) (string, error) { return secret, nil })
}

func TestConfigMustBeComplete(t *testing.T) {
	for _, test := range []struct {
		name   string
		config *Config
		want   error
	}{
		{"nil", nil, ErrNoHostKeys},
		{"zero", &Config{}, ErrNoHostKeys},
		{"no verifier", &Config{User: "u"}, ErrNoHostKeys},
		{"a verifier where it does not count", &Config{User: "u", Transport: transport.Config{Verifier: hostkey.InsecureAcceptAny()}}, ErrNoHostKeys},
		{"no user", &Config{HostKeys: hostkey.Pin()}, ErrNoUser},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Dial(t.Context(), "tcp", "192.0.2.1:22", test.config)
			require.ErrorIs(t, err, test.want)
			clientEnd, serverEnd := memnet.Pipe()
			_, err = New(t.Context(), clientEnd, testAddress, test.config)
			require.ErrorIs(t, err, test.want)
			_, err = serverEnd.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF, "New owns the connection")
		})
	}
}

func TestConfigIsCopied(t *testing.T) {
	config := testConfig()
	config.Auth = append(config.Auth, password("wrong"))
	clone, err := config.clone()
	require.NoError(t, err)
	config.Auth[0], config.User = nil, "mallory"
	require.NotNil(t, clone.Auth[0])
	require.Equal(t, testUser, clone.User)
}

func TestWithPort(t *testing.T) {
	for _, test := range []struct{ network, address, want string }{
		{"tcp", "example.com", "example.com:22"},
		{"tcp", "example.com:2222", "example.com:2222"},
		{"tcp6", "::1", "[::1]:22"},
		{"tcp", "[::1]", "[::1]:22"},
		{"tcp", "[::1]:22", "[::1]:22"},
		{"unix", "/run/sshd.sock", "/run/sshd.sock"},
	} {
		require.Equal(t, test.want, withPort(test.network, test.address))
	}
}

// One goroutine, which reads.
func TestGoroutinesOfAnIdleClient(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		synctest.Wait()
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		var ours int
		for stack := range strings.SplitSeq(string(stacks), "\n\n") {
			// The peer's end has its own, created elsewhere; a writer would be
			// either's.
			if strings.Contains(stack, "client.newClient") || strings.Contains(stack, "transport.(*outbound)") {
				ours++
			}
		}
		require.Equal(t, 1, ours, "%s", stacks)
	})
}

func TestAuthentication(t *testing.T) {
	for _, test := range []struct {
		name string
		auth []userauth.Method
	}{
		{"one key", []userauth.Method{userauth.PublicKey(testkeys.Ed25519())}},
		{"the second key", []userauth.Method{userauth.PublicKey(testkeys.Ed25519Other(), testkeys.Ed25519())}},
		{"password", []userauth.Method{password(testPassword)}},
		{"password at the second try", []userauth.Method{password("wrong"), password(testPassword)}},
		{"password after the wrong key", []userauth.Method{userauth.PublicKey(testkeys.RSA2048()), password(testPassword)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := testConfig()
				config.Auth = test.auth
				c, err := newPeer().dial(config)
				require.NoError(t, err)
				require.NoError(t, c.Close())
			})
		})
	}
}

func TestBanner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, config := newPeer(), testConfig()
		p.banner = "authorised users only"
		var banners []string
		config.Banner = func(message string) { banners = append(banners, message) }
		c, err := p.dial(config)
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.Equal(t, []string{p.banner}, banners)
	})
}

// Every way not to get in has a type, and one line that says what was wrong.
func TestDialErrors(t *testing.T) {
	other := hostkey.Pin(testkeys.Ed25519Other().PublicKey())
	chacha, _ := cipher.Lookup("chacha20-poly1305@openssh.com")
	gcm, _ := cipher.Lookup("aes128-gcm@openssh.com")
	for _, test := range []struct {
		name   string
		change func(p *peer, config *Config)
		target any
		text   []string
	}{
		{"wrong host key", func(_ *peer, config *Config) { config.HostKeys = other },
			new(*hostkey.PinError), []string{testAddress, "SHA256:"}},
		{"wrong host key, the layer's error", func(_ *peer, config *Config) { config.HostKeys = other },
			new(*transport.HostKeyError), []string{"refused"}},
		{"no common algorithm", func(p *peer, config *Config) {
			p.transport.Ciphers, config.Transport.Ciphers = []cipher.Mode{chacha}, []cipher.Mode{gcm}
		}, new(*transport.NegotiationError), []string{chacha.Name, gcm.Name, "cipher"}},
		{"wrong key", func(_ *peer, config *Config) {
			config.Auth = []userauth.Method{userauth.PublicKey(testkeys.Ed25519Other())}
		}, new(*userauth.Error), []string{testUser, "publickey", "password"}},
		{"wrong password", func(_ *peer, config *Config) { config.Auth = []userauth.Method{password("wrong")} },
			new(*userauth.Error), []string{testUser, "password"}},
		{"wrong user", func(_ *peer, config *Config) { config.User = "mallory" },
			new(*userauth.Error), []string{"mallory"}},
		{"nothing to try", func(_ *peer, config *Config) { config.Auth = nil },
			new(*userauth.Error), []string{"publickey", "password"}},
		{"too many tries", func(_ *peer, config *Config) {
			for range 10 {
				config.Auth = append([]userauth.Method{password("wrong")}, config.Auth...)
			}
		}, new(*transport.DisconnectError), []string{"password"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, config := newPeer(), testConfig()
				test.change(p, config)
				_, err := p.dial(config)
				require.ErrorAs(t, err, test.target)
				for _, text := range test.text {
					require.ErrorContains(t, err, text)
				}
				require.NotContains(t, err.Error(), "\n")
			})
		})
	}
}

func TestPeersThatAreNotSSH(t *testing.T) {
	for _, test := range []struct {
		name   string
		play   func(nc net.Conn)
		target any
		text   string
	}{
		{"HTTP", func(nc net.Conn) {
			io.WriteString(nc, "HTTP/1.1 400 Bad Request\r\n\r\n")
			nc.Close()
		}, new(*transport.VersionError), "HTTP/1.1 400"},
		{"SSH 1", func(nc net.Conn) {
			io.WriteString(nc, "SSH-1.5-Ancient\r\n")
			io.Copy(io.Discard, nc)
			nc.Close()
		}, new(*transport.VersionError), "SSH-1.5-Ancient"},
		{"closes at once", func(nc net.Conn) { nc.Close() }, new(*transport.Error), "version"},
		{"closes after its version", func(nc net.Conn) {
			io.WriteString(nc, "SSH-2.0-Short\r\n")
			nc.Close()
		}, new(*transport.Error), "closed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clientEnd, serverEnd := memnet.Pipe()
				go test.play(serverEnd)
				_, err := New(t.Context(), clientEnd, testAddress, testConfig())
				require.ErrorAs(t, err, test.target)
				require.ErrorIs(t, err, net.ErrClosed)
				require.ErrorContains(t, err, test.text)
				serverEnd.Close()
			})
		})
	}
}

// attacks.md 4.2: connecting and authenticating take a minute at most.
func TestTimeouts(t *testing.T) {
	mute := func(nc net.Conn) { io.Copy(io.Discard, nc) }
	stuck := func(nc net.Conn) { // in authentication
		conn := transport.Server(nc, &transport.Config{HostKeys: []hostkey.Signer{testkeys.Ed25519()}})
		conn.Handshake(context.Background())
		conn.AcceptService("ssh-userauth")
		for {
			if _, err := conn.ReadPacket(); err != nil {
				conn.Close()
				return
			}
		}
	}
	for _, test := range []struct {
		name  string
		play  func(nc net.Conn)
		limit time.Duration // none if zero
		text  string
	}{
		{"says nothing", mute, 5 * time.Second, "exchanging keys with " + testAddress + ": not done within 5s"},
		{"says nothing, without deadline", mute, 0, "not done within 1m0s"},
		{"answers no authentication", stuck, 5 * time.Second, `authenticating "alice"`},
		{"answers no authentication, without deadline", stuck, 0, "not done within 1m0s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				if test.limit > 0 {
					ctx, cancel = context.WithTimeout(ctx, test.limit)
				}
				defer cancel()
				clientEnd, serverEnd := memnet.Pipe()
				go test.play(serverEnd)
				start := time.Now()
				_, err := New(ctx, clientEnd, testAddress, testConfig())
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.NotErrorIs(t, err, context.Canceled)
				require.ErrorContains(t, err, test.text)
				var timeout net.Error
				require.ErrorAs(t, err, &timeout)
				require.True(t, timeout.Timeout())
				limit := test.limit
				if limit == 0 {
					limit = connectTimeout
				}
				require.LessOrEqual(t, time.Since(start), limit+time.Second)
				serverEnd.Close()
			})
		})
	}
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(time.Second, func() { cancel(errTest) })
		clientEnd, serverEnd := memnet.Pipe()
		_, err := New(ctx, clientEnd, testAddress, testConfig())
		require.ErrorIs(t, err, errTest)
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		serverEnd.Close()
	})
}

// A deadline of the caller's own, given as the cause, is one too.
func TestCancelWithTimeoutAsCause(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(os.ErrDeadlineExceeded)
	err := contextual(ctx, errTest, time.Now(), "testing")
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
	require.False(t, errors.Is(err, context.Canceled))
	require.ErrorIs(t, err, errTest)
}

// The context of New means nothing once it has returned.
func TestContextAfterNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		clientEnd, serverEnd := memnet.Pipe()
		go newPeer().serve(serverEnd)
		c, err := New(ctx, clientEnd, testAddress, testConfig())
		require.NoError(t, err)
		cancel()
		time.Sleep(time.Minute)
		out, err := c.Command("echo still here").Output(context.Background())
		require.NoError(t, err)
		require.Equal(t, "still here\n", string(out))
		require.NoError(t, c.Close())
	})
}

func TestDialRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = Dial(t.Context(), "tcp", l.Addr().String(), testConfig())
	var refused *net.OpError
	require.ErrorAs(t, err, &refused)
}

func TestDialTimeout(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	_, err := Dial(ctx, "tcp", "127.0.0.1:1", testConfig())
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestDialTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		nc, err := l.Accept()
		if err == nil {
			newPeer().serve(nc)
		}
	}()
	c, err := Dial(t.Context(), "tcp", l.Addr().String(), testConfig())
	require.NoError(t, err)
	require.Equal(t, testkeys.Ed25519().PublicKey().Marshal(), c.State().HostKey.Marshal())
	require.NoError(t, c.Close())
	require.NoError(t, c.Close(), "a second time")
}

// What a server asks of a client is refused, and answered.
func TestServerAsksForThings(t *testing.T) {
	p := newPeer()
	results := make(chan error, 3)
	p.opened = func(mux *connection.Mux) {
		_, err := mux.Open(context.Background(), "forwarded-tcpip", nil, channel.Params{})
		results <- err
		_, err = mux.Request(context.Background(), "keepalive@openssh.com", nil)
		results <- err
		results <- mux.Notify("hostkeys-00@openssh.com", []byte("whatever"))
	}
	in(t, p, func(t *testing.T, c *Client) {
		var open *channel.OpenError
		require.ErrorAs(t, <-results, &open)
		require.Equal(t, channel.AdministrativelyProhibited, open.Reason)
		require.ErrorIs(t, <-results, connection.ErrRefused)
		require.NoError(t, <-results)
		_, err := c.Command("echo").Output(t.Context())
		require.NoError(t, err)
	})
}

// Unless the caller says otherwise.
func TestMuxConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, config := newPeer(), testConfig()
		config.Mux = connection.Config{Opens: 1}
		opened := make(chan error, 1)
		p.opened = func(mux *connection.Mux) {
			_, err := mux.Open(context.Background(), "x@example.com", nil, channel.Params{})
			opened <- err
		}
		c, err := p.dial(config)
		require.NoError(t, err)
		opening, err := c.Mux().Accept(t.Context())
		require.NoError(t, err)
		require.Equal(t, "x@example.com", opening.Type)
		_, err = opening.Accept(channel.Params{})
		require.NoError(t, err)
		require.NoError(t, <-opened)
		require.NoError(t, c.Close())
	})
}

func TestWaitSaysWhyTheConnectionEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clientEnd, serverEnd := memnet.Pipe()
		go newPeer().serve(serverEnd)
		c, err := New(t.Context(), clientEnd, testAddress, testConfig())
		require.NoError(t, err)
		serverEnd.Close()
		err = c.Wait()
		require.ErrorIs(t, err, net.ErrClosed)
		var lost *transport.Error
		require.ErrorAs(t, err, &lost)
		require.Equal(t, transport.ReasonConnectionLost, lost.Reason)
		require.NoError(t, c.Close())
	})
}

// A message that breaks the rules of a layer above the transport ends the
// connection, and the peer is told why.
func TestProtocolErrorsAreSaid(t *testing.T) {
	for _, test := range []struct {
		name string
		play func(conn *transport.Conn) // after AcceptService and one request
	}{
		{"in authentication (I1): success for nothing asked", func(conn *transport.Conn) {
			conn.WritePacket([]byte{60, 1, 2, 3})
		}},
		{"in the connection protocol (K): data for no channel", func(conn *transport.Conn) {
			conn.WritePacket([]byte{52})
			conn.WritePacket([]byte{94, 0, 0, 0, 9, 0, 0, 0, 1, 'x'})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clientEnd, serverEnd := memnet.Pipe()
				ended := make(chan error, 1)
				go func() {
					conn := transport.Server(serverEnd, &transport.Config{HostKeys: []hostkey.Signer{testkeys.Ed25519()}})
					defer conn.Close()
					conn.Handshake(context.Background())
					conn.AcceptService("ssh-userauth")
					_, err := conn.ReadPacket()
					test.play(conn)
					for err == nil {
						_, err = conn.ReadPacket()
					}
					ended <- err
				}()
				c, err := New(t.Context(), clientEnd, testAddress, testConfig())
				if err == nil {
					err = c.Wait()
					c.Close()
				}
				require.Error(t, err)
				var told *transport.DisconnectError
				require.ErrorAs(t, <-ended, &told)
				require.Equal(t, transport.ReasonProtocolError, told.Reason)
			})
		})
	}
}

func TestSubsystem(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		ch, err := c.Subsystem(t.Context(), "cat")
		require.NoError(t, err)
		_, err = io.WriteString(ch, "ping")
		require.NoError(t, err)
		require.NoError(t, ch.CloseWrite())
		answer, err := io.ReadAll(ch)
		require.NoError(t, err)
		require.Equal(t, "ping", string(answer))

		_, err = c.Subsystem(t.Context(), "dog")
		var refused *StartError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "subsystem", refused.Request)
		require.ErrorIs(t, err, channel.ErrRefused)
		require.ErrorContains(t, err, `"dog"`)
	})
}

// A channel gives its buffers for those of the transport, whose packages do not
// know each other.
func TestChannelAndTransportExchangeBuffers(t *testing.T) {
	require.Implements(t, (*channel.Exchanger)(nil), new(transport.Conn))
	require.Equal(t, channel.BufferSize, transport.BufferSize)
}

// A server that takes what comes with a wrong guess for what is due (against
// RFC 4253, section 7), as Paramiko's does, is dialed again without one.
func TestDialWithoutGuess(t *testing.T) {
	config := testConfig()
	p := newPeer()
	p.transport.KeyExchanges = kex.DefaultServer()[3:]
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	follows := make(chan bool, 2) // first_kex_packet_follows
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			p.transport.Trace = &transport.Trace{PacketRead: func(_ uint32, payload []byte) {
				if m, err := wire.ParseKexInit(payload); err == nil {
					if follows <- m.FirstFollows; m.FirstFollows {
						nc.Close()
					}
				}
			}}
			p.serve(nc)
		}
	}()
	c, err := Dial(t.Context(), "tcp", l.Addr().String(), config)
	require.NoError(t, err)
	require.True(t, <-follows)
	require.False(t, <-follows)
	require.NoError(t, c.Close())
	require.False(t, config.Transport.DisableGuess, "the caller's configuration is as it was")

	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	_, err = New(t.Context(), nc, "127.0.0.1", config)
	var guess *transport.GuessError
	require.ErrorAs(t, err, &guess, "who dials has to dial again")
	require.ErrorContains(t, err, "DisableGuess")
	require.ErrorIs(t, err, net.ErrClosed)
}
