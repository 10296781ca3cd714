package agent

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// deviceKey returns what a file has of a security key.
func deviceKey() *hostkey.DeviceKey {
	return &hostkey.DeviceKey{
		Key: testkeys.SKEd25519().PublicKey().(*hostkey.SecurityKey), Flags: hostkey.UserPresent, Handle: []byte("handle"),
	}
}

// here returns a destination for those on this host.
func here(name string, keys ...HopKey) Destination {
	return Destination{To: Hop{Host: name, Keys: keys}}
}

func added(t testing.TB) map[string]AddedKey {
	all := map[string]AddedKey{}
	for _, name := range keyNames {
		key := private(t, name)
		all[name] = AddedKey{Key: key, Comment: name}
		all[name+" certified"] = AddedKey{Key: key, Certificate: certify(t, public(t, key), hostkey.Certificate{KeyID: "id"})}
	}
	all["constrained"] = AddedKey{
		Key: private(t, "ed25519"), Comment: "c", Lifetime: time.Minute, Confirm: true,
		Destinations: []Destination{
			here("a", HopKey{testkeys.RSA2048().PublicKey(), true}),
			{
				From: Hop{Host: "a", Keys: []HopKey{{testkeys.RSA2048().PublicKey(), false}}},
				To:   Hop{User: "u*", Host: "b", Keys: []HopKey{{testkeys.ECDSA256().PublicKey(), false}, {testkeys.ECDSA384().PublicKey(), true}}},
			},
		},
	}
	return all
}

// What is added arrives as it was, and nothing that is cut off or too long does.
func TestAddedKey(t *testing.T) {
	for name, k := range added(t) {
		t.Run(name, func(t *testing.T) {
			p, err := k.append(nil)
			require.NoError(t, err)
			got, err := parseAdded(wire.NewReader(p), true)
			require.NoError(t, err)
			require.Equal(t, &k, got)
			for i := range p {
				got, err := parseAdded(wire.NewReader(p[:i]), true)
				if err == nil { // where a constraint begins
					require.True(t, k.constrained() && !got.constrained() || len(got.Destinations) < len(k.Destinations), "%d of %d bytes", i, len(p))
				}
			}
			_, err = parseAdded(wire.NewReader(append(p, 0)), true)
			require.Error(t, err)
			if k.constrained() {
				_, err = parseAdded(wire.NewReader(p), false)
				require.Error(t, err, "constraints where there are none")
			}
		})
	}
}

// The lengths of keys and of their fields, in both directions.
func TestM2MalformedKeys(t *testing.T) { // G1, M2: CVE-2025-47914, CVE-2026-46598
	text := func(s string) []byte { return wire.AppendString(nil, s) }
	seed := bytes.Repeat([]byte{7}, 64)
	ed := func(public, private int) []byte {
		return bytes.Join([][]byte{text(hostkey.Ed25519), text(string(seed[:public])), text(string(seed[:private])), text("comment")}, nil)
	}
	good, err := (&AddedKey{Key: private(t, "ed25519")}).append(nil)
	require.NoError(t, err)
	certified := added(t)["ed25519 certified"]
	withCertificate, err := certified.append(nil)
	require.NoError(t, err)
	other, err := (&AddedKey{Key: private(t, "ed25519-other"), Certificate: certified.Certificate}).append(nil)
	require.NoError(t, err)
	nested := append(text(hostkey.CertificateName(hostkey.Ed25519)), text(string(testkeys.Ed25519().PublicKey().Marshal()))...)
	wrongType := append(text(hostkey.CertificateName(hostkey.RSA)), withCertificate[4+len(hostkey.CertificateName(hostkey.Ed25519)):]...)

	for _, test := range []struct {
		name string
		p    []byte
	}{
		{"M2 nothing", nil},
		{"G1 CVE-2026-46598 a public half of 0 bytes", ed(0, 64)},
		{"G1 CVE-2026-46598 a public half of 31 bytes", ed(31, 64)},
		{"G1 CVE-2026-46598 a private half of 0 bytes", ed(32, 0)},
		{"G1 CVE-2026-46598 a private half of 31 bytes", ed(32, 31)},
		{"G1 CVE-2026-46598 a private half of 32 bytes", ed(32, 32)},
		{"G1 CVE-2026-46598 a private half of 63 bytes", ed(32, 63)},
		{"G1 halves of different keys", ed(32, 64)},
		{"M2 DSA", append(text(hostkey.DSA), good...)},
		{"M2 an unknown kind", append(text("ssh-strange@example.com"), good...)},
		{"M2 a certificate of another key", other},
		{"M2 a certificate that is a key", nested},
		{"M2 a certificate of another type than the message says", wrongType},
		{"M3 a comment of 4 KiB and 1", append(good[:len(good)-4:len(good)-4], text(strings.Repeat("x", maxComment+1))...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := NewKeyring()
			c := serve(t, k)
			for _, n := range []number{addIdentity, addIDConstrained} {
				require.ErrorIs(t, c.do(t.Context(), "x", append(frame(n), test.p...)), ErrRefused)
			}
			keys, err := k.Keys(t.Context())
			require.NoError(t, err)
			require.Empty(t, keys)
		})
	}
}

// Constraints that cannot be enforced refuse the key, over the wire and not.
func TestM4ConstraintsFailClosed(t *testing.T) { // M4: CVE-2026-39832, CVE-2026-39833; M6
	good, err := (&AddedKey{Key: private(t, "ed25519")}).append(nil)
	require.NoError(t, err)
	text := func(s string) []byte { return wire.AppendString(nil, s) }
	extension := func(name string, contents []byte) []byte {
		return append(append([]byte{constrainExtension}, text(name)...), contents...)
	}
	list := func(destinations ...[]byte) []byte {
		return extension(restrictDestination, text(string(bytes.Join(destinations, nil))))
	}
	key := HopKey{testkeys.RSA2048().PublicKey(), false}
	one := func(d Destination) []byte { return d.append(nil) }
	hop := func(fields ...string) string {
		var b []byte
		for _, f := range fields {
			b = append(b, text(f)...)
		}
		return string(b)
	}
	to := here("a", key)
	goodHop := string(to.To.append(nil))
	many := make([][]byte, maxConstraints+1)
	for i := range many {
		many[i] = one(here("a", key))
	}
	certificate := certify(t, testkeys.RSA2048().PublicKey(), hostkey.Certificate{Kind: hostkey.HostCertificate, Principals: []string{"a"}})
	for _, test := range []struct {
		name       string
		constraint []byte
	}{
		{"M4 CVE-2026-39833 confirm, and nobody to ask", []byte{constrainConfirm}},
		{"M4 maxsign", []byte{3, 0, 0, 0, 1}},
		{"M4 an unknown number", []byte{77}},
		{"M4 CVE-2026-39832 an unknown extension", extension("nonesuch@example.com", nil)},
		{"M4 an extension without a name", []byte{constrainExtension}},
		{"M6 CVE-2023-38408 a provider of security keys", extension(securityKeyProvider, text("/usr/lib/evil.so"))},
		{"M6 the builtin provider", extension(securityKeyProvider, text("internal"))},
		{"M5 CVE-2023-51384 certificates of a token", extension("associated-certs-v00@openssh.com", []byte{0, 0, 0, 0, 0})},
		{"M8 a lifetime of 0", []byte{constrainLifetime, 0, 0, 0, 0}},
		{"M8 a lifetime that is cut off", []byte{constrainLifetime, 0, 0, 0}},
		{"M8 two lifetimes", []byte{constrainLifetime, 0, 0, 0, 1, constrainLifetime, 0, 0, 0, 2}},
		{"M4 no destination", list()},
		{"M4 destinations twice", append(list(one(to)), list(one(to))...)},
		{"M3 65 destinations", list(many...)},
		{"M4 a destination that is cut off", list(one(to)[:20])},
		{"M4 a destination without keys", list(one(here("a")))},
		{"M4 a destination without a name", list(one(here("", key)))},
		{"M4 one that begins at keys without a name", list(one(Destination{From: Hop{Keys: []HopKey{key}}, To: to.To}))},
		{"M4 one that begins at a name without keys", list(one(Destination{From: Hop{Host: "b"}, To: to.To}))},
		{"M4 one that begins with a user", list(one(Destination{From: Hop{User: "u"}, To: to.To}))},
		{"M4 an unknown field", list(text(hop(hop("", "", ""), goodHop, "x")))},
		{"M4 an unknown field of a hop", list(text(hop(hop("", "", ""), hop("", "a", "x")+goodHop[12+1:], "")))},
		{"M4 a certificate where a key belongs", list(one(here("a", HopKey{certificate, true})))},
		{"M4 a key that is none", list(text(hop(hop("", "", ""), hop("", "a", "", "key")+"\x00", "")))},
		{"M10 a pattern of 257 characters", list(one(Destination{To: Hop{User: strings.Repeat("*", maxPattern+1), Host: "a", Keys: []HopKey{key}}}))},
		{"M3 a name of 1025 characters", list(one(here(strings.Repeat("x", maxHost+1), key)))},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := NewKeyring()
			c := serve(t, k)
			require.ErrorIs(t, c.do(t.Context(), "x", append(append(frame(addIDConstrained), good...), test.constraint...)), ErrRefused)
			keys, err := k.Keys(t.Context())
			require.NoError(t, err)
			require.Empty(t, keys)
		})
	}
	k := NewKeyring()
	ok := append(append(frame(addIDConstrained), good...), list(one(to))...)
	require.NoError(t, serve(t, k).do(t.Context(), "x", ok), "the rest of these messages is right")
}

// The same, said in Go.
func TestKeyringRefuses(t *testing.T) {
	key := private(t, "ed25519")
	hop := []HopKey{{testkeys.RSA2048().PublicKey(), false}}
	many := make([]Destination, maxConstraints+1)
	for i := range many {
		many[i] = here("a", hop...)
	}
	for _, test := range []struct {
		name string
		key  AddedKey
		want any
	}{
		{"nothing", AddedKey{}, nil},
		{"both", AddedKey{Key: key, Signer: testkeys.Ed25519()}, nil},
		{"a security key", AddedKey{Signer: deviceKey()}, new(*hostkey.DeviceError)},
		{"a security key of a file", AddedKey{Signer: &hostkey.PrivateKey{Signer: deviceKey()}}, new(*hostkey.DeviceError)},
		{"M3 a comment of 4 KiB and 1", AddedKey{Key: key, Comment: strings.Repeat("x", maxComment+1)}, nil},
		{"a certificate of another key", AddedKey{Key: private(t, "ed25519-other"), Certificate: added(t)["ed25519 certified"].Certificate}, nil},
		{"M4 CVE-2026-39833 confirm, and nobody to ask", AddedKey{Key: key, Confirm: true}, new(*ConstraintError)},
		{"M8 a negative lifetime", AddedKey{Key: key, Lifetime: -1}, new(*ConstraintError)},
		{"M8 a lifetime of 2^32 seconds", AddedKey{Key: key, Lifetime: 1 << 32 * time.Second}, new(*ConstraintError)},
		{"M4 a destination that is none", AddedKey{Key: key, Destinations: []Destination{{}}}, new(*ConstraintError)},
		{"M4 a destination with a key that is nil", AddedKey{Key: key, Destinations: []Destination{here("a", HopKey{})}}, new(*ConstraintError)},
		{"M3 65 destinations", AddedKey{Key: key, Destinations: many}, new(*ConstraintError)},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := NewKeyring()
			err := k.Add(t.Context(), test.key)
			require.Error(t, err)
			if test.want != nil {
				require.ErrorAs(t, err, test.want)
			}
			keys, err := k.Keys(t.Context())
			require.NoError(t, err)
			require.Empty(t, keys)
		})
	}
}

// What does not go over the wire says so before it does.
func TestClientRefusesToAdd(t *testing.T) {
	key := private(t, "ed25519")
	for name, k := range map[string]AddedKey{
		"nothing":                         {},
		"a Signer":                        {Signer: testkeys.Ed25519()},
		"a certificate of another":        {Key: key, Certificate: added(t)["rsa2048 certified"].Certificate},
		"a certificate of a security key": {Signer: deviceKey(), Certificate: added(t)["ed25519 certified"].Certificate},
		"M8 a negative lifetime":          {Key: key, Lifetime: -time.Second},
		"M4 no destination":               {Key: key, Destinations: []Destination{{}}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, answerWith(t).Add(t.Context(), k))
		})
	}
}

// A key of a file goes over the wire, and one on a device with what it needs.
func TestKeysOfFiles(t *testing.T) {
	key := private(t, "ed25519")
	file := AddedKey{Signer: &hostkey.PrivateKey{Signer: testkeys.Ed25519(), Key: key}}
	plain := AddedKey{Key: key}
	want, err := plain.append(nil)
	require.NoError(t, err)
	got, err := file.append(nil)
	require.NoError(t, err)
	require.Equal(t, want, got)

	device := AddedKey{Signer: &hostkey.PrivateKey{Signer: deviceKey()}, Comment: "sk"}
	require.True(t, device.constrained())
	p, err := device.append(nil)
	require.NoError(t, err)
	r := wire.NewReader(p)
	read, err := hostkey.ReadPrivateKey(&r)
	require.NoError(t, err)
	require.Equal(t, deviceKey().Handle, read.Signer.(*hostkey.DeviceKey).Handle)
	require.Equal(t, "sk", r.Text())
	require.Equal(t, byte(constrainExtension), r.Byte())
	require.Equal(t, securityKeyProvider, r.Text())
	require.Equal(t, builtinProvider, r.Text())
	require.NoError(t, r.End())
}

func TestLifetimeIsRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]uint32{1: 1, time.Second: 1, time.Second + 1: 2, (1<<32 - 1) * time.Second: 1<<32 - 1} {
		got, err := lifetime(d)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}
