package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/server"
)

// forwarding is what the keywords about forwarding say. As with sshd(8),
// forwarding is allowed unless they say otherwise: the user has the same
// programs to connect with as whelkd has.
type forwarding struct {
	tcp, sockets string   // "yes", "no", "local" or "remote"
	open, listen []string // PermitOpen and PermitListen; nil is any
	gateway      server.GatewayPorts
	unlink       bool
	mask         fs.FileMode
	disable      bool // DisableForwarding
}

func newForwarding() forwarding {
	return forwarding{tcp: "yes", sockets: "yes", mask: 0o177}
}

// apply sets up srv. DisableForwarding is one switch for all there is (L4).
func (f *forwarding) apply(srv *server.Server) {
	if f.disable {
		srv.Forwarding, srv.AllowAgentForwarding, srv.AllowX11Forwarding = server.Forwarding{}, false, false
		return
	}
	srv.Forwarding = server.Forwarding{
		GatewayPorts: f.gateway, UnlinkSocket: f.unlink, SocketMode: 0o666 &^ f.mask,
		// As with sshd(8), a client has as many listeners as it has descriptors;
		// here there is an end.
		MaxListeners: maxListeners,
	}
	local, remote := directions(f.tcp)
	if local {
		srv.Forwarding.Open = permit(f.open, server.PermitOpen)
	}
	if remote {
		srv.Forwarding.Listen = permit(f.listen, server.PermitListen)
	}
	// In sshd(8) what restricts ports restricts sockets too, which may lead to
	// the same services.
	localUnix, remoteUnix := directions(f.sockets)
	if local && localUnix && f.open == nil {
		srv.Forwarding.OpenUnix = server.PermitAll
	}
	if remote && remoteUnix {
		srv.Forwarding.ListenUnix = server.PermitAll
	}
}

// maxListeners is how many ports and sockets a connection may have.
const maxListeners = 100

// directions returns what a value allows: from the client to where the server
// gets, and back.
func directions(value string) (local, remote bool) {
	return value == "yes" || value == "local", value == "yes" || value == "remote"
}

// setDirections takes yes, all, no, local or remote.
func setDirections(field func(*forwarding) *string) func(*options, string) error {
	return func(o *options, v string) error {
		v = strings.ToLower(v)
		switch v {
		case "all":
			v = "yes"
		case "yes", "no", "local", "remote":
		default:
			return fmt.Errorf("%q is none of yes, no, local, remote", v)
		}
		*field(&o.forwarding) = v
		return nil
	}
}

func setPermitOpen(o *options, v string) error {
	return setAddresses(&o.forwarding.open, v, server.PermitOpen)
}

func setPermitListen(o *options, v string) error {
	return setAddresses(&o.forwarding.listen, v, server.PermitListen)
}

// setAddresses takes a list that parse understands.
func setAddresses(list *[]string, v string, parse func(...string) (server.Permit, error)) error {
	addresses := strings.Fields(v)
	if _, err := parse(addresses...); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "server: "))
	}
	*list = addresses
	if v == "any" {
		*list = nil
	}
	return nil
}

// permit returns what a list permits, which parse has understood before.
func permit(list []string, parse func(...string) (server.Permit, error)) server.Permit {
	if list == nil {
		return server.PermitAll
	}
	p, _ := parse(list...)
	return p
}

func setGatewayPorts(o *options, v string) error {
	if strings.EqualFold(v, "clientspecified") {
		o.forwarding.gateway = server.ClientSpecified
		return nil
	}
	all, err := yesNo(v)
	if err != nil {
		return fmt.Errorf("%q is none of yes, no, clientspecified", v)
	}
	o.forwarding.gateway = server.LoopbackOnly
	if all {
		o.forwarding.gateway = server.AllAddresses
	}
	return nil
}

func setBindMask(o *options, v string) error {
	n, err := strconv.ParseUint(v, 8, 9)
	if err != nil {
		return fmt.Errorf("%q is not a mask such as 0177", v)
	}
	o.forwarding.mask = fs.FileMode(n)
	return nil
}
