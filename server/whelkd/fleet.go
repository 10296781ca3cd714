//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"

	"github.com/whelk-ssh/whelk/server"
)

// A fleet serves each connection with the daemon that has the settings for it:
// that of the file's lines outside of any Match, or one for the lines behind all
// those that the connection fits. The latter are made when the first such
// connection comes; there are at most as many as combinations of Match lines that
// fit somebody.
type fleet struct {
	config *configuration
	main   *daemon

	mu     sync.Mutex
	others map[string]*daemon // by the lines that make them
	closed bool
}

// newFleet makes the daemon for connections without a Match.
func newFleet(c *configuration, stderr io.Writer) (*fleet, *options, error) {
	o, err := c.global()
	if err == nil {
		err = o.check()
	}
	if err != nil {
		return nil, nil, err
	}
	a, err := currentAccount()
	if err != nil {
		return nil, nil, err
	}
	d, err := newDaemon(o, a, stderr)
	if err != nil {
		return nil, nil, err
	}
	d.conditional = len(c.file.Conditional()) > 0
	if err := d.settle(o); err != nil {
		return nil, nil, err
	}
	f := &fleet{config: c, main: d, others: make(map[string]*daemon)}
	return f, o, f.try()
}

// try makes a daemon for each Match, so that what is wrong with one is known
// before anybody needs it.
func (f *fleet) try() error {
	for _, block := range f.config.file.Conditional() {
		o, err := f.config.settle(block)
		if err == nil {
			_, err = f.main.variant(o)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: behind this Match: %w", block[0].File, block[0].Number, err)
		}
	}
	return nil
}

// A sorter is a listener whose connections come to the main daemon, save those
// that another is for.
type sorter struct {
	net.Listener
	fleet *fleet
}

// Accept implements [net.Listener].
func (s *sorter) Accept() (net.Conn, error) {
	for {
		nc, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		lines, key := s.fleet.config.matching(s.fleet.main.account.seenFrom(nc.RemoteAddr(), nc.LocalAddr()))
		if len(lines) == 0 {
			return nc, nil
		}
		go s.fleet.serve(nc, lines, key)
	}
}

// serve serves a connection with other settings than those of the main daemon.
func (f *fleet) serve(nc net.Conn, lines []*server.ConfigLine, key string) {
	d, err := f.daemon(lines, key)
	if err != nil {
		f.main.log.Error("a connection is refused, for the settings behind its Match do not work", "remote", nc.RemoteAddr(), "err", err)
	}
	if d == nil {
		nc.Close()
		return
	}
	_ = d.server.ServeConn(context.Background(), nc) // which logs
}

// daemon returns the daemon for the lines given, nil when the fleet is closed.
func (f *fleet) daemon(lines []*server.ConfigLine, key string) (*daemon, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, nil
	}
	if d := f.others[key]; d != nil {
		return d, nil
	}
	o, err := f.config.settle(lines)
	if err == nil {
		err = o.check()
	}
	if err != nil {
		return nil, err
	}
	d, err := f.main.variant(o)
	if err != nil {
		return nil, err
	}
	f.others[key] = d
	return d, nil
}

// servers are all there are, and there will be no more.
func (f *fleet) servers() []*server.Server {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	all := []*server.Server{&f.main.server}
	for _, d := range f.others {
		all = append(all, &d.server)
	}
	return all
}

// Shutdown waits until all connections have ended, as that of a
// [server.Server] does.
func (f *fleet) Shutdown(ctx context.Context) {
	var all sync.WaitGroup
	for _, s := range f.servers() {
		all.Go(func() { _ = s.Shutdown(ctx) })
	}
	all.Wait()
}

// Close ends all connections.
func (f *fleet) Close() {
	for _, s := range f.servers() {
		s.Close()
	}
}

// writePid writes the number of this process into a file, and returns what
// removes it.
func writePid(path string) (remove func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("PidFile: %w", err)
	}
	return func() { os.Remove(path) }, nil
}
