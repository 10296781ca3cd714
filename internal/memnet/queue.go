package memnet

import "time"

// A queue has bytes in the order they were written, some of which have
// arrived and can be read. The rest arrive in the order of their marks.
type queue struct {
	held    []byte // held[head:] is not read yet
	head    int
	arrived int // bytes of held[head:]
	marks   []mark
}

// A mark is when so many bytes arrive.
type mark struct {
	bytes int
	at    time.Time
}

// push adds p, to arrive after a delay, and returns the copy. The delay is the
// same each time.
func (q *queue) push(p []byte, now time.Time, delay time.Duration) []byte {
	// Moving what is held only when half of it has been read keeps the cost of
	// a byte constant.
	if len(q.held)+len(p) > cap(q.held) && q.head > len(q.held)/2 {
		q.held = q.held[:copy(q.held, q.held[q.head:])]
		q.head = 0
	}
	q.held = append(q.held, p...)
	if delay > 0 {
		q.marks = append(q.marks, mark{len(p), now.Add(delay)})
	} else {
		q.arrived += len(p)
	}
	return q.held[len(q.held)-len(p):]
}

// advance lets arrive what is due, and returns when the next bytes are: the
// zero time if there are none.
func (q *queue) advance(now time.Time) (next time.Time) {
	due := 0
	for due < len(q.marks) && !q.marks[due].at.After(now) {
		q.arrived += q.marks[due].bytes
		due++
	}
	if due > 0 {
		q.marks = q.marks[:copy(q.marks, q.marks[due:])]
	}
	if len(q.marks) > 0 {
		next = q.marks[0].at
	}
	return next
}

// pop moves bytes that have arrived into p.
func (q *queue) pop(p []byte) int {
	n := copy(p, q.held[q.head:q.head+q.arrived])
	q.arrived -= n
	if q.head += n; q.head == len(q.held) {
		q.held, q.head = q.held[:0], 0
	}
	return n
}

// clear drops everything.
func (q *queue) clear() { *q = queue{} }
