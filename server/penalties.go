package server

import (
	"container/heap"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Penalties say for how long sources of trouble are turned away, with the
// meaning and the numbers of PerSourcePenalties in sshd_config(5), and remember
// them. Penalties of one source add up, and count from Min on; they concern only
// connections that come later. A duration that is negative is no penalty.
//
// Whoever shares an address shares its penalty: users behind one proxy, or the
// tests of a program. Exempt such addresses.
//
// Several Servers may have the same Penalties, which must not be copied, nor
// changed once a Server runs.
type Penalties struct {
	AuthFail      time.Duration // left after a failed attempt to log in; 5 s if zero
	NoAuth        time.Duration // left, or was sent away, without an attempt; 1 s if zero
	GraceExceeded time.Duration // did not log in within HandshakeTimeout; 10 s if zero
	Crash         time.Duration // met a panic in the code of the Server's user; 90 s if zero
	Refused       time.Duration // was refused by ConnContext; 10 s if zero

	Min time.Duration // up to it nobody is turned away; 15 s if zero
	Max time.Duration // the most of one source; 10 minutes if zero

	// MaxSources4 and MaxSources6 are how many sources are kept, of IPv4 and of
	// IPv6; 65536 if zero. When one has to go for another to be kept, it is the
	// one whose penalty ends first; with DenyAll4 or DenyAll6 everybody is turned
	// away instead until one ends.
	MaxSources4, MaxSources6 int
	DenyAll4, DenyAll6       bool

	Exempt []netip.Prefix // addresses that have no penalty

	mu     sync.Mutex
	v4, v6 ledger
}

const defaultMaxSources = 65536

// least and most return the bounds of one source's penalty.
func (p *Penalties) least() time.Duration { return orDefault(p.Min, 15*time.Second) }
func (p *Penalties) most() time.Duration  { return orDefault(p.Max, 10*time.Minute) }

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// exempts reports whether ip has no penalty.
func (p *Penalties) exempts(ip netip.Addr) bool {
	for _, network := range p.Exempt {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}

// family returns the ledger of ip's family, how many sources it keeps, and
// whether everybody is turned away when there are that many.
func (p *Penalties) family(ip netip.Addr) (l *ledger, sources int, denyAll bool) {
	if ip.Is6() {
		return &p.v6, orDefault(p.MaxSources6, defaultMaxSources), p.DenyAll6
	}
	return &p.v4, orDefault(p.MaxSources4, defaultMaxSources), p.DenyAll4
}

// An offense is what a client did that has a penalty.
type offense byte

const (
	noOffense offense = iota
	authFail
	noAuth
	graceExceeded
	crash
	refusedConnection
)

func (o offense) String() string {
	return [...]string{
		noOffense: "none", authFail: "failed to log in", noAuth: "did not try to log in",
		graceExceeded: "did not log in in time", crash: "caused a panic", refusedConnection: "was refused",
	}[o]
}

// length returns the length of the penalty for o.
func (p *Penalties) length(o offense) time.Duration {
	return [...]time.Duration{
		noOffense:         0,
		authFail:          orDefault(p.AuthFail, 5*time.Second),
		noAuth:            orDefault(p.NoAuth, time.Second),
		graceExceeded:     orDefault(p.GraceExceeded, 10*time.Second),
		crash:             orDefault(p.Crash, 90*time.Second),
		refusedConnection: orDefault(p.Refused, 10*time.Second),
	}[o]
}

// A PenaltyError is what ServeConn returns for a connection whose source has a
// penalty. Nothing was sent on it.
type PenaltyError struct {
	Source netip.Prefix  // the network that has the penalty, or the client's if it is nobody's
	Why    string        // the last offense
	Left   time.Duration // until its end; 0 if too many sources have one

	again bool // not the first connection that this penalty keeps out
}

// Error says who has to wait, for what and for how long.
func (e *PenaltyError) Error() string {
	if e.Left == 0 {
		return "server: too many sources have a penalty"
	}
	return fmt.Sprintf("server: %s has a penalty for another %v: it %s", e.Source, e.Left.Round(time.Second), e.Why)
}

// check returns why the client at ip, which is in from, is turned away, or nil.
func (p *Penalties) check(ip netip.Addr, from source) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, sources, denyAll := p.family(ip)
	now := time.Now()
	l.expire(now)
	if denyAll && len(l.byEnd) >= sources {
		return &PenaltyError{Source: from}
	}
	found := l.bySource[from]
	if found == nil || !found.active {
		return nil
	}
	again := found.met
	found.met = true
	return &PenaltyError{Source: from, Why: found.why.String(), Left: max(found.end.Sub(now), time.Nanosecond), again: again}
}

// add adds to the penalty of the source from, and reports whether that is what
// made it active.
func (p *Penalties) add(ip netip.Addr, from source, why offense) (begins bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, sources, denyAll := p.family(ip)
	length, now := p.length(why), time.Now()
	l.expire(now)
	if length <= 0 || denyAll && len(l.byEnd) >= sources {
		return false
	}
	found := l.find(from, now)
	found.why = why
	found.end = now.Add(min(found.end.Sub(now)+length, p.most()))
	heap.Fix(&l.byEnd, found.index)
	if len(l.byEnd) > max(sources, 0) {
		l.forgetFirst()
	}
	begins = !found.active && found.end.Sub(now) > p.least()
	found.active = found.active || begins
	return begins
}

// A ledger has the penalties of the sources of one family, at most as many as
// Penalties allow. The penalty that ends first is at the top of the heap.
type ledger struct {
	bySource map[source]*penalty
	byEnd    byEnd
}

type penalty struct {
	source source
	end    time.Time
	active bool // it has been longer than Penalties.Min once
	met    bool // it has kept somebody out
	why    offense
	index  int // in byEnd
}

// find returns the penalty of a source, one that ends now if there is none.
func (l *ledger) find(from source, now time.Time) *penalty {
	if found := l.bySource[from]; found != nil {
		return found
	}
	if l.bySource == nil {
		l.bySource = make(map[source]*penalty)
	}
	p := &penalty{source: from, end: now}
	l.bySource[from] = p
	heap.Push(&l.byEnd, p)
	return p
}

// expire forgets the penalties that have ended.
func (l *ledger) expire(now time.Time) {
	for len(l.byEnd) > 0 && l.byEnd[0].end.Before(now) {
		l.forgetFirst()
	}
}

func (l *ledger) forgetFirst() {
	first := heap.Pop(&l.byEnd).(*penalty)
	delete(l.bySource, first.source)
}

// byEnd implements [heap.Interface].
type byEnd []*penalty

func (b byEnd) Len() int           { return len(b) }
func (b byEnd) Less(i, j int) bool { return b[i].end.Before(b[j].end) }

func (b byEnd) Swap(i, j int) {
	b[i], b[j] = b[j], b[i]
	b[i].index, b[j].index = i, j
}

// Push implements [heap.Interface].
func (b *byEnd) Push(x any) {
	p := x.(*penalty)
	p.index = len(*b)
	*b = append(*b, p)
}

// Pop implements [heap.Interface].
func (b *byEnd) Pop() any {
	last := (*b)[len(*b)-1]
	(*b)[len(*b)-1] = nil
	*b = (*b)[:len(*b)-1]
	return last
}
