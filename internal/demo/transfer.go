package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/whelk-ssh/whelk/client"
)

// transferCipher is the one that all transfers use, so that speeds compare:
// whelk and ssh prefer different ones.
const transferCipher = "aes128-gcm@openssh.com"

// farEnd is what this program does at the server's end of a transfer:
//
//	receive          measures standard input, and prints its arrival
//	send SEED BYTES  writes a stream
func farEnd(args []string, stdin io.Reader, stdout io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "receive":
		r := newReceiver()
		if _, err := io.Copy(r, stdin); err != nil {
			return err
		}
		a := r.arrived()
		_, err := fmt.Fprintln(stdout, a.bytes, a.digest, a.took.Nanoseconds())
		return err
	case len(args) == 3 && args[0] == "send":
		n, err := strconv.ParseInt(args[2], 10, 64)
		if err != nil {
			return err
		}
		s, err := newStream(args[1], n)
		if err != nil {
			return err
		}
		_, err = io.Copy(stdout, s)
		return err
	}
	return fmt.Errorf("run it without arguments, not with %q", args)
}

// transfers moves the data over a route, up and down.
func (d *demo) transfers(ctx context.Context, r *route) {
	amount := fmt.Sprintf("%d MiB ", d.size>>20)
	for _, direction := range []struct {
		name string
		move func(context.Context, *route) (arrival, error)
	}{
		{"up", d.upload},
		{"down", d.download},
	} {
		d.step(ctx, amount+direction.name, func(ctx context.Context) (string, error) {
			said, err := d.judge(direction.move(ctx, r))
			return said, r.blame(err)
		})
	}
}

// upload sends the data to the far end, which says what has arrived.
func (d *demo) upload(ctx context.Context, r *route) (a arrival, err error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	cmd := r.command(ctx, client.Quote(d.self, "receive"), "-c", transferCipher)
	if cmd.Stdin, err = newStream(d.seed, d.size); err != nil {
		return a, err
	}
	out, err := finish(ctx, cmd)
	if err != nil {
		return a, err
	}
	var nanoseconds int64
	if _, err := fmt.Sscan(out.stdout, &a.bytes, &a.digest, &nanoseconds); err != nil || out.status != 0 {
		return a, fmt.Errorf("got %v", out)
	}
	a.took = time.Duration(nanoseconds)
	return a, nil
}

// download has the far end send the data.
func (d *demo) download(ctx context.Context, r *route) (arrival, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	cmd := r.command(ctx, client.Quote(d.self, "send", d.seed, strconv.FormatInt(d.size, 10)), "-c", transferCipher)
	here := newReceiver()
	cmd.Stdout = here
	out, err := finish(ctx, cmd)
	if err == nil && out.status != 0 {
		err = fmt.Errorf("got %v", out)
	}
	return here.arrived(), err
}

// judge says how fast the data arrived, if it is what was sent.
func (d *demo) judge(a arrival, err error) (string, error) {
	switch {
	case err != nil:
		return "", err
	case a.bytes != d.size:
		return "", fmt.Errorf("%d bytes arrived of %d", a.bytes, d.size)
	case a.digest != d.digest:
		return "", fmt.Errorf("what arrived has the SHA-256 %s, not %s", a.digest, d.digest)
	}
	seconds := a.took.Seconds()
	speed := d.in(bold, fmt.Sprintf("%5.0f MiB/s", float64(d.size>>20)/seconds))
	return fmt.Sprintf("%s   %.2f s, SHA-256 matches", speed, seconds), nil
}
