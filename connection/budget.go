package connection

// A budget shares out the receive windows of a connection's channels, and so
// bounds how much the peer can make us keep. Every channel that may come to be
// has leastWindow of its own; of what is beyond that, one channel takes at
// most an eighth of what is left, so that the first few get all they ask for
// and later ones ever less, and a channel that closes makes room for others.
type budget struct {
	left uint64 // bytes, beyond what is set aside as leastWindow for each
}

const (
	totalWindow = 64 << 20
	leastWindow = 32 << 10
	share       = 8
)

func newBudget(channels int) budget {
	aside := uint64(channels) * leastWindow
	return budget{left: max(totalWindow, 2*aside) - aside}
}

// take returns how large the window of a channel may be that asks for want
// bytes.
func (b *budget) take(want uint32) uint32 {
	if want <= leastWindow {
		return want
	}
	more := min(uint64(want-leastWindow), b.left/share)
	b.left -= more
	return leastWindow + uint32(more)
}

// give takes back a window of a channel that is gone.
func (b *budget) give(window uint32) {
	if window > leastWindow {
		b.left += uint64(window - leastWindow)
	}
}
