package main

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"time"
)

// forwardTimeout is how long a client may take until it forwards.
const forwardTimeout = 10 * time.Second

// forward measures a client that forwards a port of here, to a service that
// writes: from the connection to its end.
func forward(client func(*programs) string) sample {
	return func(b *bench) (float64, error) {
		n := b.bytes(1)
		service, err := loopback()
		if err != nil {
			return 0, err
		}
		defer service.Close()
		go serveSource(service, n)
		d, err := b.startSSHD()
		if err != nil {
			return 0, err
		}
		defer d.stop()
		l, err := loopback()
		if err != nil {
			return 0, err
		}
		at := l.Addr().String()
		l.Close()
		var problems bytes.Buffer
		cmd, err := b.command(client(&b.programs), d.address, "sleep 600", "Ciphers="+gcm.cipher,
			"ExitOnForwardFailure=yes", fmt.Sprintf("LocalForward=%s %s", at, service.Addr()))
		if err != nil {
			return 0, err
		}
		cmd.Stderr = &problems
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		defer end(cmd)
		nc, err := dialSoon(at)
		if err != nil {
			return 0, fmt.Errorf("%w: %s", err, problems.Bytes())
		}
		defer nc.Close()
		start := time.Now()
		err = drain(nc, n)
		return rate(n, start), err
	}
}

// serveSource writes n bytes to whoever connects.
func serveSource(l net.Listener, n int64) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer nc.Close()
			pour(nc, n)
		}()
	}
}

// dialSoon connects once somebody listens.
func dialSoon(address string) (nc net.Conn, err error) {
	for deadline := time.Now().Add(forwardTimeout); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if nc, err = net.Dial("tcp", address); err == nil {
			return nc, nil
		}
	}
	return nil, err
}

// end ends a client.
func end(cmd *exec.Cmd) {
	cmd.Process.Kill()
	cmd.Wait()
}
