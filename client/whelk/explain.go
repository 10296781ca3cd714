package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// explain returns one line that says what was wrong and what to do about it.
func (p *program) explain(err error) string {
	if jump, ok := errors.AsType[*client.JumpError](err); ok {
		return fmt.Sprintf("jump host %s: %s", jump.Host, p.onTheWay(jump.Host).explain(jump.Err))
	}
	text := oneLine(err.Error())
	for _, prefix := range []string{"client: ", "transport: ", "userauth: ", "connection: ", "channel: ", "agent: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	var lost *transport.Error
	var timeout net.Error
	var bye *transport.DisconnectError
	var untrusted *knownhosts.KeyError
	var mistaken *sshconfig.Error
	reach, unreached := errors.AsType[*client.ReachError](err)
	late := errors.Is(err, errPatience) || errors.As(err, &timeout) && timeout.Timeout()
	switch {
	case errors.Is(err, client.ErrDeadPeer):
		return fmt.Sprintf("timeout, server %s not responding", p.host)
	case errors.As(err, &mistaken):
		return explainConfig(err)
	case unreached:
		return p.explainReach(reach, text, late)
	case errors.As(err, &untrusted):
		return explainHost(untrusted)
	case errors.Is(err, userauth.ErrTrivial):
		return text + " (-o PreferredAuthentications=none)"
	case errors.As(err, &bye) && strings.Contains(strings.ToLower(bye.Message), "too many authentication failures"):
		return text + ": it was offered too many keys: name the right one with -o IdentitiesOnly=yes -i FILE"
	case late:
		return text + ": check that this is an SSH server, or allow more with -o ConnectTimeout=SECONDS"
	case errors.As(err, &lost) && !p.spoke:
		return fmt.Sprintf("host %s port %d does not speak SSH: %s: check the port, and what listens there", p.host, p.port, text)
	case errors.As(err, &lost) && !p.entered && !strings.Contains(text, p.host):
		return fmt.Sprintf("connection to host %s port %d failed: %s", p.host, p.port, text)
	}
	return text
}

// onTheWay returns the program that is about a host on the way, or p if nothing
// is known of it.
func (p *program) onTheWay(host string) *program {
	if hop, ok := p.hops[host]; ok {
		return hop
	}
	return p
}

// explainReach says why there is no connection.
func (p *program) explainReach(err *client.ReachError, text string, late bool) string {
	var refused *client.DialError
	switch {
	case errors.As(err, &refused):
		return fmt.Sprintf("connect to host %s port %d by way of %s: %s", err.Host, err.Port, err.Via, strings.TrimPrefix(refused.Error(), "client: "))
	case late:
		return fmt.Sprintf("connect to host %s port %d: no answer within %v: check the address, or allow more with -o ConnectTimeout=SECONDS",
			err.Host, err.Port, p.connectTimeout)
	case strings.Contains(text, "ProxyCommand"):
		return text
	}
	return text + ": check the name, the port, and that a server runs there"
}

// explainConfig says what is wrong with the configuration.
func explainConfig(err error) string {
	text := strings.TrimPrefix(err.Error(), "client: ")
	text = strings.TrimPrefix(text, "sshconfig: ")
	var mistake *sshconfig.Error
	if !errors.As(err, &mistake) {
		return text
	}
	switch {
	case mistake.At.Option:
		text = "-o " + text
	case errors.Is(err, fs.ErrNotExist):
		text += ": check the name behind -F"
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
