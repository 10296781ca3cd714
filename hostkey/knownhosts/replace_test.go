package knownhosts

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// appendAs appends as ssh does: without a lock, to the file it opened.
func appendAs(t *testing.T, f *os.File, text string) {
	t.Helper()
	_, err := f.WriteString(text)
	require.NoError(t, err)
}

func opened(t *testing.T, text string) (path string, f *os.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return path, f
}

func requireContent(t *testing.T, want, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(text))
}

// What a program without locks appends is kept, whenever it does.
func TestReplaceKeepsWhatOthersAppend(t *testing.T) {
	path, f := opened(t, "a\n")
	calls := 0
	require.NoError(t, rewrite(t.Context(), path, func(text []byte) []byte {
		if calls++; calls == 1 {
			appendAs(t, f, "late\n")
		}
		return append([]byte("first\n"), text...)
	}))
	require.Equal(t, 2, calls, "the change is made again")
	requireContent(t, "first\na\nlate\n", path)

	h, err := lock(t.Context(), path)
	require.NoError(t, err)
	defer h.Close()
	before, err := h.read()
	require.NoError(t, err)
	_, err = h.WriteString("between the last look and the replacement\n")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path+".new", []byte("new\n"), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
	require.NoError(t, h.rescue(before))
	requireContent(t, "new\nbetween the last look and the replacement\n", path)
}

// A file that another program replaces is not the one that was opened.
func TestReplacedMeanwhile(t *testing.T) {
	path, _ := opened(t, "a\n")
	replaced := func(text string) {
		require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}
	calls := 0
	require.NoError(t, rewrite(t.Context(), path, func(text []byte) []byte {
		if calls++; calls == 1 {
			replaced("b\n")
		}
		return append(text, "c\n"...)
	}))
	requireContent(t, "b\nc\n", path)

	calls = 0
	require.NoError(t, appendTo(t.Context(), path, []byte("d\n"), func() error {
		if calls++; calls == 1 {
			replaced("e\n")
		}
		return nil
	}))
	requireContent(t, "e\nd\n", path)

	always := func() error { replaced("x\n"); return nil }
	require.ErrorIs(t, appendTo(t.Context(), path, []byte("y\n"), always), errReplaced)
	require.ErrorIs(t, rewrite(t.Context(), path, func([]byte) []byte { replaced("x\n"); return nil }), errReplaced)
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left behind")
}

func TestReplaceOnlyRegularFiles(t *testing.T) {
	err := rewrite(t.Context(), "/dev/null", func([]byte) []byte { return []byte("x") })
	require.ErrorContains(t, err, "not a regular file")
}
