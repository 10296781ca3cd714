//go:build unix

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Where is where whelkd listens.
type where struct {
	family string   // "", "4" or "6"
	ports  []string // of addresses without one
	listen []endpoint
	silent bool // TCP does not ask clients whether they are there
}

// An endpoint is a host, and a port unless it is "".
type endpoint struct{ host, port string }

const defaultPort = "22"

func (w *where) setFamily(v string) error {
	family, ok := map[string]string{"any": "", "inet": "4", "inet6": "6"}[strings.ToLower(v)]
	if !ok {
		return fmt.Errorf("%q is none of any, inet, inet6", v)
	}
	w.family = family
	return nil
}

func (w *where) familyName() string {
	return map[string]string{"": "any", "4": "inet", "6": "inet6"}[w.family]
}

// setKeepAlive reads the value of TCPKeepAlive.
func (w *where) setKeepAlive(v string) error {
	wanted, err := yesNo(v)
	w.silent = !wanted
	return err
}

func (w *where) addPort(v string) error {
	if _, err := strconv.ParseUint(v, 10, 16); err != nil {
		return fmt.Errorf("%q is not a port: it is a number from 0 to 65535", v)
	}
	w.ports = append(w.ports, v)
	return nil
}

// add reads host, host:port or [host]:port.
func (w *where) add(v string) error {
	if ip := strings.Trim(v, "[]"); net.ParseIP(ip) != nil || !strings.Contains(v, ":") {
		w.listen = append(w.listen, endpoint{host: ip})
		return nil
	}
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		return err
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is not a port: it is a number from 0 to 65535", port)
	}
	w.listen = append(w.listen, endpoint{host, port})
	return nil
}

func (w *where) allPorts() []string {
	if w.ports == nil {
		return []string{defaultPort}
	}
	return w.ports
}

// endpoints are all there are: each address without a port has every port, and
// without any address it is that of this machine itself.
func (w *where) endpoints() (all []endpoint) {
	listen := w.listen
	if listen == nil {
		host := "127.0.0.1"
		if w.family == "6" {
			host = "::1"
		}
		listen = []endpoint{{host: host}}
	}
	for _, e := range listen {
		if e.port != "" {
			all = append(all, e)
			continue
		}
		for _, port := range w.allPorts() {
			all = append(all, endpoint{e.host, port})
		}
	}
	return all
}

func (w *where) addresses() (all []string) {
	for _, e := range w.endpoints() {
		all = append(all, net.JoinHostPort(e.host, e.port))
	}
	return all
}

// open listens on all there is. A name stands for its addresses, of which one
// has to be ours.
func (w *where) open() (listeners []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			listeners = nil
		}
	}()
	for _, e := range w.endpoints() {
		ips, err := w.resolve(e.host)
		if err != nil {
			return listeners, err
		}
		var failed error
		opened := 0
		for _, ip := range ips {
			l, err := w.listenOn(ip, e.port)
			if err != nil {
				failed = err
				continue
			}
			opened++
			listeners = append(listeners, l)
		}
		if opened == 0 {
			return listeners, failed
		}
	}
	return listeners, nil
}

// resolve returns the addresses of a host in the family.
func (w *where) resolve(host string) ([]netip.Addr, error) {
	ips, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", host)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", host, err)
	}
	ips = slices.DeleteFunc(ips, func(ip netip.Addr) bool {
		return w.family == "4" && !ip.Unmap().Is4() || w.family == "6" && ip.Unmap().Is4()
	})
	if len(ips) == 0 {
		return nil, fmt.Errorf("cannot listen on %s: it has no address of AddressFamily %s", host, w.familyName())
	}
	return ips, nil
}

// listenOn listens on an address and on that alone: "0.0.0.0" would include IPv6
// otherwise.
func (w *where) listenOn(ip netip.Addr, port string) (net.Listener, error) {
	network := "tcp6"
	if ip = ip.Unmap(); ip.Is4() {
		network = "tcp4"
	}
	var config net.ListenConfig
	if w.silent {
		config.KeepAlive = -1
	}
	return config.Listen(context.Background(), network, net.JoinHostPort(ip.String(), port))
}
