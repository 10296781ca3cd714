package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What is sent of what is typed, whatever pieces it comes in.
func TestEscaper(t *testing.T) {
	for _, test := range []struct{ name, typed, sent, run string }{
		{"nothing", "", "", ""},
		{"text", "ls -l ~\r", "ls -l ~\r", ""},
		{"at the very beginning", "~.", "", "."},
		{"behind a return", "ls\r~.", "ls\r", "."},
		{"behind a newline, as typed ahead", "ls\n~?", "ls\n", "?"},
		{"within a line", "x~.", "x~.", ""},
		{"the character itself", "~~", "~", ""},
		{"the character itself is within the line then", "~~~.", "~~.", ""},
		{"a key that means nothing", "~x", "~x", ""},
		{"and the line goes on", "~x~.", "~x~.", ""},
		{"the end of the line means nothing", "~\r~.", "~\r", "."},
		{"one behind the other", "~?~#~.", "", "?#."},
		{"a character alone", "~", "", ""},
		{"a file of one's own", "cat ~/.profile\r", "cat ~/.profile\r", ""},
		{"not text", "\x00\xff\r~?\xff", "\x00\xff\r\xff", "?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for size := 1; size <= len(test.typed)+1; size++ {
				var ran, sent []byte
				e := escaper{char: '~', run: func(key byte) bool {
					if !strings.ContainsRune(".?#", rune(key)) {
						return false
					}
					ran = append(ran, key)
					return true
				}}
				for typed := []byte(test.typed); len(typed) > 0; {
					n := min(size, len(typed))
					sent = e.filter(sent, typed[:n])
					typed = typed[n:]
				}
				require.Equal(t, test.sent, string(sent), "in pieces of %d", size)
				require.Equal(t, test.run, string(ran), "in pieces of %d", size)
			}
		})
	}
}

func TestEscapeChar(t *testing.T) {
	for _, test := range []struct {
		line string
		want byte
	}{
		{"host", '~'},
		{"-e none host", 0},
		{"-e ^B host", 2},
		{"-e ^b host", 2},
		{"-e ^@ host", 0},
		{"-e % host", '%'},
		{"-e ^ host", '^'},
		{"-o EscapeChar=none host", 0},
		{"-e + -o EscapeChar=none host", '+'},
	} {
		require.Equal(t, test.want, parse(t, test.line).escape, test.line)
	}
	_, err := settled("-e", "ab", "host")
	require.ErrorContains(t, err, "write none, one character, or ^ and a letter")
	require.Equal(t, "^Z", keyName('Z'&0x1f))
	require.Equal(t, "~", keyName('~'))
}

func newTestConsole(t *testing.T, keys io.Reader, screen io.Writer) *console {
	o := parse(t, "alice@example.com")
	p := &program{options: o, log: &logger{w: io.Discard}}
	p.forwarder = &forwarder{program: p, ctx: t.Context()}
	return newConsole(p, newTerminal(-1, false, p.log), keys, screen)
}

// What is typed ahead waits for the session, in an amount that is bounded, and
// escape sequences behind it work as long as nobody reads it.
func TestConsoleTypesAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, typist := io.Pipe()
		var screen bytes.Buffer
		c := newTestConsole(t, keys, &screen)
		go c.attend()
		ahead := strings.Repeat("line\r", 1000)
		io.WriteString(typist, ahead+"~.")
		require.Equal(t, errEscaped, <-c.ended)
		require.Equal(t, "~.\r\n", screen.String())
		go func() {
			io.WriteString(typist, strings.Repeat("x", 2*maxTyped))
			typist.Close()
		}()
		synctest.Wait()
		require.LessOrEqual(t, len(c.typed), maxTyped+4<<10)
		all, err := io.ReadAll(c)
		require.NoError(t, err)
		require.Equal(t, ahead+strings.Repeat("x", 2*maxTyped), string(all))
		c.put([]byte("late"))
		_, err = c.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
	})
}

// Every key is explained, and changes what it says it does.
func TestEscapeKeys(t *testing.T) {
	var screen bytes.Buffer
	c := newTestConsole(t, strings.NewReader(""), &screen)
	said := func(typed string) string {
		screen.Reset()
		require.Empty(t, c.filter(nil, []byte(typed)))
		return screen.String()
	}
	help := said("~?")
	for _, k := range escapeKeys() {
		require.Contains(t, help, " ~"+keyName(k.key))
		require.Contains(t, help, k.help)
	}
	require.NotContains(t, strings.ReplaceAll(help, "\r\n", ""), "\n", "the terminal is raw")
	require.Contains(t, said("~#"), "nothing is forwarded")
	require.Contains(t, said("~C"), "EnableEscapeCommandline")
	c.program.log.level.Store(int32(levelInfo))
	require.Equal(t, "~v [LogLevel VERBOSE]\r\n", said("~v"))
	require.True(t, c.program.log.says(levelVerbose))
	for range 10 {
		said("~v")
	}
	require.Equal(t, "~v [LogLevel DEBUG3]\r\n", said("~v"))
	for range 10 {
		said("~V")
	}
	require.Equal(t, "~V [LogLevel QUIET]\r\n", said("~V"))
	said("~.~.") // twice does no harm
	require.Equal(t, errEscaped, <-c.ended)
}

// The command line does what there is, and says what there is to anything else.
func TestCommandLine(t *testing.T) {
	var screen bytes.Buffer
	c := newTestConsole(t, strings.NewReader("\n  -h\r"), &screen)
	c.program.commandLine = true
	c.filter(nil, []byte("~C"))
	require.Equal(t, "\r\nwhelk> ", screen.String(), "an empty line is no command")
	c.filter(nil, []byte("~C"))
	for _, l := range commandLines() {
		require.Contains(t, screen.String(), "\r\n "+l.help)
	}
	c.filter(nil, []byte("~C")) // at the end of the keys
}

// A logger whose level changes is used meanwhile.
func TestLogLevelChanges(t *testing.T) {
	l := &logger{w: io.Discard}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			l.printf(levelInfo, "x")
		}
	}()
	for range 100 {
		l.change(+1)
	}
	<-done
}

func TestSessionOptions(t *testing.T) {
	o := parse(t, "-o ServerAliveInterval=1m -o ServerAliveCountMax=5 -o TCPKeepAlive=no host")
	require.Equal(t, time.Minute, o.alive.Interval)
	require.Equal(t, 5*time.Minute, o.alive.Patience())
	require.False(t, o.resolved.Yes("TCPKeepAlive"))
	require.Zero(t, parse(t, "host").alive.Patience())
	require.Equal(t, 45*time.Second, parse(t, "-oServerAliveInterval=15 host").alive.Patience())
	require.Equal(t, 30*time.Second, parse(t, "-oServerAliveInterval=15 -oServerAliveCountMax=0 host").alive.Patience())

	for line, want := range map[string][]bool{ // noCommand, noStdin, subsystem, fork
		"host ls":                           {false, false, false, false},
		"-N host":                           {true, false, false, false},
		"-oSessionType=none host":           {true, false, false, false},
		"-s host sftp":                      {false, false, true, false},
		"-oSessionType=subsystem host sftp": {false, false, true, false},
		"-oStdinNull=yes host ls":           {false, true, false, false},
		"-f host ls":                        {false, true, false, true},
		"-fN host":                          {true, true, false, true},
		"-oForkAfterAuthentication=yes -oSessionType=none host": {true, true, false, true},
	} {
		o := parse(t, line)
		require.Equal(t, want, []bool{o.noCommand, o.noStdin, o.subsystem(), o.fork}, line)
	}
	o, err := settled("-o", "RemoteCommand=uname -a", "-o", "PermitLocalCommand=yes", "-o", "LocalCommand=true yes", "host")
	require.NoError(t, err)
	require.Equal(t, []any{"uname -a", true, "true yes"}, []any{o.command, o.permitLocal, o.localCommand})
	require.Empty(t, parse(t, "-oRemoteCommand=none host").command)

	for line, want := range map[string]string{
		"-oRemoteCommand=x host ls":     "remotecommand",
		"-N host ls":                    "-N",
		"-s host":                       "-s",
		"-f host":                       "-f",
		"-oServerAliveInterval=x host":  "not a time",
		"-oServerAliveCountMax=-1 host": "not a number",
		"-oSessionType=x host":          "subsystem",
	} {
		_, err := settled(strings.Fields(line)...)
		require.ErrorContains(t, err, want, line)
	}
}

// Who ends a session by the escape character need not be told.
func TestStatusOfEscape(t *testing.T) {
	p := &program{log: &logger{w: io.Discard}, options: new(options)}
	require.Equal(t, failure, p.status(nil, errEscaped))
}
