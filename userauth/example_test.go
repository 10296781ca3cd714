package userauth_test

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/userauth"
)

// A queue is one end of a connection in memory. Any ordered stream of packets
// will do for this layer; a *transport.Conn is the one that is safe.
type queue struct{ recv, send chan []byte }

func (q queue) ReadPacket() ([]byte, error) {
	p, ok := <-q.recv
	if !ok {
		return nil, io.EOF
	}
	return p, nil
}

func (q queue) WritePacket(parts ...[]byte) error {
	q.send <- bytes.Join(parts, nil)
	return nil
}

func (q queue) Unimplemented() error { return q.WritePacket([]byte{3, 0, 0, 0, 0}) }

// A server that wants a key and then a password, and a client that has both.
func Example() {
	binding := userauth.Binding{SessionID: []byte("the hash of the first key exchange")}
	up, down := make(chan []byte, 1), make(chan []byte, 1)
	alice := testkeys.Ed25519()

	server := userauth.Server{Checks: []userauth.Check{
		userauth.CheckPublicKey(func(_ context.Context, a *userauth.Attempt, key hostkey.PublicKey) (userauth.Decision, error) {
			if a.User == "alice" && bytes.Equal(key.Marshal(), alice.PublicKey().Marshal()) {
				return userauth.AcceptPartial(nil, "password"), nil
			}
			return userauth.Decision{}, nil
		}),
		userauth.CheckPassword(func(_ context.Context, a *userauth.Attempt, password string) (userauth.Decision, error) {
			if len(a.Passed) == 1 && a.User == "alice" && password == "correct horse" {
				return userauth.Accept(nil), nil
			}
			return userauth.Decision{}, nil
		}),
	}}
	granted := make(chan string)
	go func() {
		grant, err := server.Authenticate(context.Background(), queue{recv: up, send: down}, binding)
		if err != nil {
			granted <- err.Error()
			return
		}
		granted <- fmt.Sprintf("%s may use %s after %v", grant.User, grant.Service, grant.Methods)
	}()

	client := userauth.Client{
		User: "alice",
		Methods: []userauth.Method{
			userauth.PublicKey(alice),
			userauth.Password(func(context.Context) (string, error) { return "correct horse", nil }),
		},
	}
	err := client.Authenticate(context.Background(), queue{recv: down, send: up}, binding)
	fmt.Println(err)
	fmt.Println(<-granted)
	// Output:
	// <nil>
	// alice may use ssh-connection after [publickey password]
}

// A conversation: a password, and then a code that only a token knows.
func ExampleCheckInteractive() {
	check := userauth.CheckInteractive(func(_ context.Context, a *userauth.Attempt, ask func(userauth.Challenge) ([]string, error)) (userauth.Decision, error) {
		password, err := ask(userauth.Challenge{Prompts: []userauth.Prompt{{Text: "Password: "}}})
		if err != nil {
			return userauth.Decision{}, err
		}
		code, err := ask(userauth.Challenge{Instruction: "Look at your token.", Prompts: []userauth.Prompt{{Text: "Code: ", Echo: true}}})
		if err != nil {
			return userauth.Decision{}, err
		}
		if a.User == "alice" && password[0] == "correct horse" && code[0] == "271828" {
			return userauth.Accept(nil), nil
		}
		return userauth.Decision{}, nil
	})
	binding := userauth.Binding{SessionID: []byte("the hash of the first key exchange")}
	up, down := make(chan []byte, 1), make(chan []byte, 1)
	go func() {
		server := userauth.Server{Checks: []userauth.Check{check}}
		server.Authenticate(context.Background(), queue{recv: up, send: down}, binding)
	}()

	answers := map[string]string{"Password: ": "correct horse", "Code: ": "271828"}
	client := userauth.Client{User: "alice", Methods: []userauth.Method{
		userauth.KeyboardInteractive(func(_ context.Context, c userauth.Challenge) (typed []string, err error) {
			for _, p := range c.Prompts {
				fmt.Printf("%q %q, to be shown: %t\n", c.Instruction, p.Text, p.Echo)
				typed = append(typed, answers[p.Text])
			}
			return typed, nil
		}),
	}}
	fmt.Println(client.Authenticate(context.Background(), queue{recv: down, send: up}, binding))
	// Output:
	// "" "Password: ", to be shown: false
	// "Look at your token." "Code: ", to be shown: true
	// <nil>
}
