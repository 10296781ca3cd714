package fuzz_test

import (
	"slices"

	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/wire"
)

// kexInit is a KEXINIT of the Peer's, to be sent by hand.
func kexInit(p *fuzz.Peer) (payload []byte) {
	p.Rewrite(wire.NumberKexInit, func(m []byte) []fuzz.Message { payload = m; return nil })
	p.SendKexInit()
	p.Rewrite(wire.NumberKexInit, nil)
	return payload
}

// due is the one message that is well formed for what it is the turn of.
func due(payload []byte) map[wire.Number][]byte {
	if payload == nil {
		return nil
	}
	return map[wire.Number][]byte{wire.Number(payload[0]): payload}
}

// beforeKexInit ends where a KEXINIT is due.
func beforeKexInit(p *fuzz.Peer) map[wire.Number][]byte {
	p.SendVersion()
	p.ExpectVersion()
	p.Expect(wire.NumberKexInit)
	return due(kexInit(p))
}

// before ends where the message n of a key exchange is due.
func before(n wire.Number) func(p *fuzz.Peer) map[wire.Number][]byte {
	return func(p *fuzz.Peer) map[wire.Number][]byte {
		p.Begin()
		return due(p.ExchangeUntil(n))
	}
}

// beforeNewKeys ends where NEWKEYS is due.
func beforeNewKeys(p *fuzz.Peer) map[wire.Number][]byte {
	p.Begin()
	p.Exchange()
	return nil
}

func afterHandshake(p *fuzz.Peer) map[wire.Number][]byte {
	p.Handshake()
	return nil
}

// login ends where a user is authenticated, on either side.
func login(p *fuzz.Peer) map[wire.Number][]byte {
	p.Handshake()
	if p.HostKey != nil && p.Config.HostKey == nil {
		p.Login(alice, password(secret))
	} else {
		p.Admit()
	}
	return map[wire.Number][]byte{wire.NumberKexInit: kexInit(p)}
}

// again ends where a message of a key re-exchange is due, or NEWKEYS if n is 0.
func again(n wire.Number) func(p *fuzz.Peer) map[wire.Number][]byte {
	return func(p *fuzz.Peer) map[wire.Number][]byte {
		login(p)
		p.SendKexInit()
		p.ExpectKexInit()
		if n == 0 {
			p.Exchange()
			return nil
		}
		return due(p.ExchangeUntil(n))
	}
}

var (
	inNull  = []kind{null}
	inRound = []kind{null, round}
	inGex   = []kind{gex}
	inAll   = []kind{null, round, gex}
)

// serverStates are those of a server, in the order a client comes to them.
var serverStates = []state{
	{"wait for KEXINIT", inNull, append([]rule{
		{20, 20, silence, d2},
	}, noise...), beforeKexInit},

	// Strict key exchange leaves one message, and a way to say no.
	{"algorithms negotiated", inRound, []rule{
		{1, 1, over, over},
		{30, 30, "31 21 7", d2},
	}, before(wire.NumberKexECDHInit)},

	// Of two requests for a group, one is that of clients older than RFC 4419.
	{"algorithms negotiated, group exchange", inGex, []rule{
		{1, 1, over, over},
		{34, 34, "31", d2},
	}, before(wire.NumberKexDHGexRequest)},

	{"group sent", inGex, []rule{
		{1, 1, over, over},
		{32, 32, "33 21 7", d2},
	}, before(wire.NumberKexDHGexInit)},

	{"keys derived", inAll, []rule{
		{1, 1, over, over},
		{21, 21, silence, d2},
	}, beforeNewKeys},

	{"wait for a service", inNull, append([]rule{
		{5, 5, "6", d2},
		{7, 7, silence, d2},
	}, unauthenticated...), afterHandshake},

	{"wait for a service, after EXT_INFO", inNull, append([]rule{
		{5, 5, "6", d2},
	}, unauthenticated...), func(p *fuzz.Peer) map[wire.Number][]byte {
		p.Handshake()
		p.Send(&wire.ExtInfo{})
		return nil
	}},

	{"authentication", inNull, slices.Concat([]rule{
		{5, 5, "6", d2}, // Paramiko asks for the service each time
		{50, 50, "51", d2},
		{54, 59, unimpl, unimpl},
	}, unauthenticated), func(p *fuzz.Peer) map[wire.Number][]byte {
		p.Handshake()
		p.RequestService()
		return nil
	}},

	{"prompts outstanding", inNull, slices.Concat([]rule{
		{5, 5, "6", d2},
		{50, 50, "51", d2},
		{54, 59, unimpl, unimpl},
		{61, 61, "51", d2},
	}, unauthenticated), func(p *fuzz.Peer) map[wire.Number][]byte {
		p.Handshake()
		p.RequestService()
		fields := wire.InteractiveFields{}
		p.Send(&wire.UserauthRequest{User: alice, Service: "ssh-connection", Method: "keyboard-interactive", Fields: fields.Append(nil)})
		p.Expect(wire.NumberUserauthInfoRequest)
		return nil
	}},

	{"open", inNull, slices.Concat([]rule{
		{20, 20, "20", d2},
		{90, 90, "91", d2},
	}, open, noChannel), login},

	{"session open", inNull, slices.Concat([]rule{
		{20, 20, "20", d2},
		{90, 90, "91", d2},
		{93, 96, silence, d2},
		{97, 97, "97", d2},
		{98, 98, "100", d2},
		{99, 100, silence, d2}, // to no request of ours: dropped, K2
	}, open), func(p *fuzz.Peer) map[wire.Number][]byte {
		good := login(p)
		p.Send(&wire.ChannelOpen{Type: "session", Sender: 1000, Window: 1 << 20, MaxPacket: 1 << 15})
		p.Expect(wire.NumberChannelOpenConfirmation)
		return good
	}},

	{"key re-exchange, algorithms negotiated", inRound, append([]rule{
		{30, 30, "31 21", d2},
	}, noise...), again(wire.NumberKexECDHInit)},

	{"key re-exchange, algorithms negotiated, group exchange", inGex, append([]rule{
		{34, 34, "31", d2},
	}, noise...), again(wire.NumberKexDHGexRequest)},

	{"key re-exchange, group sent", inGex, append([]rule{
		{32, 32, "33 21", d2},
	}, noise...), again(wire.NumberKexDHGexInit)},

	{"key re-exchange, keys derived", inAll, append([]rule{
		{21, 21, silence, d2},
	}, noise...), again(0)},
}

// clientStates are those of a client, in the order a server sees them.
var clientStates = []state{
	{"wait for KEXINIT", inNull, append([]rule{
		{20, 20, silence, d2},
	}, noise...), beforeKexInit},

	{"algorithms negotiated", inRound, []rule{
		{1, 1, over, over},
		{31, 31, "21", d2},
	}, before(wire.NumberKexECDHReply)},

	{"algorithms negotiated, group exchange", inGex, []rule{
		{1, 1, over, over},
		{31, 31, "32", d2},
	}, before(wire.NumberKexDHGexGroup)},

	{"group received", inGex, []rule{
		{1, 1, over, over},
		{33, 33, "21", d2},
	}, before(wire.NumberKexDHGexReply)},

	{"keys derived", inAll, []rule{
		{1, 1, over, over},
		{21, 21, "5 50", d2},
	}, beforeNewKeys},

	{"wait for the service", inNull, append([]rule{
		{6, 6, silence, d2},
		{7, 7, silence, d2},
	}, unauthenticated...), afterHandshake},

	{"authentication", inNull, slices.Concat([]rule{
		{7, 7, silence, d2},
		{51, 51, "D11", d2}, // it has nothing else to prove
		{52, 52, silence, d2},
		{53, 53, silence, d2},
		{54, 59, unimpl, unimpl},
		{60, 60, "D11", d2}, // no other password
	}, unauthenticated), func(p *fuzz.Peer) map[wire.Number][]byte {
		p.Handshake()
		p.AcceptService()
		p.Expect(wire.NumberUserauthRequest)
		return nil
	}},

	{"open", inNull, slices.Concat([]rule{
		{20, 20, "20 30", d2},
		{90, 90, "92", d2},
	}, open, noChannel), login},

	{"key re-exchange, algorithms negotiated", inRound, append([]rule{
		{31, 31, "21", d2},
	}, noise...), again(wire.NumberKexECDHReply)},

	{"key re-exchange, algorithms negotiated, group exchange", inGex, append([]rule{
		{31, 31, "32", d2},
	}, noise...), again(wire.NumberKexDHGexGroup)},

	{"key re-exchange, group received", inGex, append([]rule{
		{33, 33, "21", d2},
	}, noise...), again(wire.NumberKexDHGexReply)},

	{"key re-exchange, keys derived", inAll, append([]rule{
		{21, 21, silence, d2},
	}, noise...), again(0)},
}
