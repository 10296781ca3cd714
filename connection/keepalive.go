package connection

import (
	"sync"
	"sync/atomic"
	"time"
)

// A KeepAlive says when a peer that is silent is asked for a sign of life, and
// when it is given up. The zero KeepAlive does neither.
//
//	packet          question     question     dead
//	  |-- Interval --|-- Interval --|-- Interval --|     with a Count of 3
//
// Any packet is a sign of life, not only the answer, and so is any part of a
// key exchange. What is asked is the global request "keepalive@openssh.com",
// which nobody knows and everybody has to refuse (RFC 4254, section 4).
type KeepAlive struct {
	Interval time.Duration // of silence after which the peer is asked

	// Count is how many intervals the silence may last; 3 if zero and 2 at
	// least, or there would be no time to answer. A negative Count is without
	// limit: the questions then only keep alive the path, whose routers may
	// forget a connection at rest.
	Count int

	// ByChannel asks with a request of a channel instead (RFC 4254, section
	// 5.4) while there is one, for peers that do not answer global requests.
	ByChannel bool
}

const (
	keepAliveRequest = "keepalive@openssh.com"

	defaultCount = 3
	leastCount   = 2
)

// Patience returns how long the silence may last, or 0 without a limit.
func (k KeepAlive) Patience() time.Duration { return k.Interval * time.Duration(max(k.count(), 0)) }

// count returns the Count in force: 0 or less is without limit.
func (k KeepAlive) count() int {
	switch {
	case k.Count == 0:
		return defaultCount
	case k.Count < 0:
		return 0
	}
	return max(k.Count, leastCount)
}

// A hearer is a Conn that tells of messages that it keeps to itself.
type hearer interface {
	// Heard returns when the last of them came.
	Heard() time.Time
}

// A watch keeps an eye on the peer. It is a timer, and no goroutine.
type watch struct {
	KeepAlive
	mux    *Mux
	dead   func()
	hearer hearer // nil if the Conn is none
	began  time.Time
	last   atomic.Int64 // when the last packet came, since began

	mu    sync.Mutex // guards what follows
	timer *time.Timer
	due   time.Duration // when it rings, since began
	known int64         // last, when it rang before
	asked int           // questions since that
}

// Watch has the peer asked for signs of life as k says, and dead called once,
// on a goroutine of its own, if it gives none: that is to end the Conn, and with
// it Serve. It is called at most once, and before Serve. A Conn with a method
// Heard, such as a transport.Conn, tells there of messages that it does not pass
// on.
func (m *Mux) Watch(k KeepAlive, dead func()) {
	if k.Interval <= 0 {
		return
	}
	w := &watch{KeepAlive: k, mux: m, dead: dead, began: time.Now(), due: k.Interval}
	w.hearer, _ = m.conn.(hearer)
	m.watch = w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(k.Interval, w.ring)
}

// heard notes that a packet has come. A nil watch does not care.
func (w *watch) heard() {
	if w != nil {
		w.last.Store(int64(time.Since(w.began)))
	}
}

// ring asks the peer, or gives it up, or waits on.
func (w *watch) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mux.Err() != nil {
		return
	}
	now := time.Since(w.began)
	last := w.last.Load()
	if w.hearer != nil {
		last = max(last, int64(w.hearer.Heard().Sub(w.began)))
	}
	if last != w.known || now-w.due > w.Interval {
		// Or it was us who slept, as a program does that is stopped, and what
		// the peer has said meanwhile is still to be read.
		w.known, w.asked = last, 0
	}
	if silence := now - time.Duration(last); silence < w.Interval {
		w.wait(now, w.Interval-silence)
		return
	}
	if count := w.count(); count > 0 && w.asked >= count-1 {
		w.dead()
		return
	}
	w.asked++
	w.mux.askAlive(w.ByChannel)
	w.wait(now, w.Interval)
}

// wait has it ring in d. Callers hold w.mu.
func (w *watch) wait(now, d time.Duration) {
	w.due = now + d
	w.timer.Reset(d)
}

// stop ends the watch. A nil one has ended.
func (w *watch) stop() {
	if w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.timer.Stop()
	}
}

// askAlive asks the peer whether it is there. Nobody waits for the answer, and
// if the question cannot even be queued there is no answer either.
func (m *Mux) askAlive(byChannel bool) {
	if byChannel && m.askAliveByChannel() {
		return
	}
	_, _ = m.ask(keepAliveRequest, nil)
}

// askAliveByChannel reports whether there is a channel to ask by.
func (m *Mux) askAliveByChannel() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.table.slots {
		if s.state == established && s.inlet.Ask(keepAliveRequest) == nil {
			return true
		}
	}
	return false
}
