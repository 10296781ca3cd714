package main

import (
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// trace returns the hooks that the log level asks for, and the one that tells
// a server from something else.
func (p *program) trace() *transport.Trace {
	t := &transport.Trace{
		Version: func(local, remote string) {
			p.spoke = true
			p.log.printf(levelDebug1, "Local version string %s", local)
			p.log.printf(levelDebug1, "Remote protocol version, software %q", remote)
		},
		KeyExchange: p.traceKeyExchange,
	}
	if p.log.says(levelDebug2) {
		t.PacketSent = func(seq uint32, payload []byte) { p.tracePacket("send", seq, payload) }
		t.PacketRead = func(seq uint32, payload []byte) { p.tracePacket("recv", seq, payload) }
	}
	return t
}

func (p *program) traceKeyExchange(s transport.State, err error) {
	if err != nil {
		return // it ends the program, and is said there
	}
	p.log.printf(levelDebug1, "kex: algorithm: %s", s.KeyExchange)
	if !s.PostQuantum && s.KeyExchangesFinished == 1 {
		p.log.printf(levelVerbose, "Warning: the key exchange %s is not post-quantum: who records this session now may be able to read it later; a newer server has one that is.", s.KeyExchange)
	}
	p.log.printf(levelDebug1, "kex: host key algorithm: %s", s.HostKeyAlgorithm)
	for _, d := range []struct {
		name string
		transport.Protection
	}{{"server->client", s.Recv}, {"client->server", s.Send}} {
		mac := d.MAC
		if mac == "" {
			mac = "<implicit>"
		}
		p.log.printf(levelDebug1, "kex: %s cipher: %s MAC: %s compression: %s", d.name, d.Cipher, mac, d.Compression)
	}
	p.log.printf(levelDebug1, "kex: strict: %t", s.StrictKeyExchange)
	p.log.printf(levelDebug1, "Server host key: %s %s", s.HostKey.Type(), hostkey.Fingerprint(s.HostKey))
}

// tracePacket shows a message. Those that carry data are many, and wait for
// the highest level.
func (p *program) tracePacket(direction string, seq uint32, payload []byte) {
	at := levelDebug2
	switch wire.Number(payload[0]) {
	case wire.NumberChannelData, wire.NumberChannelExtendedData, wire.NumberChannelWindowAdjust:
		at = levelDebug3
	}
	p.log.printf(at, "%s %d: %s", direction, seq, wire.Describe(payload))
}
