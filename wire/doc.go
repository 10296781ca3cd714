// Package wire is the alphabet of SSH: the data types of RFC 4251, section 5,
// and every message the other packages say to each other in them. This is
// where the book begins; [github.com/whelk-ssh/whelk/mac] and
// [github.com/whelk-ssh/whelk/cipher] then protect messages on their way.
//
// # How a message is laid out
//
// A message is the payload of one packet. Its first byte is its number, which
// says what fields follow and which protocol it belongs to (RFC 4250,
// section 4.1). Fields stand one after the other without names, tags or
// padding, integers with the most significant byte first:
//
//	SSH_MSG_CHANNEL_DATA (94) for channel 3, with "hi\n"
//
//	+----+-------------+-------------+----------+
//	| 5e | 00 00 00 03 | 00 00 00 03 | 68 69 0a |
//	+----+-------------+-------------+----------+
//	 byte  uint32        string: its length, then its bytes
//	 number recipient    data
//
// The other types are few. A boolean is a byte; a uint64 is eight; an mpint is
// a string that holds an integer in two's complement, in its shortest form; a
// name-list is a string that holds names with commas between them, the way
// algorithms are offered. There are no versions, and a field is there or not by
// what stands before it: a message that ends early or late is malformed.
//
// # Reading and writing
//
// A [Reader] takes fields off a message and remembers the first thing wrong
// with it, so that code reads like the layout and checks once, with
// [Reader.End]. The Append functions put fields together in the manner of
// append. Each message is a struct with an Append method and a Parse function,
// in the file named after the part of the protocol it belongs to, with its
// layout above it in the notation of the RFCs. Payloads that travel within a
// message, such as [PtyRequest] within [ChannelRequest], look the same and
// have no number. [Describe] tells what a message says in one line.
//
// A Parse function checks the form of a message and nothing else: whether it
// may come at this moment, names an algorithm there is, or asks for a channel
// that exists is for the package that receives it to say. It returns what it
// read beside an error; do not use that. Message numbers 30 to 49 and 60 to 79
// mean different things in different methods (RFC 4250, section 4.1.1), so the
// method in progress decides which Parse function to call.
//
// # Buffers, bounds and concurrency
//
// A []byte in a parsed message is part of the buffer it was parsed from, and
// is good for as long as that buffer is; a string is a copy. Append functions
// write to the slice they are given and keep nothing. Nothing is allocated on
// the word of a length or count field before the bytes it speaks of are there.
//
// There is no state in this package: functions may be called concurrently, and
// a Reader belongs to who made it.
package wire
