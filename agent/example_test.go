package agent_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log"
	"time"

	"github.com/whelk-ssh/whelk/agent"
)

// A Keyring on a socket, and a program that uses it as it would use that of
// OpenSSH, whose address is in the environment variable SSH_AUTH_SOCK.
func Example() {
	ctx := context.Background()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	keyring := agent.NewKeyring()
	if err := keyring.Add(ctx, agent.AddedKey{Key: key, Comment: "for today", Lifetime: 8 * time.Hour}); err != nil {
		log.Fatal(err)
	}
	l, err := agent.Listen()
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	server := &agent.Server{Agent: keyring}
	go server.ServeListener(ctx, l)

	client, err := agent.Dial(ctx, l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	signers, err := agent.Signers(ctx, client) // for userauth.PublicKey
	if err != nil {
		log.Fatal(err)
	}
	signature, err := signers[0].Sign(ctx, "ssh-ed25519", []byte("text"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(signers[0].PublicKey().Verify([]byte("text"), signature))

	if err := client.Lock(ctx, []byte("passphrase")); err != nil {
		log.Fatal(err)
	}
	keys, err := client.Keys(ctx)
	fmt.Println(len(keys), err)
	// Output:
	// <nil>
	// 0 <nil>
}
