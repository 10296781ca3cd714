package client

import (
	"context"
	"errors"
	"net"
	"syscall"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/internal/socks"
	"github.com/whelk-ssh/whelk/internal/splice"
)

// Forward connects whoever comes to l with what dial connects to, one
// connection for each, until ctx is done or l is closed; where dial fails the
// connection is closed. It is local forwarding with a listener of this machine
// and a dial that calls [Client.DialContext], which tells the server who has
// come, and remote forwarding with a listener of [Client.Listen].
//
// Each direction ends by itself. When ctx is done all connections are closed,
// and the one dial gets is done too. Forward closes l. It returns when nobody
// is connected any more, with the cause of ctx, or else with the error of l.
func Forward(ctx context.Context, l net.Listener, dial func(ctx context.Context) (net.Conn, error)) error {
	return splice.Serve(ctx, l, func(ctx context.Context, nc net.Conn) {
		other, err := dial(withOrigin(ctx, nc.RemoteAddr()))
		if err != nil {
			return
		}
		splice.JoinUntil(ctx, nc, other)
	})
}

// ForwardSOCKS is [Forward] for programs that speak SOCKS, version 4, 4a or 5,
// and so say themselves what they want to be connected with: dynamic
// forwarding. dial is the DialContext of a [Client], or of a [net.Dialer] for
// those who come to a listener at the server. What it gets to dial is whatever
// they like: it is to refuse what they may not have.
func ForwardSOCKS(ctx context.Context, l net.Listener, dial func(ctx context.Context, network, address string) (net.Conn, error)) error {
	return splice.Serve(ctx, l, func(ctx context.Context, nc net.Conn) {
		request, err := socks.Accept(ctx, nc)
		if err != nil {
			return
		}
		other, err := dial(withOrigin(ctx, nc.RemoteAddr()), "tcp", request.Address())
		if err != nil {
			request.Refuse(socksCode(err))
			return
		}
		if request.Grant() != nil {
			other.Close()
			return
		}
		splice.JoinUntil(ctx, nc, other)
	})
}

// socksCode returns what a program is told of a connection that could not be
// made.
func socksCode(err error) socks.Code {
	if refused, ok := errors.AsType[*DialError](err); ok {
		switch refused.Err.Reason {
		case channel.AdministrativelyProhibited:
			return socks.NotAllowed
		case channel.ConnectFailed:
			return socks.HostUnreachable
		}
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return socks.Refused
	}
	return socks.Failed
}
