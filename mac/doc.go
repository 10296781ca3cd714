// Package mac implements the message authentication codes of RFC 4253,
// section 6.4: HMAC with SHA-2 (RFC 6668), and its encrypt-then-MAC variants
// (OpenSSH PROTOCOL, section 1.5).
//
// Package wire says what the bytes of a packet mean; a MAC says that they are
// the ones the peer sent, at the place in the stream where it sent them. Every
// code covers the sequence number, which is never on the wire:
//
//	mac = MAC(key, uint32 sequence number || data)
//
// What data is depends on the algorithm:
//
//	MAC then encrypt    packet_length, padding_length, payload, padding, in the clear
//	encrypt then MAC    packet_length in the clear, the rest as encrypted
//
// This package does neither the encryption nor the comparison: package
// github.com/whelk-ssh/whelk/cipher lays the packet out, compares tags in
// constant time, and knows which of the two orders applies.
//
// # Concurrency and buffers
//
// An [Algorithm] is a value and may be used by any number of goroutines. A
// [MAC] holds scratch space and belongs to one direction of one connection and
// to one goroutine at a time. Nothing is kept of a slice passed to
// [MAC.Append], and nothing is allocated if dst has room for the tag.
package mac
