package wycheproof

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	r := release{path: "example.org/vectors", version: "v1.0.0", sum: "h1:good="}
	for _, test := range []struct {
		name, out string
		failed    error
		dir, err  string
		sum       bool // the error is errSum
	}{
		{name: "as pinned", out: `{"Dir":"/vectors","Sum":"h1:good="}`, dir: "/vectors"},
		{name: "another hash", out: `{"Dir":"/vectors","Sum":"h1:bad="}`, sum: true,
			err: `wycheproof: example.org/vectors@v1.0.0: not the release that is pinned: its hash is "h1:bad=", not "h1:good="`},
		{name: "no hash", out: `{"Dir":"/vectors"}`, sum: true,
			err: `wycheproof: example.org/vectors@v1.0.0: not the release that is pinned: its hash is "", not "h1:good="`},
		{name: "no directory", out: `{"Sum":"h1:good="}`, err: "wycheproof: go mod download: names no directory"},
		{name: "refused by the go command", out: `{"Error":"no such host"}`, failed: errors.New("exit status 1"),
			err: "wycheproof: go mod download: no such host"},
		{name: "the go command cannot run", failed: errors.New("not found"), err: "wycheproof: go mod download: not found"},
		{name: "failed after all", out: `{"Dir":"/vectors","Sum":"h1:good="}`, failed: errors.New("killed"),
			err: "wycheproof: go mod download: killed"},
		{name: "no JSON", out: "go: hello", err: "wycheproof: go mod download: invalid character 'g' looking for beginning of value"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, err := r.check([]byte(test.out), test.failed)
			require.Equal(t, test.dir, dir)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.err)
			require.Equal(t, test.sum, errors.Is(err, errSum))
		})
	}
}

// A release without a hash is never right.
func TestZeroReleaseDenies(t *testing.T) {
	_, err := release{}.check([]byte(`{"Dir":"/vectors"}`), nil)
	require.ErrorIs(t, err, errSum)
}

func TestDownloadWithoutNetwork(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	dir, err := pinned.download()
	require.Empty(t, dir)
	require.ErrorContains(t, err, pinned.version)
	require.ErrorContains(t, err, "GOPROXY=off")
	require.NotErrorIs(t, err, errSum)
}

func TestDownloadWithoutGo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := pinned.download()
	require.ErrorContains(t, err, "executable file not found")
}

// Nothing is left behind, and no temporary directory is an error.
func TestDownloadCleansUp(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	_, err := pinned.download()
	require.Error(t, err)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)

	t.Setenv("TMPDIR", filepath.Join(dir, "missing"))
	_, err = pinned.download()
	require.ErrorIs(t, err, os.ErrNotExist)
}

// What the module cache holds is checked as well as what was just fetched.
func TestDownloadChecksTheHash(t *testing.T) {
	if _, err := download(); err != nil {
		end(t, err)
	}
	other := pinned
	other.sum = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	dir, err := other.download()
	require.Empty(t, dir)
	require.ErrorIs(t, err, errSum)
	require.ErrorContains(t, err, pinned.sum)
}
