package hostkey_test

import (
	"context"
	"fmt"
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

// A server grants nothing to a key with an option it does not enforce.
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
