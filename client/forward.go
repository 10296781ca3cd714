package client

import (
	"context"
	"net"

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
