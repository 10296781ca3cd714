// Package channel implements one channel of the SSH connection protocol:
// RFC 4254, sections 5 and 6. It begins where a channel is open, that is where
// both sides have exchanged numbers, windows and packet sizes; opening it, and
// bringing many of them together on one connection, is package connection.
// It does not know what a channel is for: payloads of requests are bytes here,
// and those of RFC 4254, section 6, are in package wire. Only the two things
// that are not messages are here too: terminal modes ([Modes], section 8) and
// the names of signals ([Signal], section 6.10).
//
// A channel has two faces. Its user holds a [Channel], which is a [net.Conn]
// with requests and a second stream beside the first ([Channel.Stderr]). Its
// mux holds an [Inlet], where the goroutine that reads the connection puts
// messages and never waits. What the channel has to say goes into a [Link].
//
//	    Read, WriteTo, Requests          Write, CloseWrite, Request, ...
//	            ^                                   |
//	copied out, |                                   | copied out
//	or lent     |                                   v
//	  +---------+---------+   window adjust   +-----------+
//	  | chunks of 32 KiB, | ----------------> |   Link    | ---> peer
//	  | at most a window  |   answers, CLOSE  |  Enqueue  |
//	  +---------+---------+                   +-----------+
//	            ^ copied in                         ^
//	            |                                   | room, window: see Write
//	  peer ---> Inlet.Deliver ----------------------+
//
// # Windows
//
// What the peer sends is kept until it is read, in memory that the window
// bounds (RFC 4254, section 5.2). What has been read is granted again in steps
// of 256 KiB, or of half of a smaller window. While it is the window that the
// path waits for, and not the reader, the window doubles, up to 16 MiB and as
// far as the mux has memory to give ([Inlet.GrowFrom]). A peer that sends more
// than it was granted, or more in one message than the maximum packet size,
// breaks the protocol. Extended data counts against the same window: keep it,
// with [Params].Extended, only if somebody reads it.
//
// # Closing
//
// A channel is two machines, one for each direction (RFC 4254, section 5.3):
//
//	sending:    open --CloseWrite--> eof --Close or peer CLOSE--> closed
//	receiving:  open --EOF---------> eof --CLOSE----------------> closed
//	forgotten (number reusable) when both are closed
//
// A peer's CLOSE is answered at once, whether or not a Write is blocked, so
// that the peer never waits for our user. What had come before it can still be
// read, and then Read returns [io.EOF]. After our CLOSE, nothing more is sent,
// nothing more is kept, and all that is left is to wait for the peer's.
//
// # Requests
//
// Answers to requests have no name but their order (section 5.4), so both
// directions keep a ledger: a request given up on keeps its place, and an
// answer given early waits for its turn. [Channel.Ask] sends a request for others
// to follow before its answer has come. Requests nobody takes are bounded and
// then refused; answers to nothing are dropped.
//
// # Concurrency
//
// All methods may be called from any goroutine. Each channel has one mutex,
// which is held to copy and to queue and never to wait; waiting for the Link
// is done without it. No goroutine is started but the one that takes requests
// for [Params].OnRequest, while there are any.
//
// # Buffers
//
// Bytes passed to Write or a request are the caller's again when the call
// returns; payloads in a [Request] are the receiver's. A message passed to
// Deliver is copied where it is kept. An idle channel holds no buffers.
//
// # Errors
//
// A deadline that passes is [os.ErrDeadlineExceeded]. Everything that fails
// because the channel is closed, by either side or with the connection, is
// [net.ErrClosed], and wraps the connection's reason if it has one.
package channel
