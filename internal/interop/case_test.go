package interop

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// A tally counts cases with a peer that is not ours.
type tally struct {
	ran, skipped atomic.Int64
	table        string // of TestMatrix
}

var cases tally

// report appends the table and the tally to a file, unless there is none.
func (c *tally) report(path string) error {
	text := c.table + fmt.Sprintf("interop: %d cases ran, %d skipped\n", c.ran.Load(), c.skipped.Load())
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

// between runs a case in which the programs take part, and counts it.
func between(t *testing.T, name string, programs []*program, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		if slices.ContainsFunc(programs, func(p *program) bool { return !p.ours }) {
			t.Cleanup(func() {
				if t.Skipped() {
					cases.skipped.Add(1)
				} else {
					cases.ran.Add(1)
				}
			})
		}
		for _, p := range programs {
			p.mustExist(t)
		}
		f(t)
	})
}

// A pair is a client and a server.
type pair struct{ client, server *program }

func (p pair) String() string { return p.client.name + " to " + p.server.name }

func (p pair) programs() []*program { return []*program{p.client, p.server} }

// pairs are all four. The first is the control.
var pairs = []pair{{ssh, sshd}, {ssh, whelkd}, {whelk, sshd}, {whelk, whelkd}}

// onPairs runs a case on each pair, all at the same time.
func onPairs(t *testing.T, pairs []pair, f func(t *testing.T, p pair)) {
	t.Helper()
	for _, p := range pairs {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			t.Parallel()
			f(t, p)
		})
	}
}

// tableOnPairs is for cases that share a server: f runs on each pair, at the
// same time, and runs the cases by itself.
func tableOnPairs(t *testing.T, pairs []pair, f func(t *testing.T, p pair)) {
	t.Helper()
	for _, p := range pairs {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			if p.client.path != "" && p.server.path != "" {
				f(t, p)
				return
			}
			between(t, "peer", p.programs(), func(*testing.T) {})
		})
	}
}

// heavy skips a case that takes long where that is not wanted.
func heavy(t *testing.T) {
	t.Helper()
	if testing.Short() || raceEnabled {
		t.Skip("it moves too much data for -short and -race")
	}
}

// inCI reports whether a missing peer is an error.
func inCI() bool { return strings.EqualFold(os.Getenv("CI"), "true") }
