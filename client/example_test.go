package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// Run a command and get what it prints. Programs take the host's key from
// knownhosts.New and the user's from hostkey.ParsePrivateKey.
func Example() {
	c, err := client.Dial(ctx, "tcp", address, &client.Config{User: "alice", HostKeys: trusted, Auth: auth})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	out, err := c.Command("uname").Output(ctx)
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// Whelk
	// <nil>
}

// A command that fails says how.
func ExampleExitError() {
	c, err := client.Dial(ctx, "tcp", address, &client.Config{User: "alice", HostKeys: trusted, Auth: auth})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	err = c.Command("false").Run(ctx)
	var exit *client.ExitError
	fmt.Println(errors.As(err, &exit), exit.Status)
	// Output: true 1
}

// Standard input and output are readers and writers, as in os/exec.
func ExampleCmd() {
	c, err := client.Dial(ctx, "tcp", address, &client.Config{User: "alice", HostKeys: trusted, Auth: auth})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	cmd := c.Command("cat")
	cmd.Stdin, cmd.Stdout = strings.NewReader("there and back again\n"), os.Stdout
	fmt.Println(cmd.Run(ctx))
	// Output:
	// there and back again
	// <nil>
}

// Keys, then a password: in the order that everybody else has, and without
// using up the server's patience on keys.
func ExampleCredentials() {
	credentials := client.Credentials{
		Keys:     []hostkey.Signer{testkeys.Ed25519()},
		Dir:      "testdata/no-such-directory", // such as ~/.ssh
		Password: func(context.Context) (string, error) { return "correct horse", nil },
	}
	for _, m := range credentials.Methods() {
		fmt.Println(m.Name())
	}
	c, err := client.Dial(ctx, "tcp", address, &client.Config{User: "alice", HostKeys: trusted, Auth: credentials.Methods()})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Close())
	// Output:
	// publickey
	// publickey
	// password
	// keyboard-interactive
	// <nil>
}

// A server that dies or goes out of reach is noticed, here after a minute and a
// half without a sign of life: whatever waits fails with ErrDeadPeer.
func ExampleConfig_keepAlive() {
	c, err := client.Dial(ctx, "tcp", address, &client.Config{
		User: "alice", HostKeys: trusted, Auth: auth,
		KeepAlive: connection.KeepAlive{Interval: 30 * time.Second, Count: 3},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	err = c.Command("uname").Run(ctx)
	fmt.Println(errors.Is(err, client.ErrDeadPeer))
	// Output: false
}

func ExampleQuote() {
	fmt.Println(client.Quote("rm", "--", "it's; reboot"))
	// Output: rm -- 'it'\''s; reboot'
}

// What the examples connect to.
var (
	ctx     = context.Background()
	trusted = hostkey.Pin(testkeys.ECDSA256().PublicKey())
	auth    = []userauth.Method{userauth.PublicKey(testkeys.Ed25519())}
	address = listen()
)

// listen starts a server made of the layers: it knows three commands.
func listen() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go serve(nc)
		}
	}()
	return l.Addr().String()
}

func serve(nc net.Conn) error {
	t := transport.Server(nc, &transport.Config{HostKeys: []hostkey.Signer{testkeys.ECDSA256()}})
	defer t.Close()
	if err := t.Handshake(ctx); err != nil {
		return err
	}
	if _, err := t.AcceptService("ssh-userauth"); err != nil {
		return err
	}
	alice := userauth.Server{Checks: []userauth.Check{userauth.CheckPublicKey(
		func(_ context.Context, a *userauth.Attempt, key hostkey.PublicKey) (d userauth.Decision, err error) {
			if a.User == "alice" && hostkey.Equal(key, testkeys.Ed25519().PublicKey()) {
				d = userauth.Accept(nil)
			}
			return d, nil
		})}}
	if _, err := alice.Authenticate(ctx, t, userauth.Binding{SessionID: t.State().SessionID}); err != nil {
		return err
	}
	mux := connection.New(t, &connection.Config{Opens: 1})
	go func() {
		for {
			opening, err := mux.Accept(ctx)
			if err != nil {
				return
			}
			if ch, err := opening.Accept(channel.Params{Requests: 10}); err == nil {
				go run(ch)
			}
		}
	}()
	return mux.Serve()
}

func run(ch *channel.Channel) {
	for r := range ch.Requests(ctx) {
		m, _ := wire.ParseExecRequest(r.Payload)
		r.Reply(true)
		var status wire.ExitStatus
		switch m.Command {
		case "uname":
			fmt.Fprintln(ch, "Whelk")
		case "cat":
			ch.WriteTo(ch)
		default:
			status.Status = 1
		}
		ch.Notify("exit-status", status.Append(nil))
		ch.Close()
	}
}
