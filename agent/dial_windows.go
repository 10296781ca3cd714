package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// Flags of CreateFile. A server of a named pipe must not act as its client;
// reads and writes must not wait for each other.
const (
	securityQOSPresent     = 0x00100000
	securityIdentification = 0x00010000
	overlapped             = 0x40000000
)

// errorPipeBusy is the error of CreateFile when all instances of a pipe are
// taken.
const errorPipeBusy = syscall.Errno(231)

const busyPause = 10 * time.Millisecond

var errNoAddress = errors.New(`there is no address: that of OpenSSH's agent is \\.\pipe\openssh-ssh-agent`)

func dial(ctx context.Context, address string) (io.ReadWriteCloser, error) {
	if address == "" {
		return nil, errNoAddress
	}
	if !strings.HasPrefix(strings.ReplaceAll(address, "/", `\`), `\\.\pipe\`) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", address)
	}
	for {
		f, err := os.OpenFile(address, os.O_RDWR|overlapped|securityQOSPresent|securityIdentification, 0)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, errorPipeBusy) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(busyPause):
		}
	}
}
