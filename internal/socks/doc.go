// Package socks is the server's half of SOCKS: what programs speak to whom they
// want to have connections made for them. It reads a request and answers it;
// who makes the connection is up to its caller. It knows versions 4, 4a and 5
// (RFC 1928), and of them CONNECT without authentication: BIND, UDP ASSOCIATE
// and passwords are refused.
//
//	client                         Accept, Grant or Refuse
//	  | 5, methods                     |
//	  |------------------------------->|
//	  |                5, no method    |
//	  |<-------------------------------|
//	  | 5, CONNECT, host, port         |
//	  |------------------------------->| Request
//	  |      5, succeeded or a reason  |
//	  |<-------------------------------| then the connection's bytes
//
// A request has 600 bytes at most, and 30 seconds to come. Nothing behind it is
// read. A [Request] is used by one goroutine at a time.
package socks
