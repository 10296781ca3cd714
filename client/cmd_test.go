package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/transport"
)

func TestOutput(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		out, err := c.Command("echo hello").Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "hello\n", string(out))
	})
}

func TestStdin(t *testing.T) {
	inEarnest(t, newPeer(), func(t *testing.T, c *Client) {
		want := strings.Repeat("0123456789abcdef", 1<<17) // as much as a window
		cmd := c.Command("cat")
		cmd.Stdin = strings.NewReader(want)
		out, err := cmd.Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, string(out))

		out, err = c.Command("cat").Output(t.Context())
		require.NoError(t, err, "no Stdin is an empty one")
		require.Empty(t, out)
	})
}

func TestShell(t *testing.T) {
	p := newPeer()
	in(t, p, func(t *testing.T, c *Client) {
		cmd := c.Command("")
		cmd.Stdin = strings.NewReader("to the shell")
		out, err := cmd.Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "to the shell", string(out))
		require.Equal(t, []string{"shell"}, p.seen())
	})
}

// RFC 4254, section 6.10.
func TestExit(t *testing.T) {
	for _, test := range []struct {
		command string
		want    ExitError
		text    string
	}{
		{"exit 1", ExitError{Status: 1}, "client: the command exited with status 1"},
		{"exit 255", ExitError{Status: 255}, "status 255"},
		{"exit 4294967295", ExitError{Status: 4294967295}, "status 4294967295"},
		{"early", ExitError{Status: 7}, "status 7"},
		{"die TERM", ExitError{Signal: channel.SIGTERM, Message: "was killed\x1b[2J"}, `killed by signal "TERM": "was killed\x1b[2J"`},
		{"die SEGV core", ExitError{Signal: channel.SIGSEGV, Core: true, Message: "was killed\x1b[2J"}, `"SEGV" (core dumped)`},
		{"die own@example.com", ExitError{Signal: "own@example.com", Message: "was killed\x1b[2J"}, `"own@example.com"`},
	} {
		t.Run(test.command, func(t *testing.T) {
			in(t, newPeer(), func(t *testing.T, c *Client) {
				err := c.Command(test.command).Run(t.Context())
				var exit *ExitError
				require.ErrorAs(t, err, &exit)
				require.Equal(t, test.want, *exit)
				require.ErrorContains(t, err, test.text)
				require.NotErrorIs(t, err, net.ErrClosed)
			})
		})
	}
	for _, command := range []string{"silent", "garbled"} {
		t.Run(command, func(t *testing.T) {
			in(t, newPeer(), func(t *testing.T, c *Client) {
				err := c.Command(command).Run(t.Context())
				var missing *ExitMissingError
				require.ErrorAs(t, err, &missing)
				require.ErrorContains(t, err, "without saying how")
			})
		})
	}
	in(t, newPeer(), func(t *testing.T, c *Client) {
		require.NoError(t, c.Command("exit 0").Run(t.Context()))
	})
}

func TestOutputOfAFailure(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		out, err := c.Command("fail no such thing").Output(t.Context())
		var exit *ExitError
		require.ErrorAs(t, err, &exit)
		require.Equal(t, ExitError{Status: 2, Stderr: []byte("no such thing")}, *exit)
		require.Equal(t, "partial\n", string(out))

		out, err = c.Command("fail  oops").CombinedOutput(t.Context())
		require.ErrorAs(t, err, &exit)
		require.Empty(t, exit.Stderr)
		require.Contains(t, []string{"partial\noops", "oopspartial\n"}, string(out))
	})
}

func TestTail(t *testing.T) {
	var last tail
	var all []byte
	for i := range 5000 {
		piece := bytes.Repeat([]byte{byte(i)}, i%97)
		last.Write(piece)
		all = append(all, piece...)
		require.Equal(t, string(all[max(0, len(all)-maxTail):]), string(last.bytes()))
	}
	require.LessOrEqual(t, cap(last.kept), 4*maxTail)
	require.Nil(t, (*tail)(nil).bytes())
}

// RFC 4254, section 6.4.
func TestEnv(t *testing.T) {
	p := newPeer()
	in(t, p, func(t *testing.T, c *Client) {
		cmd := c.Command("env")
		cmd.Env = []string{"A=1", "B=", "C=x=y"}
		out, err := cmd.Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "A=1,B=,C=x=y", string(out))
		require.Equal(t, []string{"env", "env", "env", "exec"}, p.seen())

		for _, bad := range []string{"A", "=1", ""} {
			cmd := c.Command("env")
			cmd.Env = []string{bad}
			require.ErrorContains(t, cmd.Run(t.Context()), "NAME=value")
		}
	})
}

func TestEnvRefused(t *testing.T) {
	p := newPeer()
	p.refuse = "env"
	in(t, p, func(t *testing.T, c *Client) {
		cmd := c.Command("echo on")
		cmd.Env = []string{"A=1"}
		require.NoError(t, cmd.Run(t.Context()), "the command runs without it")
	})
}

func TestStartRefused(t *testing.T) {
	for _, test := range []struct{ refuse, command, text string }{
		{"exec", "echo x", `to run the command "echo x"`},
		{"", "nonesuch", `to run the command "nonesuch"`},
		{"shell", "", "to run a shell"},
		{"pty-req", "echo x", `a terminal of type "vt100"`},
	} {
		t.Run(test.refuse+test.command, func(t *testing.T) {
			p := newPeer()
			p.refuse = test.refuse
			in(t, p, func(t *testing.T, c *Client) {
				cmd := c.Command(test.command)
				cmd.Pty = &Pty{Term: "vt100"}
				err := cmd.Start(t.Context())
				var refused *StartError
				require.ErrorAs(t, err, &refused)
				require.ErrorIs(t, err, channel.ErrRefused)
				require.ErrorContains(t, err, test.text)
				require.Equal(t, errNotStarted, cmd.Wait())
				_, err = c.Mux().Request(t.Context(), "ping@example.com", nil)
				require.Error(t, err)
				require.NotErrorIs(t, err, net.ErrClosed, "the connection lives on")
			})
		})
	}
}

func TestChannelRefused(t *testing.T) {
	p := newPeer()
	p.refuse = "session"
	in(t, p, func(t *testing.T, c *Client) {
		var open *channel.OpenError
		require.ErrorAs(t, c.Command("echo").Run(t.Context()), &open)
		require.Equal(t, channel.ConnectFailed, open.Reason)
		require.NotContains(t, open.Error(), "\x07")
		_, err := c.Subsystem(t.Context(), "cat")
		require.ErrorAs(t, err, &open)
	})
}

// RFC 4254, sections 6.2 and 6.7.
func TestPty(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		for _, test := range []struct {
			pty  Pty
			want string
		}{
			{Pty{Term: "vt100", Window: Window{Columns: 132, Rows: 43}}, "vt100 132x43\n100x50\n"},
			{Pty{}, "xterm 80x24\n100x50\n"},
		} {
			cmd := c.Command("tty")
			cmd.Pty = &test.pty
			var out bytes.Buffer
			cmd.Stdout = &out
			require.NoError(t, cmd.Start(t.Context()))
			require.NoError(t, cmd.Resize(Window{Columns: 100, Rows: 50}))
			require.NoError(t, cmd.Wait())
			require.Equal(t, test.want, out.String())
		}
	})
}

// RFC 4254, section 6.9.
func TestSignal(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		for _, test := range []struct {
			send func(*Cmd) error
			want string
		}{
			{func(cmd *Cmd) error { return cmd.Signal(os.Interrupt) }, "INT\n"},
			{func(cmd *Cmd) error { return cmd.Signal(syscall.SIGTERM) }, "TERM\n"},
			{func(cmd *Cmd) error { return cmd.SignalName("own@example.com") }, "own@example.com\n"},
		} {
			cmd := c.Command("trap")
			var out bytes.Buffer
			cmd.Stdout = &out
			require.Equal(t, errNotStarted, test.send(cmd))
			require.NoError(t, cmd.Start(t.Context()))
			require.ErrorContains(t, cmd.Signal(syscall.Signal(99)), "no name")
			require.NoError(t, test.send(cmd))
			require.NoError(t, cmd.Wait())
			require.Equal(t, test.want, out.String())
			require.ErrorIs(t, test.send(cmd), net.ErrClosed)
		}
	})
}

func TestCmdIsUsedOnce(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		cmd := c.Command("echo")
		require.Equal(t, "echo", cmd.String())
		require.Equal(t, errNotStarted, cmd.Wait())
		require.NoError(t, cmd.Start(t.Context()))
		require.Equal(t, errStarted, cmd.Start(t.Context()))
		require.NoError(t, cmd.Wait())
		require.Equal(t, errWaited, cmd.Wait())
		for _, pipe := range []func() error{
			func() error { _, err := cmd.StdinPipe(); return err },
			func() error { _, err := cmd.StdoutPipe(); return err },
			func() error { _, err := cmd.StderrPipe(); return err },
		} {
			require.Equal(t, errPiped, pipe())
		}
		cmd.Stdout = io.Discard
		_, err := cmd.Output(t.Context())
		require.Equal(t, errOutputSet, err)
		_, err = cmd.CombinedOutput(t.Context())
		require.Equal(t, errOutputSet, err)
	})
}

func TestContextKillsTheCommand(t *testing.T) {
	for _, command := range []string{"sleep", "yes", "cat"} {
		t.Run(command, func(t *testing.T) {
			p := newPeer()
			in(t, p, func(t *testing.T, c *Client) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				cmd := c.Command(command)
				stdin, hold := io.Pipe()
				defer hold.Close()
				cmd.Stdin = stdin
				start := time.Now()
				err := cmd.Run(ctx)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				var done *ContextError
				require.ErrorAs(t, err, &done)
				require.ErrorContains(t, err, `running "`+command+`": not done within`)
				require.LessOrEqual(t, time.Since(start), 3*time.Second+lastWords)
				synctest.Wait()
				require.Equal(t, []string{"exec", "signal"}, p.seen())
				_, err = c.Command("echo").Output(t.Context())
				require.NoError(t, err, "the connection lives on")
			})
		})
	}
}

func TestContextBeforeTheStart(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		cmd := c.Command("echo")
		pipe, err := cmd.StdoutPipe()
		require.NoError(t, err)
		err = cmd.Start(ctx)
		require.ErrorIs(t, err, context.Canceled)
		var done *ContextError
		require.ErrorAs(t, err, &done)
		_, err = pipe.Read(make([]byte, 1))
		require.Equal(t, errNotStarted, err)
		_, err = c.Subsystem(ctx, "cat")
		require.ErrorAs(t, err, &done)
	})
}

// The context of a command that has ended does nothing to it.
func TestContextAfterTheEnd(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		ctx, cancel := context.WithCancel(t.Context())
		cmd := c.Command("echo x")
		require.NoError(t, cmd.Start(ctx))
		synctest.Wait()
		cancel()
		synctest.Wait()
		require.NoError(t, cmd.Wait())
	})
}

// A connection that died is never taken for a command that failed.
func TestConnectionDies(t *testing.T) {
	for _, command := range []string{"sleep", "yes", "early-and-hang"} {
		t.Run(command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPeer()
				p.programs["early-and-hang"] = func(s *session, _ []string) {
					s.status(0) // but the output is not complete
					s.Write([]byte("part"))
					<-s.Done()
				}
				clientEnd, serverEnd := memnet.Pipe()
				go p.serve(serverEnd)
				c, err := New(t.Context(), clientEnd, testAddress, testConfig())
				require.NoError(t, err)
				time.AfterFunc(time.Second, func() { serverEnd.Close() })
				_, err = c.Command(command).Output(t.Context())
				var lost *transport.Error
				require.ErrorAs(t, err, &lost)
				require.Equal(t, transport.ReasonConnectionLost, lost.Reason)
				require.ErrorIs(t, err, net.ErrClosed)
				require.NotErrorIs(t, err, io.EOF)
				require.False(t, errors.As(err, new(*ExitError)))
				require.False(t, errors.As(err, new(*ExitMissingError)))
				require.Error(t, c.Command("echo").Run(t.Context()))
				require.NoError(t, c.Close())
				time.Sleep(time.Second) // for the peer's programs to notice
			})
		})
	}
}

// A server that says all there is to say and drops the connection instead of
// closing the channel is understood.
func TestConnectionDiesAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPeer()
		clientEnd, serverEnd := memnet.Pipe()
		p.programs["rude"] = func(s *session, _ []string) {
			s.Write([]byte("all of it"))
			s.exit(3)
			time.Sleep(time.Second)
			serverEnd.Close()
		}
		go p.serve(serverEnd)
		c, err := New(t.Context(), clientEnd, testAddress, testConfig())
		require.NoError(t, err)
		out, err := c.Command("rude").Output(t.Context())
		var exit *ExitError
		require.ErrorAs(t, err, &exit)
		require.Equal(t, 3, exit.Status)
		require.Equal(t, "all of it", string(out))
		require.NoError(t, c.Close())
	})
}

func TestCloseEndsCommands(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		cmd := c.Command("sleep")
		require.NoError(t, cmd.Start(t.Context()))
		time.AfterFunc(time.Second, func() { c.Close() })
		require.ErrorIs(t, cmd.Wait(), net.ErrClosed)
	})
}

// Both streams share one window: neither may use it up because nobody reads
// the other.
func TestStreamsNobodyReads(t *testing.T) {
	const size = "8388608"
	for _, test := range []struct {
		name string
		set  func(*Cmd)
	}{
		{"neither", func(*Cmd) {}},
		{"stdout", func(cmd *Cmd) { cmd.Stdout = new(bytes.Buffer) }},
		{"stderr", func(cmd *Cmd) { cmd.Stderr = new(bytes.Buffer) }},
		{"both", func(cmd *Cmd) { cmd.Stdout, cmd.Stderr = new(bytes.Buffer), new(bytes.Buffer) }},
		{"both in one", func(cmd *Cmd) { b := new(bytes.Buffer); cmd.Stdout, cmd.Stderr = b, b }},
		{"both fail", func(cmd *Cmd) { cmd.Stdout, cmd.Stderr = broken{}, broken{} }},
		{"stderr fails", func(cmd *Cmd) { cmd.Stderr = broken{} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			inEarnest(t, newPeer(), func(t *testing.T, c *Client) {
				cmd := c.Command("spew " + size)
				test.set(cmd)
				err := cmd.Run(t.Context())
				if strings.Contains(test.name, "fail") {
					require.ErrorIs(t, err, errTest)
					return
				}
				require.NoError(t, err)
				total := 0
				for _, w := range []io.Writer{cmd.Stdout, cmd.Stderr} {
					if b, ok := w.(*bytes.Buffer); ok {
						total = max(total, b.Len())
					}
				}
				require.Contains(t, []int{0, 8 << 20, 16 << 20}, total)
			})
		})
	}
}

// broken is a writer that fails. It cannot be compared.
type broken []int

func (broken) Write([]byte) (int, error) { return 0, errTest }

func TestSame(t *testing.T) {
	a, b := new(bytes.Buffer), new(bytes.Buffer)
	require.True(t, same(a, a))
	require.False(t, same(a, b))
	require.False(t, same(a, io.Discard))
	require.False(t, same(broken{}, broken{}))
}

// A writer that fails makes the command stop, with the message that OpenSSH
// has for it where that is understood, and else by closing the channel.
func TestStdoutFails(t *testing.T) {
	for _, test := range []struct {
		software string
		want     string
	}{
		{"OpenSSH_9.2p1", "eow@openssh.com"},
		{"Other", ""},
	} {
		t.Run(test.software, func(t *testing.T) {
			p := newPeer()
			p.transport.Software = test.software
			p.programs["yes"] = func(s *session, _ []string) {
				for {
					if _, err := s.Write(make([]byte, 1000)); err != nil {
						return
					}
					if seen := p.seen(); len(seen) > 1 && seen[1] == "eow@openssh.com" {
						s.exit(141)
						return
					}
				}
			}
			inEarnest(t, p, func(t *testing.T, c *Client) {
				cmd := c.Command("yes")
				cmd.Stdout = broken{}
				err := cmd.Run(t.Context())
				if test.want == "" {
					require.Equal(t, errTest, err)
					return
				}
				var exit *ExitError
				require.ErrorAs(t, err, &exit)
				require.Equal(t, 141, exit.Status)
			})
		})
	}
}

// A failure of ours counts if the command has none.
func TestStdoutFailsAndTheCommandDoesNot(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		cmd := c.Command("echo x")
		cmd.Stdout = broken{}
		require.Equal(t, errTest, cmd.Run(t.Context()))

		cmd = c.Command("cat")
		cmd.Stdin = io.MultiReader(strings.NewReader("some"), failing{})
		out, err := cmd.Output(t.Context())
		require.Equal(t, errTest, err)
		require.Equal(t, "some", string(out))
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errTest }

// Wait does not wait for a Stdin that never ends.
func TestStdinThatNeverEnds(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		stdin, hold := io.Pipe()
		cmd := c.Command("echo done")
		cmd.Stdin = stdin
		out, err := cmd.Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "done\n", string(out))
		_, err = hold.Write([]byte("too late")) // the copy is still there to take it
		require.NoError(t, err)
		synctest.Wait()
		hold.Close()
	})
}

// A server's questions within the channel are answered, and too many do not
// cost the exit status.
func TestRequestsOfTheServer(t *testing.T) {
	p := newPeer()
	p.programs["nag-much"] = func(s *session, _ []string) {
		for range 1000 {
			s.Request(context.Background(), "keepalive@openssh.com", nil)
		}
		s.exit(9)
	}
	in(t, p, func(t *testing.T, c *Client) {
		out, err := c.Command("nag").Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, channel.ErrRefused.Error(), string(out))
		var exit *ExitError
		require.ErrorAs(t, c.Command("nag-much").Run(t.Context()), &exit)
		require.Equal(t, 9, exit.Status)
	})
}

func TestManyAtOnce(t *testing.T) {
	inEarnest(t, newPeer(), func(t *testing.T, c *Client) {
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				cmd := c.Command("cat")
				cmd.Stdin = strings.NewReader(strings.Repeat("x", 100_000))
				out, err := cmd.Output(context.Background())
				if err != nil || len(out) != 100_000 {
					t.Errorf("%d bytes, %v", len(out), err)
				}
			})
		}
		all.Wait()
	})
}
