package agent

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/pattern"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// Hosts of these tests: each has one key.
var hosts = map[string]hostkey.Signer{
	"a": testkeys.ECDSA256(), "b": testkeys.ECDSA384(), "c": testkeys.ECDSA521(), "evil": testkeys.RSA2048(),
}

func hop(name string) Hop {
	return Hop{Host: name, Keys: []HopKey{{hosts[name].PublicKey(), false}}}
}

// step returns the destination that ssh-add -h has as "b" or "a>b".
func step(text string) Destination {
	from, to, ok := strings.Cut(text, ">")
	if !ok {
		from, to = "", text
	}
	d := Destination{}
	if from != "" {
		d.From = hop(from)
	}
	if user, host, ok := strings.Cut(to, "@"); ok {
		d.To = hop(host)
		d.To.User = user
	} else {
		d.To = hop(to)
	}
	return d
}

// A visit is a session with a host.
type visit struct {
	host hostkey.Signer
	id   []byte
}

func newVisit(host hostkey.Signer) visit {
	v := visit{host: host, id: make([]byte, 32)}
	rand.Read(v.id)
	return v
}

func (v visit) binding(t *testing.T, forwarded bool) Binding {
	sig, err := v.host.Sign(t.Context(), v.host.Algorithms()[0], v.id)
	require.NoError(t, err)
	return Binding{HostKey: v.host.PublicKey(), SessionID: v.id, Signature: sig.Append(nil), Forwarded: forwarded}
}

// login returns what is signed to log in as user, bound to the host or not.
func (v visit) login(user string, key hostkey.PublicKey, bound bool) []byte {
	method := "publickey"
	if bound {
		method = "publickey-hostbound-v00@openssh.com"
	}
	m := wire.UserauthRequest{User: user, Service: "ssh-connection", Method: method}
	b := m.Append(wire.AppendString(nil, v.id))
	b = wire.AppendString(wire.AppendBool(b, true), hostkey.Algorithms(key.Type())[0])
	b = wire.AppendString(b, key.Marshal())
	if bound {
		b = wire.AppendString(b, v.host.PublicKey().Marshal())
	}
	return b
}

// Where a key may go, over connections to an agent and in Go.
func TestDestinations(t *testing.T) {
	for _, test := range []struct {
		may   string // as ssh-add -h has it
		way   string // hosts the agent was forwarded over, and the one to log in to
		user  string
		signs bool
	}{
		{"b", "b", "u", true},
		{"b", "a", "u", false},
		{"a b", "b", "u", true},
		{"u@b", "b", "u", true},
		{"u@b", "b", "other", false},
		{"u*@b", "b", "user", true},
		{"?@b", "b", "user", false},
		{"a", "a b", "u", false},
		{"a a>b", "a b", "u", true},
		{"a a>b", "a", "u", true},
		{"a a>b", "b", "u", false},
		{"a>b", "a b", "u", false}, // nobody gets to a
		{"a a>b", "a c", "u", false},
		{"a a>b", "c b", "u", false},
		{"a a>b", "a b c", "u", false},
		{"a a>b b>c", "a b c", "u", true},
		{"a a>b b>c", "a c", "u", false},
		{"a a>u@b", "a b", "u", true},
		{"a a>u@b", "a b", "other", false},
		{"u@a a>b", "a b", "other", true}, // who one is on the way is not known
		{"a>b", "b", "u", false},
		{"a a>a", "a a", "u", true},
	} {
		for name, connect := range map[string]func(*Keyring) Binder{
			"session": func(k *Keyring) Binder { return k.Connect() },
			"client":  func(k *Keyring) Binder { return serve(t, k) },
		} {
			t.Run(fmt.Sprintf("M4 %s/%s/%s %s", name, test.may, test.way, test.user), func(t *testing.T) {
				k := NewKeyring()
				key := AddedKey{Key: private(t, "ed25519")}
				for _, may := range strings.Fields(test.may) {
					key.Destinations = append(key.Destinations, step(may))
				}
				require.NoError(t, k.Add(t.Context(), key))
				public := testkeys.Ed25519().PublicKey()
				s := connect(k)
				var last visit
				hops := strings.Fields(test.way)
				for i, host := range hops {
					last = newVisit(hosts[host])
					require.NoError(t, s.Bind(t.Context(), last.binding(t, i < len(hops)-1)))
				}
				keys, err := s.Keys(t.Context())
				require.NoError(t, err)
				if test.signs {
					require.Len(t, keys, 1)
				}
				_, err = s.Sign(t.Context(), public, hostkey.Ed25519, last.login(test.user, public, true))
				require.Equal(t, test.signs, err == nil, "%v", err)
				// Without the host's name it is good from here only.
				_, err = s.Sign(t.Context(), public, hostkey.Ed25519, last.login(test.user, public, false))
				require.Equal(t, test.signs && len(hops) == 1, err == nil, "%v", err)
			})
		}
	}
}

// A key is not seen where it cannot be used, and cannot be touched there.
func TestM5HiddenKeys(t *testing.T) { // M5
	k := NewKeyring()
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519"), Comment: "to a", Destinations: []Destination{step("a")}}))
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ecdsa256"), Comment: "over a to b", Destinations: []Destination{step("a"), step("a>b")}}))
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "rsa2048"), Comment: "anywhere"}))
	require.Len(t, list(t, k), 3, "here they are seen")

	login := k.Connect()
	require.NoError(t, login.Bind(t.Context(), newVisit(hosts["a"]).binding(t, false)))
	require.Equal(t, []string{"to a", "over a to b", "anywhere"}, list(t, login))

	lent := k.Connect()
	require.NoError(t, lent.Bind(t.Context(), newVisit(hosts["a"]).binding(t, true)))
	require.Equal(t, []string{"over a to b", "anywhere"}, list(t, lent), "of no use beyond a")
	require.ErrorIs(t, lent.Remove(t.Context(), testkeys.Ed25519().PublicKey()), ErrUnknownKey)
	require.ErrorIs(t, lent.Add(t.Context(), AddedKey{Key: private(t, "ed25519")}), ErrUnknownKey, "without its constraints")
	require.NoError(t, lent.RemoveAll(t.Context()))
	require.Equal(t, []string{"to a"}, list(t, k), "what is not seen stays")

	elsewhere := k.Connect()
	require.NoError(t, elsewhere.Bind(t.Context(), newVisit(hosts["c"]).binding(t, false)))
	require.Empty(t, list(t, elsewhere))
}

// What a restricted key does not sign.
func TestM4RestrictedSignatures(t *testing.T) { // M4, M5
	public := testkeys.Ed25519().PublicKey()
	key := AddedKey{Key: private(t, "ed25519"), Destinations: []Destination{step("a"), step("a>b")}}
	a, b := newVisit(hosts["a"]), newVisit(hosts["b"])
	change := func(p []byte, from, to string) []byte { return []byte(strings.Replace(string(p), from, to, 1)) }
	for _, test := range []struct {
		name string
		way  []Binding
		data []byte
		want string
	}{
		{"M4 over a connection that is bound to nothing", nil, a.login("u", public, true), "bound to none"},
		{"M4 what is no request", []Binding{a.binding(t, false)}, []byte("data"), "no request"},
		{"M4 SSHSIG", []Binding{a.binding(t, false)}, []byte("SSHSIG\x00\x00\x00\x04file\x00\x00\x00\x00\x00\x00\x00\x06sha512\x00\x00\x00\x00"), "no request"},
		{"M4 a request with another key", []Binding{a.binding(t, false)}, a.login("u", testkeys.Ed25519Other().PublicKey(), true), "no request"},
		{"M4 for another service", []Binding{a.binding(t, false)}, change(a.login("u", public, true), "ssh-connection", "ssh-cOnnection"), "no request"},
		{"M4 by another method", []Binding{a.binding(t, false)}, change(a.login("u", public, false), "publickey", "hostbased"), "no request"},
		{"M4 with something behind it", []Binding{a.binding(t, false)}, append(a.login("u", public, true), 0), "no request"},
		{"M4 that is cut off", []Binding{a.binding(t, false)}, a.login("u", public, true)[:100], "no request"},
		{"M10 as a user of 64 KiB", []Binding{a.binding(t, false)}, a.login(strings.Repeat("x", 64<<10), public, true), "no request"},
		{"M7 for another session", []Binding{a.binding(t, false)}, newVisit(hosts["a"]).login("u", public, true), "another session"},
		{"M7 for a session before the last", []Binding{a.binding(t, true), b.binding(t, false)}, a.login("u", public, true), "another session"},
		{"M7 over a connection that is lent", []Binding{a.binding(t, true)}, a.login("u", public, true), "to be lent"},
		{"M7 by a host that the request does not name", []Binding{a.binding(t, true), b.binding(t, false)}, b.login("u", public, false), "does not say which"},
		{"M7 for a host that does not have the session", []Binding{a.binding(t, false)}, visit{hosts["b"], a.id}.login("u", public, true), "another host"},
		{"M4 nowhere it may go", []Binding{b.binding(t, false)}, b.login("u", public, true), "none of those"},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := NewKeyring()
			require.NoError(t, k.Add(t.Context(), key))
			s := k.Connect()
			for _, b := range test.way {
				require.NoError(t, s.Bind(t.Context(), b))
			}
			_, err := s.Sign(t.Context(), public, hostkey.Ed25519, test.data)
			require.ErrorAs(t, err, new(*UseError))
			require.ErrorContains(t, err, test.want)
		})
	}
}

// Bindings that are refused, and leave a mark all the same.
func TestM5Bind(t *testing.T) { // M5
	a, b := newVisit(hosts["a"]), newVisit(hosts["b"])
	good := a.binding(t, true)
	forged, other, long, none := good, good, good, good
	forged.Signature = newVisit(hosts["a"]).binding(t, true).Signature
	other.HostKey = hosts["b"].PublicKey()
	long.SessionID = make([]byte, maxSessionID+1)
	none.SessionID = nil
	stolen := visit{hosts["b"], a.id}.binding(t, true)
	sixteen := make([]Binding, maxBindings)
	for i := range sixteen {
		sixteen[i] = newVisit(hosts["a"]).binding(t, true)
	}
	sha1, err := hostkey.InsecureSHA1(testkeys.RSA2048())
	require.NoError(t, err)
	old := good
	old.HostKey = sha1.PublicKey()
	sig, err := sha1.Sign(t.Context(), hostkey.RSA, good.SessionID)
	require.NoError(t, err)
	old.Signature = sig.Append(nil)

	for _, test := range []struct {
		name   string
		before []Binding
		b      Binding
		fails  bool
	}{
		{"right", nil, good, false},
		{"the same again", []Binding{good}, good, false},
		{"another", []Binding{good}, b.binding(t, true), false},
		{"the same host again", []Binding{good}, newVisit(hosts["a"]).binding(t, false), false},
		{"nothing", nil, Binding{}, true},
		{"a signature of another session", nil, forged, true},
		{"another host key", nil, other, true},
		{"a signature over SHA-1", nil, old, true},
		{"no session", nil, none, true},
		{"too long a session", nil, long, true},
		{"after one to log in", []Binding{a.binding(t, false)}, b.binding(t, true), true},
		{"again, to log in as well", []Binding{good}, a.binding(t, false), true},
		{"the session of another host", []Binding{good}, stolen, true},
		{"the 17th", sixteen, good, true},
	} {
		for name, connect := range map[string]func(*Keyring) Binder{
			"session": func(k *Keyring) Binder { return k.Connect() },
			"client":  func(k *Keyring) Binder { return serve(t, k) },
		} {
			t.Run(fmt.Sprintf("M5 %s/%s", test.name, name), func(t *testing.T) {
				k := NewKeyring()
				require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519"), Destinations: []Destination{step("c")}}))
				s := connect(k)
				require.Len(t, list(t, s), 1)
				for _, b := range test.before {
					require.NoError(t, s.Bind(t.Context(), b))
				}
				err := s.Bind(t.Context(), test.b)
				require.Equal(t, test.fails, err != nil, "%v", err)
				if err != nil && name == "session" {
					require.ErrorAs(t, err, new(*BindingError))
				}
				if name == "session" || test.b.HostKey != nil { // which a client does not send without
					require.Empty(t, list(t, s), "it is not a local connection any more")
				}
			})
		}
	}
}

// Whatever was meant to be a binding, the connection is not local after it.
func TestMalformedBinding(t *testing.T) { // M5
	good := appendBinding(nil, newVisit(hosts["a"]).binding(t, true))
	for i := range good {
		k := NewKeyring()
		require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519"), Destinations: []Destination{step("a")}}))
		c := serve(t, k)
		_, err := c.Extension(t.Context(), sessionBind, good[:i])
		require.ErrorIs(t, err, ErrRefused)
		require.Empty(t, list(t, c))
	}
	c := serve(t, NewKeyring())
	_, err := c.Extension(t.Context(), sessionBind, append(good, 0))
	require.ErrorIs(t, err, ErrRefused)
	_, err = serve(t, plain{NewKeyring()}).Extension(t.Context(), sessionBind, good)
	require.ErrorIs(t, err, ErrUnsupported, "that agent cannot be bound")
}

// A locked agent takes bindings: who comes after it was unlocked is not taken
// for local.
func TestM5BindWhileLocked(t *testing.T) { // M5: CVE-2026-73281
	k := NewKeyring()
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519"), Destinations: []Destination{step("b")}}))
	require.NoError(t, k.Lock(t.Context(), []byte("x")))
	c := serve(t, k)
	require.NoError(t, c.Bind(t.Context(), newVisit(hosts["a"]).binding(t, true)), "M5 CVE-2026-73281")
	require.NoError(t, c.Unlock(t.Context(), []byte("x")))
	require.Empty(t, list(t, c))
	require.Len(t, list(t, k), 1)
}

// Hosts with certificates are known by their authority.
func TestDestinationsOfAuthorities(t *testing.T) {
	public := testkeys.Ed25519().PublicKey()
	authority := testkeys.Ed25519Other().PublicKey() // which certify asks
	now := uint64(time.Now().Unix())
	for _, test := range []struct {
		name string
		c    hostkey.Certificate
		ok   bool
	}{
		{"right", hostkey.Certificate{Kind: hostkey.HostCertificate, Principals: []string{"other", "a"}}, true},
		{"by a pattern", hostkey.Certificate{Kind: hostkey.HostCertificate, Principals: []string{"?"}}, true},
		{"J5 for another", hostkey.Certificate{Kind: hostkey.HostCertificate, Principals: []string{"b"}}, false},
		{"J2 CVE-2024-7594 for none", hostkey.Certificate{Kind: hostkey.HostCertificate}, false},
		{"J5 of a user", hostkey.Certificate{Kind: hostkey.UserCertificate, Principals: []string{"a"}}, false},
		{"J5 expired", hostkey.Certificate{Kind: hostkey.HostCertificate, Principals: []string{"a"}, ValidBefore: now}, false},
		{"J5 not yet valid", hostkey.Certificate{Kind: hostkey.HostCertificate, Principals: []string{"a"}, ValidAfter: now + 60}, false},
		{"J1 with a critical option", hostkey.Certificate{Kind: hostkey.HostCertificate, Principals: []string{"a"},
			CriticalOptions: []hostkey.CertificateOption{{Name: "x"}}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := certify(t, hosts["a"].PublicKey(), test.c)
			certified, err := hostkey.NewCertificateSigner(c, hosts["a"])
			require.NoError(t, err)
			k := NewKeyring()
			require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519"), Destinations: []Destination{here("a", HopKey{authority, true})}}))
			s := k.Connect()
			v := newVisit(certified)
			require.NoError(t, s.Bind(t.Context(), v.binding(t, false)))
			_, err = s.Sign(t.Context(), public, hostkey.Ed25519, v.login("u", public, true))
			require.Equal(t, test.ok, err == nil, "%v", err)

			bare := k.Connect()
			v = newVisit(hosts["a"])
			require.NoError(t, bare.Bind(t.Context(), v.binding(t, false)))
			_, err = bare.Sign(t.Context(), public, hostkey.Ed25519, v.login("u", public, true))
			require.Error(t, err, "it is the authority that is named")
		})
	}
}

// What somebody is asked to confirm says where it leads.
func TestUse(t *testing.T) {
	k := NewKeyring()
	var use Use
	k.Check = func(_ context.Context, u Use) error { use = u; return nil }
	public := testkeys.Ed25519().PublicKey()
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519"), Destinations: []Destination{step("a"), step("a>b")}}))
	s := k.Connect()
	require.NoError(t, s.Bind(t.Context(), newVisit(hosts["a"]).binding(t, true)))
	v := newVisit(hosts["b"])
	require.NoError(t, s.Bind(t.Context(), v.binding(t, false)))
	_, err := s.Sign(t.Context(), public, hostkey.Ed25519, v.login("u", public, true))
	require.NoError(t, err)
	require.Equal(t, []string{"u", "a", "b"}, []string{use.User, use.From, use.To})
}

// Patterns that take other matchers years.
func TestM10PatternsAreFast(t *testing.T) { // CVE-2026-0967
	begun := time.Now()
	require.False(t, pattern.Match(strings.Repeat("*", 1000)+"x", strings.Repeat("a", 64<<10)))
	require.False(t, pattern.Match(strings.Repeat("*a", maxPattern/2)+"b", strings.Repeat("a", maxUser)))
	require.False(t, pattern.Match("*"+strings.Repeat("a", maxPattern-2)+"b", strings.Repeat("a", maxUser)))
	require.Less(t, time.Since(begun), 250*time.Millisecond, "M10 CVE-2026-0967: milliseconds, if nobody else is about")
}
