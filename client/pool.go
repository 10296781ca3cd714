package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// A Pool keeps Clients, so that who needs one of a destination gets one that is
// there already. Several use one Client at a time, each with channels of its
// own. A Client whose connection has ended is replaced by the next Get; one that
// nobody uses is closed after a time.
//
//	       Get                 Close of the last user
//	dialing ----> lent --------------------------> idle ----> closed
//	                ^______________ Get ____________|  IdleTimeout, Reset,
//	                                                   room for another
//
// Its fields are set before the first Get and left alone after. All methods are
// safe for concurrent use. A Pool must not be copied, and is closed in the end.
type Pool struct {
	// Dial connects to a destination, which is any text that it understands:
	// the host's name, perhaps with a user and a port. It is required. Its
	// context has the values of the first Get that waits for it, and is done
	// when none waits any more.
	Dial func(ctx context.Context, destination string) (*Client, error)

	MaxClients int // open at once; 256 if zero
	PerHost    int // of one destination, out of those; 1 if zero

	// Sharing is how many use one Client at a time; 10 if zero, which is how many
	// sessions OpenSSH's server allows one connection unless told otherwise.
	Sharing int

	// IdleTimeout is how long a Client that nobody uses is kept; one minute if
	// zero, not at all if negative.
	IdleTimeout time.Duration

	Parallel int // hosts that Run and Each are at, at once; 32 if zero

	mu      sync.Mutex
	byHost  map[string][]*pooled // those that Get may give out
	open    map[*pooled]struct{} // all that are, or are being, connected
	changed chan struct{}        // closed when somebody who waits may have luck
	closed  bool
	working sync.WaitGroup // goroutines that dial and close
}

const (
	defaultMaxClients  = 256
	defaultSharing     = 10
	defaultIdleTimeout = time.Minute
	defaultParallel    = 32
)

var (
	// ErrPoolClosed is what Get returns after Close. It is a [net.ErrClosed].
	ErrPoolClosed = fmt.Errorf("client: the pool is closed: %w", net.ErrClosed)

	// ErrNoDial is what Get of a [Pool] returns that does not know how to dial.
	ErrNoDial = errors.New("client: Pool.Dial is nil: say how to connect, as with client.Dial")
)

// A PoolClient is a [Client] that a [Pool] has lent.
type PoolClient struct {
	*Client
	pooled *pooled
	once   sync.Once
}

// Close gives the Client back. It must not be used after that, nor what was
// opened on it. Close may be called more than once.
func (c *PoolClient) Close() error {
	c.once.Do(func() { c.pooled.pool.release(c.pooled) })
	return nil
}

// Discard ends the connection, for all who use it, and gives the Client back: the
// next Get makes another. It is for a Client that does not work though its
// connection is there.
func (c *PoolClient) Discard() {
	c.pooled.pool.discard(c.pooled)
	c.Close()
}

// pooled is a Client of a Pool, or one that is being dialed. Its Pool's mu guards
// what may change.
type pooled struct {
	pool   *Pool
	host   string
	cancel context.CancelFunc // of the dial
	ready  chan struct{}      // closed when client and err are set
	client *Client
	err    error

	users   int
	retired bool // is not to be given out again
	since   time.Time
	timer   *time.Timer // nil while it has users
}

// Get returns a Client of a destination, for the caller to close. It waits while
// there are as many as there may be and all of them are in use. Of several calls
// for the same destination one dials; if that fails, all fail with its error.
func (p *Pool) Get(ctx context.Context, destination string) (*PoolClient, error) {
	if p.Dial == nil {
		return nil, ErrNoDial
	}
	start := time.Now()
	for {
		c, wait, err := p.take(ctx, destination)
		if err != nil {
			return nil, err
		}
		if c != nil {
			return c.await(ctx, start)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, contextual(ctx, ctx.Err(), start, "waiting for room in the pool for "+destination)
		}
	}
}

// take counts one user more of a Client, or returns what to wait for.
func (p *Pool) take(ctx context.Context, host string) (*pooled, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, ErrPoolClosed
	}
	c := p.find(host)
	if c == nil && len(p.byHost[host]) < positive(p.PerHost, 1) && p.makeRoom() {
		c = p.dial(ctx, host)
	}
	if c == nil {
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		return nil, p.changed, nil
	}
	c.users++
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	return c, nil, nil
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// find returns a Client of host that has room for one user more, or nil.
func (p *Pool) find(host string) *pooled {
	for _, c := range slices.Clone(p.byHost[host]) {
		switch {
		case c.dead():
			p.retire(c)
			p.drop(c)
		case c.users < positive(p.Sharing, defaultSharing):
			return c
		}
	}
	return nil
}

// makeRoom reports whether one Client more may be opened. If need be it closes
// one that is dead, or the one that has been idle for longest.
func (p *Pool) makeRoom() bool {
	if len(p.open) < positive(p.MaxClients, defaultMaxClients) {
		return true
	}
	var oldest *pooled
	for c := range p.open {
		switch {
		case c.dead():
			oldest = c
		case c.users == 0 && !c.retired && (oldest == nil || !oldest.dead() && c.since.Before(oldest.since)):
			oldest = c
		}
	}
	if oldest == nil {
		return false
	}
	p.retire(oldest)
	p.drop(oldest)
	return true
}

// dial begins to connect to host. That goes on for as long as anybody waits.
func (p *Pool) dial(ctx context.Context, host string) *pooled {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &pooled{pool: p, host: host, cancel: cancel, ready: make(chan struct{})}
	if p.open == nil {
		p.open, p.byHost = make(map[*pooled]struct{}), make(map[string][]*pooled)
	}
	p.open[c] = struct{}{}
	p.byHost[host] = append(p.byHost[host], c)
	p.working.Go(func() {
		defer cancel()
		client, err := p.Dial(ctx, host)
		p.dialed(c, client, err)
	})
	return c
}

// dialed notes how dialing has ended.
func (p *Pool) dialed(c *pooled, client *Client, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.client, c.err = client, err
	close(c.ready)
	if err != nil {
		p.retire(c)
	}
	_, wanted := p.open[c]
	switch {
	case !wanted: // the pool was closed
		p.close(c)
	case err != nil || c.users == 0:
		p.drop(c)
	}
}

// await returns the Client once it is connected.
func (c *pooled) await(ctx context.Context, start time.Time) (*PoolClient, error) {
	select {
	case <-c.ready:
	case <-ctx.Done():
		c.pool.release(c)
		return nil, contextual(ctx, ctx.Err(), start, "connecting to "+c.host)
	}
	if c.err != nil {
		c.pool.release(c)
		return nil, c.pool.unlessClosed(c.err)
	}
	return &PoolClient{Client: c.client, pooled: c}, nil
}

// unlessClosed returns err, or the reason for it if the pool was closed.
func (p *Pool) unlessClosed(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrPoolClosed
	}
	return err
}

// isReady reports whether dialing has ended.
func (c *pooled) isReady() bool {
	select {
	case <-c.ready:
		return true
	default:
		return false
	}
}

// dead reports whether the connection has ended.
func (c *pooled) dead() bool {
	if !c.isReady() || c.err != nil {
		return false
	}
	select {
	case <-c.client.done:
		return true
	default:
		return false
	}
}

// release counts one user less.
func (p *Pool) release(c *pooled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.users--
	defer p.wake()
	if c.users > 0 {
		return
	}
	timeout := p.IdleTimeout
	if timeout == 0 {
		timeout = defaultIdleTimeout
	}
	switch {
	case !c.isReady():
		p.retire(c) // whoever comes now would wait for a dial that fails
		c.cancel()
	case c.retired || timeout < 0 || c.dead():
		p.retire(c)
		p.drop(c)
	default:
		c.since = time.Now()
		c.timer = time.AfterFunc(timeout, func() { p.expire(c, timeout) })
	}
}

// expire closes a Client that was idle for the whole of timeout.
func (p *Pool) expire(c *pooled, timeout time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.users > 0 || c.retired || time.Since(c.since) < timeout {
		return
	}
	p.retire(c)
	p.drop(c)
}

// discard has no further user get c, and ends its connection.
func (p *Pool) discard(c *pooled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retire(c)
	p.drop(c)
}

// retire has no further user get c.
func (p *Pool) retire(c *pooled) {
	if c.retired {
		return
	}
	c.retired = true
	left := slices.DeleteFunc(p.byHost[c.host], func(other *pooled) bool { return other == c })
	p.byHost[c.host] = left
	if len(left) == 0 {
		delete(p.byHost, c.host)
	}
	p.wake()
}

// drop closes a connection, if there is one, and counts it no more.
func (p *Pool) drop(c *pooled) {
	if _, open := p.open[c]; !open {
		return
	}
	delete(p.open, c)
	p.wake()
	p.close(c)
}

// close ends a connection, or the attempt to make one, without waiting for it.
func (p *Pool) close(c *pooled) {
	if c.timer != nil {
		c.timer.Stop()
	}
	switch {
	case !c.isReady():
		c.cancel()
	case c.err == nil:
		p.working.Go(func() { c.client.Close() })
	}
}

// wake has those who wait for room look again.
func (p *Pool) wake() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// Reset has every later Get make another connection, as after a change of keys
// or of network. Clients that nobody uses are closed; the others are as soon as
// their users have given them back.
func (p *Pool) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		p.retire(c)
		if c.users == 0 && c.isReady() {
			p.drop(c)
		}
	}
}

// Close closes all Clients, those in use too, and waits until they are. It may
// be called more than once.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	for c := range p.open {
		p.retire(c)
		p.drop(c)
	}
	p.wake()
	p.mu.Unlock()
	p.working.Wait()
	return nil
}
