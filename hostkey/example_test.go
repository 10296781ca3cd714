package hostkey_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl github.com"

// A program that knows the key of its server needs no known_hosts file.
func ExamplePin() {
	known, err := hostkey.ParseAuthorizedKey([]byte(line))
	if err != nil {
		panic(err)
	}
	verifier := hostkey.Pin(known.Key)

	host := hostkey.Host{Name: "github.com:22"}
	fmt.Println(verifier.VerifyHostKey(context.Background(), host, known.Key))
	// Output: <nil>
}

// A program grants nothing to a key with an option it does not enforce.
func ExampleAuthorizedKeys() {
	file := "# keys of the operators\n" +
		line + "\n" +
		`command="uptime",no-pty ` + line + "\n" +
		"restrict,verify-required " + line + "\n" +
		"oops\n"

	for k, err := range hostkey.AuthorizedKeys(strings.NewReader(file)) {
		if err != nil {
			fmt.Println(err)
		} else if names := k.Unsupported("command", "no-pty", "restrict"); len(names) > 0 {
			fmt.Printf("line %d: unusable: %s\n", k.Line, strings.Join(names, ", "))
		} else {
			fmt.Printf("line %d: %s %v\n", k.Line, hostkey.Fingerprint(k.Key), k.Options)
		}
	}
	// Output:
	// line 2: SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU []
	// line 3: SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU [{command uptime true} {no-pty  false}]
	// line 4: unusable: verify-required
	// hostkey: line 5: a line of authorized keys has no key format and key
}

// A certificate is a statement about a key, and not that key.
func ExampleCertificate() {
	authority, err := hostkey.ParsePrivateKey(testkeys.PEM("ed25519"), nil)
	if err != nil {
		panic(err)
	}
	key := testkeys.RSA3072().PublicKey()
	c := &hostkey.Certificate{
		Key: key, Kind: hostkey.UserCertificate, KeyID: "alice's laptop", Principals: []string{"alice"},
		ValidBefore: 1 << 40,
		Extensions:  []hostkey.CertificateOption{{Name: "permit-pty"}},
	}
	if err := c.Certify(context.Background(), authority); err != nil {
		panic(err)
	}
	received, err := hostkey.ParsePublicKey(c.Marshal())
	if err != nil {
		panic(err)
	}
	fmt.Println(received.Type())
	fmt.Println(hostkey.Equal(received, key))
	fmt.Println(hostkey.Equal(received.(*hostkey.Certificate).Key, key))
	// Output:
	// ssh-rsa-cert-v01@openssh.com
	// false
	// true
}

// A key is made, written with a passphrase, and read by who knows that.
func ExampleReadPrivateKeyFile() {
	directory, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(directory)
	path := filepath.Join(directory, "id_ed25519")

	key, err := hostkey.GenerateKey(hostkey.Ed25519, 0)
	if err != nil {
		panic(err)
	}
	file, err := hostkey.MarshalEncryptedPrivateKey(key, "me@laptop", hostkey.Encryption{Passphrase: []byte("open sesame"), Rounds: 1})
	if err != nil {
		panic(err)
	}
	if err := hostkey.CreateKeyFile(path, file); err != nil {
		panic(err)
	}

	tried := []string{"open barley", "open sesame"}
	ask := func(_ context.Context, file string, locked *hostkey.PassphraseError) ([]byte, error) {
		fmt.Println("passphrase of", filepath.Base(file), "- the last one was wrong:", locked.Wrong)
		passphrase := []byte(tried[0])
		tried = tried[1:]
		return passphrase, nil
	}
	read, err := hostkey.ReadPrivateKeyFile(context.Background(), path, ask)
	fmt.Println(read.PublicKey().Type(), read.Comment, err)
	// Output:
	// passphrase of id_ed25519 - the last one was wrong: false
	// passphrase of id_ed25519 - the last one was wrong: true
	// ssh-ed25519 me@laptop <nil>
}

// A server that trusts an authority lets in whom its certificates name, and
// holds them to what they restrict.
func ExampleAuthority() {
	ca := testkeys.Ed25519()
	c := &hostkey.Certificate{
		Key: testkeys.ECDSA256().PublicKey(), Kind: hostkey.UserCertificate, KeyID: "alice's laptop", Principals: []string{"alice"},
		ValidBefore: 1 << 40,
		Extensions:  []hostkey.CertificateOption{{Name: hostkey.PermitPty}},
	}
	if err := c.Certify(context.Background(), ca); err != nil {
		panic(err)
	}
	authority := &hostkey.Authority{Users: []hostkey.PublicKey{ca.PublicKey()}}
	from := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 50000}

	r, err := authority.CheckUser(c, from, "alice")
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Permissions.Permits(hostkey.PermitPty), r.Permissions.Permits(hostkey.PermitPortForwarding))

	_, err = authority.CheckUser(c, from, "root")
	var refused *hostkey.CertificateError
	fmt.Println(errors.As(err, &refused) && refused.Reason == hostkey.WrongPrincipal)
	fmt.Println(refused.Detail)
	// Output:
	// true false
	// true
	// it names "alice", and wanted is "root"
}

// What an authority has signed stays signed; a list takes it back.
func ExampleKRL() {
	ca := testkeys.Ed25519().PublicKey()
	list := &hostkey.KRL{Version: 2}
	if err := list.RevokeSerials(ca, 100, 199); err != nil {
		panic(err)
	}
	read, err := hostkey.ParseKRL(list.Marshal())
	if err != nil {
		panic(err)
	}
	c := &hostkey.Certificate{Key: testkeys.ECDSA256().PublicKey(), CA: ca, Serial: 99}
	fmt.Println(read.Check(c))
	c.Serial = 100
	var revoked *hostkey.RevokedError
	fmt.Println(errors.As(read.Check(c), &revoked), revoked.By)
	// Output:
	// <nil>
	// true serial number
}

// A file is signed, and whoever has a list of signers finds out by whom.
func ExampleSSHSIG() {
	ctx, key := context.Background(), testkeys.Ed25519()
	sig, err := hostkey.SignSSHSIG(ctx, key, "", "file", strings.NewReader("a message"))
	if err != nil {
		panic(err)
	}
	text := sig.Armor()
	fmt.Println(strings.SplitN(string(text), "\n", 2)[0])

	var allowed hostkey.AllowedSigners
	file := "alice@example.com namespaces=\"file\" " + string(hostkey.MarshalAuthorizedKey(key.PublicKey(), ""))
	for signer, err := range hostkey.ParseAllowedSigners(strings.NewReader(file)) {
		if err != nil {
			panic(err)
		}
		allowed.Signers = append(allowed.Signers, signer)
	}
	if sig, err = hostkey.ParseSSHSIG(text); err != nil {
		panic(err)
	}
	fmt.Println(allowed.FindPrincipals(sig))
	fmt.Println(allowed.Verify(sig, "alice@example.com", "file", strings.NewReader("a message")))
	// Output:
	// -----BEGIN SSH SIGNATURE-----
	// [alice@example.com] <nil>
	// <nil>
}
