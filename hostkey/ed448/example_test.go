package ed448_test

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/ed448"
	"github.com/whelk-ssh/whelk/transport"
)

// A client that takes Ed448 host keys says so in one line.
func Example() {
	key, err := ed448.NewSigner(make([]byte, ed448.SeedSize)) // of crypto/rand, in earnest
	if err != nil {
		panic(err)
	}
	near, far := net.Pipe()
	server := transport.Server(far, &transport.Config{HostKeys: []hostkey.Signer{key}})
	go func() {
		server.Handshake(context.Background())
		io.Copy(io.Discard, far)
	}()

	client := transport.Client(near, &transport.Config{
		Verifier:   hostkey.Pin(key.PublicKey()),
		KeyFormats: []hostkey.Format{ed448.Format()},
	})
	defer client.Close()
	fmt.Println(client.Handshake(context.Background()))
	fmt.Println(client.State().HostKeyAlgorithm)
	// Output:
	// <nil>
	// ssh-ed448
}
