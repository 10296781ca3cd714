package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel/sftp"
)

// roleVariable makes the test binary a server on its standard streams, for -D.
const roleVariable = "WHELKCP_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "" {
		os.Exit(m.Run())
	}
	s := &sftp.Server{Handler: sftp.SystemHandler(), Directory: os.Getenv(roleVariable)}
	if err := s.Serve(context.Background(), struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stdout}); err != nil {
		os.Exit(1)
	}
}

// whelkcp runs the program with a server in the directory, whatever the host.
func whelkcp(t *testing.T, dir string, args ...string) (status int, stderr string) {
	t.Helper()
	t.Setenv(roleVariable, dir)
	self, err := os.Executable()
	require.NoError(t, err)
	var text bytes.Buffer
	status = run(append([]string{"-D", self}, args...), nil, &text)
	return status, text.String()
}

func write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
}

func requireText(t *testing.T, want, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, want, string(text))
}

func TestCopies(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	at := func(name string) string { return filepath.Join(here, name) }
	write(t, at("a"), "a")
	write(t, at("b"), "b")
	write(t, at("tree/d/c"), "c")
	copies := func(args ...string) {
		t.Helper()
		status, stderr := whelkcp(t, there, args...)
		require.Equal(t, 0, status, stderr)
		require.Empty(t, stderr)
	}
	copies(at("a"), "host:")
	requireText(t, "a", filepath.Join(there, "a"))
	copies(at("a"), "host:renamed")
	requireText(t, "a", filepath.Join(there, "renamed"))
	copies("-r", at("tree"), at("b"), "host:.")
	requireText(t, "c", filepath.Join(there, "tree", "d", "c"))
	copies("-r", at("tree"), "host:other")
	requireText(t, "c", filepath.Join(there, "other", "d", "c"))
	copies("-r", at("tree"), "host:other")
	requireText(t, "c", filepath.Join(there, "other", "tree", "d", "c"))

	copies("host:[ab]", here+"/tree")
	requireText(t, "b", at("tree/b"))
	copies("-rp", "host:tree", at("back"))
	requireText(t, "c", at("back/d/c"))
	copies("-r", "host:..//"+filepath.Base(there)+"/tree/..", at("back"))
	requireText(t, "a", at("back/a"))
	write(t, filepath.Join(there, "[x]"), "odd")
	copies("host:[x]", at("odd"))
	requireText(t, "odd", at("odd"))

	copies("-p", "one:a", "two:tree/a2")
	requireText(t, "a", filepath.Join(there, "tree", "a2"))
	copies("-rp", "one:tree", "two:tree3")
	requireText(t, "c", filepath.Join(there, "tree3", "d", "c"))
	copies("-r", at("tree"), at("local"))
	requireText(t, "c", at("local/d/c"))
}

func TestFailures(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	write(t, filepath.Join(here, "a"), "a")
	write(t, filepath.Join(there, "dir", "x"), "x")
	write(t, filepath.Join(there, "y"), "y")
	for _, test := range []struct {
		args string
		want string
	}{
		{"HERE/missing host:", "no such file"},
		{"host:missing HERE", "no such file"},
		{"host:dir HERE", "-r copies directories"},
		{"HERE host:", "-r copies directories"},
		{"host:y host:dir HERE/nowhere", "not a directory"},
		{"host:* HERE/a", "not a directory"},
		{"HERE/a host:nowhere/", "not a directory"},
		{"HERE/a host:no/where", "no such file"},
		{"-R one:y two:z", "-R needs hosts"},
		{"host:y host:dir/../y", "are the same file"},
		{"host:~nobody-such/x HERE", "no such file"},
		{"HERE/missing1 HERE/missing2", "no such file"},
	} {
		status, stderr := whelkcp(t, there, strings.Fields(strings.ReplaceAll(test.args, "HERE", here))...)
		require.Equal(t, failure, status, test.args)
		require.Contains(t, stderr, test.want, test.args)
		require.Equal(t, 1, strings.Count(stderr, "\n"), "%s: %s", test.args, stderr)
		require.True(t, strings.HasPrefix(stderr, "whelkcp: "), stderr)
	}
	status, stderr := whelkcp(t, there, "host:missing", "host:y", here)
	require.Equal(t, failure, status)
	require.Equal(t, 1, strings.Count(stderr, "\n"))
	requireText(t, "y", filepath.Join(here, "y"))

	status, stderr = whelkcp(t, there, "-D", "/no/such/server", "host:y", here)
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "/no/such/server")
	status, stderr = whelkcp(t, there, "-D", "/bin/true", "host:y", here)
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "no server answers")
}

// What a tree has that is no file is left out, and said.
func TestSkips(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	write(t, filepath.Join(here, "tree", "a"), "a")
	require.NoError(t, os.Symlink("a", filepath.Join(here, "tree", "link")))
	require.NoError(t, os.Symlink("missing", filepath.Join(here, "tree", "broken")))
	status, stderr := whelkcp(t, there, "-r", filepath.Join(here, "tree"), "host:")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "broken")
	requireText(t, "a", filepath.Join(there, "tree", "link"))
}

func TestReport(t *testing.T) {
	var text bytes.Buffer
	p := &program{stderr: &text}
	p.report(nil)
	require.False(t, p.failed)
	p.report(errors.Join(errors.New("one"), fmt.Errorf("two: %w", fs.ErrExist), errors.New("esc\x1b[31m\u202e\xff\nline")))
	require.True(t, p.failed)
	require.Equal(t, "whelkcp: one\nwhelkcp: two: file already exists\nwhelkcp: esc\\x1b[31m\\u202e\\ufffd\\nline\n", text.String())
}

func TestMeter(t *testing.T) {
	var text bytes.Buffer
	m := &meter{w: &text}
	m.show(sftp.Progress{Name: "dir/big\x1b", Bytes: 10, Size: 100})
	require.Contains(t, text.String(), `big\x1b`)
	m.show(sftp.Progress{Name: "dir/small", Bytes: 5, Size: 5, Done: true})
	m.show(sftp.Progress{Name: "dir/big\x1b", Bytes: 100, Size: 100})
	m.show(sftp.Progress{Name: "dir/big\x1b", Bytes: 100, Size: 100, Done: true})
	require.Contains(t, text.String(), "small")
	require.Equal(t, 2, strings.Count(text.String(), "100% "), text.String())
	require.NotContains(t, strings.ReplaceAll(text.String(), "\x1b[2K", ""), "big\x1b")
	m.clear()
	m.show(sftp.Progress{Name: "empty"})
	m.show(sftp.Progress{Name: "empty", Done: true})
	require.Contains(t, text.String(), "empty")
}

func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		require.Nil(t, (&program{options: &options{}}).pacer())
		pace := (&program{options: &options{limit: 1000}}).pacer()
		begun := time.Now()
		pace(sftp.Progress{Name: "a", Bytes: 500})
		pace(sftp.Progress{Name: "b", Bytes: 500})
		pace(sftp.Progress{Name: "a", Bytes: 2000, Done: true})
		require.Equal(t, 2500*time.Millisecond, time.Since(begun))
		pace(sftp.Progress{Name: "a", Bytes: 100})
		require.Equal(t, 2600*time.Millisecond, time.Since(begun))
	})
}
