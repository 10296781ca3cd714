package userauth

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// byKey gives each key permissions of its own.
func byKey(names map[hostkey.Signer]string) Check {
	return CheckPublicKey(func(_ context.Context, _ *Attempt, key hostkey.PublicKey) (Decision, error) {
		for s, name := range names {
			if bytes.Equal(s.PublicKey().Marshal(), key.Marshal()) {
				return Accept(&Permissions{Extensions: map[string]string{"name": name}}), nil
			}
		}
		return Decision{}, nil
	})
}

// What was said of a key that was only asked about never becomes the identity
// (attack H1, CVE-2024-45337, CVE-2024-28080).
func TestH1QueriedKeyIsNotTheIdentity(t *testing.T) {
	root, user := keyA(), keyB()
	check := byKey(map[hostkey.Signer]string{root: "root", user: "user"})

	o := serve(t, &Server{Checks: []Check{check}}, queryOf("alice", user), queryOf("alice", root), signedBy(t, "alice", user))
	require.Equal(t, map[string]string{"name": "user"}, o.grant.Permissions.Extensions)

	o = serve(t, &Server{Checks: []Check{check, onlyPassword("alice", "right")}},
		queryOf("alice", root), passwordOf("alice", "right"))
	require.Nil(t, o.grant.Permissions)
	require.Equal(t, []string{"password"}, o.grant.Methods)

	o = serve(t, &Server{Checks: []Check{check}}, queryOf("alice", root), queryOf("alice", root))
	require.Nil(t, o.grant, "questions alone let nobody in")

	forged := signing{signer: user, user: "alice", signedKey: root.PublicKey().Marshal()}
	o = serve(t, &Server{Checks: []Check{check}}, queryOf("alice", root), forged.request(t))
	require.Nil(t, o.grant)
}

// The decision on the question does not count, whatever it was (attack H1).
func TestH1EachRequestIsDecidedAgain(t *testing.T) {
	calls := 0
	fickle := CheckPublicKey(func(context.Context, *Attempt, hostkey.PublicKey) (Decision, error) {
		if calls++; calls == 1 {
			return Accept(nil), nil
		}
		return Decision{}, nil
	})
	o := serve(t, &Server{Checks: []Check{fickle}}, queryOf("alice", keyA()), signedBy(t, "alice", keyA()))
	require.Nil(t, o.grant)
	require.Equal(t, 2, calls)
}

// Emptiness proves nothing, and a key is a key, not a name (attack H8,
// CVE-2026-40884, CVE-2025-27414, CVE-2025-4658, CVE-2024-5806).
func TestH8EmptyAndStrange(t *testing.T) {
	keys := CheckPublicKey(func(context.Context, *Attempt, hostkey.PublicKey) (Decision, error) {
		t.Error("the check was asked about a key that is none")
		return Accept(nil), nil
	})
	both := failureOf("publickey", "password")
	for name, p := range map[string][]byte{
		"no user":     passwordOf("", "right"),
		"no password": passwordOf("alice", ""),
		"no key":      requestOf("alice", "publickey", (&wire.PublicKeyFields{Algorithm: "ssh-ed25519"}).Append(nil)),
		"a path for a key": requestOf("alice", "publickey",
			(&wire.PublicKeyFields{Algorithm: "ssh-ed25519", Key: []byte(`\\host\share\key`)}).Append(nil)),
		"a path for a key, signed": requestOf("alice", "publickey",
			(&wire.PublicKeyFields{Signed: true, Algorithm: "ssh-rsa", Key: []byte("/etc/passwd"), Signature: []byte("x")}).Append(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			o := serve(t, &Server{Checks: []Check{keys, untouchable(t)}}, p)
			require.Equal(t, [][]byte{both}, o.conn.out)
		})
	}
}

// A key that cannot be read costs an attempt, not the connection (attack H9).
func TestH9UnreadableKey(t *testing.T) {
	blob := keyA().PublicKey().Marshal()
	s := &Server{Checks: []Check{onlyKey("alice", keyA())}, MaxTries: 100}
	for name, key := range map[string][]byte{
		"empty":          {},
		"truncated":      blob[:len(blob)-1],
		"trailing bytes": append(bytes.Clone(blob), 0),
		"unknown format": wire.AppendString(nil, "ssh-unknown"),
	} {
		for _, sign := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, signed %v", name, sign), func(t *testing.T) {
				m := wire.PublicKeyFields{Signed: sign, Algorithm: "ssh-ed25519", Key: key, Signature: []byte("x")}
				o := serve(t, s, requestOf("alice", "publickey", m.Append(nil)), signedBy(t, "alice", keyA()))
				require.NotNil(t, o.grant)
				require.Equal(t, [][]byte{failureOf("publickey"), success()}, o.conn.out)
			})
		}
	}
}

// A signature counts for what it was made for, and only that (attack H18, G6).
func TestH18SignatureReplay(t *testing.T) {
	rsa := testkeys.RSA2048()
	anyone := CheckPublicKey(func(context.Context, *Attempt, hostkey.PublicKey) (Decision, error) { return Accept(nil), nil })
	ed := func(g signing) signing { g.signer, g.user = keyA(), "alice"; return g }
	for name, g := range map[string]signing{
		"another session":                     ed(signing{session: []byte("another")}),
		"session with bytes after it":         ed(signing{session: append(bytes.Clone(session), 0)}),
		"another user":                        ed(signing{signedUser: "bob"}),
		"another service":                     ed(signing{signedService: "ssh-userauth"}),
		"another method":                      ed(signing{signedMethod: "hostbased"}),
		"another algorithm":                   ed(signing{signedAlgorithm: "rsa-sha2-512"}),
		"another key":                         ed(signing{signedKey: keyB().PublicKey().Marshal()}),
		"G6: an algorithm of another key":     ed(signing{algorithm: "rsa-sha2-512"}),
		"G6: an algorithm nobody knows":       ed(signing{algorithm: "x"}),
		"G6: another algorithm in signature":  ed(signing{signatureAlgorithm: "rsa-sha2-512"}),
		"G6: SHA-256 for SHA-512":             {signer: rsa, user: "alice", algorithm: "rsa-sha2-512", makeWith: "rsa-sha2-256"},
		"G6: SHA-256 in the name of SHA-512":  {signer: rsa, user: "alice", algorithm: "rsa-sha2-512", makeWith: "rsa-sha2-256", signatureAlgorithm: "rsa-sha2-512"},
		"G6: SHA-1":                           {signer: rsa, user: "alice", algorithm: "ssh-rsa"},
		"G6: SHA-1 in signature":              {signer: rsa, user: "alice", signatureAlgorithm: "ssh-rsa"},
		"G5: another curve":                   {signer: keyC(), user: "alice", algorithm: "ecdsa-sha2-nistp384"},
		"a bit flipped":                       ed(signing{tamper: func(b []byte) []byte { b[len(b)-1] ^= 1; return b }}),
		"no signature":                        ed(signing{tamper: func([]byte) []byte { return nil }}),
		"truncated signature":                 ed(signing{tamper: func(b []byte) []byte { return b[:len(b)-1] }}),
		"bytes after the signature":           ed(signing{tamper: func(b []byte) []byte { return append(b, 0) }}),
		"signature that says it is elsewhere": ed(signing{tamper: func(b []byte) []byte { return b[:10] }}),
	} {
		t.Run(name, func(t *testing.T) {
			o := serve(t, &Server{Checks: []Check{anyone}}, g.request(t))
			require.Equal(t, [][]byte{failureOf("publickey")}, o.conn.out)
		})
	}
	require.NotNil(t, serve(t, &Server{Checks: []Check{anyone}}, ed(signing{}).request(t)).grant, "the honest one")
}

// G5, G6: a key would not do with an algorithm that is not its own, nor with
// SHA-1, and the client learns so before it signs.
func TestG6QueriedAlgorithm(t *testing.T) {
	anyone := CheckPublicKey(func(context.Context, *Attempt, hostkey.PublicKey) (Decision, error) { return Accept(nil), nil })
	for _, tt := range []struct {
		signer    hostkey.Signer
		algorithm string
		ok        bool
	}{
		{keyA(), "ssh-ed25519", true},
		{keyA(), "rsa-sha2-512", false},
		{keyA(), "ecdsa-sha2-nistp256", false},
		{keyA(), "", false},
		{keyC(), "ecdsa-sha2-nistp256", true},
		{keyC(), "ecdsa-sha2-nistp384", false},
		{testkeys.RSA2048(), "rsa-sha2-256", true},
		{testkeys.RSA2048(), "rsa-sha2-512", true},
		{testkeys.RSA2048(), "ssh-rsa", false},
		{testkeys.RSA2048(), "ssh-dss", false},
	} {
		key := tt.signer.PublicKey().Marshal()
		query := requestOf("alice", "publickey", (&wire.PublicKeyFields{Algorithm: tt.algorithm, Key: key}).Append(nil))
		want := failureOf("publickey")
		if tt.ok {
			want = (&wire.UserauthPKOK{Algorithm: tt.algorithm, Key: key}).Append(nil)
		}
		o := serve(t, &Server{Checks: []Check{anyone}}, query)
		require.Equal(t, [][]byte{want}, o.conn.out, tt.algorithm)
	}
}

func TestH18OnlyAlgorithmsTaken(t *testing.T) {
	rsa := testkeys.RSA2048()
	s := &Server{Checks: []Check{onlyKey("alice", rsa)}, Delay: -1}
	for algorithm, want := range map[string]bool{"rsa-sha2-256": true, "rsa-sha2-512": false} {
		conn := &script{in: [][]byte{signing{signer: rsa, user: "alice", algorithm: algorithm, makeWith: algorithm}.request(t)}}
		grant, _ := s.Authenticate(t.Context(), conn, Binding{SessionID: session, Algorithms: []string{"rsa-sha2-256"}})
		require.Equal(t, want, grant != nil, algorithm)
	}
	conn := &script{in: [][]byte{signedBy(t, "alice", rsa)}}
	grant, _ := s.Authenticate(t.Context(), conn, Binding{SessionID: session, Algorithms: []string{}})
	require.Nil(t, grant)
	grant, _ = s.Authenticate(t.Context(), &script{in: [][]byte{signing{signer: rsa, user: "alice", session: []byte{}}.request(t)}}, Binding{})
	require.Nil(t, grant, "no session, no signature")
}
