package client_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// ssh -L 127.0.0.1:0:ADDRESS: who connects to a port of this machine is connected
// with an address that the server gets at.
func ExampleForward() {
	c := login()
	defer c.Close()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go client.Forward(ctx, l, func(ctx context.Context) (net.Conn, error) { return c.DialContext(ctx, "tcp", greeter) })

	fmt.Println(read(net.Dial("tcp", l.Addr().String())))
	// Output: hello
}

// ssh -R: net/http serves at a port of the server's.
func ExampleClient_Listen() {
	c := login()
	defer c.Close()

	l, err := c.Listen(ctx, "tcp", "127.0.0.1:0") // the server chooses the port
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "served from here") }))

	resp, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(string(body), err)
	// Output: served from here <nil>
}

// A jump host: a Client is the dialer of the next.
func ExampleClient_DialContext() {
	jump := login()
	defer jump.Close()

	nc, err := jump.DialContext(ctx, "tcp", forwarder)
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.New(ctx, nc, forwarder, config)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	out, err := c.Command("whoami").Output(ctx)
	fmt.Printf("%s %v\n", out, err)
	// Output: alice <nil>
}

// ssh -D: a browser, or curl --socks5-hostname, says itself where it wants to go.
func ExampleForwardSOCKS() {
	c := login()
	defer c.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel() // a program would go on
	fmt.Println(client.ForwardSOCKS(ctx, l, c.DialContext))
	// Output: context canceled
}

// X11 lends a display to a command. Dial would be to a socket such as
// /tmp/.X11-unix/X0, and the cookie that of `xauth list`.
func ExampleX11() {
	c := login()
	defer c.Close()
	cmd := c.Command("xclock")
	cmd.X11 = &client.X11{Dial: func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }, Cookie: []byte("0123456789abcdef")}
	_, err := cmd.Output(ctx)
	fmt.Println(err)
	// Output: client: the server refuses to forward X11: it must permit that (X11Forwarding), and have xauth
}

// What the examples about forwarding connect to.
var (
	config    = &client.Config{User: "alice", HostKeys: trusted, Auth: auth}
	greeter   = greet()
	forwarder = listenForwarding()
)

func login() *client.Client {
	c, err := client.Dial(ctx, "tcp", forwarder, config)
	if err != nil {
		log.Fatal(err)
	}
	return c
}

func read(nc net.Conn, err error) string {
	if err != nil {
		return err.Error()
	}
	defer nc.Close()
	text, _ := io.ReadAll(nc)
	return string(text)
}

// greet starts a service that says hello.
func greet() string {
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
			io.WriteString(nc, "hello")
			nc.Close()
		}
	}()
	return l.Addr().String()
}

// listenForwarding starts a server that forwards everything.
func listenForwarding() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	srv := &server.Server{
		HostKeys: []hostkey.Signer{testkeys.ECDSA256()},
		Auth: userauth.Server{Checks: []userauth.Check{userauth.CheckPublicKey(
			func(_ context.Context, a *userauth.Attempt, key hostkey.PublicKey) (d userauth.Decision, err error) {
				if a.User == "alice" && hostkey.Equal(key, testkeys.Ed25519().PublicKey()) {
					d = userauth.Accept(nil)
				}
				return d, nil
			})}},
		Session:    server.HandlerFunc(func(s *server.Session) { fmt.Fprint(s, s.User()) }),
		Forwarding: server.Forwarding{Open: server.PermitAll, Listen: server.PermitAll},
	}
	go srv.Serve(l)
	return l.Addr().String()
}
