package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The far end of transfers is this program, which is the test's.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// The whole demo, with less to move.
func TestDemo(t *testing.T) {
	if testing.Short() || !isUnix {
		t.Skip("it builds and runs programs")
	}
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	d := &demo{report: &report{w: &out}, size: 1 << 20}
	d.run(t.Context())
	require.Zero(t, d.failures, out.String())
	require.GreaterOrEqual(t, d.finished, 12, out.String())
	require.Contains(t, out.String(), "steps worked")
	for _, message := range []string{"SSH_MSG_KEXINIT", "SSH_MSG_NEWKEYS", "SSH_MSG_USERAUTH_SUCCESS", `"HELLO, WHELK\n"`, "SSH_MSG_DISCONNECT"} {
		require.Contains(t, out.String(), message)
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// Each line of the conversation fits, and each message is explained.
func TestConversationIsReadable(t *testing.T) {
	for _, n := range notes {
		require.LessOrEqual(t, noteColumn+len("# ")+len(n.text)+len(" ()")+len(n.source), width, n.text)
	}
	for _, payload := range [][]byte{{94, 0, 0, 0, 0, 0, 0, 0, 1, 'x'}, {20}, {97, 0, 0, 0, 0}, {21}} {
		for _, from := range []speaker{clientSpeaks, serverSpeaks} {
			n, ok := noteOn(from, payload)
			require.True(t, ok)
			require.True(t, n.from == from || n.from == either)
		}
	}
	_, ok := noteOn(serverSpeaks, []byte{200})
	require.False(t, ok)
}

// A context that is done in the middle of a transfer ends the run, and nothing
// is left.
func TestInterrupted(t *testing.T) {
	if testing.Short() || !isUnix {
		t.Skip("it builds and runs programs")
	}
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	d := &demo{report: &report{}, size: 1 << 20}
	d.w = whenWritten{&out, "Speed", func() {
		d.size = 1 << 50
		time.AfterFunc(300*time.Millisecond, cancel)
	}}
	d.run(ctx)
	require.Zero(t, d.failures, out.String())
	require.Contains(t, out.String(), "Interrupted")
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// A whenWritten is a Writer that calls do when it is given the text.
type whenWritten struct {
	io.Writer
	text string
	do   func()
}

func (w whenWritten) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.text) {
		w.do()
	}
	return w.Writer.Write(p)
}

func TestStep(t *testing.T) {
	var out bytes.Buffer
	r := &report{w: &out}
	good := func(context.Context) (string, error) { return "fine", nil }
	bad := func(context.Context) (string, error) { return "", errors.New("broken\nbadly") }
	require.True(t, r.step(t.Context(), "one", good))
	require.False(t, r.step(t.Context(), "two", bad))
	ctx, cancel := context.WithCancel(t.Context())
	require.False(t, r.step(ctx, "three", func(context.Context) (string, error) { cancel(); return "", ctx.Err() }))
	require.False(t, r.step(ctx, "four", good))
	require.Equal(t, []int{2, 1}, []int{r.finished, r.failures})
	lines := strings.Split(out.String(), "\n")
	require.Equal(t, "  ✓ one                                       fine", lines[0])
	require.Equal(t, "  ✗ two                                       broken", lines[1])
	require.Equal(t, "        badly", lines[2])
	require.Equal(t, "", lines[3])

	require.Equal(t, "x", r.in(red, "x"))
	r.colour = true
	require.Equal(t, "\x1b[31mx\x1b[0m", r.in(red, "x"))
}

func TestStream(t *testing.T) {
	seed := strings.Repeat("5a", 16)
	whole, err := newStream(seed, 100_000)
	require.NoError(t, err)
	want, err := io.ReadAll(whole)
	require.NoError(t, err)
	require.Len(t, want, 100_000)

	var sent, said bytes.Buffer
	require.NoError(t, farEnd([]string{"send", seed, "100000"}, nil, &sent))
	require.Equal(t, want, sent.Bytes())
	require.NoError(t, farEnd([]string{"receive"}, &sent, &said))
	here := newReceiver()
	here.Write(want)
	require.Regexp(t, `^100000 `+here.arrived().digest+` \d+\n$`, said.String())

	for _, args := range [][]string{{"send"}, {"send", "zz", "1"}, {"send", "00", "1"}, {"send", seed, "many"}, {"receive", "x"}, {"help"}} {
		require.Error(t, farEnd(args, strings.NewReader(""), io.Discard), "%q", args)
	}
}

func TestJudge(t *testing.T) {
	d := &demo{report: &report{}, size: 1 << 20, digest: "ab"}
	for _, test := range []struct {
		arrival arrival
		err     error
		wrong   string
	}{
		{arrival{1 << 20, "ab", 1e9}, nil, ""},
		{arrival{1 << 20, "ab", 1e9}, io.ErrUnexpectedEOF, "unexpected EOF"},
		{arrival{1<<20 - 1, "ab", 1e9}, nil, "1048575 bytes arrived of 1048576"},
		{arrival{1 << 20, "cd", 1e9}, nil, "what arrived has the SHA-256 cd, not ab"},
	} {
		said, err := d.judge(test.arrival, test.err)
		if test.wrong == "" {
			require.NoError(t, err)
			require.Equal(t, "    1 MiB/s   1.00 s, SHA-256 matches", said)
			continue
		}
		require.EqualError(t, err, test.wrong)
	}
}

func TestServerLog(t *testing.T) {
	for _, test := range []struct{ said, port string }{
		{"listening on 127.0.0.1:2222\n", "2222"},
		{"Server listening on 127.0.0.1 port 40123.\r\n", "40123"},
		{"listening on 127.0.0.1:22", ""},
		{"error: Bind to port 22 on 127.0.0.1 failed\n", ""},
	} {
		l := serverLog{port: make(chan string, 1)}
		for _, c := range []byte(test.said) {
			l.Write([]byte{c})
		}
		close(l.port)
		require.Equal(t, test.port, <-l.port, "%q", test.said)
		require.Equal(t, strings.TrimSpace(test.said), l.String())
	}
}
