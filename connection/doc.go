// Package connection implements the SSH connection protocol, RFC 4254: it
// multiplexes channels and global requests over one ordered stream of packets.
// It begins where package userauth ended, with a peer that both sides know,
// and ends where the peer has asked for a channel or a global request: what
// types of these there are, and what they mean, is up to packages client and
// server. One channel by itself is package [channel].
//
// A [Mux] does not care what carries its packets. It needs the four methods of
// [Conn], which a transport.Conn has; so has the little pipe of the package
// example, without any cryptography.
//
// # Who runs what
//
//	 applications: Open, Accept, Request, Read, Write, ...
//	    |                            ^            ^
//	    | Ready, then                | wakes      | wakes
//	    | Enqueue under a mutex      |            |
//	    |                     +-------------+ +---------+
//	    |     +- - - - - - - -| channels    | | waiters |
//	    |     :  replies,     +-------------+ +---------+
//	    |     :  refusals            ^            ^
//	    v     v                      | Deliver    | deliver
//	+-----------+               +---------------------+
//	|   Conn    | ReadPacket    |   Serve: dispatch   |
//	|           | ------------> |  by message number  |
//	+-----------+               +---------------------+
//
// Serve runs in the goroutine of its caller, and no other is ever started. It
// never waits for an application: each packet ends in memory that is bounded,
// or in a refusal, or ends the connection. Who has too many connections for a
// goroutine each in Accept and Requests has Serve call Config.OnOpen and
// Config.OnRequest, which then must not wait either.
//
//	the peer sends            it waits in                 when that is full
//	data                      the channel's buffer        protocol error: the window says how much
//	a channel open            Config.Opens                SSH_OPEN_RESOURCE_SHORTAGE
//	a global request          Config.Requests             SSH_MSG_REQUEST_FAILURE, if an answer is wanted
//	a channel request         channel.Params.Requests     SSH_MSG_CHANNEL_FAILURE, if an answer is wanted
//	an answer to a request    nothing: its asker waits    an answer nobody waits for is dropped
//	anything to provoke us    the Conn's output           the Conn fails: the peer does not read
//
// All numbers in a message are checked against the table of channels before
// anything is done. What a peer that keeps to RFC 4254 may still send, because
// it crossed our CLOSE on the way, is ignored; what it can never send ends the
// connection with an [*Error]. Window adjusts and answers to requests for
// channels that do not exist are ignored as well: some peers send them after
// their CLOSE, and they change nothing.
//
// # Silence
//
// A peer that is gone without a word, and a network that forgets a connection at
// rest, are found out by asking. [Mux.Watch] does so with a timer, and has its
// caller end the Conn of a peer that does not answer; the answer itself does not
// matter, as any packet is one.
//
// # Concurrency
//
// All methods may be called from any goroutine. The mutex of a Mux is held to
// look up and to queue, before that of a channel, and never while waiting:
// whoever has something to send waits first, with Conn.Ready.
//
// # Buffers
//
// A packet is the Conn's until the next ReadPacket: whatever is kept of it is
// copied. Bytes handed out, in [Request], [Opening] or as the answer to a
// request, are the receiver's. Bytes handed in are the caller's again when the
// call returns.
//
// # Cancellation
//
// A call with a context returns [context.Cause] of it when it is done. The
// peer is not told, because the protocol has no way to: the answer that is
// still due is dropped when it comes, and a channel that still opens is closed.
package connection
