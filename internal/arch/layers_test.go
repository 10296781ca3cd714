package arch

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A layer is what a package may import besides the standard library.
type layer struct {
	internal []string // packages of this module
	external []string // packages of others, with all below them
	tests    []string // packages of others, in test files only
}

const (
	crypto = "golang.org/x/crypto/"
	circl  = "github.com/cloudflare/circl" // what neither the standard library nor x/crypto has
	proxy  = "github.com/pires/go-proxyproto"
)

// layers is the dependency graph. Arrows point at what is imported, and only
// downward. No layer of an RFC imports another's: transport, userauth and
// connection meet in the facades, client and server.
var layers = map[string]layer{
	// Level 0: vocabulary.
	"wire": {},
	"mac":  {},

	// Level 1: mechanisms.
	"cipher":             {internal: []string{"mac"}, external: []string{crypto + "chacha20", crypto + "chacha20poly1305", crypto + "poly1305", "golang.org/x/sys/cpu"}},
	"kex":                {internal: []string{"wire", "internal/sntrup761"}, external: []string{crypto + "curve25519", "filippo.io/bigmod"}},
	"kex/curve448":       {internal: []string{"kex", "wire"}, external: []string{circl}},
	"hostkey":            {internal: []string{"wire", "internal/argon2d", "internal/bcryptpbkdf", "internal/pattern"}, external: []string{crypto + "ed25519", crypto + "argon2", crypto + "chacha20", crypto + "poly1305", crypto + "scrypt"}},
	"hostkey/ed448":      {internal: []string{"hostkey", "wire"}, external: []string{circl}},
	"hostkey/mldsa44":    {internal: []string{"hostkey", "wire"}, external: []string{circl, crypto + "ed25519"}},
	"hostkey/knownhosts": {internal: []string{"hostkey", "internal/pattern"}},
	"agent":              {internal: []string{"wire", "hostkey", "internal/pattern"}},
	"channel":            {internal: []string{"wire", "internal/ledger"}, tests: []string{"golang.org/x/net/nettest"}},
	"channel/sftp":       {internal: []string{"wire"}},

	// Level 2: one RFC each.
	"transport":  {internal: []string{"wire", "cipher", "mac", "kex", "hostkey", "internal/inflate"}},
	"userauth":   {internal: []string{"wire", "hostkey"}},
	"connection": {internal: []string{"wire", "channel", "internal/ledger"}, tests: []string{"golang.org/x/net/nettest"}},

	// What users write, for the facades.
	"client/sshconfig": {internal: []string{"cipher", "mac", "kex", "hostkey", "internal/pattern"}},

	// Level 3: composition.
	"client":         {internal: append(facade, "cipher", "kex", "mac", "hostkey/knownhosts", "client/sshconfig"), tests: []string{"golang.org/x/net/nettest"}},
	"server":         {internal: facade, external: []string{crypto + "bcrypt"}, tests: []string{"golang.org/x/net/nettest", proxy, "github.com/creack/pty"}},
	"server/sshtest": {internal: append(facade, "client", "server", "internal/memnet")},

	// Level 4: what uses all of it.
	"client/whelk":   {internal: append(belowFacades, "client", "client/sshconfig", "internal/algolist", "internal/pattern", "internal/splice"), external: []string{"golang.org/x/term", "golang.org/x/sys"}, tests: []string{"github.com/creack/pty"}},
	"client/whelkcp": {internal: append(belowFacades, "client", "client/sshconfig"), external: []string{"golang.org/x/term", "github.com/schollz/progressbar/v3"}},
	"server/whelkd":  {internal: append(belowFacades, "server", "internal/algolist", "internal/pattern", "internal/splice"), external: []string{"golang.org/x/term", "golang.org/x/sys", "github.com/creack/pty", proxy}},
	"fuzz":           {internal: belowFacades},

	"internal/algolist":    {internal: []string{"cipher", "mac", "kex", "kex/curve448", "hostkey", "hostkey/ed448", "hostkey/mldsa44", "internal/pattern"}},
	"internal/arch":        {},
	"internal/argon2d":     {external: []string{crypto + "blake2b"}},
	"internal/bcryptpbkdf": {external: []string{crypto + "blowfish"}},
	"internal/demo":        {internal: append(belowFacades, "client", "server", "internal/memnet", "internal/testkeys")},
	"internal/inflate":     {},
	"internal/interop":     {internal: append(belowFacades, "client", "server", "internal/memnet", "internal/testkeys"), tests: []string{"github.com/creack/pty", "golang.org/x/term", "golang.org/x/sys"}},
	"internal/ledger":      {},
	"internal/memnet":      {tests: []string{"golang.org/x/net/nettest"}},
	"internal/pattern":     {},
	"internal/readme":      {},
	"internal/sntrup761":   {},
	"internal/splice":      {},
	"internal/testkeys":    {internal: []string{"hostkey"}},
	"internal/wycheproof":  {},
}

var (
	facade       = []string{"transport", "userauth", "connection", "channel", "channel/sftp", "hostkey", "agent", "wire", "internal/pattern", "internal/splice"}
	belowFacades = []string{
		"wire", "mac", "cipher", "kex", "hostkey", "hostkey/knownhosts", "agent",
		"channel", "channel/sftp", "transport", "userauth", "connection",
	}
	// What a package of level 0 to 2 is not tested with: its tests must run
	// without the facades, and no RFC needs another to be tested.
	facades = []string{"client", "server"}
	rfcs    = []string{"transport", "userauth", "connection"}
)

// violation says what is wrong with an import, or "".
func violation(s *source, imported string) string {
	rule, ok := layers[s.dir]
	if !ok {
		return fmt.Sprintf("%s: package %s has no row in layers", s.name, s.dir)
	}
	if name, ours := strings.CutPrefix(imported, modulePath+"/"); ours {
		switch {
		case s.test && testMayImport(s.dir, name), !s.test && slices.Contains(rule.internal, name):
			return ""
		}
		return fmt.Sprintf("%s: package %s must not import %s", s.name, s.dir, name)
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	allowed := underAny(imported, rule.external)
	if s.test {
		allowed = allowed || under(imported, "github.com/stretchr/testify") || underAny(imported, rule.tests)
	}
	if allowed {
		return ""
	}
	return fmt.Sprintf("%s: package %s must not import %s", s.name, s.dir, imported)
}

// testMayImport reports whether a test in dir may import a package of this
// module that the package itself may not.
func testMayImport(dir, imported string) bool {
	if !slices.Contains(belowFacades, dir) || imported == dir {
		return true
	}
	if slices.Contains(rfcs, dir) && slices.Contains(rfcs, imported) {
		return false
	}
	return !underAny(imported, facades)
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		if _, ok := layers[s.dir]; !ok {
			t.Errorf("%s: package %s has no row in layers", s.name, s.dir)
			continue
		}
		for _, imported := range s.imports {
			if wrong := violation(s, imported); wrong != "" {
				t.Error(wrong)
			}
		}
	}
}

// The table itself points downward: a package's row never leads back to it,
// and what it may import has a row too.
func TestLayersPointDownward(t *testing.T) {
	var visit func(dir string, trail []string)
	visit = func(dir string, trail []string) {
		require.NotContains(t, trail, dir, "a cycle in layers")
		rule, ok := layers[dir]
		require.True(t, ok, "%s is imported by %v and has no row", dir, trail)
		for _, next := range rule.internal {
			visit(next, append(trail, dir))
		}
	}
	for dir := range layers {
		visit(dir, nil)
	}
	for _, dir := range rfcs {
		for _, other := range rfcs {
			require.NotContains(t, layers[dir].internal, other)
		}
	}
}

func TestViolations(t *testing.T) {
	const ours = modulePath + "/"
	for _, test := range []struct {
		name, file, imported string
		allowed              bool
	}{
		{"downward", "transport/conn.go", ours + "kex", true},
		{"upward", "kex/kem.go", ours + "transport", false},
		{"between RFCs", "userauth/client.go", ours + "transport", false},
		{"between RFCs, in a test", "connection/mux_test.go", ours + "transport", false},
		{"a facade, in a layer's test", "channel/window_test.go", ours + "client", false},
		{"what is below a facade, in a layer's test", "channel/window_test.go", ours + "server/sshtest", false},
		{"a test of itself", "userauth/example_test.go", ours + "userauth", true},
		{"a helper, in a test", "transport/conn_test.go", ours + "internal/memnet", true},
		{"a helper, not in a test", "transport/conn.go", ours + "internal/memnet", false},
		{"the standard library", "wire/types.go", "encoding/binary", true},
		{"a library", "kex/x25519.go", "golang.org/x/crypto/curve25519", true},
		{"another's library", "wire/types.go", "golang.org/x/crypto/curve25519", false},
		{"testify, in a test", "wire/types_test.go", "github.com/stretchr/testify/require", true},
		{"testify, not in a test", "wire/types.go", "github.com/stretchr/testify/require", false},
		{"the rival", "client/client.go", "golang.org/x/crypto/ssh", false},
		{"the rival, in a test", "client/client_test.go", "golang.org/x/crypto/ssh/agent", false},
		{"an unknown package", "common/strings.go", "fmt", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &source{name: test.file, dir: path.Dir(test.file), test: strings.HasSuffix(test.file, "_test.go")}
			require.Equal(t, test.allowed, violation(s, test.imported) == "")
		})
	}
}
