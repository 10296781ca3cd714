// Package cipher protects SSH packets: the binary packet protocol of RFC 4253,
// section 6, with AES in counter mode (RFC 4344), AES-GCM as OpenSSH uses it
// (RFC 5647, OpenSSH PROTOCOL, section 1.6) and ChaCha20-Poly1305 (OpenSSH
// PROTOCOL.chacha20poly1305, draft-ietf-sshm-chacha20-poly1305). AES and 3DES
// in CBC mode (RFC 4253, section 6.3) are there for peers that have nothing
// else, and only if asked for: see [Insecure].
//
// It begins where package mac ended: a tag says who sent a packet, and a
// [Mode] decides what the tag covers, what is encrypted, and where on the wire
// each of them goes. It does no I/O, pads nothing, counts nothing but what a
// nonce needs, and knows no message: package kex makes the keys, and package
// transport reads, writes and numbers the packets.
//
// # Layouts
//
// A packet is the same everywhere (RFC 4253, section 6):
//
//	uint32    packet_length     of all that follows but the tag
//	byte      padding_length
//	byte[]    payload
//	byte[]    random padding    at least 4 bytes
//	byte[]    tag               Framing.Tag bytes
//
// What differs is which of it is encrypted (===), which is authenticated (~~~)
// and which must be a multiple of Framing.Block bytes (the padded region):
//
//	none        length | padding_length | payload | padding
//	            [------------ padded region ------------]
//
//	MAC then    length | padding_length | payload | padding | tag
//	encrypt     ========================================= the tag is of the
//	            ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~ plaintext
//	            [------------ padded region ------------]
//
//	encrypt     length | padding_length | payload | padding | tag
//	then MAC             ================================ the tag is of the
//	            ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~ ciphertext
//	                     [-------- padded region -------]
//
//	AEAD        length | padding_length | payload | padding | tag
//	            LLLLLL   ================================ L: in the clear with
//	            ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~ GCM, under a key of
//	                     [-------- padded region -------] its own with ChaCha20
//
// In MAC then encrypt, packet_length is known only once the first block is
// decrypted, so the receiver works on bytes nobody has vouched for. In the
// other two nothing of the padded region is decrypted before the tag has been
// found right.
//
// # Receiving
//
// One packet is two calls: [Opener.Length] with the first Framing.Head bytes,
// exactly once, and [Opener.Open] with the whole packet, those bytes included
// as Length left them. packet_length is an attacker's until Open succeeds: bound
// it before waiting for that many bytes. The first error of Open ends the
// connection; it is always [ErrAuthentication], so that nobody learns which
// check failed (RFC 4253, section 6.4, and CVE-2008-5161 for what else leaks).
//
// # Discarding
//
// In MAC then encrypt with CBC the first block of a packet may be any block of
// an earlier one, sent again by an attacker. It decrypts to that block's
// plaintext, xored with blocks he knows, and its first 32 bits are taken for
// packet_length. Whether the receiver fails at once, or after how many bytes
// more, then tells him bits of that plaintext (Albrecht, Paterson and Watson,
// CVE-2008-5161). So where [Framing] has Discard, the receiver reads the longest
// packet there is whatever is wrong with this one, and fails only then:
//
//	length impossible   [ head ][ -------------- read, Open ------------- ] fail
//	tag wrong           [ head ][ read, Open ][ tag, and on to the same end, Open ] fail
//
// For its time to be the same as well, it calls [Opener.Open] with what it has
// read in place of a packet, and again with what it has read since an Open that
// failed, the tag included, which the MAC then takes as long for. Nothing that
// comes of these calls matters.
//
// # Nonces
//
// Sealing two packets under one key and one nonce gives both away, and with
// GCM and Poly1305 the key that authenticates them too. The CTR and GCM modes
// count for themselves, in 128 and 64 bits, and never repeat. The nonce of
// chacha20-poly1305@openssh.com is the 32-bit sequence number, as it is in the
// MACs that are UMAC: whoever calls Seal must change keys before it wraps. [Mode.RekeyAfter] says how many bytes
// one key should protect; 2^31 packets come first when packets are small.
//
// # FIPS 140-3
//
// In FIPS 140-3 mode (GODEBUG=fips140=on or only, see crypto/fips140) there is
// AES and nothing else, whichever way one asks: [Default], [Insecure] and
// [Lookup] know of no other. AES-GCM is among it with fips140=on: the algorithm
// is approved, and its nonces count as RFC 5647 says. With fips140=only it is
// not, because crypto/cipher then refuses all nonces but its own.
//
// # Concurrency and buffers
//
// A [Mode] is a value and may be used by any number of goroutines. A [Sealer]
// or an [Opener] is one direction's state, belongs to one goroutine at a time,
// and shares nothing with the other direction's. Packets are transformed in
// place and never kept; nothing is allocated for one.
package cipher
