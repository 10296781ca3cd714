// Package splice joins two streams, so that what is read from each is written
// to the other: a socket and a channel, as forwarding has them.
//
//	a ---Read--> Write--- b
//	a ---Write <--Read--- b
//
// Each direction ends by itself. Where one end has no more to say the other is
// told, by CloseWrite, and may go on; a direction that fails ends both. No
// direction waits for the other, and there is no buffer but that of the copy.
package splice
