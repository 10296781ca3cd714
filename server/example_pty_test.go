//go:build linux

package server_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os/exec"

	"github.com/creack/pty"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// A server that runs commands on a terminal: its size is the client's, and so is
// the status.
func Example_terminal() {
	srv := &server.Server{HostKeys: hostKeys, Auth: users, AllowPty: true}
	srv.Session = server.HandlerFunc(func(s *server.Session) {
		cmd := exec.CommandContext(s.Context(), "/bin/sh", "-c", s.Command())
		tty, err := pty.Start(cmd)
		if err != nil {
			s.Exit(127)
			return
		}
		s.OnResize(func(w server.Window) { pty.Setsize(tty, &pty.Winsize{Cols: uint16(w.Columns), Rows: uint16(w.Rows)}) })
		go io.Copy(tty, s)
		io.Copy(s, tty)
		cmd.Wait()
		s.Exit(cmd.ProcessState.ExitCode())
	})

	fmt.Println(visit(srv, "sleep 0.1; stty size; exit 3", &client.Pty{Window: client.Window{Columns: 100, Rows: 30}}))
	// Output:
	// "30 100\r\n" client: the command exited with status 3
}

// Who may visit the servers of examples, and what they are known by.
var (
	hostKeys = []hostkey.Signer{testkeys.Ed25519()}
	users    = userauth.Server{Checks: []userauth.Check{userauth.CheckPublicKey(
		func(_ context.Context, a *userauth.Attempt, key hostkey.PublicKey) (d userauth.Decision, err error) {
			if hostkey.Equal(key, testkeys.Ed25519Other().PublicKey()) {
				d = userauth.Accept(nil)
			}
			return d, nil
		})}}
)

// visit runs a command on srv, and returns what it shows and how it ends.
func visit(srv *server.Server, command string, terminal *client.Pty) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go srv.Serve(l)
	defer srv.Close()
	c, err := client.Dial(context.Background(), "tcp", l.Addr().String(), &client.Config{
		User: "alice", HostKeys: hostkey.Pin(testkeys.Ed25519().PublicKey()),
		Auth: []userauth.Method{userauth.PublicKey(testkeys.Ed25519Other())},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	cmd := c.Command(command)
	cmd.Pty = terminal
	out, err := cmd.Output(context.Background())
	return fmt.Sprintf("%q %v", out, err)
}
