package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// A demo is one run, from the first step to the last.
type demo struct {
	*report
	size int64  // of each transfer, in bytes
	dir  string // holds every file the run makes
	self string // this program, for the far end of transfers

	seed   string // of the data that transfers move
	digest string // its SHA-256, in hex

	programs programs
	user     string
	hostKey  keyFile
	userKey  keyFile
}

// run runs all steps. Where one fails on which others depend, those are left
// out.
func (d *demo) run(ctx context.Context) {
	start := time.Now()
	d.steps(ctx)
	switch {
	case ctx.Err() != nil:
		d.printf("\nInterrupted after %.1f s; everything is tidied up.\n", time.Since(start).Seconds())
	case d.failures > 0:
		d.printf("\n%d of %d steps failed, in %.1f s.\n", d.failures, d.finished, time.Since(start).Seconds())
	default:
		d.printf("\nAll %d steps worked, in %.1f s.\n", d.finished, time.Since(start).Seconds())
	}
}

func (d *demo) steps(ctx context.Context) {
	d.heading("Build")
	if !d.step(ctx, "a temporary directory", d.prepare) {
		return
	}
	defer os.RemoveAll(d.dir)
	if !d.step(ctx, "go build ./client/whelk ./server/whelkd", d.build) ||
		!d.step(ctx, "fresh keys", d.makeKeys) ||
		!d.step(ctx, fmt.Sprintf("%d MiB of data", d.size>>20), d.makeData) {
		return
	}

	s := d.serve(ctx, "whelkd", d.startWhelkd)
	if s == nil {
		return
	}
	defer s.stop()

	d.heading("Commands: whelk -> whelkd")
	r := d.route("whelk", d.programs.whelk, s)
	d.printf("  $ whelk %s COMMAND\n", strings.ReplaceAll(strings.Join(r.args, " "), d.dir, "$DIR"))
	d.commands(ctx, r)

	d.heading("One connection, message by message")
	d.step(ctx, talk, func(ctx context.Context) (string, error) { return d.converse(ctx, s) })

	d.heading("Speed: whelk -> whelkd, " + transferCipher)
	d.transfers(ctx, r)

	d.openSSH(ctx, s)
}

// prepare makes the directory for everything else.
func (d *demo) prepare(context.Context) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	d.self = self
	d.dir, err = os.MkdirTemp("", "whelk-demo-")
	return "DIR=" + d.dir, err
}

// makeKeys makes the keys of the host and the user, and lets the user in.
func (d *demo) makeKeys(context.Context) (string, error) {
	name, err := currentUser()
	if err != nil {
		return "", err
	}
	d.user = name
	if d.hostKey, err = newKeyFile(d.path("host_key"), "host"); err != nil {
		return "", err
	}
	if d.userKey, err = newKeyFile(d.path("user_key"), d.user); err != nil {
		return "", err
	}
	if err := os.WriteFile(d.path("authorized_keys"), d.userKey.authorized(), 0o600); err != nil {
		return "", err
	}
	return fmt.Sprintf("host key %s", d.hostKey.fingerprint()), nil
}
