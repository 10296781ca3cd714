package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// design.md 3.1: the requests of a shell go out behind each other; a server
// that sits on its answer to the first has all of them by then.
func TestRequestsOfAShellAreOneFlight(t *testing.T) {
	p := newPeer()
	var held *channel.Request
	arrived := make(chan string, 10)
	p.hold = func(r *channel.Request) bool {
		arrived <- r.Type
		if r.Type == "pty-req" {
			held = r
		}
		return r.Type == "pty-req"
	}
	in(t, p, func(t *testing.T, c *Client) {
		cmd := c.Command("")
		cmd.Pty, cmd.Env = &Pty{}, []string{"A=1"}
		started := make(chan error)
		go func() { started <- cmd.Start(t.Context()) }()
		for _, want := range []string{"pty-req", "env", "shell"} {
			require.Equal(t, want, <-arrived)
		}
		held.Reply(true)
		require.NoError(t, <-started)
		require.NoError(t, cmd.Wait())
	})
}

// A command is not run without the terminal that was asked for.
func TestNoCommandWithoutItsTerminal(t *testing.T) {
	for _, test := range []struct {
		command string
		want    []string
	}{
		{"echo x", []string{"pty-req"}},
		{"", []string{"pty-req", "shell"}},
	} {
		t.Run(fmt.Sprintf("%q", test.command), func(t *testing.T) {
			p := newPeer()
			p.refuse = "pty-req"
			in(t, p, func(t *testing.T, c *Client) {
				cmd := c.Command(test.command)
				cmd.Pty = &Pty{Term: "vt100"}
				var refused *StartError
				require.ErrorAs(t, cmd.Start(t.Context()), &refused)
				require.Equal(t, "pty-req", refused.Request)
				time.Sleep(time.Second)
				require.Equal(t, test.want, p.seen())
			})
		})
	}
}

// RFC 4254, sections 6.2 and 6.7: sizes are in pixels too.
func TestPixels(t *testing.T) {
	p := newPeer()
	p.programs["pixels"] = func(s *session, _ []string) {
		size := <-s.sizes
		fmt.Fprint(s, s.pty.Width, s.pty.Height, size)
		s.exit(0)
	}
	in(t, p, func(t *testing.T, c *Client) {
		cmd := c.Command("pixels")
		cmd.Pty = &Pty{Window: Window{Columns: 80, Rows: 24, Width: 640, Height: 480}}
		var out bytes.Buffer
		cmd.Stdout = &out
		require.NoError(t, cmd.Start(t.Context()))
		require.NoError(t, cmd.Resize(Window{Columns: 1, Rows: 2, Width: 3, Height: 4}))
		require.NoError(t, cmd.Wait())
		require.Equal(t, "640 480 {1 2 3 4}", out.String())
	})
}

// RFC 4335.
func TestCmdBreak(t *testing.T) {
	p := newPeer()
	p.programs["line"] = func(s *session, _ []string) {
		for range 3 {
			fmt.Fprintln(s, <-s.breaks)
		}
		s.exit(0)
	}
	in(t, p, func(t *testing.T, c *Client) {
		cmd := c.Command("line")
		require.Equal(t, errNotStarted, cmd.Break(0))
		var out bytes.Buffer
		cmd.Stdout = &out
		require.NoError(t, cmd.Start(t.Context()))
		require.NoError(t, cmd.Break(0))
		require.NoError(t, cmd.Break(time.Second))
		require.NoError(t, cmd.Break(math.MaxInt64))
		require.NoError(t, cmd.Wait())
		require.Equal(t, "0\n1000\n4294967295\n", out.String())
	})
}

// OpenSSH PROTOCOL, section 2.2, the other way: a command that closes its input
// gets no more of it, and Wait does not mind.
func TestCommandReadsNoFurther(t *testing.T) {
	p := newPeer()
	p.programs["head"] = func(s *session, _ []string) {
		line := make([]byte, 5)
		io.ReadFull(s, line)
		s.Notify("eow@openssh.com", nil)
		n, err := io.Copy(io.Discard, s) // which comes to an end
		fmt.Fprintf(s, "%s %t %v", line, n < 1<<30, err)
		s.exit(0)
	}
	t.Run("Stdin", func(t *testing.T) {
		inEarnest(t, p, func(t *testing.T, c *Client) {
			cmd := c.Command("head")
			cmd.Stdin = io.MultiReader(bytes.NewReader([]byte("first")), endless{})
			out, err := cmd.Output(t.Context())
			require.NoError(t, err)
			require.Equal(t, "first true <nil>", string(out))
		})
	})
	t.Run("StdinPipe", func(t *testing.T) {
		in(t, p, func(t *testing.T, c *Client) {
			cmd := c.Command("head")
			stdin, err := cmd.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start(t.Context()))
			for err == nil {
				_, err = stdin.Write([]byte("first"))
				time.Sleep(time.Millisecond)
			}
			require.ErrorIs(t, err, net.ErrClosed)
			require.NoError(t, cmd.Wait())
		})
	})
}

// endless is input without end, a byte at a time.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return 1, nil }

// RFC 4254, section 6.8.
func TestXonXoff(t *testing.T) {
	p := newPeer()
	p.programs["flow"] = func(s *session, _ []string) {
		for _, payload := range [][]byte{{1}, {0}, {1, 2}} {
			fmt.Fprintln(s, s.Request(context.Background(), "xon-xoff", payload))
		}
		s.exit(0)
	}
	const refusal = "channel: the peer refused the request\n"
	in(t, p, func(t *testing.T, c *Client) {
		cmd := c.Command("flow")
		out, err := cmd.Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, refusal+refusal+refusal, string(out))
		cmd = c.Command("flow")
		var said []bool
		cmd.OnXonXoff = func(allowed bool) { said = append(said, allowed) }
		out, err = cmd.Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "<nil>\n<nil>\n"+refusal, string(out))
		require.Equal(t, []bool{true, false}, said)
	})
}

// RFC 4254, section 6.10: everything an exit-signal says.
func TestExitSignal(t *testing.T) {
	p := newPeer()
	p.programs["abort"] = func(s *session, _ []string) {
		m := wire.ExitSignal{Signal: "ABRT", Core: true, Message: "jäh beendet", Language: "de"}
		s.Notify("exit-signal", m.Append(nil))
	}
	in(t, p, func(t *testing.T, c *Client) {
		var exit *ExitError
		require.ErrorAs(t, c.Command("abort").Run(t.Context()), &exit)
		require.Equal(t, &ExitError{Signal: channel.SIGABRT, Core: true, Message: "jäh beendet", Language: "de"}, exit)
	})
}

// A subsystem with all that a command has.
func TestSubsystemCommand(t *testing.T) {
	p := newPeer()
	in(t, p, func(t *testing.T, c *Client) {
		cmd := c.Command("cat")
		cmd.Subsystem = true
		cmd.Stdin = bytes.NewReader([]byte("in and out"))
		out, err := cmd.Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "in and out", string(out))
		require.Equal(t, []string{"subsystem"}, p.seen())
		cmd = c.Command("nonesuch")
		cmd.Subsystem = true
		var refused *StartError
		require.ErrorAs(t, cmd.Run(t.Context()), &refused)
		require.Equal(t, "subsystem", refused.Request)
	})
}

// OpenSSH PROTOCOL, section 2.2. Servers that may not know the request are not
// told; nothing can be started either way.
func TestNoMoreSessions(t *testing.T) {
	for _, test := range []struct {
		software string
		told     bool
	}{
		{"OpenSSH_9.2p1", true},
		{"Whelk_0.1", true},
		{"Cisco-1.25", false},
	} {
		t.Run(test.software, func(t *testing.T) {
			p := newPeer()
			p.transport.Software = test.software
			asked := make(chan string, 10)
			p.asked = func(r *connection.Request, _ transport.State) {
				asked <- fmt.Sprint(r.Type, r.WantReply)
				r.Reply(false, nil)
			}
			in(t, p, func(t *testing.T, c *Client) {
				cmd := c.Command("sleep")
				require.NoError(t, cmd.Start(t.Context()))
				require.NoError(t, c.NoMoreSessions())
				require.Equal(t, errNoMore, c.Command("echo").Start(t.Context()))
				_, err := c.Subsystem(t.Context(), "cat")
				require.Equal(t, errNoMore, err)
				_, err = c.Mux().Request(t.Context(), "sync", nil)
				require.ErrorIs(t, err, connection.ErrRefused)
				if test.told {
					require.Equal(t, "no-more-sessions@openssh.comfalse", <-asked)
				}
				require.Equal(t, "synctrue", <-asked)
			})
		})
	}
}
