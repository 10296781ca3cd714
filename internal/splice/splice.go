package splice

import (
	"io"
	"sync"
)

// Join copies between a and b until both directions have ended, and closes
// both. Who wants it to end sooner closes either.
func Join(a, b io.ReadWriteCloser) {
	var other sync.WaitGroup
	other.Go(func() { pass(a, b) })
	pass(b, a)
	other.Wait()
	a.Close()
	b.Close()
}

// pass copies from one end to the other, and tells that of the end.
func pass(to, from io.ReadWriteCloser) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok {
		from.Close()
		to.Close()
		return
	}
	half.CloseWrite()
}
