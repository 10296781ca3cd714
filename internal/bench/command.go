package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"
)

// hostAlias is the name by which known_hosts has the host, whatever its port.
const hostAlias = "bench"

// command returns a client that runs a command, without any configuration but
// what it is given here.
func (b *bench) command(client, address, remote string, options ...string) (*exec.Cmd, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	args := []string{"-F", "/dev/null", "-p", port, "-l", b.keys.name, "-i", b.file("user")}
	for _, option := range append(options, "HostKeyAlias="+hostAlias, "UserKnownHostsFile="+b.file("known_hosts"),
		"GlobalKnownHostsFile=/dev/null", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes", "BatchMode=yes") {
		args = append(args, "-o", option)
	}
	cmd := exec.Command(client, append(args, host, remote)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "LC_ALL=C"} // no agent
	return cmd, nil
}

// get measures a client as it fetches what head writes, from its start to its
// end, with its output going to the null device.
func get(client func(*programs) string, start func(*bench) (*daemon, error)) sample {
	return func(b *bench) (float64, error) {
		d, err := start(b)
		if err != nil {
			return 0, err
		}
		defer d.stop()
		n := b.bytes(1)
		cmd, err := b.command(client(&b.programs), d.address, fmt.Sprintf("head -c %d /dev/zero", n), "Ciphers="+gcm.cipher)
		if err != nil {
			return 0, err
		}
		var problems bytes.Buffer
		cmd.Stderr = &problems
		begun := time.Now()
		if err := cmd.Run(); err != nil {
			return 0, fmt.Errorf("%w: %s", err, problems.Bytes())
		}
		return rate(n, begun), nil
	}
}

// first runs a command and waits until it has written something. What it takes
// after that is waited for but is no part of the time that is returned.
func first(cmd *exec.Cmd) (time.Duration, error) {
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	_, err = io.ReadFull(out, make([]byte, 1))
	elapsed := time.Since(start)
	io.Copy(io.Discard, out)
	if ended := cmd.Wait(); ended != nil {
		err = fmt.Errorf("%w: %s", ended, problems.Bytes())
	}
	return elapsed, err
}
