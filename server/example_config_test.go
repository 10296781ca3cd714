package server_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/server"
)

// What a file in the form of sshd_config(5) says for a connection: the first line
// of a keyword counts, and those behind a Match come ahead of the others.
func ExampleParseConfigFile() {
	file, err := server.ParseConfigFile("example", []byte(`
PermitTTY yes
Match User git Address 192.0.2.0/24
	PermitTTY no
	ForceCommand git-shell -c "$SSH_ORIGINAL_COMMAND"
`))
	if err != nil {
		log.Fatal(err)
	}
	c := &server.MatchSpec{User: "git", Address: netip.MustParseAddr("192.0.2.7")}
	for _, line := range append(file.Matching(c), file.Global()...) {
		fmt.Printf("%s:%d: %s is %q\n", line.File, line.Number, line.Keyword, line.Rest)
	}
	// Output:
	// example:4: PermitTTY is "no"
	// example:5: ForceCommand is "git-shell -c \"$SSH_ORIGINAL_COMMAND\""
	// example:2: PermitTTY is "yes"
}

// Users whose keys are in a database, and not in files.
func ExampleKeyLookup() {
	keysOf := func(ctx context.Context, user string, key hostkey.PublicKey) ([]byte, error) {
		// SELECT line FROM keys WHERE user = ? AND fingerprint = ?
		fmt.Println("looking for", user, hostkey.Fingerprint(key))
		return []byte("restrict,pty ssh-ed25519 AAAA..."), nil
	}
	check := server.KeyLookup{Keys: keysOf}.Check()
	fmt.Println(check.Method())
	// Output: publickey
}

// Nobody but operators gets in from outside, and root does not at all.
func ExampleAccess() {
	access := server.Access{DenyUsers: []string{"root"}, AllowUsers: []string{"*@10.0.0.0/8", "op-*"}}
	for _, user := range []string{"root", "alice", "op-bob"} {
		fmt.Println(access.Check(&server.MatchSpec{User: user, Address: netip.MustParseAddr("192.0.2.7")}))
	}
	// Output:
	// server: user "root" may not log in: DenyUsers has "root"
	// server: user "alice" may not log in: not in AllowUsers
	// <nil>
}
