package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// A conversation is what was said on a connection, in order. Trace returns the
// hooks that write it down.
type conversation struct {
	mu     sync.Mutex
	events []event
	sealed [2]bool // who has said NEWKEYS
}

// A speaker is the end that says something.
type speaker int

const (
	clientSpeaks speaker = iota
	serverSpeaks
)

// An event is a version line, a message, or what a key exchange agreed on.
type event struct {
	from    speaker
	version string
	payload []byte
	agreed  *transport.State

	encrypted bool // in which form it travelled
}

// trace returns the hooks of a client.
func (c *conversation) trace() *transport.Trace {
	return &transport.Trace{
		Version:     c.versions,
		PacketSent:  func(_ uint32, payload []byte) { c.message(clientSpeaks, payload) },
		PacketRead:  func(_ uint32, payload []byte) { c.message(serverSpeaks, payload) },
		KeyExchange: c.keyExchange,
	}
}

// versions puts the version lines first. Neither end waits for the other's, so
// the client has sent its KEXINIT by the time that it has read one.
func (c *conversation) versions(local, remote string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append([]event{
		{from: clientSpeaks, version: local},
		{from: serverSpeaks, version: remote},
	}, c.events...)
}

func (c *conversation) message(from speaker, payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, event{from: from, payload: append([]byte(nil), payload...), encrypted: c.sealed[from]})
	if isNewKeys(payload) {
		c.sealed[from] = true
	}
}

// messages counts them.
func (c *conversation) messages() (n int) {
	for _, e := range c.events {
		if e.payload != nil {
			n++
		}
	}
	return n
}

func (c *conversation) keyExchange(s transport.State, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.events = append(c.events, event{agreed: &s})
	}
}

// The command of the conversation, which has something to say both ways.
const (
	talk   = "tr a-z A-Z"
	spoken = "hello, whelk\n"
)

// converse connects to the server with package client, runs one command, and
// prints each message of the connection.
func (d *demo) converse(ctx context.Context, s *server) (string, error) {
	ctx, cancel := soon(ctx)
	defer cancel()
	c := new(conversation)
	answer, err := d.talk(ctx, net.JoinHostPort(loopback, s.port), c.trace())
	if err == nil && answer != strings.ToUpper(spoken) {
		err = fmt.Errorf("%s answered %q", talk, answer)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	d.printf("  Package client, in this process, runs %q on whelkd, with the input %q.\n", talk, spoken)
	d.printf("  --> says the client, <-- the server, in plain text; ==> and <== encrypted.\n\n")
	for i := range c.events {
		d.printEvent(i+1, &c.events[i])
	}
	d.printf("\n")
	return fmt.Sprintf("%d messages, output %q", c.messages(), answer), err
}

// talk is a whole connection.
func (d *demo) talk(ctx context.Context, address string, trace *transport.Trace) (string, error) {
	c, err := client.Dial(ctx, "tcp", address, &client.Config{
		User:      d.user,
		Auth:      []userauth.Method{userauth.PublicKey(d.userKey.signer)},
		HostKeys:  hostkey.Pin(d.hostKey.signer.PublicKey()),
		Transport: transport.Config{Trace: trace},
	})
	if err != nil {
		return "", err
	}
	defer c.Close()
	cmd := c.Command(talk)
	cmd.Stdin = strings.NewReader(spoken)
	answer, err := cmd.Output(ctx)
	return string(answer), err
}
