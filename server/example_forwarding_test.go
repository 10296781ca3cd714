package server_test

import (
	"context"
	"fmt"
	"log"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// A jump host: its users get to the SSH ports of a few hosts, and to nothing
// else. It runs no programs.
func ExampleForwarding() {
	inner, err := server.PermitOpen("db.internal:22", "web.internal:22")
	if err != nil {
		log.Fatal(err)
	}
	srv := &server.Server{
		Addr:       "127.0.0.1:2222",
		HostKeys:   []hostkey.Signer{testkeys.Ed25519()},
		Auth:       userauth.Server{Checks: []userauth.Check{server.AuthorizedKeys("authorized_keys")}},
		Forwarding: server.Forwarding{Open: inner},
	}
	for _, e := range []server.Endpoint{{Network: "tcp", Host: "db.internal", Port: 22}, {Network: "tcp", Host: "db.internal", Port: 5432}} {
		fmt.Println(e.Host, e.Port, srv.Forwarding.Open(context.Background(), nil, e))
	}
	// Output:
	// db.internal 22 true
	// db.internal 5432 false
}
