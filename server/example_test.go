package server_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// A server that sends back what it gets, to the holders of the keys in a file.
// `ssh -p 2222 127.0.0.1` talks to it.
func Example() {
	key, err := server.HostKeyFile("host_key")
	if err != nil {
		log.Fatal(err)
	}
	srv := &server.Server{
		Addr:     "127.0.0.1:2222",
		HostKeys: []hostkey.Signer{key},
		Auth:     userauth.Server{Checks: []userauth.Check{server.AuthorizedKeys("authorized_keys")}},
		Session:  server.HandlerFunc(func(s *server.Session) { io.Copy(s, s) }),
	}
	log.Fatal(srv.ListenAndServe())
}

// A server that knows no user's key, only the authority whose certificates say
// who is who, and the list of those that it takes back. `ssh-keygen -s ca -n
// alice -I "alice's laptop" id.pub` makes one.
func ExamplePublicKeys() {
	key, err := server.HostKeyFile("host_key")
	if err != nil {
		log.Fatal(err)
	}
	keys := server.PublicKeys{TrustedUserCAKeys: []string{"ca.pub"}, RevokedKeys: []string{"revoked"}}
	srv := &server.Server{
		Addr:     "127.0.0.1:2222",
		HostKeys: []hostkey.Signer{key},
		Auth:     userauth.Server{Checks: []userauth.Check{keys.Check()}},
		Session:  server.HandlerFunc(func(s *server.Session) { fmt.Fprintf(s, "hello, %s\n", s.User()) }),
	}
	log.Fatal(srv.ListenAndServe())
}

func ExampleServer_Shutdown() {
	srv := &server.Server{
		HostKeys: []hostkey.Signer{testkeys.Ed25519()},
		Auth:     userauth.Server{Checks: []userauth.Check{server.AuthorizedKeys("authorized_keys")}},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- srv.Serve(l) }()
	fmt.Println(srv.Shutdown(context.Background()))
	fmt.Println(<-served)
	// Output:
	// <nil>
	// server: closed
}

func ExampleServer_zero() {
	fmt.Println(new(server.Server).ListenAndServe())
	// Output:
	// server: Server.HostKeys is empty: a server must have a host key; HostKeyFile makes one and keeps it
}
