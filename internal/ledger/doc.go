// Package ledger pairs requests with their answers by order alone, which is
// all that RFC 4254 gives to pair them by: global requests (section 4) and the
// requests of a channel (section 5.4) carry no identifier, and their answers
// "MUST" be sent "in the same order as the corresponding request messages".
//
// [Replies] is the side that answers. Its user may answer requests in any
// order; answers leave in the order of the requests:
//
//	           Add            Add            Add        over Limit
//	            v              v              v              v
//	      +----------+   +----------+   +----------+   +-----------+
//	<---  | answered |   | pending  |   | answered |   | refused n |
//	Emit  +----------+   +----------+   +----------+   +-----------+
//	       leaves now     holds back everything behind it
//
// [Waiters] is the side that asks, the mirror image: an answer wakes whoever
// asked first. A caller that gives up waiting keeps its place, so that the
// answer it no longer wants is not taken for the answer to the next request.
//
// # Bounds
//
// A peer can make neither side grow beyond its Limit. Requests over the limit
// of Replies are refused in their turn and only counted; an answer nobody
// waits for is reported, for its receiver to discard, and never queued.
//
// # Concurrency
//
// There are no locks here. The owner of a ledger calls all of its methods
// holding the one mutex that also orders its messages to the peer: adding a
// [Waiter] and queueing the request it waits for must be one step. Only
// [Waiter.Wait] is called without that mutex.
package ledger
