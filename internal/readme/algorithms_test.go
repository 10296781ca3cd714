package readme

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/algolist"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
)

// row returns the names in code style in each cell of a row of the README.
func row(t *testing.T, name string) (cells [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, line, found := strings.Cut(string(text), "\n| "+name+" |")
	require.True(t, found, name)
	line, _, _ = strings.Cut(line, "\n")
	for cell := range strings.SplitSeq(line, "|") {
		names := []string{}
		for _, code := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			names = append(names, code[1])
		}
		cells = append(cells, names)
	}
	return cells
}

func namesOf[T any](list []T, name func(T) string) []string {
	names := []string{}
	for _, a := range list {
		names = append(names, name(a))
	}
	return names
}

// The table of algorithms is that of the packages: whoever adds one adds it to
// both.
func TestAlgorithms(t *testing.T) {
	methods := func(list []kex.Method) []string { return namesOf(list, kex.Method.Name) }
	row1 := row(t, "key exchange")
	require.Equal(t, methods(kex.Default()), row1[0])
	require.Equal(t, append(methods(kex.Optional()), "curve448-sha512"), row1[1])
	require.Equal(t, methods(kex.Insecure()), row1[2])
	servers := methods(kex.DefaultServer())
	require.Equal(t, servers, row1[0][:len(servers)], "the others are said to be clients'")
	require.True(t, strings.HasPrefix(row1[0][len(servers)], "diffie-hellman-"))

	modes := func(list []cipher.Mode) []string {
		return namesOf(list, func(m cipher.Mode) string { return m.Name })
	}
	row2 := row(t, "ciphers")
	require.ElementsMatch(t, modes(cipher.Default()), row2[0], "their order depends on the processor")
	require.Empty(t, row2[1])
	require.Equal(t, modes(cipher.Insecure()), row2[2])

	macs := func(list []mac.Algorithm) []string {
		return namesOf(list, func(a mac.Algorithm) string { return a.Name })
	}
	require.Equal(t, [][]string{macs(mac.Default()), {}, macs(mac.Insecure())}, row(t, "MACs")[:3])
}

func TestSignatures(t *testing.T) {
	plain := slices.DeleteFunc(algolist.AllSignatures(), algolist.IsCertificate)
	insecure := slices.DeleteFunc(hostkey.Insecure(), algolist.IsCertificate)
	cells := row(t, "signatures of hosts and users")
	require.Equal(t, hostkey.Default(), cells[0])
	require.Equal(t, insecure, cells[2])
	require.Equal(t, plain, slices.Concat(cells[0], cells[1], cells[2]))
	for _, name := range hostkey.Default() {
		require.Contains(t, hostkey.Optional(), hostkey.CertificateName(name))
	}
}
