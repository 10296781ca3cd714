package transport

import (
	"sync"
	"time"
)

// alarms are the two timers of a connection: the next key re-exchange, and the
// end of patience with the one under way. They cost no goroutine.
type alarms struct {
	mu      sync.Mutex
	stopped bool
	rekey   *time.Timer
	timeout *time.Timer
}

func (a *alarms) setRekey(d time.Duration, ring func()) { a.set(&a.rekey, d, ring) }

func (a *alarms) setTimeout(d time.Duration, ring func()) { a.set(&a.timeout, d, ring) }

func (a *alarms) set(t **time.Timer, d time.Duration, ring func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return
	}
	if *t != nil {
		(*t).Stop()
	}
	*t = time.AfterFunc(d, ring)
}

func (a *alarms) clearTimeout() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timeout != nil {
		a.timeout.Stop()
	}
}

// stop stops both for good.
func (a *alarms) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
	for _, t := range []*time.Timer{a.rekey, a.timeout} {
		if t != nil {
			t.Stop()
		}
	}
}
