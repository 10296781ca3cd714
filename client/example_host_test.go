package client_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// A host by its name in a configuration. client.DialHost is this with the files
// of the user who runs the program.
func ExampleHostDialer() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	host, port, _ := net.SplitHostPort(address)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		os.WriteFile(path, []byte(text), 0o600)
		return path
	}
	key := write("id_ed25519", string(testkeys.PEM("ed25519")))
	known := write("known_hosts", "shell "+string(hostkey.MarshalAuthorizedKey(testkeys.ECDSA256().PublicKey(), "")))
	config := write("config", fmt.Sprintf(
		"Host shell\n HostName %s\n Port %s\n User alice\n HostKeyAlias shell\n IdentityFile %s\n UserKnownHostsFile %s\n", host, port, key, known))

	d := client.HostDialer{Config: sshconfig.Config{Files: []sshconfig.File{{Path: config, Required: true}}}}
	c, err := d.Dial(context.Background(), "shell")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	out, err := c.Command("uname").Output(context.Background())
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// Whelk
	// <nil>
}
