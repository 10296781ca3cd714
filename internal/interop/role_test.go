package interop

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// roleVariable makes the test binary play a program at the other end.
const roleVariable = "WHELK_INTEROP_ROLE"

// remotely returns a command line for the other end that plays a role.
func remotely(t *testing.T, role string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return fmt.Sprintf("%s='%s' '%s'", roleVariable, role, self)
}

// play plays a role and returns the exit status:
//
//	generate N   writes the first N bytes of the stream
//	digest       reads to the end, and says what that was
//	exchange N   both at the same time; digest goes to standard error
func play(role string) int {
	words := strings.Fields(role)
	var size int64
	if len(words) == 2 {
		size, _ = strconv.ParseInt(words[1], 10, 64)
	}
	var err error
	switch words[0] {
	case "generate":
		_, err = io.Copy(os.Stdout, newStream(size))
	case "digest":
		err = digest(os.Stdin, os.Stdout)
	case "exchange":
		err = exchangeStreams(size, standard{})
	default:
		err = fmt.Errorf("there is no role %q", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "role:", role, err)
		return 1
	}
	return 0
}

// An end is where a program at the other end of a connection reads and writes.
type end interface {
	io.ReadWriter
	CloseWrite() error
	Stderr() io.Writer
}

// standard are the streams of this process.
type standard struct{}

func (standard) Read(p []byte) (int, error)  { return os.Stdin.Read(p) }
func (standard) Write(p []byte) (int, error) { return os.Stdout.Write(p) }
func (standard) CloseWrite() error           { return os.Stdout.Close() }
func (standard) Stderr() io.Writer           { return os.Stderr }

// exchangeStreams is the role "exchange".
func exchangeStreams(size int64, e end) error {
	digested := make(chan error, 1)
	go func() { digested <- digest(e, e.Stderr()) }()
	_, err := io.Copy(struct{ io.Writer }{e}, newStream(size))
	return errors.Join(err, e.CloseWrite(), <-digested)
}

// digest writes the size and the SHA-256 of what it reads.
func digest(r io.Reader, w io.Writer) error {
	sum := newSum()
	if _, err := io.Copy(sum, r); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, sum)
	return err
}

// A stream is a reader of bytes that are the same each time, with no two
// blocks alike: none can be lost, doubled or swapped without a trace. A block
// is of a size that has nothing to do with those of packets.
type stream struct {
	left  int64
	block []byte
	rest  []byte // of the block
	n     uint64 // blocks so far
}

const blockSize = 65521

func newStream(size int64) *stream {
	s := &stream{left: size, block: make([]byte, blockSize)}
	rand.NewChaCha8([32]byte{}).Read(s.block)
	return s
}

func (s *stream) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	if len(s.rest) == 0 {
		s.n++
		binary.BigEndian.PutUint64(s.block, s.n)
		s.rest = s.block
	}
	n := copy(p[:min(int64(len(p)), s.left)], s.rest)
	s.rest, s.left = s.rest[n:], s.left-int64(n)
	return n, nil
}

// A sum is a writer that knows the size and the SHA-256 of what it was given.
type sum struct {
	hash hash.Hash
	size int64
}

func newSum() *sum { return &sum{hash: sha256.New()} }

func (s *sum) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	return s.hash.Write(p)
}

func (s *sum) String() string { return fmt.Sprint(s.size, " ", hex.EncodeToString(s.hash.Sum(nil))) }

var sums sync.Map // of streams, by size

// streamSum is the sum of a stream of that size.
func streamSum(size int64) string {
	once, _ := sums.LoadOrStore(size, sync.OnceValue(func() string {
		s := newSum()
		io.Copy(s, newStream(size))
		return s.String()
	}))
	return once.(func() string)()
}
