// Package kex implements SSH key exchange: the methods by which two peers who
// share nothing agree on a secret, and a server proves which host key it holds
// (RFC 4253, sections 7.2 and 8).
//
// Where package cipher takes keys for granted, this one makes them. It covers
// the elliptic curve methods of RFC 5656 and RFC 8731, the post-quantum hybrids
// of RFC 9941 and RFC 10042, finite field groups (RFC 4253, section 8.1; RFC
// 8268) and group exchange (RFC 4419). It neither negotiates which method to run
// nor sends SSH_MSG_KEXINIT or SSH_MSG_NEWKEYS, and it does not look at host
// keys or signatures: package transport does the former, and asks package
// hostkey for the latter.
//
// # The exchange
//
// Every [Method] here but group exchange is a key encapsulation mechanism, a
// [KEM], run by one script. What differs between a Diffie-Hellman and a lattice
// is only how the two public values and the secret K are computed; and a hybrid
// is a KEM made of two. Group exchange asks the server for a group first.
//
//	client                                                  server
//
//	GenerateKey -> C_INIT
//	         SSH_MSG_KEX_ECDH_INIT   C_INIT  ------------>
//	                                     Encapsulate(C_INIT) -> S_REPLY, K
//	                                     H = HASH(V_C, V_S, I_C, I_S, K_S,
//	                                              C_INIT, S_REPLY, K)
//	                                     signature = Sign(H)
//	         <----  K_S, S_REPLY, signature   SSH_MSG_KEX_ECDH_REPLY
//	open(S_REPLY) -> K
//	H = the same HASH
//	the caller verifies signature over H with K_S
//
// V_C and V_S are the version lines without CR LF, I_C and I_S the payloads of
// both SSH_MSG_KEXINIT, K_S the server's host key. Each enters the hash as a
// string, with its length; K as an mpint, or for hybrids as a string. So the
// signature covers everything both sides said: whoever alters a byte of the
// negotiation ends up with a different H. Each direction's keys then come from
// K and H ([Result.Key]).
//
// # Finite fields
//
// A client offers them last, so that it still gets into an old server. A server
// does not offer them ([DefaultServer]): they cost it 10 to 100 milliseconds,
// and a client that lies about its half of the work nothing. One that serves
// old clients adds them to its list and limits how often a source may connect;
// [WithGroups] gives it groups of its own, from a moduli(5) file.
//
// # Post-quantum methods
//
// Whoever records a session today can open it on the day of a large quantum
// computer, unless its key exchange withstands that. [PostQuantum] tells which
// methods do: the hybrids.
//
// # FIPS 140-3
//
// In FIPS 140-3 mode (GODEBUG=fips140=on or only, see crypto/fips140) there is
// nothing here but what is made of approved parts: ECDH on NIST's curves (SP
// 800-56A), ML-KEM (FIPS 203) and SHA-2. The lists leave out the rest and
// [Lookup] knows of no other. That takes away:
//
//   - X25519, which SP 800-56A does not have, and with it
//     mlkem768x25519-sha256. SP 800-56C, section 2, lets an approved secret be
//     joined by one that is not, and crypto/tls makes use of that; but crypto/ecdh
//     refuses X25519 with fips140=only, and the list does not depend on how the
//     mode is spelled. The hybrids of ML-KEM with NIST's curves take its place at
//     the front;
//   - sntrup761, which is not NIST's;
//   - finite fields, which SP 800-56A approves of, but whose arithmetic here is
//     outside of the Go Cryptographic Module.
//
// That each part is approved does not make the way RFC 10042 puts two of them
// together so: who needs a validated hybrid has that looked at.
//
// # A reply in one round trip
//
// A method's script writes before it reads, and looks at the [Transcript] only
// after its first ReadPacket has returned. A client may therefore send C_INIT
// behind its own SSH_MSG_KEXINIT, before it has seen the server's
// (first_kex_packet_follows; RFC 4253, section 7): the Conn completes the
// Transcript within that first read, when the server's half of it arrives. If
// the guess turns out wrong, that read fails, and the script returns the read's
// error as it is.
//
// # Errors
//
// An [Error] is a public value, or a group, that must not be used; an exchange
// that ends in one answers SSH_DISCONNECT_KEY_EXCHANGE_FAILED. A
// [MessageError] is a message that is malformed or not due:
// SSH_DISCONNECT_PROTOCOL_ERROR. Errors of the Conn are returned as they are.
// Anything else, such as a signer that failed, is this side's own trouble.
//
// # Concurrency and buffers
//
// A Method is stateless: any number of exchanges may run it at once. One
// exchange runs on its caller's goroutine and starts none; it is cancelled by
// making the Conn fail. Nothing in a [Result] aliases a packet. Secrets are
// cleared after their last use; an exchange that breaks off leaves its ephemeral
// key, and the standard library's key types their copies, to the garbage
// collector.
package kex
