package transport_test

import (
	"context"
	"fmt"
	"net"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// Two ends agree on keys and exchange one message of a layer above.
func Example() {
	a, b := net.Pipe()
	server := transport.Server(b, &transport.Config{HostKeys: []hostkey.Signer{testkeys.Ed25519()}})
	client := transport.Client(a, &transport.Config{Verifier: hostkey.Pin(testkeys.Ed25519().PublicKey())})
	defer client.Close()

	go func() {
		if err := server.Handshake(context.Background()); err != nil {
			return
		}
		server.AcceptService("ssh-userauth")
		server.ReadPacket() // until the client goes
	}()
	if err := client.Handshake(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	state := client.State()
	fmt.Println(state.KeyExchange, state.HostKeyAlgorithm, state.Send.Cipher)
	fmt.Println("strict key exchange:", state.StrictKeyExchange)
	fmt.Println(client.RequestService("ssh-userauth"))
	// Output:
	// mlkem768x25519-sha256 ssh-ed25519 aes128-gcm@openssh.com
	// strict key exchange: true
	// <nil>
}

// A Trace sees every message, here those that a client sends and reads until
// keys are agreed on.
func ExampleTrace() {
	a, b := net.Pipe()
	server := transport.Server(b, &transport.Config{HostKeys: []hostkey.Signer{testkeys.Ed25519()}})
	go server.Handshake(context.Background())
	defer server.Close()

	client := transport.Client(a, &transport.Config{
		Verifier: hostkey.Pin(testkeys.Ed25519().PublicKey()),
		Trace: &transport.Trace{
			Version: func(local, remote string) { fmt.Println("version:", local, remote) },
			PacketRead: func(seq uint32, payload []byte) {
				fmt.Println("read packet", seq, wire.Number(payload[0]))
			},
		},
	})
	defer client.Close()
	if err := client.Handshake(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// version: SSH-2.0-Whelk_0.1 SSH-2.0-Whelk_0.1
	// read packet 0 SSH_MSG_KEXINIT
	// read packet 1 SSH_MSG_KEX_ECDH_REPLY
	// read packet 2 SSH_MSG_NEWKEYS
}
