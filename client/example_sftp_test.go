package client_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"testing/fstest"

	"github.com/whelk-ssh/whelk/channel/sftp"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// serveFiles starts a server of the handler's files.
func serveFiles(h sftp.Handler) (address string, srv *server.Server) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	everybody := userauth.CheckPublicKey(func(context.Context, *userauth.Attempt, hostkey.PublicKey) (userauth.Decision, error) {
		return userauth.Accept(nil), nil
	})
	srv = &server.Server{
		HostKeys:   []hostkey.Signer{testkeys.ECDSA256()},
		Auth:       userauth.Server{Checks: []userauth.Check{everybody}},
		Subsystems: map[string]server.Handler{"sftp": server.HandlerFunc(func(s *server.Session) { (&sftp.Server{Handler: h}).Serve(s.Context(), s) })},
	}
	go srv.Serve(l)
	return l.Addr().String(), srv
}

// Upload a file, or a directory, and see how far it is.
func ExampleClient_SFTP() {
	dir, address, done := upload()
	defer done()
	c, err := client.Dial(ctx, "tcp", address, &client.Config{User: "alice", HostKeys: trusted, Auth: auth})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	files, err := c.SFTP(ctx)
	if err != nil {
		log.Fatal(err)
	}
	err = files.Put(ctx, dir+"/file", "/copy", &sftp.Transfer{Progress: func(p sftp.Progress) { fmt.Println(p.Percent(), "%") }})
	fmt.Println(err)
	// Output:
	// 100 %
	// 100 %
	// <nil>
}

// upload makes a file, and a server that takes it.
func upload() (dir, address string, done func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(dir+"/file", []byte("text"), 0o600); err != nil {
		log.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		log.Fatal(err)
	}
	address, srv := serveFiles(sftp.RootHandler(root))
	return dir, address, func() {
		srv.Close()
		root.Close()
		os.RemoveAll(dir)
	}
}

// Serve any fs.FS, for reading: `sftp -P 2222 127.0.0.1` lists it.
func ExampleClient_SFTP_server() {
	website := fstest.MapFS{"index.html": {Data: []byte("<h1>Hello</h1>")}}
	srv := &server.Server{
		HostKeys: []hostkey.Signer{testkeys.Ed25519()},
		Auth:     userauth.Server{Checks: []userauth.Check{server.AuthorizedKeys("authorized_keys")}},
		Subsystems: map[string]server.Handler{"sftp": server.HandlerFunc(func(s *server.Session) {
			files := &sftp.Server{Handler: sftp.FSHandler(website)}
			files.Serve(s.Context(), s)
		})},
	}
	fmt.Println(srv.Shutdown(context.Background())) // or srv.ListenAndServe()
	// Output: <nil>
}
