package interop

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Standard input, output and error arrive whole, and separate. RFC 4254,
// sections 5.2 and 6.5.
func TestStreams(t *testing.T) {
	onPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		var input bytes.Buffer
		io.Copy(&input, newStream(3<<20+1))
		r := s.fed(t, p.client, bytes.NewReader(input.Bytes()), "tee /dev/stderr")
		require.Equal(t, 0, r.status, "%.1000s", r.stderr)
		require.True(t, r.stdout == input.String(), "standard output: %d bytes", len(r.stdout))
		require.True(t, r.stderr == input.String(), "standard error: %d bytes", len(r.stderr))
	})
}

// The command is a line for the login shell, and all of it.
func TestCommandLines(t *testing.T) {
	tableOnPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		for _, test := range []struct{ name, command, stdout, stderr string }{
			{"nothing", "true", "", ""},
			{"arguments", `printf '%s|' a 'b c' "d" \$e`, "a|b c|d|$e|", ""},
			{"a pipe", "printf 'b\\na\\n' | sort", "a\nb\n", ""},
			{"both outputs", "echo out; echo err >&2", "out\n", "err\n"},
			{"every byte", `printf '\000\001\033\200\377'`, "\x00\x01\x1b\x80\xff", ""},
			{"UTF-8", "echo 'naïve ☃'", "naïve ☃\n", ""},
			{"a newline", "echo a\necho b", "a\nb\n", ""},
			{"long", "echo " + strings.Repeat("x", 20000), strings.Repeat("x", 20000) + "\n", ""},
			{"a background process that lets go", "sleep 0.1 >/dev/null 2>&1 </dev/null & echo done", "done\n", ""},
		} {
			between(t, test.name, p.programs(), func(t *testing.T) {
				r := s.run(t, p.client, test.command)
				require.Equal(t, 0, r.status, r.stderr)
				require.Equal(t, test.stdout, r.stdout)
				require.Equal(t, test.stderr, r.stderr)
			})
		}
	})
}

// The command may be in several arguments, which are joined by blanks.
func TestCommandInPieces(t *testing.T) {
	onPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		cmd := s.command(t, p.client, "printf")
		cmd.Args = append(cmd.Args, "%s:", "-n", "a  b", "'c  d'")
		r := run(t, cmd)
		require.Equal(t, 0, r.status, r.stderr)
		require.Equal(t, "-n:a:b:c  d:", r.stdout)
	})
}

// What is known of the client and the user is in the environment.
func TestEnvironment(t *testing.T) {
	onPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server, "AcceptEnv=WHELK_*")
		r := s.run(t, p.client, `echo "$USER $LOGNAME"; echo "$SSH_CLIENT"; echo "$SSH_CONNECTION"; echo "$SSH_TTY"; echo "$WHELK_A$OTHER"; pwd; echo "$HOME"`,
			"-o", "SetEnv=WHELK_A=seen OTHER=hidden")
		require.Equal(t, 0, r.status, r.stderr)
		lines := strings.Split(r.stdout, "\n")
		require.Len(t, lines, 8)
		require.Equal(t, userName(t)+" "+userName(t), lines[0])
		require.Regexp(t, `^127\.0\.0\.1 \d+ \d+$`, lines[1])
		require.Regexp(t, `^127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+$`, lines[2])
		require.Equal(t, []string{"", "seen"}, lines[3:5])
		if p.server == whelkd { // sshd was told to set another HOME
			require.Equal(t, lines[5], lines[6])
		}
	})
}
