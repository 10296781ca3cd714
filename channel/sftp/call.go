package sftp

import (
	"context"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// A call is a request that is on its way. Its answer comes once.
type call struct {
	id    uint32
	limit uint32 // of bytes in the answer, id not counted
	cost  int64  // to return to the window
	sent  time.Time
	done  chan struct{}

	// These are guarded by the conn's mutex, until done.
	answer    answer
	finished  bool
	abandoned bool // nobody waits
}

// maxAnswer bounds answers that have no size we would know of.
const maxAnswer = maxPacket - 5

func newCall(limit uint32) *call { return &call{limit: limit, done: make(chan struct{})} }

// finish sets the answer. Callers hold the conn's mutex.
func (c *call) finish(a answer) {
	if !c.finished {
		c.answer, c.finished = a, true
		close(c.done)
	}
}

// start sends the request that p begins with a call of cost bytes of data,
// whose answer has at most limit bytes. It waits for the window. The packet is
// the conn's from then on.
func (c *conn) start(ctx context.Context, p *packet, data int64, limit uint32) (*call, error) {
	if err := ctx.Err(); err != nil {
		p.free()
		return nil, context.Cause(ctx)
	}
	if err := c.window.acquire(ctx, data+requestCost); err != nil {
		p.free()
		return nil, err
	}
	return c.send(p, data, limit), nil
}

// send is start with the window's part taken.
func (c *conn) send(p *packet, data int64, limit uint32) *call {
	call := newCall(limit)
	call.cost = data + requestCost
	c.mu.Lock()
	defer c.mu.Unlock()
	c.post(p, call)
	return call
}

// wait waits for the answer until ctx is done, and the answer then is of no
// interest any more.
func (c *conn) wait(ctx context.Context, call *call) (answer, error) {
	select {
	case <-call.done:
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		if !call.finished {
			call.abandoned = true
			return answer{}, context.Cause(ctx)
		}
	}
	return call.answer, call.answer.err
}

// abandon says that nobody will wait for the call.
func (c *conn) abandon(call *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if call.finished {
		call.answer.body.free()
		call.answer.body = nil
		return
	}
	call.abandoned = true
}

// An answer is what the server says to a request.
type answer struct {
	kind number
	body *packet // what follows the id; whoever has the answer frees it
	err  error   // instead, if the connection has ended
}

// free gives the body back.
func (a answer) free() { a.body.free() }

// status reads an SSH_FXP_STATUS.
func (a answer) status() error {
	if a.kind != fxpStatus {
		return &ProtocolError{errAnswer}
	}
	return parseStatus(a.body.b)
}

// expect fails unless the answer is of the kind, with the status if it is one.
func (a answer) expect(kind number) error {
	if a.kind == kind {
		return nil
	}
	if err := a.status(); err != nil {
		return err
	}
	return &ProtocolError{errAnswer} // success, and nothing of what was asked for
}

// handle reads an SSH_FXP_HANDLE (draft-ietf-secsh-filexfer-02, section 7).
//
//	uint32    id
//	string    handle
func (a answer) handle() (string, error) {
	if err := a.expect(fxpHandle); err != nil {
		return "", err
	}
	r := wire.NewReader(a.body.b)
	handle := r.Blob()
	if r.Err() != nil || len(handle) == 0 || len(handle) > maxHandle {
		return "", &ProtocolError{errHandle}
	}
	return string(handle), nil
}

// data reads an SSH_FXP_DATA of at most limit bytes, which alias the body.
//
//	uint32    id
//	string    data
func (a answer) data(limit int) ([]byte, error) {
	if err := a.expect(fxpData); err != nil {
		return nil, err
	}
	r := wire.NewReader(a.body.b)
	data := r.Blob()
	switch {
	case r.Err() != nil:
		return nil, &ProtocolError{r.Err()}
	case len(data) > limit:
		return nil, &ProtocolError{errTooLong}
	case len(data) == 0:
		return nil, &ProtocolError{errNoProgress}
	}
	return data, nil
}

// attributes reads an SSH_FXP_ATTRS.
//
//	uint32    id
//	ATTRS     attrs
func (a answer) attributes() (Attributes, error) {
	if err := a.expect(fxpAttrs); err != nil {
		return Attributes{}, err
	}
	r := wire.NewReader(a.body.b)
	attrs, err := parseAttributes(&r)
	if err != nil {
		return attrs, &ProtocolError{err}
	}
	return attrs, nil
}

// names reads an SSH_FXP_NAME.
//
//	uint32    id
//	uint32    count
//	repeats count times:
//	  string    filename
//	  string    longname
//	  ATTRS     attrs
func (a answer) names() ([]*fileInfo, error) {
	if err := a.expect(fxpName); err != nil {
		return nil, err
	}
	r := wire.NewReader(a.body.b)
	n := r.Uint32()
	if uint64(n)*12 > uint64(r.Len()) {
		return nil, &ProtocolError{errCount}
	}
	all := make([]*fileInfo, 0, min(n, 256))
	for range n {
		name := r.Text()
		r.Blob()
		attrs, err := parseAttributes(&r)
		if err != nil {
			return nil, &ProtocolError{err}
		}
		all = append(all, &fileInfo{name, attrs})
	}
	return all, nil
}

// name reads an SSH_FXP_NAME that answers a question for one path.
func (a answer) name() (string, error) {
	all, err := a.names()
	if err == nil && len(all) != 1 {
		err = &ProtocolError{errCount}
	}
	if err != nil {
		return "", err
	}
	return all[0].name, nil
}
