package client

import (
	"context"

	"github.com/whelk-ssh/whelk/channel/sftp"
)

// SFTP starts the subsystem "sftp" of the server and returns a client of it,
// for the caller to close: package sftp says what it can do. The context bounds
// the start alone. It fails with a [*StartError] if the server has no such
// subsystem.
func (c *Client) SFTP(ctx context.Context) (*sftp.Client, error) {
	ch, err := c.Subsystem(ctx, "sftp")
	if err != nil {
		return nil, err
	}
	return sftp.NewClient(ctx, ch)
}
