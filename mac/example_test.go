package mac_test

import (
	"fmt"

	"github.com/whelk-ssh/whelk/mac"
)

// The same bytes have another tag at another place in the stream, which is
// what stops an attacker from repeating a packet.
func Example() {
	algorithm, ok := mac.Lookup("hmac-sha2-256")
	if !ok {
		panic("no such algorithm")
	}
	m := algorithm.New(make([]byte, algorithm.KeySize))
	fmt.Printf("%x\n", m.Append(nil, 0, []byte("a packet"))[:8])
	fmt.Printf("%x\n", m.Append(nil, 1, []byte("a packet"))[:8])
	// Output:
	// a577c1d770cc7729
	// 6e0f0bb73ba99138
}
