package connection

import (
	"bytes"
	"context"
	"fmt"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// An opener waits for the answer to an SSH_MSG_CHANNEL_OPEN of ours.
type opener struct {
	kind   string
	params channel.Params
	local  channel.End
	done   chan struct{} // closed when the fields below are final
	opened *channel.Channel
	err    error
}

func (o *opener) resolve(c *channel.Channel, err error) {
	o.opened, o.err = c, err
	close(o.done)
}

// Open asks the peer to open a channel of the given type (RFC 4254, section
// 5.1); extra is what that type puts into the message. It waits for the
// answer: a refusal is an [*channel.OpenError]. If ctx is done first, Open
// returns its cause; should the peer open the channel after that, it is closed
// at once.
func (m *Mux) Open(ctx context.Context, kind string, extra []byte, p channel.Params) (*channel.Channel, error) {
	if err := m.wait(ctx); err != nil {
		return nil, err
	}
	o, err := m.sendOpen(kind, extra, p)
	if err != nil {
		return nil, err
	}
	select {
	case <-o.done:
	case <-ctx.Done():
		if m.abandon(o) {
			return nil, context.Cause(ctx)
		}
	}
	return o.opened, o.err
}

// sendOpen takes a channel number and queues SSH_MSG_CHANNEL_OPEN.
func (m *Mux) sendOpen(kind string, extra []byte, p channel.Params) (*opener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	if m.table.used()+m.offers >= m.limit {
		return nil, fmt.Errorf("connection: all %d channels are in use: close some or raise Config.Channels", m.limit)
	}
	o := &opener{kind: kind, params: p, done: make(chan struct{})}
	o.local = m.addSlot(slot{state: opening, opener: o}, p)
	msg := wire.ChannelOpen{Type: kind, Sender: o.local.ID, Window: o.local.Window, MaxPacket: o.local.MaxPacket}
	if err := m.conn.Enqueue(msg.Append(nil), extra); err != nil {
		m.forget(o.local.ID)
		return nil, err
	}
	return o, nil
}

// addSlot puts s into the table and returns our end of its channel. Callers
// hold m.mu.
func (m *Mux) addSlot(s slot, p channel.Params) channel.End {
	if p.Window == 0 {
		p.Window = channel.DefaultWindow
	}
	if p.MaxPacket == 0 {
		p.MaxPacket = channel.DefaultMaxPacket
	}
	s.window = m.windows.open(p.Window)
	return channel.End{ID: m.table.add(s), Window: s.window.window, MaxPacket: p.MaxPacket}
}

// abandon notes that nobody waits for o any more. It reports false if the
// answer is there.
func (m *Mux) abandon(o *opener) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-o.done:
		return false
	default:
	}
	m.table.lookup(o.local.ID).state = abandoned
	return true
}

// awaiting returns the slot whose open the peer answers, or nil if we are not
// waiting for it. Callers hold m.mu.
func (m *Mux) awaiting(id uint32) *slot {
	s := m.table.lookup(id)
	if s == nil || s.state == established {
		return nil
	}
	return s
}

// channelOpenConfirmation handles SSH_MSG_CHANNEL_OPEN_CONFIRMATION.
func (m *Mux) channelOpenConfirmation(p []byte) error {
	msg, err := wire.ParseChannelOpenConfirmation(p)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.awaiting(msg.Recipient)
	switch {
	case s == nil:
		return errUnasked
	case msg.MaxPacket == 0:
		return errMaxPacket // no data could ever be sent
	}
	o, late := s.opener, s.state == abandoned
	remote := channel.End{ID: msg.Sender, Window: msg.Window, MaxPacket: msg.MaxPacket}
	c, inlet := channel.New(m.conn, o.kind, o.local, remote, o.params)
	inlet.GrowFrom(s.window.grow)
	s.state, s.opener, s.inlet = established, nil, inlet
	if late {
		return connFailed(c.Close())
	}
	o.resolve(c, nil)
	return nil
}

// channelOpenFailure handles SSH_MSG_CHANNEL_OPEN_FAILURE.
func (m *Mux) channelOpenFailure(p []byte) error {
	msg, err := wire.ParseChannelOpenFailure(p)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.awaiting(msg.Recipient)
	if s == nil {
		return errUnasked
	}
	if s.state == opening {
		s.opener.resolve(nil, &channel.OpenError{Reason: channel.Reason(msg.Reason), Message: msg.Message})
	}
	m.forget(msg.Recipient)
	return nil
}

// An Opening is a channel the peer asks to open. It is to be answered with
// Accept or Reject, by any goroutine and in any order; until then it counts as
// one of [Config].Channels.
type Opening struct {
	Type  string
	Extra []byte // the receiver's own

	m        *Mux
	remote   channel.End
	answered bool // guarded by m.mu
}

// Accept returns the next channel the peer asks to open, once there is one. It
// returns the cause of ctx when that is done, and fails when the connection
// has ended.
func (m *Mux) Accept(ctx context.Context) (*Opening, error) {
	select {
	case o := <-m.opens:
		return o, nil
	case <-m.Done():
		return nil, m.Err()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// channelOpen handles SSH_MSG_CHANNEL_OPEN.
func (m *Mux) channelOpen(p []byte) error {
	msg, err := wire.ParseChannelOpen(p)
	if err != nil {
		return err
	}
	o, err := m.offer(&msg)
	if o != nil && m.onOpen != nil {
		m.onOpen(o)
	}
	return connFailed(err)
}

// offer makes an Opening of a message, and queues it if it is for Accept. It
// returns nil if the channel was refused.
func (m *Mux) offer(msg *wire.ChannelOpen) (*Opening, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	waiting := len(m.opens)
	if m.onOpen != nil {
		waiting = m.offers
	}
	switch {
	case m.maxOpens == 0:
		return nil, m.refuse(msg.Sender, channel.AdministrativelyProhibited, "opening channels is not allowed")
	case msg.MaxPacket == 0:
		return nil, m.refuse(msg.Sender, channel.ConnectFailed, "maximum packet size is zero")
	case m.table.used()+m.offers >= m.limit:
		return nil, m.refuse(msg.Sender, channel.ResourceShortage, "too many channels")
	case waiting == m.maxOpens:
		return nil, m.refuse(msg.Sender, channel.ResourceShortage, "too many channels wait to be opened")
	}
	m.offers++
	remote := channel.End{ID: msg.Sender, Window: msg.Window, MaxPacket: msg.MaxPacket}
	o := &Opening{Type: msg.Type, Extra: bytes.Clone(msg.Extra), m: m, remote: remote}
	if m.onOpen == nil {
		m.opens <- o // has room, and nobody else fills it
	}
	return o, nil
}

// refuse queues SSH_MSG_CHANNEL_OPEN_FAILURE. Callers hold m.mu.
func (m *Mux) refuse(id uint32, reason channel.Reason, message string) error {
	msg := wire.ChannelOpenFailure{Recipient: id, Reason: uint32(reason), Message: message}
	return m.conn.Enqueue(msg.Append(nil))
}

// Accept opens the channel. Like Reject it never blocks.
func (o *Opening) Accept(p channel.Params) (*channel.Channel, error) {
	m := o.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := o.answer(); err != nil {
		return nil, err
	}
	local := m.addSlot(slot{state: established}, p)
	c, inlet := channel.New(m.conn, o.Type, local, o.remote, p)
	s := m.table.lookup(local.ID)
	s.inlet = inlet
	inlet.GrowFrom(s.window.grow)
	msg := wire.ChannelOpenConfirmation{Recipient: o.remote.ID, Sender: local.ID, Window: local.Window, MaxPacket: local.MaxPacket}
	if err := m.conn.Enqueue(msg.Append(nil)); err != nil {
		m.forget(local.ID)
		return nil, err
	}
	return c, nil
}

// Reject refuses the channel. The reason for a type nobody here knows is
// [channel.UnknownChannelType]. The message is for people.
func (o *Opening) Reject(reason channel.Reason, message string) error {
	m := o.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := o.answer(); err != nil {
		return err
	}
	return m.refuse(o.remote.ID, reason, message)
}

// answer notes that o is being answered. Callers hold m.mu.
func (o *Opening) answer() error {
	if o.answered {
		return errAnswered
	}
	o.answered = true
	o.m.offers--
	return o.m.err
}
