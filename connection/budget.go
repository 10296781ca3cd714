package connection

import "sync"

// A budget shares out the receive windows of a connection's channels, and so
// bounds how much the peer can make us keep. Every channel that may come to be
// has leastWindow of its own; of what is beyond that, one channel takes at
// most an eighth of what is left when it is opened, so that the first few get
// all they ask for and later ones ever less, and at most half of what is left
// when it asks for more. A channel that closes makes room for others.
type budget struct {
	mu   sync.Mutex // a leaf: channels ask for more with their own held
	left uint64     // bytes, beyond what is set aside as leastWindow for each
}

const (
	totalWindow = 64 << 20
	leastWindow = 32 << 10
	openShare   = 8
	growShare   = 2
)

func newBudget(channels int) budget {
	aside := uint64(channels) * leastWindow
	return budget{left: max(totalWindow, 2*aside) - aside}
}

// An allotment is what one channel has taken out of the budget.
type allotment struct {
	budget *budget
	window uint32 // bytes
	extra  uint64 // of them, those beyond leastWindow
	given  bool   // back
}

// open returns the allotment of a channel that asks for want bytes.
func (b *budget) open(want uint32) *allotment {
	a := &allotment{budget: b, window: min(want, leastWindow)}
	a.window += a.take(want-a.window, openShare)
	return a
}

// grow takes up to want bytes more, and returns how much there is. It is safe
// for concurrent use, like give.
func (a *allotment) grow(want uint32) uint32 { return a.take(want, growShare) }

func (a *allotment) take(want uint32, share uint64) uint32 {
	b := a.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.given {
		return 0
	}
	more := min(uint64(want), b.left/share)
	b.left -= more
	a.extra += more
	return uint32(more)
}

// give gives everything back.
func (a *allotment) give() {
	b := a.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += a.extra
	a.extra, a.given = 0, true
}

// remaining returns what is left.
func (b *budget) remaining() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left
}
