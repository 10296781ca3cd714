package userauth

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

var (
	hostBlob  = keyC().PublicKey().Marshal()
	hostBound = Binding{SessionID: session, HostKey: hostBlob, HostBound: true}
)

// boundBy returns a request that is signed over host, and says it is over said.
func boundBy(t *testing.T, s hostkey.Signer, method string, host, said []byte) []byte {
	t.Helper()
	key := s.PublicKey().Marshal()
	// OpenSSH PROTOCOL, section 3.1, written out once more.
	data := append(wire.AppendString(nil, session), 50)
	for _, text := range []string{"alice", "ssh-connection", method} {
		data = wire.AppendString(data, text)
	}
	data = wire.AppendString(append(data, 1), s.Algorithms()[0])
	data = wire.AppendString(wire.AppendString(data, key), host)
	sig, err := s.Sign(t.Context(), s.Algorithms()[0], data)
	require.NoError(t, err)
	m := wire.HostBoundFields{
		PublicKeyFields: wire.PublicKeyFields{Signed: true, Algorithm: s.Algorithms()[0], Key: key, Signature: sig.Append(nil)}, HostKey: said,
	}
	return requestOf("alice", "publickey-hostbound-v00@openssh.com", m.Append(nil))
}

// A signature bound to a host key is worth nothing at another host (attack
// H18).
func TestH18HostBound(t *testing.T) {
	const method = "publickey-hostbound-v00@openssh.com"
	other := keyB().PublicKey().Marshal()
	question := wire.HostBoundFields{PublicKeyFields: wire.PublicKeyFields{Algorithm: "ssh-ed25519", Key: keyA().PublicKey().Marshal()}, HostKey: hostBlob}
	for _, tt := range []struct {
		name    string
		b       Binding
		request []byte
		answer  []byte
	}{
		{"right", hostBound, boundBy(t, keyA(), method, hostBlob, hostBlob), success()},
		{"for another host", hostBound, boundBy(t, keyA(), method, other, other), failureOf("publickey")},
		{"for another host, and says for this one", hostBound, boundBy(t, keyA(), method, other, hostBlob), failureOf("publickey")},
		{"for this host, and says for another", hostBound, boundBy(t, keyA(), method, hostBlob, other), failureOf("publickey")},
		{"for no host", hostBound, boundBy(t, keyA(), method, nil, nil), failureOf("publickey")},
		{"signed as an unbound request", hostBound, boundBy(t, keyA(), "publickey", hostBlob, hostBlob), failureOf("publickey")},
		{"a server that knows no host key", bound, boundBy(t, keyA(), method, nil, nil), failureOf("publickey")},
		{"another key", hostBound, boundBy(t, keyB(), method, hostBlob, hostBlob), failureOf("publickey")},
		{"a question", hostBound, requestOf("alice", method, question.Append(nil)), pkOK(keyA())},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var methods []string
			s := &Server{Checks: []Check{onlyKey("alice", keyA())}, Delay: -1, Report: func(_ context.Context, a *Attempt, _ error) {
				methods = append(methods, a.Method)
			}}
			conn := &script{in: [][]byte{tt.request}}
			grant, _ := s.Authenticate(t.Context(), conn, tt.b)
			require.Equal(t, [][]byte{tt.answer}, conn.out)
			require.Equal(t, tt.name == "right", grant != nil)
			if grant != nil {
				require.Equal(t, []string{"publickey"}, grant.Methods, "it is a form of publickey")
			}
			if tt.name != "a question" {
				require.Equal(t, []string{"publickey"}, methods)
			}
		})
	}
	t.Run("malformed", func(t *testing.T) {
		p := boundBy(t, keyA(), method, hostBlob, hostBlob)
		_, err := (&Server{Checks: []Check{onlyKey("alice", keyA())}}).Authenticate(t.Context(), &script{in: [][]byte{append(p, 0)}}, hostBound)
		var broken *ProtocolError
		require.ErrorAs(t, err, &broken)
	})
	t.Run("a key passes once, in either form", func(t *testing.T) {
		s := &Server{Checks: []Check{onlyKey("alice", keyA())}, Chains: [][]string{{"publickey", "publickey"}}, Delay: -1}
		conn := &script{in: [][]byte{boundBy(t, keyA(), method, hostBlob, hostBlob), signedBy(t, "alice", keyA())}}
		grant, _ := s.Authenticate(t.Context(), conn, hostBound)
		require.Nil(t, grant)
		require.Equal(t, [][]byte{partialOf("publickey"), failureOf("publickey")}, conn.out)
	})
}

// A client binds its signatures where the server takes that, and asks its
// questions the old way, as OpenSSH's does.
func TestHostBoundClient(t *testing.T) {
	relearned := bound
	relearned.HostKey = hostBlob
	relearned.Relearn = func(b *Binding) { b.HostBound, b.Algorithms = true, []string{"ssh-ed25519"} }
	keyless := hostBound
	keyless.HostKey = nil
	for _, tt := range []struct {
		name    string
		b       Binding
		signers []hostkey.Signer
		want    []string // methods of the requests
	}{
		{"a single key", hostBound, []hostkey.Signer{keyA()}, []string{methodHostBound}},
		{"the server is asked first", hostBound, []hostkey.Signer{keyA(), keyB()}, []string{methodPublicKey, methodHostBound}},
		{"the server says late that it does", relearned, []hostkey.Signer{keyA()}, []string{methodHostBound}},
		{"the server does not", Binding{SessionID: session, HostKey: hostBlob}, []hostkey.Signer{keyA()}, []string{methodPublicKey}},
		{"the host key is not known", keyless, []hostkey.Signer{keyA()}, []string{methodPublicKey}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &Server{Checks: []Check{onlyKey("alice", keyA())}, Delay: -1}
			server := &script{}
			near, far := newPipe()
			result := make(chan error, 1)
			recorded := &recorder{pipe: near, script: server}
			go func() {
				result <- (&Client{User: "alice", Methods: []Method{PublicKey(tt.signers...)}}).Authenticate(t.Context(), recorded, tt.b)
			}()
			grant, err := s.Authenticate(t.Context(), far, Binding{SessionID: session, HostKey: hostBlob})
			require.NoError(t, err)
			require.NotNil(t, grant)
			require.NoError(t, <-result)
			var methods []string
			for _, r := range server.requests(t) {
				methods = append(methods, r.Method)
			}
			require.Equal(t, tt.want, methods)
		})
	}
}

// A recorder is a pipe that keeps what is written to it.
type recorder struct {
	*pipe
	script *script
}

func (r *recorder) WritePacket(parts ...[]byte) error {
	r.script.WritePacket(parts...)
	return r.pipe.WritePacket(parts...)
}
