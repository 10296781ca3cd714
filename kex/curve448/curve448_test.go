package curve448

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"github.com/cloudflare/circl/dh/x448"
	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/wycheproof"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/wire"
)

func key(t testing.TB, s string) *x448.Key {
	t.Helper()
	p, err := hex.DecodeString(s)
	require.NoError(t, err)
	require.Len(t, p, x448.Size)
	return (*x448.Key)(p)
}

// raw undoes the encoding as an mpint.
func raw(t testing.TB, mpint []byte) string {
	t.Helper()
	r := wire.NewReader(mpint)
	v := r.MPInt()
	require.NoError(t, r.End())
	return hex.EncodeToString(v.FillBytes(make([]byte, x448.Size)))
}

func TestVectors(t *testing.T) {
	for _, test := range []struct{ name, scalar, public, secret string }{
		{
			"RFC 7748 5.2, first",
			"3d262fddf9ec8e88495266fea19a34d28882acef045104d0d1aae121700a779c984c24f8cdd78fbff44943eba368f54b29259a4f1c600ad3",
			"06fce640fa3487bfda5f6cf2d5263f8aad88334cbd07437f020f08f9814dc031ddbdc38c19c6da2583fa5429db94ada18aa7a7fb4ef8a086",
			"ce3e4ff95a60dc6697da1db1d85e6afbdf79b50a2412d7546d5f239fe14fbaadeb445fc66a01b0779d98223961111e21766282f73dd96b6f",
		},
		{
			"RFC 7748 5.2, second",
			"203d494428b8399352665ddca42f9de8fef600908e0d461cb021f8c538345dd77c3e4806e25f46d3315c44e0a5b4371282dd2c8d5be3095f",
			"0fbcc2f993cd56d3305b0b7d9e55d4c1a8fb5dbb52f8e9a1e9b6201b165d015894e56c4d3570bee52fe205e28a78b91cdfbde71ce8d157db",
			"884a02576239ff7a2f2f63b2db6a9ff37047ac13568e1e30fe63c4a7ad1b3ee3a5700df34321d62077e63633c575c1c954514e99da7c179d",
		},
		{
			"RFC 7748 6.2, Alice",
			"9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
			"3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609",
			"07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56fd2464c335543936521c24403085d59a449a5037514a879d",
		},
		{
			"RFC 7748 6.2, Bob",
			"1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d",
			"9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0",
			"07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56fd2464c335543936521c24403085d59a449a5037514a879d",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			scalar := key(t, test.scalar)
			k, err := secret(scalar, key(t, test.public)[:])
			require.NoError(t, err)
			require.Equal(t, test.secret, raw(t, k))
			require.Zero(t, *scalar, "the scalar is cleared")
		})
	}
}

// RFC 8731, section 3.1: the secret is an mpint of its bytes as they are.
func TestSecretIsAnMPInt(t *testing.T) {
	k, err := secret(
		key(t, "3d262fddf9ec8e88495266fea19a34d28882acef045104d0d1aae121700a779c984c24f8cdd78fbff44943eba368f54b29259a4f1c600ad3"),
		key(t, "06fce640fa3487bfda5f6cf2d5263f8aad88334cbd07437f020f08f9814dc031ddbdc38c19c6da2583fa5429db94ada18aa7a7fb4ef8a086")[:])
	require.NoError(t, err)
	require.Equal(t, "0000003900ce3e4ff95a60", hex.EncodeToString(k[:11]), "the top bit is set")
}

// RFC 7748, section 5.2: k, u = X448(k, u), k, over and over.
func TestIterated(t *testing.T) {
	k := key(t, "05"+hex.EncodeToString(make([]byte, 55)))
	u := *k
	for i := 1; i <= 1000; i++ {
		scalar, next := *k, *k
		out, err := secret(&scalar, u[:])
		require.NoError(t, err)
		k, u = key(t, raw(t, out)), next
		if i == 1 {
			require.Equal(t, "3f482c8a9f19b01e6c46ee9711d9dc14fd4bf67af30765c2ae2b846a4d23a8cd0db897086239492caf350b51f833868b9bc2b3bca9cf4113", hex.EncodeToString(k[:]))
		}
	}
	require.Equal(t, "aa3b4749d55b9daf1e5b00288826c467274ce3ebbdd5c17b975e09d4af6c67cf10d087202db88286e2b79fceea3ec353ef54faa26e219f38", hex.EncodeToString(k[:]))
}

func TestNewKey(t *testing.T) {
	scalar, public := newKey()
	var base, want x448.Key
	base[0] = 5 // RFC 7748, section 4.2
	require.True(t, x448.Shared(&want, scalar, &base))
	require.Equal(t, want[:], public)
	other, _ := newKey()
	require.NotEqual(t, scalar, other)
}

// A peer is a kex.Conn whose other end says one thing and hears one.
type peer struct {
	says  func() []byte
	heard []byte
}

func (p *peer) ReadPacket() ([]byte, error) {
	if p.says == nil {
		return nil, errHungUp
	}
	return p.says(), nil
}

func (p *peer) WritePacket(parts ...[]byte) error {
	p.heard = bytes.Join(parts, nil)
	return nil
}

var (
	errHungUp = errors.New("the peer hung up")
	said      = &kex.Transcript{
		ClientVersion: []byte("SSH-2.0-client"), ServerVersion: []byte("SSH-2.0-server"),
		ClientInit: []byte("\x14client"), ServerInit: []byte("\x14server"),
	}
	identity = kex.Identity{HostKey: []byte("host key"), Sign: func([]byte) ([]byte, error) { return []byte("signature"), nil }}
)

// Both halves agree on K, and on an H whose parts are those of RFC 8731.
func TestExchange(t *testing.T) {
	m := Method()
	require.Equal(t, "curve448-sha512", m.Name())
	var server *kex.Result
	var init, reply []byte
	c := &peer{}
	c.says = func() []byte {
		init = c.heard
		s := &peer{says: func() []byte { return init }}
		var err error
		server, err = m.Server(s, said, identity)
		require.NoError(t, err)
		reply = s.heard
		return reply
	}
	client, err := m.Client(c, said)
	require.NoError(t, err)
	require.Equal(t, server.K, client.K)
	require.Equal(t, server.H, client.H)

	h := sha512.New()
	for _, field := range [][]byte{
		said.ClientVersion, said.ServerVersion, said.ClientInit, said.ServerInit,
		identity.HostKey, init[5:], reply[1+4+len(identity.HostKey)+4:][:56],
	} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(field))))
		h.Write(field)
	}
	h.Write(client.K)
	require.Equal(t, h.Sum(nil), client.H)
	require.Equal(t, sha512.Size, client.Hash().Size())
}

// refuses checks that both halves refuse value.
func refuses(t *testing.T, value []byte) {
	t.Helper()
	m := Method()
	var refused *kex.Error
	_, err := m.Server(&peer{says: func() []byte { return (&wire.KexECDHInit{Public: value}).Append(nil) }}, said, identity)
	require.ErrorAs(t, err, &refused)
	_, err = m.Client(&peer{says: func() []byte { return (&wire.KexECDHReply{Public: value}).Append(nil) }}, said)
	require.ErrorAs(t, err, &refused)
}

// D1: a secret of all zeros is refused.
func TestRefusesLowOrder(t *testing.T) {
	p := new(big.Int).Lsh(big.NewInt(1), 448)
	p.Sub(p, new(big.Int).Lsh(big.NewInt(1), 224))
	p.Sub(p, big.NewInt(1))
	for _, test := range []struct {
		name string
		u    *big.Int
	}{
		{"D1: 0", new(big.Int)},
		{"D1: 1", big.NewInt(1)},
		{"D1: p-1", new(big.Int).Sub(p, big.NewInt(1))},
		{"D1: p", p},
		{"D1: p+1", new(big.Int).Add(p, big.NewInt(1))},
	} {
		t.Run(test.name, func(t *testing.T) {
			value := test.u.FillBytes(make([]byte, 56))
			for i := range 28 { // little-endian
				value[i], value[55-i] = value[55-i], value[i]
			}
			refuses(t, value)
		})
	}
}

// D2: only 56 bytes are a public value.
func TestRefusesOtherLengths(t *testing.T) {
	for _, n := range []int{0, 1, 32, 55, 57, 112, 1 << 20} {
		refuses(t, bytes.Repeat([]byte{9}, n))
	}
	_, err := secret(new(x448.Key), make([]byte, 57))
	require.EqualError(t, err, "X448 public key is 57 bytes long, not 56")
}

// D1, D7: the secret is the one of the vector, and refused if it is zero.
func TestWycheproof(t *testing.T) {
	type agreed struct {
		Tests []struct {
			wycheproof.Test
			Public, Private, Shared wycheproof.Hex
		}
	}
	taken, refused := 0, 0
	for _, group := range wycheproof.Load[agreed](t, "x448_test.json") {
		for _, v := range group.Tests {
			if len(v.Public) != x448.Size || bytes.Equal(v.Shared, make([]byte, x448.Size)) {
				_, err := secret(new(x448.Key), v.Public)
				require.Error(t, err, "%v", &v)
				refused++
				continue
			}
			scalar := x448.Key(v.Private)
			k, err := secret(&scalar, v.Public)
			require.NoError(t, err, "%v", &v)
			require.Equal(t, hex.EncodeToString(v.Shared), raw(t, k), "%v", &v)
			taken++
		}
	}
	require.Equal(t, []int{487, 23}, []int{taken, refused})
}

func BenchmarkServer(b *testing.B) {
	_, public := newKey()
	init := (&wire.KexECDHInit{Public: public}).Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Method().Server(&peer{says: func() []byte { return init }}, said, identity); err != nil {
			b.Fatal(err)
		}
	}
}
