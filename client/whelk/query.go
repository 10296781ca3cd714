package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/algolist"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/transport"
)

// A topic is something that -Q lists.
type topic struct {
	names string // by which it can be asked for, the first by "help" too
	list  func() []string
}

var topics = []topic{
	{"cipher ciphers", func() []string { return cipherNames(func(cipher.Mode) bool { return true }) }},
	{"cipher-auth", func() []string { return cipherNames(func(m cipher.Mode) bool { return m.AEAD }) }},
	{"compression", transport.Compressions},
	{"kex kexalgorithms", kexNames},
	{"key key-plain", keyTypes},
	{"mac macs", macNames},
	{"protocol-version", func() []string { return []string{"2"} }},
	{"sig key-sig hostkeyalgorithms pubkeyacceptedalgorithms", hostkey.Default},
}

// query answers -Q.
func query(name string) int {
	if name == "help" {
		for _, t := range topics {
			fmt.Println(strings.Fields(t.names)[0])
		}
		return 0
	}
	for _, t := range topics {
		if slices.Contains(strings.Fields(t.names), strings.ToLower(name)) {
			fmt.Println(strings.Join(t.list(), "\n"))
			return 0
		}
	}
	fmt.Fprintf(os.Stderr, "whelk: -Q knows nothing of %q: -Q help lists what it knows of\n", name)
	return failure
}

func cipherNames(want func(cipher.Mode) bool) (names []string) {
	for _, m := range append(cipher.Default(), cipher.Insecure()...) {
		if want(m) {
			names = append(names, m.Name)
		}
	}
	return names
}

func macNames() (names []string) {
	for _, a := range append(mac.Default(), mac.Insecure()...) {
		names = append(names, a.Name)
	}
	return names
}

func kexNames() (names []string) {
	for _, m := range algolist.AllKeyExchanges() {
		names = append(names, m.Name())
	}
	return names
}

func keyTypes() (names []string) {
	for _, algorithm := range hostkey.Default() {
		if t := hostkey.KeyType(algorithm); !slices.Contains(names, t) {
			names = append(names, t)
		}
	}
	return names
}
