// Package fuzz is the hostile peer: one that speaks correct crypto and then says
// anything, at any state, in either role.
//
// It stands beside the facades, package client and package server, and is what
// they must survive. Most of what can be wrong with an SSH implementation shows
// only to a peer that can get past the key exchange and lie afterwards: this one
// exchanges versions and keys with every method, cipher and MAC of packages
// [kex], [cipher] and [mac], and keeps none of the rules of package [transport],
// whose state machine it does without. It tests whatever is at the other end of
// a [net.Conn], ours or another's:
//
//	p := fuzz.Client(nc, fuzz.Config{})
//	p.Begin()                                          // versions, KEXINITs
//	p.Send(&wire.Ignore{})                             // Terrapin's first step
//	p.ExpectDisconnect(transport.ReasonProtocolError)
//	fmt.Println(p.Err())
//
// # The parts of a Peer
//
//	steps     Begin  Exchange  SwitchKeys  Rekey  Login  Admit
//	            |  each payload may be dropped, doubled or changed: Rewrite
//	            v
//	messages  Send -> Frame -> Packet{Sequence, Length, Padding, ...}
//	                             |  any field may be wrong
//	                             v
//	packets                    SendPacket -> Sealer -> Tamper
//	                                                     |
//	                                                     v
//	bytes     SendRaw ---------------------------------> net.Conn
//
//	          Next, Expect, ExpectDisconnect,
//	          ExpectClosed, ExpectSilence <- Opener <--- net.Conn
//
// Steps do what a peer should do up to some point; below them a script says what
// it likes. A step can be stopped in the middle with ExchangeUntil.
//
// # Errors
//
// A script is read like a dialogue and checked once: the first expectation that
// does not come true sticks, nothing happens after it, and [Peer.Err] says what
// came instead, in words, and what had been sent. Sending never fails: whoever is
// under test may have hung up already, and what it said before counts.
//
// # Null crypto
//
// [NullKex] and [Plain] are a key exchange and a cipher without arithmetic, for
// fuzzers to whom every bit of a session must matter and which would otherwise
// spend their time on curves. They have names that no implementation knows, and
// protect nothing: give them to a transport.Config in a test and nowhere else.
//
// # What it does not do
//
// A Peer trusts everybody: as a client it looks neither at the host key nor at
// its signature. It does not compress. It answers nothing by itself, and knows
// nothing of channels: a script builds its messages with package [wire].
//
// # Concurrency and buffers
//
// A Peer belongs to one goroutine at a time and has none of its own. Payloads it
// returns are the caller's. What is given to it is not kept. Deadlines are those
// of the net.Conn, so that a script in a testing/synctest bubble takes no time.
//
// [kex]: https://pkg.go.dev/github.com/whelk-ssh/whelk/kex
// [cipher]: https://pkg.go.dev/github.com/whelk-ssh/whelk/cipher
// [mac]: https://pkg.go.dev/github.com/whelk-ssh/whelk/mac
// [transport]: https://pkg.go.dev/github.com/whelk-ssh/whelk/transport
// [wire]: https://pkg.go.dev/github.com/whelk-ssh/whelk/wire
package fuzz
