// Package mac implements the message authentication codes of RFC 4253,
// section 6.4: HMAC with SHA-2 (RFC 6668), UMAC (RFC 4418, OpenSSH PROTOCOL,
// section 1.1), and the encrypt-then-MAC variants of both (OpenSSH PROTOCOL,
// section 1.5). HMAC with SHA-1 and MD5 is there for peers that have nothing
// else, and only if asked for: see [Insecure].
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
// HMAC takes the number and the data as one string. UMAC takes the number as a
// nonce, and is a hash of the data that is fast because a pad hides it:
//
//	HMAC   H(key xor opad || H(key xor ipad || sequence number || data))
//	UMAC   UHASH(key, data) xor AES(key', sequence number)
//
// This package does neither the encryption nor the comparison: package
// github.com/whelk-ssh/whelk/cipher lays the packet out, compares tags in
// constant time, and knows which of the two orders applies.
//
// # FIPS 140-3
//
// In FIPS 140-3 mode (GODEBUG=fips140=on or only, see crypto/fips140) there is
// HMAC with SHA-2 and nothing else, whichever way one asks: [Default],
// [Insecure] and [Lookup] know of no other. Who runs a program in that mode
// wants what is not approved to be impossible, and not a list of names away.
//
// # Concurrency and buffers
//
// An [Algorithm] is a value and may be used by any number of goroutines. A
// [MAC] holds scratch space and belongs to one direction of one connection and
// to one goroutine at a time. Nothing is kept of a slice passed to
// [MAC.Append], and nothing is allocated if dst has room for the tag.
package mac
