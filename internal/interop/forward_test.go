package interop

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
)

var curl = installed("curl")

// answering is a service that reads to the end, and answers with what it got.
func answering(t *testing.T, network, address string) string {
	t.Helper()
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				all, _ := io.ReadAll(nc)
				nc.Write(all)
			}()
		}
	}()
	return l.Addr().String()
}

// ask says something to a service, then that there is no more, and returns the
// answer.
func ask(network, address, text string) (string, error) {
	nc, err := net.Dial(network, address)
	if err != nil {
		return "", err
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(nc, text); err != nil {
		return "", err
	}
	if err := nc.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return "", err
	}
	got, err := io.ReadAll(nc)
	return string(got), err
}

// answers waits until a service answers.
func answers(t *testing.T, network, address string) {
	t.Helper()
	const question = "half-closed"
	var got string
	var err error
	require.Eventually(t, func() bool {
		got, err = ask(network, address, question)
		return err == nil && got == question
	}, patience, 20*time.Millisecond, "%s %s: %q, %v", network, address, got, err)
}

// silent waits until nobody listens.
func silent(t *testing.T, network, address string) {
	t.Helper()
	require.Eventually(t, func() bool {
		nc, err := net.Dial(network, address)
		if err == nil {
			nc.Close()
		}
		return err != nil
	}, patience, 20*time.Millisecond)
}

// forwarding starts a client that does nothing but forward.
func (s *server) forwarding(t *testing.T, p *program, options ...string) *daemon {
	t.Helper()
	return launch(t, p.path, append(s.arguments(t, append(options, "-N")...), "127.0.0.1")...)
}

var allocated = regexp.MustCompile(`Allocated port (\d+) for remote forward`)

// port waits for the port that the server has chosen.
func (d *daemon) port(t *testing.T) string {
	t.Helper()
	var found []string
	require.Eventually(t, func() bool {
		found = allocated.FindStringSubmatch(d.log.String())
		return found != nil
	}, patience, 10*time.Millisecond, "%s", d.log.String())
	return "127.0.0.1:" + found[1]
}

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// Ports and sockets, both ways. RFC 4254, section 7; PROTOCOL, section 2.4.
func TestForward(t *testing.T) {
	tableOnPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		dir := t.TempDir()
		service, socket := answering(t, "tcp", "127.0.0.1:0"), answering(t, "unix", filepath.Join(dir, "service"))
		for _, test := range []struct {
			name, network, address string // "" if the server chooses
			flags                  []string
		}{
			{"-L port to port", "tcp", loopback(freePort(t)), []string{"-L", "PORT:" + service}},
			{"-L address and port to port", "tcp", loopback(freePort(t)), []string{"-L", "127.0.0.1:PORT:" + service}},
			{"-L port to socket", "tcp", loopback(freePort(t)), []string{"-L", "PORT:" + socket}},
			{"-L socket to port", "unix", filepath.Join(dir, "l1"), []string{"-L", "PORT:" + service}},
			{"-L socket to socket", "unix", filepath.Join(dir, "l2"), []string{"-L", "PORT:" + socket}},
			{"LocalForward", "tcp", loopback(freePort(t)), []string{"-o", "LocalForward=PORT " + service}},
			{"-R port to port", "tcp", loopback(freePort(t)), []string{"-R", "PORT:" + service}},
			{"-R chosen port to port", "tcp", "", []string{"-R", "0:" + service}},
			{"-R chosen port to socket", "tcp", "", []string{"-R", "0:" + socket}},
			{"-R socket to port", "unix", filepath.Join(dir, "r1"), []string{"-R", "PORT:" + service}},
			{"-R socket to socket", "unix", filepath.Join(dir, "r2"), []string{"-R", "PORT:" + socket}},
			{"RemoteForward", "tcp", loopback(freePort(t)), []string{"-o", "RemoteForward=PORT " + service}},
		} {
			between(t, test.name, p.programs(), func(t *testing.T) {
				at := test.address
				if test.network == "tcp" {
					_, at, _ = strings.Cut(at, ":")
				}
				test.flags[1] = strings.Replace(test.flags[1], "PORT", at, 1)
				d := s.forwarding(t, p.client, test.flags...)
				if test.address == "" {
					test.address = d.port(t)
				}
				answers(t, test.network, test.address)
				d.kill()
				if strings.Contains(test.name, "-R") || test.network == "tcp" {
					silent(t, test.network, test.address)
				}
			})
		}
	})
}

// Programs that say themselves where they want to go: curl, in each version of
// the protocol.
func TestDynamicForward(t *testing.T) {
	tableOnPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "reached") }))
		t.Cleanup(web.Close)
		for _, flag := range []string{"-D", "-R"} {
			between(t, flag, append(p.programs(), curl), func(t *testing.T) {
				port := freePort(t)
				d := s.forwarding(t, p.client, flag, strconv.Itoa(port))
				require.Eventually(t, func() bool {
					nc, err := net.Dial("tcp", loopback(port))
					if err == nil {
						nc.Close()
					}
					return err == nil
				}, patience, 20*time.Millisecond, "%s", d.log.String())
				for _, version := range []string{"--socks4", "--socks4a", "--socks5", "--socks5-hostname"} {
					r := run(t, limited(t, curl, "-s", "-m", "20", version, loopback(port), web.URL))
					require.Equal(t, "reached", r.stdout, "%s: %d %s", version, r.status, d.log.String())
				}
				r := run(t, limited(t, curl, "-s", "-m", "20", "--socks5", loopback(port), "http://"+loopback(freePort(t))))
				require.NotZero(t, r.status, "nobody listens there")
			})
		}
	})
}

func TestStdioForward(t *testing.T) {
	service := answering(t, "tcp", "127.0.0.1:0")
	nobody := loopback(freePort(t))
	tableOnPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		between(t, "-W", p.programs(), func(t *testing.T) {
			r := s.fed(t, p.client, strings.NewReader(strings.Repeat("0123456789", 100_000)), "", "-W", service)
			require.Zero(t, r.status, r.stderr)
			require.True(t, r.stdout == strings.Repeat("0123456789", 100_000), "%d bytes", len(r.stdout))
		})
		between(t, "-W to nobody", p.programs(), func(t *testing.T) {
			r := s.fed(t, p.client, strings.NewReader(""), "", "-W", nobody)
			require.Equal(t, 255, r.status)
			require.Contains(t, strings.ToLower(r.stderr), "connection refused")
		})
	})
}

// What cannot be forwarded: it is the end only where that was asked for.
func TestForwardFails(t *testing.T) {
	taken := answering(t, "tcp", "127.0.0.1:0")
	_, port, err := net.SplitHostPort(taken)
	require.NoError(t, err)
	tableOnPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		for _, flag := range []string{"-L", "-R"} {
			between(t, flag+" of a port that is taken", p.programs(), func(t *testing.T) {
				spec := "127.0.0.1:" + port + ":" + taken
				r := s.run(t, p.client, "echo alive", flag, spec)
				require.Zero(t, r.status, r.stderr)
				require.Equal(t, "alive\n", r.stdout)
				require.Contains(t, r.stderr, port)
				r = s.run(t, p.client, "echo alive", flag, spec, "-o", "ExitOnForwardFailure=yes")
				require.Equal(t, 255, r.status, r.stderr)
				require.NotContains(t, r.stdout, "alive")
			})
		}
		between(t, "to nobody", p.programs(), func(t *testing.T) {
			at := freePort(t)
			d := s.forwarding(t, p.client, "-L", fmt.Sprintf("%d:127.0.0.1:%d", at, freePort(t)))
			require.Eventually(t, func() bool {
				got, err := ask("tcp", loopback(at), "")
				return got == "" && (err == nil || !strings.Contains(err.Error(), "refused"))
			}, patience, 20*time.Millisecond)
			require.Eventually(t, func() bool { return strings.Contains(d.log.String(), "open failed") }, patience, 10*time.Millisecond)
		})
	})
}

// L4: what switches it off switches off all of it; and each of the keywords what
// it is about. In sshd those about ports restrict sockets too.
func TestForwardingIsRestricted(t *testing.T) {
	service := answering(t, "tcp", "127.0.0.1:0")
	host, port, err := net.SplitHostPort(service)
	require.NoError(t, err)
	socket := answering(t, "unix", filepath.Join(t.TempDir(), "service"))
	onPairs(t, []pair{{ssh, sshd}, {ssh, whelkd}}, func(t *testing.T, p pair) {
		for _, test := range []struct {
			options []string
			allowed string // of local, remote, socket and remote socket: the first letters
		}{
			{[]string{"DisableForwarding=yes"}, ""},
			{[]string{"AllowTcpForwarding=no"}, ""},
			{[]string{"AllowTcpForwarding=local"}, "ls"},
			{[]string{"AllowTcpForwarding=remote"}, "ru"},
			{[]string{"AllowStreamLocalForwarding=no"}, "lr"},
			{[]string{"AllowStreamLocalForwarding=local"}, "lrs"},
			{[]string{"PermitOpen=none"}, "ru"},
			{[]string{"PermitOpen=" + host + ":" + port}, "lru"},
			{[]string{"PermitOpen=localhost:" + port}, "ru"},
			{[]string{"PermitListen=none"}, "lsu"},
			{[]string{"PermitListen=localhost:*"}, "lrsu"},
			{[]string{"PermitListen=192.0.2.*:*"}, "lsu"},
		} {
			s := serve(t, p.server, test.options...)
			for letter, flags := range map[string][]string{
				"l": {"-W", service},
				"r": {"-R", fmt.Sprintf("%d:%s", freePort(t), service)},
				"s": {"-L", fmt.Sprintf("%d:%s", freePort(t), socket)},
				"u": {"-R", filepath.Join(t.TempDir(), "s") + ":" + service},
			} {
				want := strings.Contains(test.allowed, letter)
				var ok bool
				switch letter {
				case "l":
					r := s.fed(t, p.client, strings.NewReader("x"), "", flags...)
					ok = r.status == 0 && r.stdout == "x"
				case "s":
					ok = s.reaches(t, p.client, flags)
				default:
					ok = s.run(t, p.client, "true", append(flags, "-o", "ExitOnForwardFailure=yes")...).status == 0
				}
				if ok != want {
					t.Errorf("%v: %v: forwarded %v, want %v", test.options, flags, ok, want)
				}
			}
		}
	})
}

// reaches reports whether a forwarding of a port of here leads to a service.
func (s *server) reaches(t *testing.T, p *program, flags []string) bool {
	d := s.forwarding(t, p, flags...)
	defer d.kill()
	port, _, _ := strings.Cut(flags[1], ":")
	var got string
	require.Eventually(t, func() bool {
		var err error
		got, err = ask("tcp", "127.0.0.1:"+port, "x")
		return err == nil || !strings.Contains(err.Error(), "refused")
	}, patience, 10*time.Millisecond)
	return got == "x"
}

// A thousand connections on one, both ways.
func TestForwardMany(t *testing.T) {
	heavy(t)
	service := answering(t, "tcp", "127.0.0.1:0")
	for _, p := range []pair{{ssh, whelkd}, {whelk, sshd}} {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			s := serve(t, p.server)
			local := freePort(t)
			d := s.forwarding(t, p.client, "-L", fmt.Sprintf("%d:%s", local, service), "-R", "0:"+service)
			remote := d.port(t)
			answers(t, "tcp", loopback(local))
			var all sync.WaitGroup
			var failed atomic.Int32
			slots := make(chan struct{}, 200)
			for i := range 1000 {
				at := loopback(local)
				if i%2 == 1 {
					at = remote
				}
				all.Go(func() {
					slots <- struct{}{}
					defer func() { <-slots }()
					if got, err := ask("tcp", at, fmt.Sprint(i)); err != nil || got != fmt.Sprint(i) {
						failed.Add(1)
					}
				})
			}
			all.Wait()
			require.Zero(t, failed.Load())
		})
	}
}

// An end that vanishes takes with it what was forwarded. What is left of the
// client says so.
func TestForwardVanishes(t *testing.T) {
	service := answering(t, "tcp", "127.0.0.1:0")
	onPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		d := s.forwarding(t, p.client, "-R", "0:"+service)
		at := d.port(t)
		answers(t, "tcp", at)
		d.kill()
		silent(t, "tcp", at)
		local := freePort(t)
		d = s.forwarding(t, p.client, "-L", fmt.Sprintf("%d:%s", local, service))
		answers(t, "tcp", loopback(local))
		s.kill()
		select {
		case <-d.done:
		case <-time.After(patience):
			t.Fatal("the client stays")
		}
		require.Equal(t, 255, d.cmd.ProcessState.ExitCode())
		silent(t, "tcp", loopback(local))
	})
}

// The client stays for what is still connected when its command has ended, and
// in the background leaves whoever started it alone.
func TestForwardInTheBackground(t *testing.T) {
	service := answering(t, "tcp", "127.0.0.1:0")
	onPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		local := freePort(t)
		start := time.Now()
		cmd := s.command(t, p.client, "sleep 2", "-f", "-L", fmt.Sprintf("%d:%s", local, service))
		require.NoError(t, cmd.Run())
		require.Less(t, time.Since(start), 2*time.Second)
		nc, err := net.Dial("tcp", loopback(local))
		require.NoError(t, err, "it listens before it goes to the background")
		defer nc.Close()
		time.Sleep(3 * time.Second) // the command has ended
		_, err = io.WriteString(nc, "still here")
		require.NoError(t, err)
		require.NoError(t, nc.(*net.TCPConn).CloseWrite())
		got, err := io.ReadAll(nc)
		require.NoError(t, err)
		require.Equal(t, "still here", string(got))
		silent(t, "tcp", loopback(local))
		require.Eventually(t, func() bool { return !alive(-cmd.Process.Pid) }, patience, 10*time.Millisecond)
	})
}

// A Client is the dialer of the next; net/http serves at a server, and is asked
// through it.
func TestLibraryForwards(t *testing.T) {
	onPairs(t, []pair{{library, sshd}, {library, whelkd}}, func(t *testing.T, p pair) {
		jump, inner := serve(t, p.server), serve(t, whelkd)
		c := jump.dial(t, nil)
		through := inner.dialBy(t, c)
		out, err := through.Command("echo through").Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "through\n", string(out))

		l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr != "") })}
		go web.Serve(l)
		get := &http.Client{Transport: &http.Transport{DialContext: through.DialContext}}
		resp, err := get.Get("http://" + l.Addr().String())
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, "true", string(body))
		get.CloseIdleConnections()
		require.NoError(t, web.Shutdown(t.Context()))
		silent(t, "tcp", l.Addr().String())

		_, err = c.DialContext(t.Context(), "tcp", loopback(freePort(t)))
		var refused *client.DialError
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, "check that something listens there")
		_, err = c.Listen(t.Context(), "tcp", jump.address())
		var taken *client.ListenError
		require.ErrorAs(t, err, &taken)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = c.DialContext(ctx, "tcp", inner.address())
		require.ErrorIs(t, err, context.Canceled)
	})
}

// dialBy connects to s through another client.
func (s *server) dialBy(t *testing.T, by *client.Client) *client.Client {
	t.Helper()
	nc, err := by.DialContext(t.Context(), "tcp", s.address())
	require.NoError(t, err)
	c, err := client.New(t.Context(), nc, s.address(), s.config(t))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// graphical is a program for Python that comes to a display as those of X11 do:
// with the cookie that xauth has for it, or with a wrong one.
const graphical = `
import os, socket, struct, subprocess, sys
display = os.environ["DISPLAY"]
number = display.split(":")[1].split(".")[0]
name = display.replace("localhost:", "unix:")
cookie = bytes.fromhex(subprocess.check_output(["xauth", "list", name]).split()[-1].decode())
if sys.argv[1] == "wrong":
    cookie = bytes(16)
c = socket.create_connection(("127.0.0.1", 6000 + int(number)))
c.sendall(b"l\0" + struct.pack("<HHHHH", 11, 0, 18, len(cookie), 0) + b"MIT-MAGIC-COOKIE-1\0\0" + cookie)
print(c.recv(100).decode() or "turned away", cookie == b"the true cookie!")
`

var (
	xauth  = installed("xauth")
	python = installed("python3")
)

// A display is lent with a cookie of its own, to programs that have it. RFC 4254,
// section 6.3; attacks.md L6.
func TestForwardX11(t *testing.T) {
	const cookie = "the true cookie!"
	display, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { display.Close() })
	go func() {
		for {
			nc, err := display.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				hello := make([]byte, 12+20+16)
				io.ReadFull(nc, hello)
				fmt.Fprint(nc, "welcome ", string(hello[32:]) == cookie)
				io.Copy(io.Discard, nc)
			}()
		}
	}()
	port := display.Addr().(*net.TCPAddr).Port
	if port < 6000 {
		t.Skip("the display has no number")
	}
	name := fmt.Sprintf("127.0.0.1:%d", port-6000)
	script := filepath.Join(t.TempDir(), "graphical.py")
	require.NoError(t, os.WriteFile(script, []byte(graphical), 0o600))
	tableOnPairs(t, pairs, func(t *testing.T, p pair) {
		ours, theirs := filepath.Join(t.TempDir(), "ours"), filepath.Join(t.TempDir(), "theirs")
		s := serve(t, p.server, "X11Forwarding=yes", "AcceptEnv=XAUTHORITY", "XAuthLocation="+xauth.path)
		off := serve(t, p.server, "AcceptEnv=XAUTHORITY")
		lend := func(t *testing.T, s *server, remote string) result {
			if p.client == whelk || p.client == ssh {
				add := limited(t, xauth, "-q", "-f", ours, "add", name, "MIT-MAGIC-COOKIE-1", hex.EncodeToString([]byte(cookie)))
				require.NoError(t, add.Run())
			}
			cmd := s.command(t, p.client, remote, "-Y", "-o", "SetEnv=XAUTHORITY="+theirs, "-o", "XAuthLocation="+xauth.path)
			cmd.Env = append(cmd.Env, "DISPLAY="+name, "XAUTHORITY="+ours)
			return run(t, cmd)
		}
		programs := append(p.programs(), xauth, python)
		between(t, "the cookie", programs, func(t *testing.T) {
			r := lend(t, s, "python3 "+script+" right")
			require.Equal(t, "welcome true False\n", r.stdout, r.stderr)
		})
		between(t, "another cookie", programs, func(t *testing.T) {
			r := lend(t, s, "python3 "+script+" wrong")
			require.Equal(t, "turned away False\n", r.stdout, r.stderr)
		})
		between(t, "switched off", programs, func(t *testing.T) {
			r := lend(t, off, "echo ${DISPLAY-none}")
			require.Equal(t, "none\n", r.stdout)
			require.Contains(t, r.stderr, "X11 forwarding request failed")
		})
	})
}
