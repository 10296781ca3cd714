package server

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"sync"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/internal/splice"
	"github.com/whelk-ssh/whelk/wire"
)

// Global requests by which a client has the server listen, and the channels in
// which it gets the connections (RFC 4254, sections 7.1 and 7.2; OpenSSH
// PROTOCOL, section 2.4).
const (
	tcpipForward             = "tcpip-forward"
	cancelTCPIPForward       = "cancel-tcpip-forward"
	forwardedTCPIP           = "forwarded-tcpip"
	streamlocalForward       = "streamlocal-forward@openssh.com"
	cancelStreamlocalForward = "cancel-streamlocal-forward@openssh.com"
	forwardedStreamlocal     = "forwarded-streamlocal@openssh.com"
)

// forwards are what a connection has forwarded.
type forwards struct {
	mu          sync.Mutex
	connections int
	listeners   map[Endpoint][]net.Listener // as asked for, with the port that was chosen
}

// take counts one connection more, unless there are too many.
func (f *forwards) take(limit int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.connections >= limit {
		return false
	}
	f.connections++
	return true
}

// release counts one connection less.
func (f *forwards) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.connections--
}

// listening returns the function for global requests of a kind that is
// forwarded.
func (s *Server) listening(name string) func(context.Context, *Conn, *connection.Request) {
	f := &s.Forwarding
	switch {
	case name == tcpipForward && f.Listen != nil, name == streamlocalForward && f.ListenUnix != nil:
		return listen
	case name == cancelTCPIPForward && f.Listen != nil, name == cancelStreamlocalForward && f.ListenUnix != nil:
		return cancelListen
	}
	return nil
}

// parseListen takes a request apart. That for a socket is
//
//	string    socket path
func parseListen(r *connection.Request) (e Endpoint, ok bool) {
	if r.Type == streamlocalForward || r.Type == cancelStreamlocalForward {
		p := wire.NewReader(r.Payload)
		e = Endpoint{Network: "unix", Path: p.Text()}
		return e, p.End() == nil && isSocketPath(e.Path)
	}
	m, err := wire.ParseTCPIPForward(r.Payload)
	return Endpoint{Network: "tcp", Host: m.Address, Port: uint16(m.Port)}, err == nil && isHost(m.Address) && m.Port <= maxPort
}

// listen begins to listen for a client, if it may.
func listen(ctx context.Context, c *Conn, r *connection.Request) {
	e, ok := parseListen(r)
	if !ok {
		return
	}
	f := &c.server.Forwarding
	permit := f.Listen
	if e.Network == "unix" {
		permit = f.ListenUnix
	}
	if !permit(ctx, c, e) {
		c.log.Info("listening refused", "at", e.quoted())
		return
	}
	if !c.forwards.room(e, f.maxListeners()) {
		c.log.Info("listening refused: there are too many listeners, or this one", "at", e.quoted())
		return
	}
	asked := e.Port
	listeners, err := c.bind(&e)
	if err != nil {
		c.log.Info("listening failed", "at", e.quoted(), "err", err)
		return
	}
	c.forwards.add(e, listeners)
	c.log.Debug("listening", "at", e.quoted())
	var reply []byte
	if e.Network == "tcp" && asked == 0 {
		m := wire.TCPIPForwardReply{Port: uint32(e.Port)}
		reply = m.Append(nil)
	}
	r.Reply(true, reply)
	for _, l := range listeners {
		c.handlers.Go(func() {
			splice.Serve(c.ctx, l, func(ctx context.Context, nc net.Conn) { c.hand(ctx, nc, e) })
		})
	}
}

// bind listens at e, whose port it sets to the one that was chosen.
func (c *Conn) bind(e *Endpoint) ([]net.Listener, error) {
	f := &c.server.Forwarding
	if e.Network == "unix" {
		l, err := splice.Socket{Path: e.Path, Mode: f.socketMode(), Unlink: f.UnlinkSocket}.Listen()
		return []net.Listener{l}, err
	}
	var listeners []net.Listener
	var first error
	for _, host := range f.GatewayPorts.bind(e.Host) {
		var config net.ListenConfig
		l, err := config.Listen(c.ctx, family(host), net.JoinHostPort(host, strconv.Itoa(int(e.Port))))
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			e.Port = uint16(a.Port) // and that of the next
		}
		listeners = append(listeners, l)
	}
	if len(listeners) > 0 {
		return listeners, nil
	}
	return nil, first
}

// family returns the network of an address: "0.0.0.0" is all of IPv4 and "::" all
// of IPv6, and only "" is both (RFC 4254, section 7.1).
func family(host string) string {
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return "tcp"
	case ip.Is4():
		return "tcp4"
	}
	return "tcp6"
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

// room reports whether there may be another listener, at e. Requests come one
// after the other: the answer holds until add.
func (f *forwards) room(e Endpoint, limit int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.listeners) < limit && f.listeners[e] == nil
}

// add keeps what listens at e.
func (f *forwards) add(e Endpoint, listeners []net.Listener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listeners == nil {
		f.listeners = make(map[Endpoint][]net.Listener)
	}
	f.listeners[e] = listeners
}

// remove forgets what listens at e, and returns it.
func (f *forwards) remove(e Endpoint) []net.Listener {
	f.mu.Lock()
	defer f.mu.Unlock()
	listeners := f.listeners[e]
	delete(f.listeners, e)
	return listeners
}

// cancelListen ends what listen began. Connections live on.
func cancelListen(_ context.Context, c *Conn, r *connection.Request) {
	e, ok := parseListen(r)
	if !ok {
		return
	}
	listeners := c.forwards.remove(e)
	closeAll(listeners)
	r.Reply(listeners != nil, nil)
}

// hand hands a connection to the client that listens at e.
func (c *Conn) hand(ctx context.Context, nc net.Conn, e Endpoint) {
	if !c.begin() { // no further channel is to open
		return
	}
	defer c.finish()
	f := &c.server.Forwarding
	if !c.forwards.take(f.maxConnections()) {
		c.log.Info("forwarding refused: there are too many connections", "from", e.quoted())
		return
	}
	defer c.forwards.release()
	ch, err := c.offer(ctx, nc, e)
	if err != nil {
		c.log.Info("the client does not take a connection", "from", e.quoted(), "err", err)
		return
	}
	splice.JoinUntil(ctx, nc, ch)
}

// offer opens the channel for a connection. That from a socket is opened with
//
//	string    socket path
//	string    reserved
func (c *Conn) offer(ctx context.Context, nc net.Conn, e Endpoint) (*channel.Channel, error) {
	ctx, cancel := context.WithTimeout(ctx, c.server.Forwarding.dialTimeout())
	defer cancel()
	if e.Network == "unix" {
		extra := wire.AppendString(wire.AppendString(nil, e.Path), "")
		return c.mux.Open(ctx, forwardedStreamlocal, extra, channel.Params{})
	}
	m := wire.ForwardedTCPIP{Address: e.Host, Port: uint32(e.Port), OriginHost: "unknown"}
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		m.OriginHost, m.OriginPort = a.AddrPort().Addr().Unmap().String(), uint32(a.Port)
	}
	return c.mux.Open(ctx, forwardedTCPIP, m.Append(nil), channel.Params{})
}
