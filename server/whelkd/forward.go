//go:build unix

package main

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/server"
)

// maxListeners is how many ports and sockets a connection may listen at. Sshd
// has no such limit.
const maxListeners = 100

// apply sets up srv. As with sshd(8), forwarding is allowed unless the keywords
// say otherwise: the user has the same programs to connect with as whelkd has.
// DisableForwarding is one switch for all there is (L4).
func (f *forwardingOptions) apply(srv *server.Server) {
	srv.Forwarding = server.Forwarding{}
	if f.disabled {
		srv.AllowAgentForwarding, srv.AllowX11Forwarding = false, false
		return
	}
	srv.Forwarding = server.Forwarding{
		GatewayPorts: f.gateway, UnlinkSocket: f.unlink, SocketMode: 0o666 &^ f.mask, MaxListeners: maxListeners,
	}
	local, remote := directions(f.tcp)
	if local {
		srv.Forwarding.Open = func(_ context.Context, _ *server.Conn, e server.Endpoint) bool {
			return f.permitsOpen(e.Host, uint32(e.Port))
		}
	}
	if remote {
		srv.Forwarding.Listen = func(_ context.Context, _ *server.Conn, e server.Endpoint) bool {
			return f.permitsListen(e.Host, uint32(e.Port))
		}
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

// directions returns what a value allows: from the client to where the server
// gets, and back.
func directions(value string) (local, remote bool) {
	return value != "no" && value != "remote", value != "no" && value != "local"
}

// directed takes yes, all, no, local or remote.
func directed(field func(*options) *string) func(*options, string) error {
	return func(o *options, v string) error {
		v = strings.ToLower(v)
		switch v {
		case "all":
			v = "yes"
		case "yes", "no", "local", "remote":
		default:
			return fmt.Errorf("%q is none of yes, no, local, remote", v)
		}
		*field(o) = v
		return nil
	}
}

func showDirected(value string) string {
	if value == "" {
		return "yes"
	}
	return value
}

// gateways are the values of GatewayPorts, as they are shown.
var gateways = map[server.GatewayPorts]string{
	server.LoopbackOnly: "no", server.AllAddresses: "yes", server.ClientSpecified: "clientspecified",
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
