// Package transport implements the SSH transport layer protocol, RFC 4253: it
// turns a net.Conn into an ordered, confidential and authentic stream of
// packets between two ends that know each other's keys.
//
// Package [hostkey] ended with proving who one is; this layer asks for that
// proof. It exchanges version lines, agrees on algorithms, runs a key exchange
// of package [kex], protects packets with a mode of package [cipher], and
// changes the keys again in time. It also speaks RFC 8308 (extension
// negotiation), strict key exchange (draft-ietf-sshm-strict-kex) and OpenSSH's
// PING. It knows nothing of users or channels: packages [userauth] and
// [connection] read and write their messages through a [Conn], and do not
// import this package.
//
//	client                                server
//	version, KEXINIT        ->
//	                        <-            version, KEXINIT
//	KEX_ECDH_INIT           ->
//	                        <-            KEX_ECDH_REPLY (K_S, signature over H)
//	verify K_S              <-            NEWKEYS, EXT_INFO
//	NEWKEYS                 ->
//	SERVICE_REQUEST         ->
//
// # The phases
//
// What the peer may send depends on the phase alone, and is looked up in one
// table (phase.go) before any handler sees the message. Everything the table
// does not name is a protocol error.
//
//	before KEXINIT -> first exchange -> open <-> re-exchange
//
// # Key re-exchange
//
// Whoever finds that the keys have done their work (bytes, packets, time)
// queues a KEXINIT, and the gate shuts: senders wait in [Conn.Ready]. The
// reader, which must see the peer's KEXINIT anyway, then runs the exchange
// from top to bottom and reads on. Data that was in flight before the peer's
// KEXINIT is delivered as usual; behind it the peer may send nothing but the
// exchange.
//
//	open --our KEXINIT--> shut --our NEWKEYS--> draining --peer's NEWKEYS--> open
//
// # Goroutines
//
// The caller of Handshake, ReadPacket and AcceptService owns the receiving
// direction. The sending direction belongs to whoever is sending: a writer,
// which is a goroutine that lives while there is something to send, or a caller
// of [Conn.Flush] who finds the queue short and the socket ready. So a Conn at
// rest has no goroutine but its reader. The reader waits for the socket only.
// What it must say, it queues with [Conn.Enqueue], which never waits; a peer
// that provokes more replies than it reads is disconnected.
//
// # Buffers
//
// A payload returned by ReadPacket is valid until the next call. What is given
// to Enqueue and WritePacket is copied. Buffers are taken from a pool while data
// flows: a Conn at rest holds none over a bare socket, and 1 KiB to read into
// over any other [net.Conn].
//
// # Compression
//
// A direction whose packets are compressed (RFC 4253, section 6.2) is one
// stream from a NEWKEYS to the next, cut into the payloads of packets:
//
//	payload -> deflate -> frame -> seal       open -> inflate -> payload
//
// Payloads wait in the queue as they are. The sender compresses them before it
// seals them, so that it is in the order of the queue and changes with the keys,
// and nobody who queues a packet waits for it. There is no goroutine more. No
// packet inflates to more than 256 KiB, which is checked while it does.
//
// Compression is off unless [Config].Compression asks for it. It shows in the
// lengths of packets how much of what is sent is alike: who can have something
// sent over a connection, and sees how long that becomes, learns about the rest
// of it. A connection that compresses keeps 800 KiB for what it sends and 80 KiB
// for what it receives.
//
// # Cancellation
//
// A context given to Handshake or Ready bounds that call. Everything else ends
// when the connection does, and [Conn.Close] ends it: every error from then on
// is a [net.ErrClosed].
//
// [hostkey]: https://pkg.go.dev/github.com/whelk-ssh/whelk/hostkey
// [kex]: https://pkg.go.dev/github.com/whelk-ssh/whelk/kex
// [cipher]: https://pkg.go.dev/github.com/whelk-ssh/whelk/cipher
// [userauth]: https://pkg.go.dev/github.com/whelk-ssh/whelk/userauth
// [connection]: https://pkg.go.dev/github.com/whelk-ssh/whelk/connection
package transport
