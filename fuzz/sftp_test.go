package fuzz_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel/sftp"
	"github.com/whelk-ssh/whelk/wire"
)

// sftpPackets puts the length before each packet.
func sftpPackets(list ...[]byte) (b []byte) {
	for _, p := range list {
		b = wire.AppendString(b, p)
	}
	return b
}

// sftpRequest is a packet with an id.
func sftpRequest(kind byte, id uint32, fields ...any) []byte {
	b := wire.AppendUint32([]byte{kind}, id)
	for _, field := range fields {
		switch v := field.(type) {
		case string:
			b = wire.AppendString(b, v)
		case int:
			b = wire.AppendUint32(b, uint32(v))
		case uint64:
			b = wire.AppendUint64(b, v)
		}
	}
	return b
}

// An sftpStream reads what the fuzzer has and keeps what is written.
type sftpStream struct {
	io.Reader
	bytes.Buffer
}

func (s *sftpStream) Read(p []byte) (int, error) { return s.Reader.Read(p) }

// FuzzSFTPServer gives a server whatever a client may send. For each whole
// request there is one answer, and nothing else comes.
func FuzzSFTPServer(f *testing.F) {
	hello := []byte{1, 0, 0, 0, 3}
	handle := "\x00\x00\x00\x00"
	f.Add(sftpPackets(hello, sftpRequest(3, 1, "d/a", 1, 0), sftpRequest(5, 2, handle, uint64(0), 100), sftpRequest(4, 3, handle)))
	f.Add(sftpPackets(hello, sftpRequest(11, 1, "/"), sftpRequest(12, 2, handle), sftpRequest(12, 3, handle), sftpRequest(4, 4, handle)))
	f.Add(sftpPackets(hello, sftpRequest(17, 1, "d/../b"), sftpRequest(7, 2, "x"), sftpRequest(16, 3, "."), sftpRequest(9, 4, "b", -1)))
	f.Add(sftpPackets(hello, sftpRequest(200, 1, "limits@openssh.com"), sftpRequest(200, 2, "expand-path@openssh.com", "~/x"), sftpRequest(200, 3, "copy-data", handle)))
	f.Add(sftpPackets(hello, sftpRequest(6, 1, handle, uint64(1<<63), "x"), sftpRequest(20, 2, "a", "b"), sftpRequest(18, 3, "a", "b")))
	files := fstest.MapFS{"d/a": {Data: bytes.Repeat([]byte("x"), 1000)}, "b": {Mode: fs.ModeSymlink | 0o777, Data: []byte("d/a")}}
	f.Fuzz(func(t *testing.T, sent []byte) {
		for _, h := range []sftp.Handler{nil, sftp.FSHandler(files)} {
			stream := &sftpStream{Reader: bytes.NewReader(sent)}
			_ = (&sftp.Server{Handler: h, MaxHandles: 4}).Serve(context.Background(), stream)
			requests := sftpCount(t, sent, false)
			require.LessOrEqual(t, sftpCount(t, stream.Bytes(), true), requests)
		}
	})
}

// sftpCount counts packets, which all have to be whole if strict.
func sftpCount(t *testing.T, b []byte, strict bool) (n int) {
	for len(b) >= 4 {
		size := uint64(binary.BigEndian.Uint32(b))
		if size > uint64(len(b)-4) {
			break
		}
		b = b[4+size:]
		n++
	}
	if strict {
		require.Empty(t, b, "half an answer")
	}
	return n
}

// An sftpEcho is a connection to a server that answers each request with the
// next packet of the fuzzer's, with the id that was asked with or another.
type sftpEcho struct {
	mu      sync.Mutex
	changed sync.Cond
	out     []byte // to be read by the client
	in      []byte // written by it, less than a packet
	rest    []byte // of the fuzzer
	closed  bool
}

func (e *sftpEcho) Read(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.out) == 0 && !e.closed {
		e.changed.Wait()
	}
	if len(e.out) == 0 {
		return 0, io.EOF
	}
	n := copy(p, e.out)
	e.out = e.out[n:]
	return n, nil
}

func (e *sftpEcho) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.changed.Broadcast()
	e.in = append(e.in, p...)
	for len(e.in) >= 9 {
		size := 4 + int(binary.BigEndian.Uint32(e.in))
		if len(e.in) < size {
			break
		}
		e.answer(e.in[:size])
		e.in = e.in[size:]
	}
	return len(p), nil
}

// answer answers one request.
func (e *sftpEcho) answer(request []byte) {
	if len(e.rest) < 2 {
		e.closed = true
		return
	}
	n := min(int(binary.BigEndian.Uint16(e.rest)), len(e.rest)-2)
	body := e.rest[2 : 2+n]
	e.rest = e.rest[2+n:]
	switch {
	case n == 0: // no answer, but another request will have one
		e.closed = true
	case request[4] == 1 || body[0] == 0xff:
		e.out = append(e.out, wire.AppendString(nil, body)...)
	default:
		answer := append([]byte{body[0]}, request[5:9]...)
		e.out = append(e.out, wire.AppendString(nil, append(answer, body[1:]...))...)
	}
}

func (e *sftpEcho) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.changed.Broadcast()
	return nil
}

// FuzzSFTPClient gives a client whatever a server may answer. It fails or has a
// result, and comes to an end.
func FuzzSFTPClient(f *testing.F) {
	list := func(packets ...string) (b []byte) {
		for _, p := range packets {
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
		}
		return b
	}
	const hello, handle, eof, ok = "\x02\x00\x00\x00\x03", "f\x00\x00\x00\x01h", "e\x00\x00\x00\x01", "e\x00\x00\x00\x00"
	f.Add(list(hello, "i\x00\x00\x00\x04\x00\x00\x81\xa4", handle, "g\x00\x00\x00\x01x", eof, ok, handle, "h\x00\x00\x00\x01\x00\x00\x00\x01n\x00\x00\x00\x00\x00\x00\x00\x00", eof))
	f.Add(list(hello+"\x00\x00\x00\x12limits@openssh.com\x00\x00\x00\x011", "\xc9"+string(make([]byte, 32)), "i\x00\x00\x00\x00"))
	f.Add(list(hello, "e\x00\x00\x00\x02\x00\x00\x00\x02no\x00\x00\x00\x00", "f\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, answers []byte) {
		e := &sftpEcho{rest: answers}
		e.changed.L = &e.mu
		c, err := sftp.NewClient(context.Background(), e)
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = c.Stat("/x")
		if file, err := c.Open("/x"); err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(file, 1<<20))
			_, _ = file.Write([]byte("x"))
			_ = file.Close()
		}
		entries, _ := c.ReadDir("/")
		for _, entry := range entries {
			require.NotContains(t, entry.Name(), "/")
		}
		_, _ = c.RealPath(".")
		_, _ = c.StatVFS("/")
		_, _, _ = c.Names([]uint32{1, 2}, []uint32{3})
	})
}
