// Package inflate decompresses a stream of ZLIB (RFC 1950) and DEFLATE (RFC
// 1951) that comes in pieces, as the packets of SSH bring it (RFC 4253, section
// 6.2).
//
//	piece, piece, piece ... -> header | block | block | ...   -> output of each piece
//	                                    ^ a piece may end anywhere
//
// It exists because a reader of compress/flate asks for input until it has
// some output, and cannot go on once there was none to be had. A piece of SSH
// ends with a partial flush, which need not end at a byte, let alone with a
// block: what OpenSSH sends ends within an empty block, whose last bits come
// with the next packet. So that reader would have to be left waiting on a
// goroutine of its own, for every connection. A [Decoder] is given each piece,
// returns all that it decodes to, and keeps the bits left over.
//
// It does not know the end of a stream, which a connection of SSH does not have
// before it is closed: a block marked as the final one is an error, and no
// checksum is ever due.
//
// # Bounds
//
// A piece decodes to no more than the limit, or the Decoder fails while it
// decodes and before it stores more. The buffer grows with the output, up to
// the limit and 32 KiB of history.
//
// # Concurrency
//
// A Decoder is for one goroutine at a time, and starts none.
package inflate
