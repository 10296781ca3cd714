package sshconfig_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/whelk-ssh/whelk/client/sshconfig"
)

// What a configuration says about a host.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "config")
	os.WriteFile(path, []byte(`
Host db
    HostName %h.internal.example.com
    ProxyJump gate.example.com
Host db web
    User deploy
    Port 2222
`), 0o600)

	config := sshconfig.Config{Files: []sshconfig.File{{Path: path, Required: true}}}
	s, err := config.Evaluate(context.Background(), "db")
	if err != nil {
		log.Fatal(err)
	}
	via, _, _ := s.Jump()
	at, _ := s.Set("Port")
	fmt.Printf("%s@%s port %d by way of %s\n", s.User(), s.HostName(), s.Port(), via)
	fmt.Printf("the port is that of line %d\n", at.Line)
	// Output:
	// deploy@db.internal.example.com port 2222 by way of gate.example.com
	// the port is that of line 7
}
