package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

// idleConnections is how many connections there are, each with one session.
const idleConnections = 2000

// idleMemory measures how much of its memory a server in another process has
// resident for each idle connection, in KiB. The clients are the same for each
// server: ours.
func idleMemory(name string) sample {
	return func(b *bench) (float64, error) {
		s, err := startIdle(name, b.keys)
		if err != nil {
			return 0, err
		}
		defer s.end()
		n := b.count(idleConnections)
		var links []link
		defer func() {
			for _, l := range links {
				l.Close()
			}
		}()
		if links, err = s.load(b.keys, 16); err != nil { // what a server needs for any
			return 0, err
		}
		before, err := s.resident()
		if err != nil {
			return 0, err
		}
		more, err := s.load(b.keys, n)
		links = append(links, more...)
		if err != nil {
			return 0, err
		}
		after, err := s.resident()
		return (after - before) / float64(n), err
	}
}

// An idleServer is a server in a process of its own.
type idleServer struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	address string
}

func startIdle(name string, k *keys) (*idleServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &idleServer{cmd: exec.Command(self, "-serve", name)}
	s.cmd.Stderr = os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if s.address, err = s.ask(k.String()); err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// ask sends a line and returns the one that comes back.
func (s *idleServer) ask(line string) (string, error) {
	if _, err := fmt.Fprintln(s.in, line); err != nil {
		return "", err
	}
	answer, err := s.out.ReadString('\n')
	return strings.TrimSpace(answer), err
}

// resident returns the server's resident memory in KiB, once it has settled.
func (s *idleServer) resident() (float64, error) {
	answer, err := s.ask("resident")
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(answer, 64)
}

// load makes n connections, with a session each.
func (s *idleServer) load(k *keys, n int) (links []link, err error) {
	var mu sync.Mutex
	err = repeat(n, 16, func() error {
		c, err := ours.dial(s.address, k, gcm)
		if err != nil {
			return err
		}
		mu.Lock()
		links = append(links, c)
		mu.Unlock()
		_, err = c.start("idle")
		return err
	})
	return links, err
}

func (s *idleServer) end() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// settle is how long a server is left alone before it is looked at.
const settle = 2 * time.Second

// serveIdle is the other process. It reads the keys, says where it listens,
// and tells its resident memory for each line that it reads after that.
func serveIdle(st stack, in io.Reader, out io.Writer) error {
	if st == nil {
		return errors.New("bench: -serve takes ours or peer")
	}
	lines := bufio.NewScanner(in)
	lines.Scan()
	k, err := parseKeys(lines.Text())
	if err != nil {
		return err
	}
	l, err := loopback()
	if err != nil {
		return err
	}
	stop, err := st.serve(l, k, gcm)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintln(out, l.Addr())
	for lines.Scan() {
		time.Sleep(settle)
		// Twice: what a pool holds goes in the second collection.
		debug.FreeOSMemory()
		debug.FreeOSMemory()
		n, err := residentMemory()
		if err != nil {
			return err
		}
		fmt.Fprintln(out, n)
	}
	return lines.Err()
}

// residentMemory returns what proc(5) says of this process, in KiB.
func residentMemory() (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
		}
	}
	return 0, errors.New("bench: /proc/self/status has no VmRSS")
}
