package fuzz_test

import (
	"bytes"
	"crypto/ecdh"
	"fmt"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// exchanges runs a test in the first exchange with the named method, on each side.
// It is given how to send a public value in place of the right one, which it is
// told.
func exchanges(t *testing.T, method, name string, value func(right []byte) []byte, reasons ...transport.Reason) {
	t.Helper()
	m, ok := kex.Lookup(method)
	require.True(t, ok)
	sett := setting{transport: transport.Config{KeyExchanges: []kex.Method{m}}}
	for _, s := range sides {
		bubble(t, fmt.Sprintf("%s %s: %s", s.name, method, name), func(t *testing.T) {
			p, v := s.against(t, fuzz.Config{}, sett)
			p.Begin()
			if s.client {
				reply, err := wire.ParseKexECDHReply(p.ExchangeUntil(wire.NumberKexECDHReply))
				require.NoError(t, err)
				reply.Public = value(reply.Public)
				p.Send(&reply)
			} else {
				init, err := wire.ParseKexECDHInit(p.ExchangeUntil(wire.NumberKexECDHInit))
				require.NoError(t, err)
				p.Send(&wire.KexECDHInit{Public: value(init.Public)})
			}
			p.ExpectDisconnect(reasons...)
			require.NoError(t, p.Err())
			v.gone(t)
		})
	}
}

// D1, GHSA-5xvq-cp9x-6p6r: a public value that makes the secret zero.
func TestD1LowOrderPoints(t *testing.T) {
	point := func(hex string) []byte { v, _ := new(big.Int).SetString(hex, 16); return v.FillBytes(make([]byte, 32)) }
	for name, p := range map[string][]byte{
		"0":       make([]byte, 32),
		"1":       append([]byte{1}, make([]byte, 31)...),
		"order 8": point("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
		"p-1":     point("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
		"p":       point("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
	} {
		exchanges(t, "curve25519-sha256", name, func([]byte) []byte { return p }, transport.ReasonKeyExchangeFailed)
	}
}

// D2, GHSA-g9hv-x236-4qp3: a public value of another length.
func TestD2LengthOfX25519(t *testing.T) {
	for _, n := range []int{0, 31, 33, 200 << 10} {
		exchanges(t, "curve25519-sha256", fmt.Sprint(n, " bytes"), func([]byte) []byte { return bytes.Repeat([]byte{9}, n) }, transport.ReasonKeyExchangeFailed)
	}
}

// D3, CVE-2023-28113: e or f out of range.
func TestD3RangeOfDH(t *testing.T) {
	p, ok := new(big.Int).SetString(group14[len("20030501000000 2 6 100 2047 2 "):len(group14)-1], 16)
	require.True(t, ok)
	contents := func(v *big.Int) []byte { return wire.AppendMPInt(nil, v)[4:] }
	for name, v := range map[string]*big.Int{
		"-1": big.NewInt(-1), "0": new(big.Int), "1": big.NewInt(1), "few bits": new(big.Int).Lsh(big.NewInt(1), 1000),
		"p-1": new(big.Int).Sub(p, big.NewInt(1)), "p": p, "p+1": new(big.Int).Add(p, big.NewInt(1)), "2^16384": new(big.Int).Lsh(big.NewInt(1), 16384),
	} {
		exchanges(t, "diffie-hellman-group14-sha256", name, func([]byte) []byte { return contents(v) }, transport.ReasonKeyExchangeFailed)
	}
	exchanges(t, "diffie-hellman-group14-sha256", "leading zeros", func(right []byte) []byte { return append([]byte{0, 0}, right...) },
		transport.ReasonKeyExchangeFailed, transport.ReasonProtocolError)
}

// D4: points that are not on the curve.
func TestD4InvalidPoints(t *testing.T) {
	for method, curve := range map[string]ecdh.Curve{"ecdh-sha2-nistp256": ecdh.P256(), "ecdh-sha2-nistp384": ecdh.P384(), "ecdh-sha2-nistp521": ecdh.P521()} {
		for name, change := range map[string]func([]byte) []byte{
			"infinity":   func([]byte) []byte { return []byte{0} },
			"compressed": func(right []byte) []byte { return append([]byte{2}, right[1:(len(right)+1)/2]...) },
			"off the curve": func(right []byte) []byte {
				wrong := bytes.Clone(right)
				wrong[len(wrong)-1] ^= 1
				_, err := curve.NewPublicKey(wrong)
				require.Error(t, err)
				return wrong
			},
			"another curve's": func(right []byte) []byte { return append(bytes.Clone(right), right[1:]...) },
			"empty":           func([]byte) []byte { return nil },
		} {
			exchanges(t, method, name, change, transport.ReasonKeyExchangeFailed)
		}
	}
}

// D5, CVE-2019-13115: groups that a client must not compute in, and requests that a
// server must not meet.
func TestD5Groups(t *testing.T) {
	m, _ := kex.Lookup("diffie-hellman-group-exchange-sha256")
	sett := setting{transport: transport.Config{KeyExchanges: []kex.Method{m}}}
	one := big.NewInt(1)
	odd := func(bits uint) *big.Int { return new(big.Int).Add(new(big.Int).Lsh(one, bits-1), one) }
	for name, g := range map[string]wire.KexDHGexGroup{
		"512 bits": {P: odd(512), G: big.NewInt(2)}, "2047 bits": {P: odd(2047), G: big.NewInt(2)}, "8193 bits": {P: odd(8193), G: big.NewInt(2)},
		"even": {P: new(big.Int).Lsh(one, 2047), G: big.NewInt(2)}, "p = 0": {P: new(big.Int), G: big.NewInt(2)},
		"g = 0": {P: odd(2048), G: new(big.Int)}, "g = 1": {P: odd(2048), G: one}, "g = p-1": {P: odd(2048), G: new(big.Int).Sub(odd(2048), one)}, "g = p": {P: odd(2048), G: odd(2048)},
	} {
		bubble(t, "client "+name, func(t *testing.T) {
			p, v := againstClient(t, fuzz.Config{}, sett)
			p.Begin()
			p.ExchangeUntil(wire.NumberKexDHGexGroup)
			p.Send(&g)
			v.denies(t, p, transport.ReasonKeyExchangeFailed)
		})
	}
	for name, r := range map[string]fuzz.Message{
		"min > n": &wire.KexDHGexRequest{Min: 4096, Preferred: 2048, Max: 8192}, "n > max": &wire.KexDHGexRequest{Min: 2048, Preferred: 8192, Max: 4096},
		"0": &wire.KexDHGexRequest{}, "2^32-1": &wire.KexDHGexRequest{Min: 1<<32 - 1, Preferred: 1<<32 - 1, Max: 1<<32 - 1},
		"512": &wire.KexDHGexRequest{Min: 512, Preferred: 512, Max: 512}, "old, 512": &wire.KexDHGexRequestOld{Preferred: 512},
	} {
		bubble(t, "server "+name, func(t *testing.T) {
			p, v := againstServer(t, fuzz.Config{}, sett)
			p.Begin()
			p.ExchangeUntil(wire.NumberKexDHGexRequest)
			p.Send(r)
			v.denies(t, p, transport.ReasonKeyExchangeFailed)
		})
	}
}

// D8: the post-quantum half of a hybrid, cut, too long or impossible. A ciphertext
// of the right length that is wrong is found out by the signature.
func TestD8Hybrids(t *testing.T) {
	for _, method := range []string{"mlkem768x25519-sha256", "sntrup761x25519-sha512", "mlkem768nistp256-sha256"} {
		for name, change := range map[string]func([]byte) []byte{
			"one byte short": func(right []byte) []byte { return right[:len(right)-1] },
			"one byte long":  func(right []byte) []byte { return append(bytes.Clone(right), 0) },
			"without X25519": func(right []byte) []byte { return right[:len(right)-32] },
			"empty":          func([]byte) []byte { return nil },
		} {
			exchanges(t, method, name, change, transport.ReasonKeyExchangeFailed)
		}
	}
	coefficients := func(right []byte) []byte {
		wrong := bytes.Clone(right)
		for i := range min(1152, len(wrong)-32) {
			wrong[i] = 0xff // coefficients of 4095, where the modulus is 3329 (FIPS 203, section 7.2)
		}
		return wrong
	}
	exchanges(t, "mlkem768x25519-sha256", "impossible coefficients, or a random ciphertext", coefficients,
		transport.ReasonKeyExchangeFailed, transport.ReasonHostKeyNotVerifiable)
}
