package kex_test

import (
	"bytes"
	"fmt"
	"os"

	"github.com/whelk-ssh/whelk/kex"
)

// A pipe is one end of an in-memory connection that carries one message each
// way.
type pipe struct {
	in  <-chan []byte
	out chan<- []byte
}

func (p pipe) ReadPacket() ([]byte, error) { return <-p.in, nil }

func (p pipe) WritePacket(parts ...[]byte) error {
	p.out <- bytes.Join(parts, nil)
	return nil
}

// Both halves of one exchange, with no network and no transport beneath them.
func Example() {
	method, _ := kex.Lookup("mlkem768x25519-sha256")
	said := &kex.Transcript{ // package transport fills it in from what went over the wire
		ClientVersion: []byte("SSH-2.0-client"),
		ServerVersion: []byte("SSH-2.0-server"),
		ClientInit:    []byte("payload of the client's SSH_MSG_KEXINIT"),
		ServerInit:    []byte("payload of the server's SSH_MSG_KEXINIT"),
	}
	identity := kex.Identity{
		HostKey: []byte("a host key"),
		Sign:    func(h []byte) ([]byte, error) { return append([]byte("signed: "), h...), nil },
	}

	up, down := make(chan []byte, 1), make(chan []byte, 1)
	done := make(chan *kex.Result)
	go func() {
		result, err := method.Server(pipe{in: up, out: down}, said, identity)
		if err != nil {
			fmt.Println(err)
		}
		done <- result
	}()
	client, err := method.Client(pipe{in: down, out: up}, said)
	if err != nil {
		fmt.Println(err)
		return
	}
	server := <-done

	fmt.Printf("host key: %s\n", client.HostKey)
	fmt.Println("signature covers H:", bytes.HasSuffix(client.Signature, client.H))
	sessionID := client.H // of the connection's first exchange
	fmt.Println("same key:", bytes.Equal(client.Key('C', sessionID, 64), server.Key('C', sessionID, 64)))
	// Output:
	// host key: a host key
	// signature covers H: true
	// same key: true
}

// The methods a peer would be offered.
func ExampleDefault() {
	for _, method := range kex.Default() {
		fmt.Println(method.Name())
	}
	// Output:
	// mlkem768x25519-sha256
	// sntrup761x25519-sha512
	// sntrup761x25519-sha512@openssh.com
	// curve25519-sha256
	// curve25519-sha256@libssh.org
	// ecdh-sha2-nistp256
	// ecdh-sha2-nistp384
	// ecdh-sha2-nistp521
	// diffie-hellman-group-exchange-sha256
	// diffie-hellman-group16-sha512
	// diffie-hellman-group18-sha512
	// diffie-hellman-group14-sha256
}

// A server for old clients, with groups of its own.
func ExampleWithGroups() {
	moduli, err := os.Open("testdata/moduli")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer moduli.Close()
	groups, skipped, err := kex.ParseModuli(moduli)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range skipped {
		fmt.Println(line)
	}
	old, _ := kex.Lookup("diffie-hellman-group-exchange-sha256")
	methods := kex.WithGroups(append(kex.DefaultServer(), old), groups) // for transport.Config.KeyExchanges
	fmt.Println(groups.Len(), "groups for", methods[len(methods)-1].Name())
	// Output:
	// kex: line 4 of the moduli: a modulus of type 4, not 2, a safe prime
	// 3 groups for diffie-hellman-group-exchange-sha256
}
