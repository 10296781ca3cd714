package hostkey_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// A chance makes things at random, the same each time.
type chance struct{ *rand.Rand }

func (c chance) pick(of ...string) string { return of[c.IntN(len(of))] }

// some returns some of these, in their order and maybe none.
func (c chance) some(of ...string) (chosen []string) {
	for _, s := range of {
		if c.IntN(3) == 0 {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

// seconds returns a time, or one of the ends of time.
func (c chance) seconds(end uint64) uint64 {
	if c.IntN(3) == 0 {
		return end
	}
	return 1500000000 + uint64(c.IntN(400000000))
}

func (c chance) certificate(t *testing.T) *hostkey.Certificate {
	t.Helper()
	all := append(testkeys.All(), testkeys.SKEd25519(), testkeys.SKECDSA256())
	made := &hostkey.Certificate{
		Key: all[c.IntN(len(all))].PublicKey(), Kind: hostkey.CertificateKind(1 + c.IntN(2)), Serial: c.Uint64() >> c.IntN(64),
		KeyID: c.pick("", "id", "an id", "id \u00e9", "a:b"), Principals: c.some("alice", "bob", "host.example", "*.example", "with space"),
		ValidAfter: c.seconds(0), ValidBefore: c.seconds(1<<64 - 1),
	}
	for _, name := range c.some(hostkey.ForceCommand, hostkey.SourceAddress) {
		critical(name, map[string]string{hostkey.ForceCommand: "ls -l", hostkey.SourceAddress: "192.0.2.0/24,2001:db8::/32"}[name])(made)
	}
	for _, name := range c.some(hostkey.VerifyRequired, "critical@example.com") {
		made.CriticalOptions = append(made.CriticalOptions, hostkey.CertificateOption{Name: name})
	}
	for _, name := range c.some(hostkey.PermitPty, hostkey.PermitX11Forwarding, hostkey.PermitAgentForwarding, hostkey.PermitPortForwarding,
		hostkey.PermitUserRC, hostkey.NoTouchRequired, "extension@example.com") {
		extension(name, nil)(made)
	}
	authorities := []hostkey.Signer{testkeys.Ed25519(), testkeys.RSA2048(), testkeys.ECDSA384()}
	require.NoError(t, made.Certify(t.Context(), authorities[c.IntN(len(authorities))]))
	return made
}

// A listing is what `ssh-keygen -L` says of one certificate.
type listing struct {
	fields   map[string]string   // such as "Serial"
	sections map[string][]string // such as "Principals"
}

// list has ssh-keygen show the certificates in a file.
func list(t *testing.T, path string) (all []listing) {
	t.Helper()
	cmd := exec.Command(needSSHKeygen(t), "-L", "-f", path)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.Output()
	require.NoError(t, err)
	section := ""
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSuffix(line, "\n")
		entry, indented := strings.CutPrefix(line, "                ")
		field, value, _ := strings.Cut(strings.TrimPrefix(line, "        "), ": ")
		switch {
		case !strings.HasPrefix(line, " "):
			all = append(all, listing{map[string]string{}, map[string][]string{}})
		case indented:
			all[len(all)-1].sections[section] = append(all[len(all)-1].sections[section], entry)
		default:
			section = strings.TrimSuffix(field, ":")
			all[len(all)-1].fields[section] = strings.TrimSpace(value)
		}
	}
	return all
}

// validity is how ssh-keygen shows the time of a certificate.
func validity(c *hostkey.Certificate) string {
	format := func(s uint64) string { return time.Unix(int64(s), 0).UTC().Format("2006-01-02T15:04:05") }
	switch {
	case c.ValidAfter == 0 && c.ValidBefore == 1<<64-1:
		return "forever"
	case c.ValidAfter == 0:
		return "before " + format(c.ValidBefore)
	case c.ValidBefore == 1<<64-1:
		return "after " + format(c.ValidAfter)
	}
	return "from " + format(c.ValidAfter) + " to " + format(c.ValidBefore)
}

func optionNames(options []hostkey.CertificateOption) (names []string) {
	for _, o := range options {
		names = append(names, o.Name)
	}
	return names
}

// firstWords returns the first word of each line: what follows is a value.
func firstWords(lines []string) (words []string) {
	for _, l := range lines {
		words = append(words, strings.Fields(l)[0])
	}
	return words
}

// `ssh-keygen -L` sees in 200 certificates what is in them, whoever signed them.
func TestSSHKeygenListsCertificates(t *testing.T) {
	c := chance{rand.New(rand.NewPCG(5, 1))}
	var made []*hostkey.Certificate
	var file []byte
	for range 200 {
		made = append(made, c.certificate(t))
		file = append(file, hostkey.MarshalAuthorizedKey(made[len(made)-1], "")...)
	}
	listed := list(t, writeFile(t, "certificates", file))
	require.Len(t, listed, len(made))
	for i, c := range made {
		l := listed[i]
		require.Equal(t, c.Type()+" "+c.Kind.String()+" certificate", l.fields["Type"])
		require.Contains(t, l.fields["Public key"], "-CERT "+hostkey.Fingerprint(c.Key))
		require.Contains(t, l.fields["Signing CA"], hostkey.Fingerprint(c.CA)+" (using "+c.Signature.Algorithm+")")
		require.Equal(t, strconv.FormatUint(c.Serial, 10), l.fields["Serial"])
		require.Equal(t, validity(c), l.fields["Valid"])
		require.Equal(t, c.Principals, l.sections["Principals"])
		require.Equal(t, optionNames(c.CriticalOptions), firstWords(l.sections["Critical Options"]))
		require.Equal(t, optionNames(c.Extensions), firstWords(l.sections["Extensions"]))
		if !strings.Contains(c.KeyID, "\u00e9") { // which some versions show as octal numbers
			require.Equal(t, `"`+c.KeyID+`"`, l.fields["Key ID"])
		}
	}
}

// `ssh-keygen -Q` finds revoked what is revoked here, in lists at random, as
// they are made here and as ssh-keygen makes them of the same.
func TestSSHKeygenAgreesOnRandomKRLs(t *testing.T) {
	keys := candidates(t)
	ca := writeFile(t, "ca.pub", hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), ""))
	c := chance{rand.New(rand.NewPCG(5, 2))}
	revoked := 0
	for range 12 {
		var spec strings.Builder
		l := new(hostkey.KRL)
		for range c.IntN(6) {
			low := []uint64{1, 5, 6, 7, 9, 100, 103, 1 << 40}[c.IntN(8)]
			high := low + uint64(c.IntN(4))
			if low == high { // no range to ssh-keygen
				fmt.Fprintf(&spec, "serial: %d\n", low)
			} else {
				fmt.Fprintf(&spec, "serial: %d-%d\n", low, high)
			}
			require.NoError(t, l.RevokeSerials(testkeys.Ed25519().PublicKey(), low, high))
		}
		if c.IntN(4) == 0 {
			spec.WriteString("id: bad guy\n")
			l.RevokeKeyID(testkeys.Ed25519().PublicKey(), "bad guy")
		}
		for _, s := range testkeys.All() {
			switch key := s.PublicKey(); c.IntN(9) {
			case 0:
				spec.WriteString(keyText(s) + "\n")
				l.RevokeKey(key)
			case 1:
				spec.WriteString("sha256: " + keyText(s) + "\n")
				require.NoError(t, l.RevokeFingerprint(hostkey.Fingerprint(key)))
			}
		}
		theirs := filepath.Join(t.TempDir(), "krl")
		sshKeygen(t, "-q", "-k", "-f", theirs, "-s", ca, writeFile(t, "spec", []byte(spec.String())))
		file, err := os.ReadFile(theirs)
		require.NoError(t, err)
		read, err := hostkey.ParseKRL(file)
		require.NoError(t, err)
		want := revokedHere(l, keys)
		require.Equal(t, want, revokedHere(read, keys), spec.String())
		require.Equal(t, want, keygenRevoked(t, theirs, keys), spec.String())
		require.Equal(t, want, keygenRevoked(t, writeFile(t, "ours", l.Marshal()), keys), spec.String())
		for _, yes := range want {
			if yes {
				revoked++
			}
		}
	}
	require.Greater(t, revoked, 50)
	require.Less(t, revoked, 12*len(keys)-50)
}

// `ssh-keygen -Y` decides about 80 files of allowed signers at random as is
// decided here, whose signature it is, and whether that is good.
func TestSSHKeygenAgreesOnRandomSigners(t *testing.T) {
	c := chance{rand.New(rand.NewPCG(5, 3))}
	key, ca, stranger := keyText(testkeys.ECDSA256()), keyText(testkeys.Ed25519()), keyText(testkeys.RSA2048())
	line := func() string {
		options := c.some(`namespaces="file"`, `namespaces="git,fi*"`, `valid-after="20200101"`, `valid-before="20400101"`, `valid-before="20210101"`, "cert-authority")
		if n := slices.Index(options, `namespaces="file"`); n >= 0 && slices.Contains(options, `namespaces="git,fi*"`) {
			options = slices.Delete(options, n, n+1) // one of a kind
		}
		if n := slices.Index(options, `valid-before="20400101"`); n >= 0 && slices.Contains(options, `valid-before="20210101"`) {
			options = slices.Delete(options, n, n+1)
		}
		who := c.pick("me", "me", "other", "m*", "*", "me,other", "!me,*", "??", "nobody")
		return strings.Join(append(append([]string{who}, c.withCommas(options)...), c.pick(key, key, ca, ca, stranger)), " ")
	}
	accepted := 0
	for range 80 {
		var text strings.Builder
		for range 1 + c.IntN(6) {
			text.WriteString(line() + "\n")
		}
		certificate := c.IntN(2) == 0
		principal := c.pick("me", "me", "me", "other", "m", "nobody")
		sig := signature(t, certificate)
		signers := new(hostkey.AllowedSigners)
		for line, err := range hostkey.ParseAllowedSigners(strings.NewReader(text.String())) {
			require.NoError(t, err, text.String())
			signers.Signers = append(signers.Signers, line)
		}
		file := writeFile(t, "allowed_signers", []byte(text.String()))
		armored := writeFile(t, "sig", sig.Armor())

		verify := exec.Command(needSSHKeygen(t), "-Y", "verify", "-n", "file", "-I", principal, "-s", armored, "-f", file)
		verify.Stdin = strings.NewReader("a message\n")
		out, err := verify.CombinedOutput()
		ours := signers.Verify(sig, principal, "file", strings.NewReader("a message\n"))
		require.Equal(t, err == nil, ours == nil, "%q with a certificate (%v) in\n%s%s%v", principal, certificate, text.String(), out, ours)
		if ours == nil {
			accepted++
		}
		if strings.Contains(text.String(), "!") {
			continue // ssh-keygen finds principals of certificates that it refuses to verify for: it takes each pattern by itself
		}
		found, _ := exec.Command(needSSHKeygen(t), "-Y", "find-principals", "-s", armored, "-f", file).Output()
		names, _ := signers.FindPrincipals(sig)
		require.Equal(t, strings.Fields(string(found)), append([]string{}, names...), text.String())
	}
	require.Greater(t, accepted, 8)
	require.Less(t, accepted, 72)
}

func (chance) withCommas(options []string) []string {
	if len(options) == 0 {
		return nil
	}
	return []string{strings.Join(options, ",")}
}

// What a certificate says survives no bit of it being changed: not one of 200
// copies of each with a bit flipped is taken, and none that is cut.
func TestChangedCertificates(t *testing.T) {
	c := chance{rand.New(rand.NewPCG(5, 4))}
	for range 20 {
		blob := c.certificate(t).Marshal()
		_, err := hostkey.ParsePublicKey(blob)
		require.NoError(t, err)
		for range 200 {
			bit := c.IntN(len(blob) * 8)
			blob[bit/8] ^= 1 << (bit % 8)
			_, err := hostkey.ParsePublicKey(blob)
			require.Error(t, err, "bit %d of %x", bit, blob)
			blob[bit/8] ^= 1 << (bit % 8)
		}
		for range 50 {
			_, err := hostkey.ParsePublicKey(blob[:c.IntN(len(blob))])
			require.Error(t, err)
		}
		_, err = hostkey.ParsePublicKey(append(blob, 0))
		require.Error(t, err)
	}
}

// Fingerprints are those of ssh-keygen, of all kinds of keys in one file.
func TestSSHKeygenFingerprints(t *testing.T) {
	var file []byte
	var want []string
	for _, s := range append(testkeys.All(), testkeys.SKEd25519(), testkeys.SKECDSA256()) {
		file = append(file, hostkey.MarshalAuthorizedKey(s.PublicKey(), "c")...)
		want = append(want, hostkey.Fingerprint(s.PublicKey()))
	}
	out := sshKeygen(t, "-l", "-f", writeFile(t, "keys", file))
	require.Equal(t, want, regexp.MustCompile(`SHA256:\S+`).FindAllString(out, -1))
}
