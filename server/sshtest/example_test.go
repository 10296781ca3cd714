package sshtest_test

import (
	"context"
	"fmt"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/server/sshtest"
)

// A handler is tested through a client.
func Example() {
	hello := server.HandlerFunc(func(s *server.Session) { fmt.Fprintf(s, "hello, %s", s.User()) })
	srv := sshtest.NewServer(hello)
	defer srv.Close()
	out, err := srv.Client().Command("greet").Output(context.Background())
	fmt.Printf("%s %v\n", out, err)
	fmt.Println(srv.Sessions()[0].Command)
	// Output:
	// hello, user <nil>
	// greet
}

// A program that dials is given an address, a key and whom to trust.
func ExampleNewTCPServer() {
	fail := server.HandlerFunc(func(s *server.Session) { s.Exit(3) })
	srv := sshtest.NewTCPServer(fail)
	defer srv.Close()
	c, err := client.Dial(context.Background(), "tcp", srv.Addr(), srv.ClientConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(c.Command("false").Run(context.Background()))
	// Output:
	// client: the command exited with status 3
}

// What is not of the usual is set before the start.
func ExampleNewUnstartedServer() {
	srv := sshtest.NewUnstartedServer(nil)
	srv.Config.Subsystems = map[string]server.Handler{
		"time": server.HandlerFunc(func(s *server.Session) { fmt.Fprint(s, "noon") }),
	}
	srv.Start()
	defer srv.Close()
	ch, err := srv.Client().Subsystem(context.Background(), "time")
	if err != nil {
		fmt.Println(err)
		return
	}
	answer := make([]byte, 4)
	ch.Read(answer)
	fmt.Printf("%s\n", answer)
	// Output: noon
}
