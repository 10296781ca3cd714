package connection

import (
	"context"
	"sync"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/internal/ledger"
)

// A Conn is what this layer needs of the one below: packets in order, and the
// two calls of [channel.Link]. A transport.Conn is one.
type Conn interface {
	// ReadPacket returns the next packet, message number first. It is valid
	// until the next call.
	ReadPacket() ([]byte, error)

	channel.Link

	// Unimplemented answers the packet last read with SSH_MSG_UNIMPLEMENTED
	// (RFC 4253, section 11.4). It does not block.
	Unimplemented() error
}

// Config limits what a peer may ask for. The zero Config refuses everything.
type Config struct {
	// Opens is how many channel opens of the peer may wait for Accept. The
	// peer is refused more with SSH_OPEN_RESOURCE_SHORTAGE; if zero, it is
	// refused all with SSH_OPEN_ADMINISTRATIVELY_PROHIBITED.
	Opens int

	// Requests is how many global requests of the peer may wait to be taken by
	// [Mux.Requests], and how many of those that want an answer may be without
	// one. The peer is refused more; if zero, all.
	Requests int

	// Channels is how many channels may be open, or about to be opened by
	// either side, at once; 1024 if zero. It bounds the memory a peer can tie
	// up: the receive windows of all channels together are at most 64 MiB, or
	// 64 KiB for each of Channels if that is more. To keep to that, channels
	// get smaller windows than they ask for as there come to be many of them,
	// though none gets less than 32 KiB, and grow only while there is memory.
	Channels int

	// OnOpen, unless nil, is called with each channel the peer asks to open,
	// which [Mux.Accept] then does not return; Opens bounds those without an
	// answer. OnRequest, unless nil, is called with each global request, which
	// [Mux.Requests] then does not yield; Requests bounds those without an
	// answer. Both run on the goroutine of Serve, so that nobody has to wait
	// for a peer that asks for nothing, and must not wait for anything: they
	// answer, or leave that to another goroutine.
	OnOpen    func(*Opening)
	OnRequest func(*Request)
}

const defaultChannels = 1024

// A Mux is one end of the connection protocol. All methods are safe for
// concurrent use; Serve is called once.
type Mux struct {
	conn        Conn
	opens       chan *Opening // for Accept; nil with onOpen
	maxOpens    int           // of the peer's, without an answer
	requests    chan *Request // for Requests, closed at the end; nil with onRequest
	maxRequests int           // of the peer's, in requests
	onOpen      func(*Opening)
	onRequest   func(*Request)
	watch       *watch // of the peer's silence, or nil

	mu      sync.Mutex    // held to look up and to queue, never to wait
	done    chan struct{} // made when asked for
	table   table
	windows budget
	offers  int // openings not yet answered
	limit   int // of channels and offers
	replies ledger.Replies
	waiters ledger.Waiters
	err     error // after the end
}

// maxWaiting is how many of our own requests may be without an answer.
const maxWaiting = 1024

// New returns a Mux over conn, which has to be past authentication. Nothing
// happens until Serve is called. The Mux does not close conn. A nil config is
// the zero Config.
func New(conn Conn, config *Config) *Mux {
	if config == nil {
		config = new(Config)
	}
	limit := config.Channels
	if limit <= 0 {
		limit = defaultChannels
	}
	m := &Mux{
		conn:        conn,
		maxOpens:    max(config.Opens, 0),
		maxRequests: max(config.Requests, 0),
		onOpen:      config.OnOpen,
		onRequest:   config.OnRequest,
		windows:     newBudget(limit),
		limit:       limit,
	}
	if m.onOpen == nil {
		m.opens = make(chan *Opening, m.maxOpens)
	}
	if m.onRequest == nil {
		m.requests = make(chan *Request, m.maxRequests)
	}
	m.replies = ledger.Replies{Limit: config.Requests, Emit: m.sendReply}
	m.waiters.Limit = maxWaiting
	return m
}

// Serve reads and dispatches messages until the connection ends, and says why
// it did: with an [*Error] if the peer broke the rules, and otherwise with
// Conn's error. It never waits for anything but the next packet. When it
// returns, everyone who waits for anything of this Mux or its channels has
// been woken; what they get wraps the same error and [net.ErrClosed].
func (m *Mux) Serve() error {
	for {
		p, err := m.conn.ReadPacket()
		if err == nil {
			m.watch.heard()
			err = m.dispatch(p)
		}
		if err != nil {
			m.end(err)
			return err
		}
	}
}

// end tells everyone that the connection has ended.
func (m *Mux) end(cause error) {
	m.watch.stop()
	err := &endError{cause}
	for _, inlet := range m.shut(err) {
		inlet.Abort(err)
	}
}

// shut makes every later call fail with err, and returns the channels that
// have to be told.
func (m *Mux) shut(err error) []*channel.Inlet {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
	m.waiters.Abort(err)
	m.replies.Close()
	if m.requests != nil {
		close(m.requests)
	}
	if m.done != nil {
		close(m.done)
	}
	var inlets []*channel.Inlet
	for _, s := range m.table.slots {
		switch s.state {
		case opening:
			s.opener.resolve(nil, err)
		case established:
			inlets = append(inlets, s.inlet)
		}
	}
	m.table = table{}
	return inlets
}

// Done returns a channel that is closed when the connection has ended.
func (m *Mux) Done() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done == nil {
		m.done = make(chan struct{})
		if m.err != nil {
			close(m.done)
		}
	}
	return m.done
}

// Err returns nil until Done is closed, and then why: an error that wraps that
// of Serve and [net.ErrClosed].
func (m *Mux) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// reason returns why the connection ended, or err if it has not.
func (m *Mux) reason(err error) error {
	if ended := m.Err(); ended != nil {
		return ended
	}
	return err
}

// wait waits for room in the output.
func (m *Mux) wait(ctx context.Context) error {
	if err := m.conn.Ready(ctx); err != nil {
		return m.reason(err)
	}
	return nil
}
