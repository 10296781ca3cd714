package splice

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/memnet"
)

// joined returns the outer ends of two connections that are joined.
func joined() (a, b *memnet.Conn, done chan struct{}) {
	a, innerA := memnet.Pipe()
	b, innerB := memnet.Pipe()
	done = make(chan struct{})
	go func() {
		Join(innerA, innerB)
		close(done)
	}()
	return a, b, done
}

// Each direction ends by itself.
func TestHalfClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, done := joined()
		_, err := a.Write([]byte("question"))
		require.NoError(t, err)
		require.NoError(t, a.CloseWrite())
		got, err := io.ReadAll(b)
		require.NoError(t, err)
		require.Equal(t, "question", string(got))
		time.Sleep(time.Hour)
		want := bytes.Repeat([]byte("answer"), 100_000)
		go func() {
			b.Write(want)
			b.CloseWrite()
		}()
		got, err = io.ReadAll(a)
		require.NoError(t, err)
		require.Equal(t, want, got)
		<-done
	})
}

// An end that is gone takes the other with it.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, done := joined()
		require.NoError(t, a.Close())
		for {
			if _, err := b.Write([]byte("to nobody")); err != nil {
				break
			}
			time.Sleep(time.Second)
		}
		<-done
		_, err := b.Read(make([]byte, 1))
		require.Error(t, err)
	})
}

// A whole stream cannot be closed by halves.
type whole struct{ net.Conn }

func TestWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, innerA := memnet.Pipe()
		b, innerB := net.Pipe()
		done := make(chan struct{})
		go func() {
			Join(innerA, whole{innerB})
			close(done)
		}()
		require.NoError(t, a.CloseWrite())
		_, err := b.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		<-done
	})
}

// What fails in one direction ends the other.
type broken struct {
	io.ReadWriteCloser
	err error
}

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, innerA := memnet.Pipe()
		b, innerB := memnet.Pipe()
		done := make(chan struct{})
		go func() {
			Join(innerA, broken{innerB, errors.New("broken")})
			close(done)
		}()
		_, err := a.Write([]byte("x"))
		require.NoError(t, err)
		<-done
		_, err = b.Read(make([]byte, 1))
		require.Error(t, err)
	})
}
