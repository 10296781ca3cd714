package agent

import (
	"context"
	"io"
	"net"
)

// DialTo returns a function that connects to an agent in this process, which it
// serves for as long as the connection lasts.
func DialTo(a Agent) func(ctx context.Context) (io.ReadWriteCloser, error) {
	return func(context.Context) (io.ReadWriteCloser, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			Serve(context.Background(), a, far)
		}()
		return near, nil
	}
}
