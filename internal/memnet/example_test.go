package memnet_test

import (
	"fmt"
	"io"

	"github.com/whelk-ssh/whelk/internal/memnet"
)

func ExampleLink() {
	link := memnet.Link{Up: memnet.Path{Faults: []memnet.Fault{{Kind: memnet.FIN, At: 5}}}}
	client, server := link.Pipe()

	n, err := client.Write([]byte("hello, world"))
	fmt.Println(n, err)
	got, err := io.ReadAll(server)
	fmt.Printf("%q %v\n", got, err)
	// Output:
	// 5 write memory 192.0.2.1:49152->192.0.2.2:22: broken pipe
	// "hello" <nil>
}
