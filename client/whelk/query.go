package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/internal/algolist"
	"github.com/whelk-ssh/whelk/transport"
)

// A topic is something that -Q lists.
type topic struct {
	names string // by which it can be asked for, the first by "help" too
	list  func() []string
}

var topics = []topic{
	{"cipher ciphers", func() []string { return cipherNames(false) }},
	{"cipher-auth", func() []string { return cipherNames(true) }},
	{"compression", transport.Compressions},
	{"kex kexalgorithms", kexNames},
	{"key", func() []string { return keyTypes(whatever) }},
	{"key-cert", func() []string { return keyTypes(algolist.IsCertificate) }},
	{"key-plain", func() []string { return keyTypes(plain) }},
	{"key-sig hostkeyalgorithms pubkeyacceptedalgorithms pubkeyacceptedkeytypes", algolist.AllSignatures},
	{"mac macs", macNames},
	{"protocol-version", func() []string { return []string{"2"} }},
	{"sig casignaturealgorithms", func() []string { return slices.DeleteFunc(algolist.AllSignatures(), algolist.IsCertificate) }},
}

// query answers -Q.
func query(name string) int {
	var known []string
	for _, t := range topics {
		names := strings.Fields(t.names)
		if slices.Contains(names, strings.ToLower(name)) {
			fmt.Println(strings.Join(t.list(), "\n"))
			return 0
		}
		known = append(known, names[0])
	}
	if name == "help" {
		fmt.Println(strings.Join(known, "\n"))
		return 0
	}
	fmt.Fprintf(os.Stderr, "whelk: -Q knows nothing of %q; the nearest is %q, and \"whelk -Q help\" lists all\n", name, algolist.Nearest(name, known))
	return failure
}

func cipherNames(authenticated bool) (names []string) {
	for _, m := range algolist.AllCiphers() {
		if m.AEAD || !authenticated {
			names = append(names, m.Name)
		}
	}
	return names
}

func macNames() (names []string) {
	for _, a := range algolist.AllMACs() {
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

// keyTypes returns the formats of keys and certificates that are wanted.
func keyTypes(wanted func(name string) bool) (names []string) {
	for _, algorithm := range algolist.AllSignatures() {
		if t := algolist.KeyType(algorithm); wanted(t) && !slices.Contains(names, t) {
			names = append(names, t)
		}
	}
	return names
}

func plain(name string) bool { return !algolist.IsCertificate(name) }

func whatever(string) bool { return true }
