package agent

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// A stream is a connection on which all that the other end says is there
// already.
type stream struct {
	io.Reader
	bytes.Buffer
}

func (s *stream) Read(p []byte) (int, error) { return s.Reader.Read(p) }

// Every request that is whole gets one answer.
func FuzzServer(f *testing.F) { // M2
	for name := range added(f) {
		k := added(f)[name]
		p, err := k.append(frame(addIDConstrained))
		require.NoError(f, err)
		f.Add(message(addIDConstrained, p[5:]))
	}
	key := testkeys.Ed25519().PublicKey().Marshal()
	m := signing{key: key, data: []byte("data")}
	f.Add(message(signRequest, m.append(nil)))
	f.Add(message(removeIdentity, wire.AppendString(nil, key)))
	f.Add(message(lockAgent, wire.AppendString(nil, "x")))
	f.Add(message(agentExtension, wire.AppendString(nil, queryExtension)))
	binding := appendBinding(wire.AppendString(nil, sessionBind), Binding{testkeys.Ed25519().PublicKey(), []byte("id"), []byte("sig"), true})
	f.Add(append(message(agentExtension, binding), message(requestIdentities)...))
	f.Fuzz(func(t *testing.T, p []byte) {
		if bytes.IndexByte(p, byte(unlockAgent)) >= 0 {
			return // that takes its time
		}
		s := &stream{Reader: bytes.NewReader(p)}
		Serve(t.Context(), NewKeyring(), s)
		asked, answered := count(p), count(s.Bytes())
		require.Equal(t, asked, answered)
	})
}

// count returns how many whole messages p begins with.
func count(p []byte) (n int) {
	for r := bytes.NewReader(p); ; n++ {
		if _, err := receive(r, func() {}); err != nil {
			return n
		}
	}
}

// Whatever an agent says, a client comes to an end, and with nothing that is
// wrong.
func FuzzClient(f *testing.F) { // M1
	list := appendIdentities(nil, []Key{{testkeys.Ed25519().PublicKey(), "comment"}, {testkeys.RSA2048().PublicKey(), ""}})
	f.Add(byte(0), message(identitiesAnswer, list))
	sig, err := testkeys.Ed25519().Sign(f.Context(), hostkey.Ed25519, []byte("data"))
	require.NoError(f, err)
	f.Add(byte(1), message(signResponse, wire.AppendString(nil, sig.Append(nil))))
	f.Add(byte(2), message(extensionResponse, wire.AppendString(wire.AppendString(nil, "query"), "a")))
	f.Add(byte(3), message(agentSuccess))
	f.Add(byte(3), message(agentFailure))
	f.Fuzz(func(t *testing.T, what byte, p []byte) {
		c := NewClient(&stream{Reader: bytes.NewReader(p)})
		switch what % 4 {
		case 0:
			keys, err := c.Keys(t.Context())
			require.LessOrEqual(t, len(keys), maxKeys)
			if err == nil {
				require.Equal(t, p[:4+1+len(appendIdentities(nil, keys))], message(identitiesAnswer, appendIdentities(nil, keys)))
			}
		case 1:
			sig, err := c.Sign(t.Context(), testkeys.Ed25519().PublicKey(), hostkey.Ed25519, []byte("data"))
			if err == nil {
				require.NoError(t, testkeys.Ed25519().PublicKey().Verify([]byte("data"), sig))
			}
		case 2:
			c.Extensions(t.Context())
		case 3:
			c.RemoveAll(t.Context())
		}
	})
}

// A key that is added is what was sent, whole.
func FuzzAddedKey(f *testing.F) { // M2: CVE-2025-47914
	for name := range added(f) {
		k := added(f)[name]
		p, err := k.append(nil)
		require.NoError(f, err)
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		k, err := parseAdded(wire.NewReader(p), true)
		if err != nil || k.device() != nil { // to which a provider is added
			return
		}
		again, err := k.append(nil)
		require.NoError(t, err)
		same, err := parseAdded(wire.NewReader(again), true)
		require.NoError(t, err)
		require.Equal(t, k.constrained(), same.constrained())
		require.Equal(t, k.Comment, same.Comment)
		require.Len(t, same.Destinations, len(k.Destinations))
	})
}
