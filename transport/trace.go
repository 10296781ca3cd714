package transport

// A Trace is a set of hooks, in the manner of net/http/httptrace. Any of them
// may be nil. A hook must not block or keep its arguments: PacketSent runs on
// the goroutine that sends, which is one at a time and not always the same, and
// PacketRead and the others on the one that reads. Payloads are plain text, so a trace holds whatever secrets the
// connection carries.
type Trace struct {
	Version     func(local, remote string)
	PacketSent  func(seq uint32, payload []byte)
	PacketRead  func(seq uint32, payload []byte)
	KeyExchange func(s State, err error) // after each key exchange, or its failure
}
