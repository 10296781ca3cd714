package interop

import (
	"errors"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A stock is what the test's own process holds. It is only taken by tests that
// do not run in parallel.
type stock struct{ goroutines, descriptors int }

func takeStock() stock {
	return stock{runtime.NumGoroutine(), len(descriptors(os.Getpid()))}
}

// requireSame waits until the process holds no more than it did.
func (s stock) requireSame(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if n := takeStock(); n.goroutines <= s.goroutines && n.descriptors <= s.descriptors {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	require.Equal(t, s, takeStock(), "%q\n%s", descriptors(os.Getpid()), stacks[:runtime.Stack(stacks, true)])
}

// ignoreClosed leaves out that a connection was closed already.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
