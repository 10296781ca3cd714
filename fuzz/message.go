package fuzz

import (
	"slices"

	"github.com/whelk-ssh/whelk/wire"
)

// A Message is anything to be sent as the payload of a packet: a message of
// package wire, or a [Payload]. Append appends its encoding to b.
type Message interface{ Append(b []byte) []byte }

// A Payload is a [Message] of any bytes, which need not be one.
type Payload []byte

// Append appends m to b.
func (m Payload) Append(b []byte) []byte { return append(b, m...) }

// Send sends messages, each in a packet that is as it should be. All go out in
// one Write.
func (p *Peer) Send(messages ...Message) {
	if p.err != nil {
		return
	}
	var packets []byte
	for _, m := range messages {
		packets = append(packets, p.seal(p.Frame(m))...)
	}
	p.write(packets)
}

// Rewrite has f decide what the steps send in place of their messages with
// number n: nothing, or several, or something else. It is given the payload. What
// [Peer.Send] is told to send is sent as it is. A nil f undoes it.
//
// An exchange hash covers what the step meant to say. Config.Offer changes a
// KEXINIT so that the hash is right.
func (p *Peer) Rewrite(n wire.Number, f func(payload []byte) []Message) {
	delete(p.rewrites, n)
	if f != nil {
		p.rewrites[n] = f
	}
}

// Before has the steps send messages ahead of each of their own with number n.
func (p *Peer) Before(n wire.Number, messages ...Message) {
	p.Rewrite(n, func(payload []byte) []Message { return append(slices.Clone(messages), Payload(payload)) })
}

// step sends what a step wants sent, or what Rewrite has in its place.
func (p *Peer) step(payload []byte) {
	if f := p.rewrites[wire.Number(payload[0])]; f != nil {
		p.Send(f(payload)...)
		return
	}
	p.Send(Payload(payload))
}
