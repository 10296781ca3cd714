package wycheproof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// errSum is in the error for a release with another content than the one
// that is pinned.
var errSum = errors.New("not the release that is pinned")

// timeout bounds the wait for a network that swallows packets. The release is
// 28 MB.
const timeout = 4 * time.Minute

// A release is a version of a module.
type release struct {
	path    string
	version string
	sum     string // hash of the content, as in go.sum
}

// download has the go command fetch r, unless the module cache has it, and
// returns the directory with its content.
func (r release) download() (dir string, err error) {
	// In a module of its own: the go command may write to the go.mod and
	// go.sum of the one it runs in.
	scratch, err := os.MkdirTemp("", "wycheproof-")
	if err != nil {
		return "", fmt.Errorf("wycheproof: %w", err)
	}
	defer os.RemoveAll(scratch)
	if err := os.WriteFile(filepath.Join(scratch, "go.mod"), []byte("module scratch\n"), 0o600); err != nil {
		return "", fmt.Errorf("wycheproof: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", r.path+"@"+r.version)
	cmd.Dir = scratch
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	// It fails with the reason in its output or, if it could not run, in err.
	out, err := cmd.Output()
	return r.check(out, err)
}

// check returns the directory that the go command reports in out, if r is what
// it holds. failed is how the command ended.
func (r release) check(out []byte, failed error) (dir string, err error) {
	var got struct{ Error, Dir, Sum string }
	switch err := json.Unmarshal(out, &got); {
	case got.Error != "":
		return "", fmt.Errorf("wycheproof: go mod download: %s", got.Error)
	case failed != nil:
		return "", fmt.Errorf("wycheproof: go mod download: %w", failed)
	case err != nil:
		return "", fmt.Errorf("wycheproof: go mod download: %w", err)
	case got.Sum != r.sum || r.sum == "":
		return "", fmt.Errorf("wycheproof: %s@%s: %w: its hash is %q, not %q", r.path, r.version, errSum, got.Sum, r.sum)
	case got.Dir == "":
		return "", errors.New("wycheproof: go mod download: names no directory")
	}
	return got.Dir, nil
}
