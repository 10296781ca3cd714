package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// A Server serves an [Agent]. The zero Server has none, and refuses everything.
// Its fields do not change while it serves.
type Server struct {
	Agent Agent // which a [Connector] makes anew for each connection

	// MessageTimeout is how long a client may take to send a message that it
	// has begun, and to take the answer; 30 seconds if zero. It needs a
	// connection with deadlines.
	MessageTimeout time.Duration

	// IdleTimeout is how long a client may ask nothing; without limit if zero.
	IdleTimeout time.Duration

	// Connections is how many ServeListener serves at once; 64 if zero. Others
	// are closed.
	Connections int

	// Report, unless nil, is told of each request, which has its name from RFC
	// 9987, and why it was refused, unless that is nil. The client learns no
	// reason.
	Report func(ctx context.Context, request string, err error)
}

const (
	defaultMessageTimeout = 30 * time.Second
	defaultConnections    = 64
)

// Serve answers the requests on rw until it ends, which is no error, or ctx is
// done, which closes rw if it is an [io.Closer].
func Serve(ctx context.Context, a Agent, rw io.ReadWriter) error {
	return (&Server{Agent: a}).Serve(ctx, rw)
}

// Serve is the function Serve with the settings of s.
func (s *Server) Serve(ctx context.Context, rw io.ReadWriter) error {
	c := &conn{server: s, rw: rw, agent: s.Agent}
	if connector, ok := s.Agent.(Connector); ok {
		c.binder = connector.Connect()
		c.agent = c.binder
	} else if binder, ok := s.Agent.(Binder); ok {
		c.binder = binder
	}
	if closer, ok := rw.(io.Closer); ok {
		defer context.AfterFunc(ctx, func() { closer.Close() })()
	}
	err := c.serve(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// ServeListener serves the connections that come to l, each by itself, until l
// is closed, which is no error, or ctx is done. It closes l and waits until
// nobody is served any more.
func (s *Server) ServeListener(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	defer serving.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	defer l.Close()
	limit := s.Connections
	if limit <= 0 {
		limit = defaultConnections
	}
	slots := make(chan struct{}, limit)
	for {
		nc, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return context.Cause(ctx)
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		select {
		case slots <- struct{}{}:
			serving.Go(func() {
				defer func() { <-slots }()
				defer nc.Close()
				s.Serve(ctx, nc)
			})
		default:
			nc.Close()
		}
	}
}

// A conn is a connection that is served: one request after another.
type conn struct {
	server *Server
	rw     io.ReadWriter
	agent  Agent
	binder Binder // or nil
}

func (c *conn) serve(ctx context.Context) error {
	timeout := c.server.MessageTimeout
	if timeout <= 0 {
		timeout = defaultMessageTimeout
	}
	for {
		c.allow(readDeadline, c.server.IdleTimeout)
		message, err := receive(c.rw, func() { c.allow(readDeadline, timeout) })
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("agent: reading a request: %w", err)
		}
		name := number(message[0])
		answer, err := c.answer(ctx, message)
		clear(message) // there may be a private key in it, or a passphrase
		if c.server.Report != nil {
			c.server.Report(ctx, name.String(), err)
		}
		c.allow(writeDeadline, timeout)
		if err := send(c.rw, answer); err != nil {
			return fmt.Errorf("agent: answering a request: %w", err)
		}
	}
}

// The deadlines that a connection may have.
var (
	readDeadline = func(rw io.ReadWriter, t time.Time) {
		if d, ok := rw.(interface{ SetReadDeadline(time.Time) error }); ok {
			d.SetReadDeadline(t)
		}
	}
	writeDeadline = func(rw io.ReadWriter, t time.Time) {
		if d, ok := rw.(interface{ SetWriteDeadline(time.Time) error }); ok {
			d.SetWriteDeadline(t)
		}
	}
)

// allow sets how long the client may take; for ever if it is zero.
func (c *conn) allow(set func(io.ReadWriter, time.Time), d time.Duration) {
	if d <= 0 {
		set(c.rw, time.Time{})
		return
	}
	set(c.rw, time.Now().Add(d))
}
