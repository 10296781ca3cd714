package transport

import (
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/kex"
)

// The state of both ends says whether a recorded session can be opened later.
func TestPostQuantum(t *testing.T) {
	for name, want := range map[string]bool{
		"mlkem768x25519-sha256": true, "sntrup761x25519-sha512": true, "mlkem1024nistp384-sha384": true,
		"curve25519-sha256": false, "ecdh-sha2-nistp256": false,
	} {
		t.Run(name, func(t *testing.T) {
			m, ok := kex.Lookup(name)
			require.True(t, ok)
			requirePostQuantum(t, m, want)
		})
	}
}

// A renamed method of somebody else's is asked like ours.
func TestPostQuantumIsNotAName(t *testing.T) {
	m, _ := kex.Lookup("ecdh-sha2-nistp256")
	requirePostQuantum(t, named{m, "mlkem768x25519-sha256"}, false)
	requirePostQuantum(t, kex.New("own@example.com", sha256.New, lattice{}), true)
}

func requirePostQuantum(t *testing.T, m kex.Method, want bool) {
	t.Helper()
	cc, sc := clientConfig(), serverConfig()
	cc.KeyExchanges, sc.KeyExchanges = []kex.Method{m}, []kex.Method{m}
	c, s := newPair(t, cc, sc)
	require.Equal(t, m.Name(), c.State().KeyExchange)
	require.Equal(t, want, c.State().PostQuantum)
	require.Equal(t, want, s.State().PostQuantum)
	require.NoError(t, c.Rekey())
	exchangeData(t, c, s, 300, 10_000)
	require.Equal(t, want, c.State().PostQuantum)
}

// A named method has another name.
type named struct {
	kex.Method
	name string
}

func (n named) Name() string { return n.name }

// A lattice is a KEM that says it withstands quantum computers, and does not
// withstand anything: the secret is the public value.
type lattice struct{}

func (lattice) PostQuantum() bool { return true }

func (lattice) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	return []byte("public"), func(ciphertext []byte) ([]byte, error) { return ciphertext, nil }, nil
}

func (lattice) Encapsulate(public []byte) (ciphertext, k []byte, err error) {
	k = []byte{0, 0, 0, 1, 7}
	return k, k, nil
}
