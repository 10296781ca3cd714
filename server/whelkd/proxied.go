//go:build unix

package main

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/pires/go-proxyproto"
)

// maxUnannounced is how many connections may be there whose proxy has not said
// whose they are. It has ten seconds for that.
const maxUnannounced = 1024

// check finds out whether whoever says where a connection is from is believed.
func (s *sources) check() error {
	if s.proxied && len(s.proxies) == 0 {
		return errors.New("ProxyProtocol: say which proxies are to be believed, as in ProxyProtocolFrom=192.0.2.0/24")
	}
	return nil
}

// listen returns l with connections that come from where the proxies say. A
// connection without a proxy in front would be from wherever it says, and is
// closed.
func (s *sources) listen(l net.Listener, log *slog.Logger) net.Listener {
	if !s.proxied {
		return l
	}
	p := &proxied{
		Listener: l, from: s.proxies, log: log,
		conns: make(chan net.Conn), errs: make(chan error), closed: make(chan struct{}),
		waiting: make(chan struct{}, maxUnannounced),
	}
	go p.run()
	return p
}

// A proxied is a listener for connections through proxies. Accept returns those
// whose address is known, so that one without does not hold up the others.
type proxied struct {
	net.Listener
	from    []netip.Prefix // where the proxies are
	log     *slog.Logger
	conns   chan net.Conn
	errs    chan error
	waiting chan struct{} // has one element for each connection without an address
	closed  chan struct{}
	once    sync.Once
}

// Accept implements [net.Listener].
func (p *proxied) Accept() (net.Conn, error) {
	select {
	case nc := <-p.conns:
		return nc, nil
	case err := <-p.errs:
		return nil, err
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (p *proxied) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.Listener.Close()
}

// run accepts connections, and hands on what goes wrong with that, until the
// listener is closed.
func (p *proxied) run() {
	for {
		nc, err := p.Listener.Accept()
		if err != nil {
			select {
			case p.errs <- err:
				continue
			case <-p.closed:
				return
			}
		}
		p.take(nc)
	}
}

// take has the proxy say whose connection nc is.
func (p *proxied) take(nc net.Conn) {
	if !p.trusts(nc.RemoteAddr()) {
		p.refuse(nc, "it is none of the proxies of ProxyProtocolFrom")
		return
	}
	select {
	case p.waiting <- struct{}{}:
		go p.announce(proxyproto.NewConn(nc, proxyproto.WithPolicy(proxyproto.REQUIRE)))
	default:
		p.refuse(nc, "too many connections do not say whose they are")
	}
}

func (p *proxied) announce(nc *proxyproto.Conn) {
	header := nc.ProxyHeader() // waits for it
	<-p.waiting
	if header == nil {
		p.refuse(nc, "it does not begin with the PROXY protocol")
		return
	}
	select {
	case p.conns <- nc:
	case <-p.closed:
		nc.Close()
	}
}

func (p *proxied) refuse(nc net.Conn, why string) {
	nc.Close()
	p.log.Info("connection turned away", "remote", nc.RemoteAddr(), "err", why)
}

func (p *proxied) trusts(addr net.Addr) bool {
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return false
	}
	for _, network := range p.from {
		if network.Contains(ap.Addr().Unmap().WithZone("")) {
			return true
		}
	}
	return false
}
