package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/internal/splice"
)

// A forwarder has the forwardings that are on their way.
type forwarder struct {
	program *program
	client  *client.Client
	ctx     context.Context

	mu      sync.Mutex
	active  []forwarding
	running sync.WaitGroup
}

// A forwarding is one that is under way: its flag, such as "-L", and where it
// listens. One may listen at several addresses.
type forwarding struct {
	flag string
	spec forward
	l    net.Listener
}

// String says what is forwarded, as ~# shows it.
func (f forwarding) String() string {
	to := f.spec.connect
	if to == "" {
		to = "SOCKS"
	}
	return fmt.Sprintf("%s %v to %s", f.flag, f.l.Addr(), to)
}

var errForwarding = errors.New("a forwarding failed, and ExitOnForwardFailure is yes")

// forward begins to forward. What cannot be forwarded is said, and is the end
// of the program only if ExitOnForwardFailure says so.
func (p *program) forward(ctx context.Context, c *client.Client) (*forwarder, error) {
	f := &forwarder{program: p, client: c, ctx: ctx}
	failed := false
	for _, spec := range slices.Concat(p.forwards.local, p.forwards.dynamic) {
		failed = !f.here(spec) || failed
	}
	if !f.there(p.forwards.remote) || failed {
		if p.forwards.exit {
			return f, errForwarding
		}
	}
	return f, nil
}

// serve runs a forwarding until its listener is closed.
func (f *forwarder) serve(flag string, spec forward, l net.Listener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = append(f.active, forwarding{flag, spec, l})
	f.running.Go(func() {
		switch flag {
		case "-L":
			f.local(l, spec)
		case "-D":
			f.dynamic(l)
		case "-R":
			f.back(l, spec)
		}
	})
}

// list returns what is under way.
func (f *forwarder) list() []forwarding {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.active)
}

// cancel ends what listens at an end, and reports whether anything did. The
// connections there are stay.
func (f *forwarder) cancel(flag, listen string) (found bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = slices.DeleteFunc(f.active, func(a forwarding) bool {
		if a.flag != flag || a.spec.listen != listen {
			return false
		}
		found = true
		go a.l.Close() // which may be to tell the server
		return true
	})
	return found
}

// wait takes no further connection, and waits for those there are: as ssh, which
// stays for them when its command has ended.
func (f *forwarder) wait() {
	f.mu.Lock()
	for _, a := range f.active {
		a.l.Close()
	}
	f.mu.Unlock()
	f.running.Wait()
}

// here listens on this machine.
func (f *forwarder) here(spec forward) (ok bool) {
	p, listen, flag := f.program, spec.listen, "-L"
	if spec.connect == "" {
		flag = "-D"
	}
	network, address := endNetwork(listen, "")
	if network == "unix" {
		l, err := splice.Socket{Path: address, Mode: p.forwards.socketMode(), Unlink: p.forwards.unlink}.Listen()
		if err != nil {
			p.log.printf(levelError, "unix_listener: cannot bind to path %s: %v", address, err)
			p.log.printf(levelError, "Could not request local forwarding.")
			return false
		}
		f.serve(flag, spec, l)
		return true
	}
	host, port, _ := net.SplitHostPort(address)
	given := strings.HasPrefix(listen, "[")
	for _, host := range p.bindHosts(host, given) {
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			if !errors.Is(err, syscall.EADDRNOTAVAIL) && !errors.Is(err, syscall.EAFNOSUPPORT) || len(host) > 0 && given {
				p.log.printf(levelError, "bind [%s]:%s: %s", host, port, bindReason(err))
			}
			continue
		}
		p.log.printf(levelDebug1, "Local forwarding listening on %v.", l.Addr())
		f.serve(flag, spec, l)
		ok = true
	}
	if !ok {
		p.log.printf(levelError, "channel_setup_fwd_listener_tcpip: cannot listen to port: %s", port)
		p.log.printf(levelError, "Could not request local forwarding.")
	}
	return ok
}

// bindReason returns why nobody can listen there.
func bindReason(err error) string {
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number.Error()
	}
	return err.Error()
}

// bindHosts returns the addresses to listen at for an address that was given, or
// for none.
func (p *program) bindHosts(host string, given bool) []string {
	switch {
	case host == "localhost", !given && !p.forwards.gateway:
		return []string{"127.0.0.1", "::1"}
	case host == "" || host == "*":
		return []string{""}
	}
	return []string{host}
}

// local connects those who come with an address, through the server.
func (f *forwarder) local(l net.Listener, spec forward) {
	network, address := endNetwork(spec.connect, "")
	client.Forward(f.ctx, l, func(ctx context.Context) (net.Conn, error) { return f.dial(ctx, network, address) })
}

// dynamic connects those who come with what they ask for, through the server.
func (f *forwarder) dynamic(l net.Listener) { client.ForwardSOCKS(f.ctx, l, f.dial) }

// dial connects through the server.
func (f *forwarder) dial(ctx context.Context, network, address string) (net.Conn, error) {
	f.program.log.printf(levelDebug1, "Connection to %q requested.", address)
	nc, err := f.client.DialContext(ctx, network, address)
	if err != nil && f.client.Mux().Err() == nil {
		f.program.log.printf(levelInfo, "channel: open failed: %s", f.program.explain(err))
	}
	return nc, err
}

// there has the server listen: for all that is asked for at once, so that it
// takes one round trip.
func (f *forwarder) there(specs []forward) (ok bool) {
	failed := make([]bool, len(specs))
	var asked sync.WaitGroup
	for i, spec := range specs {
		asked.Go(func() { failed[i] = !f.remote(spec) })
	}
	asked.Wait()
	for _, failed := range failed {
		if failed {
			return false
		}
	}
	return true
}

// remote has the server listen for one.
func (f *forwarder) remote(spec forward) bool {
	p := f.program
	network, address := endNetwork(spec.listen, "localhost")
	if host, port, err := net.SplitHostPort(address); network == "tcp" && err == nil && host == "*" {
		address = net.JoinHostPort("", port)
	}
	l, err := f.client.Listen(f.ctx, network, address)
	if err != nil {
		kind := "Warning"
		if p.forwards.exit {
			kind = "Error"
		}
		what := "path " + address
		if network == "tcp" {
			_, port, _ := net.SplitHostPort(address)
			what = "port " + port
		}
		p.log.printf(levelInfo, "%s: remote port forwarding failed for listen %s", kind, what)
		p.log.printf(levelVerbose, "%s", p.explain(err))
		return false
	}
	to := strings.NewReplacer("[", "", "]", "").Replace(spec.connect)
	if spec.connect == "" {
		to = "socks"
	}
	if strings.HasSuffix(address, ":0") {
		_, port, _ := net.SplitHostPort(l.Addr().String())
		p.log.printf(levelInfo, "Allocated port %s for remote forward to %s", port, to)
	}
	p.log.printf(levelDebug1, "remote forward success for: listen %v, connect %s", l.Addr(), to)
	f.serve("-R", spec, l)
	return true
}

// back connects those who come to the server with an address of here, or with
// what they ask for.
func (f *forwarder) back(l net.Listener, spec forward) {
	if spec.connect == "" {
		client.ForwardSOCKS(f.ctx, l, f.dialHere)
		return
	}
	network, address := endNetwork(spec.connect, "")
	client.Forward(f.ctx, l, func(ctx context.Context) (net.Conn, error) { return f.connect(ctx, network, address) })
}

var errRemoteOpen = errors.New("PermitRemoteOpen does not permit it")

// dialHere connects to what somebody at the server asks for.
func (f *forwarder) dialHere(ctx context.Context, network, address string) (net.Conn, error) {
	if !f.program.forwards.mayOpen(address) {
		f.program.log.printf(levelInfo, "connect_to %q: %v", address, errRemoteOpen)
		return nil, errRemoteOpen
	}
	return f.connect(ctx, network, address)
}

func (f *forwarder) connect(ctx context.Context, network, address string) (net.Conn, error) {
	nc, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		f.program.log.printf(levelError, "connect_to %q: failed: %v", address, err)
	}
	return nc, err
}

// stdio connects standard input and output with an address (-W), and returns
// what to exit with.
func (p *program) stdio(ctx context.Context, c *client.Client) int {
	nc, err := c.DialContext(ctx, "tcp", p.stdioTo)
	if err != nil {
		return p.fail(fmt.Errorf("stdio forwarding failed: %s", p.explain(err)))
	}
	defer nc.Close()
	if err := p.enter(ctx, c); err != nil {
		return p.fail(err)
	}
	ch := nc.(interface {
		CloseWrite() error
		Done() <-chan struct{}
	})
	read, written := make(chan struct{}), make(chan error, 1)
	go func() {
		io.Copy(nc, os.Stdin)
		ch.CloseWrite()
		close(read)
	}()
	go func() {
		_, err := io.Copy(os.Stdout, nc)
		os.Stdout.Close()
		written <- err
	}()
	select {
	case err = <-written:
	case <-ctx.Done():
		return p.fail(context.Cause(ctx))
	}
	if err != nil {
		return p.fail(p.reason(c, err))
	}
	select {
	case <-read:
	case <-ch.Done():
	case <-ctx.Done():
		return p.fail(context.Cause(ctx))
	}
	return 0
}
