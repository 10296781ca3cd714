// Package memnet is a network for tests: connections in memory that behave
// like TCP where TCP matters to a protocol on top of it, and misbehave on
// request.
//
//	client                                                      server
//	Conn.Write --> [ Up:   flip, stall, cut ... latency, buffer ] --> Conn.Read
//	Conn.Read  <-- [ Down: flip, stall, cut ... latency, buffer ] <-- Conn.Write
//
// [Pipe] makes two connected ends; a [Link] says how they are connected; a
// [Listener] is dialed. Each direction is a [Path] with a buffer, so a writer
// runs ahead of its reader as with a real socket and unlike with [net.Pipe],
// which would hide a deadlock that a socket buffer causes and cause one that a
// socket buffer hides.
//
// It is not a model of TCP: nothing is lost, reordered or paced, and a Close
// fails the peer's writes at once, without the latency of the path.
//
// # Concurrency
//
// All methods of a [Conn] and a [Listener] may be called concurrently. In a
// testing/synctest bubble every wait here is durable and every time is the
// bubble's, as long as the Conn or Listener is made in that bubble.
package memnet
