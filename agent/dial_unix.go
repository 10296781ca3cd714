//go:build !windows

package agent

import (
	"context"
	"errors"
	"io"
	"net"
)

var errNoAddress = errors.New("there is no address: start an agent, which sets SSH_AUTH_SOCK")

func dial(ctx context.Context, address string) (io.ReadWriteCloser, error) {
	if address == "" {
		return nil, errNoAddress
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", address)
}
