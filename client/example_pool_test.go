package client_test

import (
	"context"
	"fmt"
	"io"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/server/sshtest"
)

// fleet is a server that goes by many names.
func fleet() (srv *sshtest.Server, dial func(context.Context, string) (*client.Client, error)) {
	srv = sshtest.NewTCPServer(server.HandlerFunc(func(s *server.Session) { io.WriteString(s, "up 3 days") }))
	return srv, func(ctx context.Context, host string) (*client.Client, error) {
		return client.Dial(ctx, "tcp", srv.Addr(), srv.ClientConfig())
	}
}

// One command on many hosts. Results come in the order the hosts are done; to
// stop at the first failure is to leave the loop.
func ExamplePool_Run() {
	srv, dial := fleet() // dial is client.Dial(ctx, "tcp", host, config)
	defer srv.Close()

	pool := &client.Pool{Dial: dial, Parallel: 8}
	defer pool.Close()
	for r := range pool.Run(context.Background(), "uptime", "web1", "web2", "db1") {
		if r.Err != nil {
			fmt.Println(r.Host, r.Err)
			continue
		}
		fmt.Printf("%s: %s\n", r.Host, r.Stdout)
	}
	// Unordered output:
	// web1: up 3 days
	// web2: up 3 days
	// db1: up 3 days
}

// A client is lent and given back: the connection is made once.
func ExamplePool_Get() {
	srv, dial := fleet()
	defer srv.Close()
	pool := &client.Pool{Dial: dial}
	defer pool.Close()
	for range 3 {
		c, err := pool.Get(context.Background(), "web1")
		if err != nil {
			fmt.Println(err)
			return
		}
		c.Command("uptime").Run(context.Background())
		c.Close()
	}
	fmt.Println(len(srv.Sessions()), "sessions")
	// Output: 3 sessions
}
