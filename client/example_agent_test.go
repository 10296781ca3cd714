package client_test

import (
	"context"
	"fmt"
	"log"

	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// Log in with the keys of an agent, and lend it to a command. A program whose
// user has an agent connects to that:
//
//	a, err := agent.Dial(ctx, os.Getenv("SSH_AUTH_SOCK"))
//	...
//	config.Agent = agent.Dialer(os.Getenv("SSH_AUTH_SOCK"))
func ExampleAgentKeys() {
	ctx := context.Background()
	keyring := agent.NewKeyring()
	if err := keyring.Add(ctx, agent.AddedKey{Signer: testkeys.Ed25519(), Comment: "mine"}); err != nil {
		log.Fatal(err)
	}
	near, far := memnet.Pipe()
	go lenient(listKeys).ServeConn(ctx, far)
	c, err := client.New(ctx, near, "host", &client.Config{
		User:     "alice",
		Auth:     []userauth.Method{userauth.PublicKeyFunc(client.AgentKeys(keyring))},
		HostKeys: hostkey.Pin(testkeys.ECDSA256().PublicKey()),
		Agent:    agent.DialTo(keyring),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	cmd := c.Command("ssh-add -l")
	cmd.ForwardAgent = true
	out, err := cmd.Output(ctx)
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// ssh-ed25519 mine
	// <nil>
}

// listKeys is a handler that shows the keys of the client's agent.
func listKeys(s *server.Session) {
	ch, err := s.DialAgent(s.Context())
	if err != nil {
		log.Fatal(err)
	}
	defer ch.Close()
	keys, err := agent.NewClient(ch).Keys(s.Context())
	if err != nil {
		log.Fatal(err)
	}
	for _, k := range keys {
		fmt.Fprintln(s, k.Type(), k.Comment)
	}
}
