package main

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// explain returns one line that says what was wrong and what to do about it.
func (p *program) explain(err error) string {
	text := oneLine(err.Error())
	for _, prefix := range []string{"client: ", "transport: ", "userauth: ", "connection: ", "channel: ", "agent: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	var reach *reachError
	var lost *transport.Error
	var timeout net.Error
	var bye *transport.DisconnectError
	var untrusted *knownhosts.KeyError
	switch {
	case errors.Is(err, client.ErrDeadPeer):
		return fmt.Sprintf("timeout, server %s not responding", p.host)
	case errors.As(err, &reach) && errors.Is(err, errPatience):
		return fmt.Sprintf("connect to host %s port %d: no answer within %v: check the address, or allow more with -o ConnectTimeout=SECONDS",
			p.host, p.port, p.connectTimeout)
	case errors.As(err, &reach):
		return fmt.Sprintf("connect to host %s port %d: %s: check the name, the port, and that a server runs there", p.host, p.port, text)
	case errors.As(err, &untrusted):
		return explainHost(untrusted)
	case errors.Is(err, userauth.ErrTrivial):
		return text + " (-o PreferredAuthentications=none)"
	case errors.As(err, &bye) && strings.Contains(strings.ToLower(bye.Message), "too many authentication failures"):
		return text + ": it was offered too many keys: name the right one with -o IdentitiesOnly=yes -i FILE"
	case errors.As(err, &timeout) && timeout.Timeout():
		return text + ": check that this is an SSH server, or allow more with -o ConnectTimeout=SECONDS"
	case errors.As(err, &lost) && !p.spoke:
		return fmt.Sprintf("host %s port %d does not speak SSH: %s: check the port, and what listens there", p.host, p.port, text)
	case errors.As(err, &lost) && !p.entered && !strings.Contains(text, p.host):
		return fmt.Sprintf("connection to host %s port %d failed: %s", p.host, p.port, text)
	}
	return text
}

// explainHost says why a host was not trusted.
func explainHost(err *knownhosts.KeyError) string {
	text := strings.TrimPrefix(oneLine(err.Error()), "knownhosts: ")
	switch {
	case errors.Is(err, knownhosts.ErrDeclined):
		return "host key verification failed: " + text
	case errors.Is(err, knownhosts.ErrUnknown) && err.SSHFP != knownhosts.SSHFPMismatch:
		text += " with -o StrictHostKeyChecking=accept-new"
	}
	return "host key verification failed: " + text
}

// oneLine joins the lines of an error that has several.
func oneLine(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ") }
