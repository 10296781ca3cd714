package knownhosts_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

// A modelLine is a line of a file, as the model knows it.
type modelLine struct {
	marker string // "", "@revoked" or "@cert-authority"
	hosts  []string
	key    hostkey.PublicKey
}

// A model says what files mean, without files: lines name hosts as they are, by
// "*", or by "!" and the name.
type model []modelLine

// about reports whether a line is about a host.
func (l *modelLine) about(host string) bool {
	return !slices.Contains(l.hosts, "!"+host) && (slices.Contains(l.hosts, host) || slices.Contains(l.hosts, "*"))
}

// verify returns what a strict Verifier is to say of a key of a host at a port.
func (m model) verify(name, port string, key hostkey.PublicKey) error {
	host := name
	if port != "22" {
		host = "[" + name + "]:" + port
	}
	known, bare := false, false
	for _, l := range m {
		same := hostkey.Equal(l.key, key)
		if l.marker == "@revoked" && same && (l.about(host) || l.about(name)) {
			return knownhosts.ErrRevoked
		}
		known = known || l.marker == "" && l.about(host)
		bare = bare || l.marker == "" && l.about(name) && same
	}
	for _, l := range m {
		if l.marker == "" && l.about(host) && hostkey.Equal(l.key, key) {
			return nil
		}
	}
	switch {
	case known:
		return knownhosts.ErrChanged
	case bare: // a host at an unknown port may have its key of port 22
		return nil
	}
	return knownhosts.ErrUnknown
}

func (m model) String() string {
	var b strings.Builder
	for _, l := range m {
		if l.marker != "" {
			b.WriteString(l.marker + " ")
		}
		b.WriteString(entry(strings.Join(l.hosts, ","), l.key))
	}
	return b.String()
}

// 300 files at random mean what the model says that they mean, for each host,
// port and key, and whatever the policy is a revoked or changed key is not taken
// for a good one.
func TestVerifierAgreesWithModel(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	keys := []hostkey.PublicKey{key, other, rsa, p256}
	names := []string{"a", "b", "[a]:2222", "[b]:2222", "*", "!a", "![a]:2222"}
	seen := map[error]int{}
	for range 300 {
		var m model
		for range r.IntN(5) {
			l := modelLine{key: keys[r.IntN(len(keys))]}
			l.marker = []string{"", "", "", "@revoked", "@cert-authority"}[r.IntN(5)]
			for range 1 + r.IntN(3) {
				l.hosts = append(l.hosts, names[r.IntN(len(names))])
			}
			m = append(m, l)
		}
		path := write(t, m.String())
		for _, name := range []string{"a", "b", "c"} {
			for _, port := range []string{"22", "2222"} {
				for _, k := range keys {
					want := m.verify(name, port, k)
					seen[want]++
					strict := knownhosts.New(knownhosts.Config{Files: []string{path}})
					err := strict.VerifyHostKey(t.Context(), host(name+":"+port), k)
					if want == nil {
						require.NoError(t, err, "%s:%s %s in\n%s", name, port, k.Type(), m)
						continue
					}
					require.ErrorIs(t, err, want, "%s:%s %s in\n%s", name, port, k.Type(), m)
				}
			}
		}
		require.Equal(t, m.String(), read(t, path), "verifying writes nothing")
	}
	for _, outcome := range []error{nil, knownhosts.ErrUnknown, knownhosts.ErrChanged, knownhosts.ErrRevoked} {
		require.Greater(t, seen[outcome], 100, "%v", outcome)
	}
}

// What is added at random is known from then on, what is forgotten is not, and
// nothing else changes: the files after 40 steps mean what a map says.
func TestVerifierAgreesWithMap(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	keys := []hostkey.PublicKey{key, other, rsa, p256}
	for _, hash := range []bool{false, true} {
		path := write(t, "# a comment\n", entry("@revoked nobody", other))
		v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew, Hash: hash})
		known := map[string]hostkey.PublicKey{}
		for range 40 {
			name := fmt.Sprintf("%c.test:%d", 'a'+r.IntN(5), []int{22, 2222}[r.IntN(2)])
			if r.IntN(4) == 0 {
				gone, err := v.Forget(t.Context(), host(name))
				require.NoError(t, err)
				require.Equal(t, known[name] != nil, len(gone) == 1, name)
				delete(known, name)
				continue
			}
			k := keys[r.IntN(len(keys))]
			err := v.VerifyHostKey(t.Context(), host(name), k)
			bare := strings.Replace(name, ":2222", ":22", 1)
			switch {
			case known[name] == nil && known[bare] != nil && hostkey.Equal(known[bare], k):
				require.NoError(t, err, "the key of port 22, which is not added")
			case known[name] == nil:
				require.NoError(t, err)
				known[name] = k
			case hostkey.Equal(known[name], k):
				require.NoError(t, err)
			default:
				require.ErrorIs(t, err, knownhosts.ErrChanged)
			}
		}
		content := read(t, path)
		require.True(t, strings.HasPrefix(content, "# a comment\n"+entry("@revoked nobody", other)))
		require.Equal(t, 2+len(known), strings.Count(content, "\n"))
		require.Equal(t, hash && len(known) > 0, strings.Contains(content, "|1|"))
	}
}
