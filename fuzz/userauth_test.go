package fuzz_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

var userauthSession = []byte("session identifier")

// A userauthList is a Conn that reads a fuzzer's packets: each a length of two
// bytes, then as many bytes as there are of it.
type userauthList struct {
	rest  []byte
	last  []byte // the packet last read
	wrote [][]byte
	ended int // reads after the end
}

func userauthPackets(list ...[]byte) []byte {
	var b []byte
	for _, p := range list {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
	}
	return b
}

func (l *userauthList) ReadPacket() ([]byte, error) {
	if len(l.rest) < 2 {
		l.ended++
		return nil, io.EOF
	}
	n := min(int(binary.BigEndian.Uint16(l.rest)), len(l.rest)-2)
	l.last, l.rest = l.rest[2:2+n:2+n], l.rest[2+n:]
	return bytes.Clone(l.last), nil
}

func (l *userauthList) WritePacket(parts ...[]byte) error {
	l.wrote = append(l.wrote, bytes.Join(parts, nil))
	return nil
}

func (l *userauthList) Unimplemented() error { return l.WritePacket([]byte{3, 0, 0, 0, 0}) }

// userauthData is what a "publickey" request signs (RFC 4252, section 7).
func userauthData(r wire.UserauthRequest, m wire.PublicKeyFields) []byte {
	data := wire.AppendString(nil, userauthSession)
	data = wire.AppendString(append(data, 50), r.User)
	data = wire.AppendString(data, r.Service)
	data = wire.AppendString(data, "publickey")
	data = wire.AppendString(append(data, 1), m.Algorithm)
	return wire.AppendString(data, m.Key)
}

// proves reports whether a packet is by itself enough to let alice in.
func proves(p []byte, key hostkey.PublicKey, password string) bool {
	r, err := wire.ParseUserauthRequest(p)
	if err != nil || r.User != "alice" || r.Service != "ssh-connection" {
		return false
	}
	switch r.Method {
	case "password":
		m, err := wire.ParsePasswordFields(r.Fields)
		return err == nil && !m.Change && m.Password == password
	case "publickey":
		m, err := wire.ParsePublicKeyFields(r.Fields)
		if err != nil || !m.Signed || !bytes.Equal(m.Key, key.Marshal()) {
			return false
		}
		sig, err := hostkey.ParseSignature(m.Signature)
		return err == nil && sig.Algorithm == m.Algorithm && key.Verify(userauthData(r, m), sig) == nil
	}
	return false
}

func userauthRequest(user, method string, fields []byte) []byte {
	m := wire.UserauthRequest{User: user, Service: "ssh-connection", Method: method, Fields: fields}
	return m.Append(nil)
}

func userauthKey(f *testing.F, s hostkey.Signer, sign bool) []byte {
	r := wire.UserauthRequest{User: "alice", Service: "ssh-connection"}
	m := wire.PublicKeyFields{Algorithm: s.Algorithms()[0], Key: s.PublicKey().Marshal(), Signed: sign}
	if sign {
		sig, err := s.Sign(f.Context(), m.Algorithm, userauthData(r, m))
		require.NoError(f, err)
		m.Signature = sig.Append(nil)
	}
	return userauthRequest("alice", "publickey", m.Append(nil))
}

// FuzzUserauthServer has a server read anything. Nobody is let in without a
// proof in the very last packet read, and the dialogue ends.
func FuzzUserauthServer(f *testing.F) {
	good, bad := testkeys.Ed25519(), testkeys.Ed25519Other()
	right := userauthRequest("alice", "password", (&wire.PasswordFields{Password: "right"}).Append(nil))
	wrong := userauthRequest("alice", "password", (&wire.PasswordFields{Password: "wrong"}).Append(nil))
	none := userauthRequest("alice", "none", nil)
	f.Add(userauthPackets(right))
	f.Add(userauthPackets(none, wrong, right))
	f.Add(userauthPackets(userauthKey(f, good, true)))
	f.Add(userauthPackets(none, userauthKey(f, bad, false), userauthKey(f, good, false), userauthKey(f, good, true)))
	f.Add(userauthPackets(userauthKey(f, good, false), userauthKey(f, bad, true)))
	f.Add(userauthPackets(userauthRequest("bob", "password", (&wire.PasswordFields{Password: "right"}).Append(nil)), []byte{61}, []byte{90}))
	f.Add(userauthPackets([]byte{52}, []byte{200}, []byte{}))
	f.Fuzz(func(t *testing.T, list []byte) {
		conn := &userauthList{rest: list}
		grant, err := alicesServer(good.PublicKey()).Authenticate(t.Context(), conn, userauth.Binding{SessionID: userauthSession})
		require.LessOrEqual(t, conn.ended, 1)
		require.LessOrEqual(t, len(conn.wrote), 128+64)
		let := len(conn.wrote) > 0 && conn.wrote[len(conn.wrote)-1][0] == byte(wire.NumberUserauthSuccess)
		require.Equal(t, let, grant != nil)
		require.Equal(t, let, err == nil)
		if let {
			require.Equal(t, "alice", grant.User)
			require.Equal(t, "ssh-connection", grant.Service)
			require.True(t, proves(conn.last, good.PublicKey(), "right"))
		}
	})
}

func alicesServer(key hostkey.PublicKey) *userauth.Server {
	decide := func(a *userauth.Attempt, ok bool) (userauth.Decision, error) {
		switch {
		case a.User != "alice":
			return userauth.Decision{}, errors.New("no such user")
		case ok:
			return userauth.Accept(nil), nil
		}
		return userauth.Decision{}, nil
	}
	return &userauth.Server{Delay: -1, Checks: []userauth.Check{
		userauth.CheckPublicKey(func(_ context.Context, a *userauth.Attempt, k hostkey.PublicKey) (userauth.Decision, error) {
			return decide(a, bytes.Equal(k.Marshal(), key.Marshal()))
		}),
		userauth.CheckPassword(func(_ context.Context, a *userauth.Attempt, p string) (userauth.Decision, error) {
			return decide(a, p == "right")
		}),
		userauth.CheckNone(func(_ context.Context, a *userauth.Attempt) (userauth.Decision, error) {
			return decide(a, false)
		}),
	}}
}

// FuzzUserauthClient has a client read anything. It takes nothing but
// SSH_MSG_USERAUTH_SUCCESS in answer to a proof for success, and the dialogue
// ends.
func FuzzUserauthClient(f *testing.F) {
	a, b := testkeys.Ed25519(), testkeys.Ed25519Other()
	success := (&wire.UserauthSuccess{}).Append(nil)
	refuse := (&wire.UserauthFailure{Continue: []string{"publickey", "password"}}).Append(nil)
	partial := (&wire.UserauthFailure{Continue: []string{"publickey", "password"}, Partial: true}).Append(nil)
	banner := (&wire.UserauthBanner{Message: "hello"}).Append(nil)
	change := (&wire.UserauthPasswdChangeReq{Prompt: "new password"}).Append(nil)
	ok := func(s hostkey.Signer) []byte {
		return (&wire.UserauthPKOK{Algorithm: s.Algorithms()[0], Key: s.PublicKey().Marshal()}).Append(nil)
	}
	f.Add(userauthPackets(banner, ok(a), success))
	f.Add(userauthPackets(refuse, ok(b), partial, ok(a), refuse, success))
	f.Add(userauthPackets(refuse, refuse, change))
	f.Add(userauthPackets(ok(a), partial, success))
	f.Add(userauthPackets(success))
	f.Add(userauthPackets([]byte{60}, []byte{200}, []byte{90}))
	f.Fuzz(func(t *testing.T, list []byte) {
		conn := &userauthList{rest: list}
		shown := 0
		client := &userauth.Client{
			User: "alice",
			Methods: []userauth.Method{
				userauth.PublicKey(a, b),
				userauth.Password(func(context.Context) (string, error) { return "secret", nil }),
			},
			Banner: func(message string) { shown += len(message) },
		}
		err := client.Authenticate(t.Context(), conn, userauth.Binding{SessionID: userauthSession})
		require.LessOrEqual(t, conn.ended, 1)
		require.LessOrEqual(t, len(conn.wrote), 64+64)
		require.LessOrEqual(t, shown, 64<<10)
		if err != nil {
			return
		}
		require.Equal(t, success, conn.last)
		require.True(t, proofSent(conn.wrote), "success was taken for an answer to something that proves nothing")
	})
}

// proofSent reports whether the last request written proves something.
func proofSent(wrote [][]byte) bool {
	for i := len(wrote) - 1; i >= 0; i-- {
		r, err := wire.ParseUserauthRequest(wrote[i])
		if err != nil {
			continue // SSH_MSG_UNIMPLEMENTED
		}
		m, err := wire.ParsePublicKeyFields(r.Fields)
		return r.Method == "password" || r.Method == "publickey" && err == nil && m.Signed
	}
	return false
}
