package socks

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/memnet"
)

// ask sends what a client says, and returns what Accept makes of it and all
// that the client gets, with the answer that f gives.
func ask(t *testing.T, said string, f func(*Request)) (*Request, string, error) {
	t.Helper()
	near, far := memnet.Pipe()
	_, err := io.WriteString(near, said)
	require.NoError(t, err)
	require.NoError(t, near.CloseWrite())
	r, err := Accept(t.Context(), far)
	if err == nil {
		f(r)
	}
	require.NoError(t, far.Close())
	got, readErr := io.ReadAll(near)
	if len(got) == 0 && readErr != nil {
		got = nil // what was unread made a reset of the close
	}
	return r, string(got), err
}

func grant(r *Request)    { r.Grant() }
func notAllow(r *Request) { r.Refuse(NotAllowed) }

func TestRequests(t *testing.T) {
	const zeros = "\x00\x00\x00\x00\x00\x00"
	for _, test := range []struct {
		name, said, address string
		granted, notAllowed string
	}{
		{"4", "\x04\x01\x00\x50\xc0\x00\x02\x07user\x00", "192.0.2.7:80", "\x00\x5a" + zeros, "\x00\x5b" + zeros},
		{"4 no user", "\x04\x01\x00\x50\xc0\x00\x02\x07\x00", "192.0.2.7:80", "\x00\x5a" + zeros, "\x00\x5b" + zeros},
		{"4a", "\x04\x01\x1f\x90\x00\x00\x00\x01\x00example.com\x00", "example.com:8080", "\x00\x5a" + zeros, "\x00\x5b" + zeros},
		{"RFC 1928 4: IPv4", "\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50", "192.0.2.7:80", "\x05\x00\x05\x00\x00\x01" + zeros, "\x05\x00\x05\x02\x00\x01" + zeros},
		{"RFC 1928 4: name", "\x05\x02\x02\x00\x05\x01\x00\x03\x0bexample.com\x00\x50", "example.com:80", "\x05\x00\x05\x00\x00\x01" + zeros, "\x05\x00\x05\x02\x00\x01" + zeros},
		{"RFC 1928 4: IPv6", "\x05\x01\x00\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff", "[2001:db8::1]:65535", "\x05\x00\x05\x00\x00\x01" + zeros, "\x05\x00\x05\x02\x00\x01" + zeros},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, got, err := ask(t, test.said, grant)
			require.NoError(t, err)
			require.Equal(t, test.address, r.Address())
			require.Equal(t, test.granted, got)
			_, got, err = ask(t, test.said, notAllow)
			require.NoError(t, err)
			require.Equal(t, test.notAllowed, got)
			for n := range len(test.said) {
				_, _, err := ask(t, test.said[:n], grant)
				var cut *Error
				require.ErrorAs(t, err, &cut, "cut after %d bytes", n)
			}
		})
	}
}

// What is behind a request is the connection's.
func TestNothingIsReadAhead(t *testing.T) {
	for _, said := range []string{"\x04\x01\x00\x50\xc0\x00\x02\x07user\x00", "\x05\x01\x00\x05\x01\x00\x03\x01h\x00\x50"} {
		r, _, err := ask(t, said+"GET", func(r *Request) {
			rest, err := io.ReadAll(r.nc)
			require.NoError(t, err)
			require.Equal(t, "GET", string(rest))
		})
		require.NoError(t, err)
		require.NotNil(t, r)
	}
}

func TestRefused(t *testing.T) {
	const zeros = "\x00\x00\x00\x00\x00\x00"
	for _, test := range []struct{ name, said, got string }{
		{"HTTP", "GET / HTTP/1.1\r\n\r\n", ""},
		{"4 BIND", "\x04\x02\x00\x50\xc0\x00\x02\x07\x00", "\x00\x5b" + zeros},
		{"4 port 0", "\x04\x01\x00\x00\xc0\x00\x02\x07\x00", "\x00\x5b" + zeros},
		{"4 user of 256 bytes", "\x04\x01\x00\x50\xc0\x00\x02\x07" + strings.Repeat("u", 256) + "\x00", ""},
		{"4a no name", "\x04\x01\x00\x50\x00\x00\x00\x01\x00\x00", "\x00\x5b" + zeros},
		{"4a name of 256 bytes", "\x04\x01\x00\x50\x00\x00\x00\x01\x00" + strings.Repeat("n", 256) + "\x00", ""},
		{"4a endless name", "\x04\x01\x00\x50\x00\x00\x00\x01\x00" + strings.Repeat("n", 1<<16), ""},
		{"RFC 1928 3: only passwords", "\x05\x01\x02", "\x05\xff"},
		{"RFC 1928 3: no method", "\x05\x00", "\x05\xff"},
		{"RFC 1928 4: BIND", "\x05\x01\x00\x05\x02\x00\x01\xc0\x00\x02\x07\x00\x50", "\x05\x00\x05\x07\x00\x01" + zeros},
		{"RFC 1928 4: UDP", "\x05\x01\x00\x05\x03\x00\x01\xc0\x00\x02\x07\x00\x50", "\x05\x00\x05\x07\x00\x01" + zeros},
		{"RFC 1928 5: address type 2", "\x05\x01\x00\x05\x01\x00\x02", "\x05\x00\x05\x08\x00\x01" + zeros},
		{"RFC 1928 4: version 4 inside", "\x05\x01\x00\x04\x01\x00\x01\xc0\x00\x02\x07\x00\x50", "\x05\x00"},
		{"empty name", "\x05\x01\x00\x05\x01\x00\x03\x00\x00\x50", "\x05\x00\x05\x01\x00\x01" + zeros},
		{"name with a NUL", "\x05\x01\x00\x05\x01\x00\x03\x03a\x00b\x00\x50", "\x05\x00\x05\x01\x00\x01" + zeros},
		{"name with an escape", "\x05\x01\x00\x05\x01\x00\x03\x03a\x1bb\x00\x50", "\x05\x00\x05\x01\x00\x01" + zeros},
		{"port 0", "\x05\x01\x00\x05\x01\x00\x03\x01h\x00\x00", "\x05\x00\x05\x01\x00\x01" + zeros},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, got, err := ask(t, test.said, grant)
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.True(t, strings.HasPrefix(err.Error(), "socks: "))
			if got != "" || test.got == "" {
				require.Equal(t, test.got, got)
			}
		})
	}
}

// A client that takes its time has 30 seconds of it, and none once ctx is done.
func TestAcceptIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := memnet.Pipe()
		go func() {
			for {
				if _, err := near.Write([]byte("\x04")); err != nil {
					return
				}
				time.Sleep(7 * time.Second)
			}
		}()
		start := time.Now()
		_, err := Accept(t.Context(), far)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 30*time.Second, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = Accept(ctx, far)
		require.Error(t, err)
		require.Equal(t, 31*time.Second, time.Since(start))
		near.Close()
		time.Sleep(time.Minute) // for the client to notice
	})
}

// A deaf is a connection that cannot be written to.
type deaf struct{ net.Conn }

func (deaf) Write([]byte) (int, error) { return 0, errors.New("deaf") }

func TestDeaf(t *testing.T) {
	near, far := memnet.Pipe()
	_, err := io.WriteString(near, "\x05\x01\x00")
	require.NoError(t, err)
	_, err = Accept(t.Context(), deaf{far})
	require.EqualError(t, err, "deaf")
}

func FuzzAccept(f *testing.F) {
	f.Add([]byte("\x04\x01\x00\x50\x00\x00\x00\x01\x00example.com\x00"))
	f.Add([]byte("\x05\x02\x02\x00\x05\x01\x00\x03\x0bexample.com\x00\x50"))
	f.Fuzz(func(t *testing.T, said []byte) {
		near, far := memnet.Pipe()
		defer near.Close()
		defer far.Close()
		near.Write(said)
		near.CloseWrite()
		r, err := Accept(t.Context(), far)
		if err == nil && (r.Host == "" || len(r.Host) > maxName || r.Port == 0) {
			t.Errorf("%q is no address", r.Address())
		}
	})
}
