package kex

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"testing"

	"github.com/stretchr/testify/require"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(s)
	require.NoError(t, err)
	return p
}

// From NIST's CAVS 14.1 vectors for the SSH key derivation of SP 800-135. K is
// an mpint; the SHA-1 case needs two blocks for its encryption keys.
func TestKeyVectors(t *testing.T) {
	tests := []struct {
		name    string
		hash    func() hash.Hash
		k       string
		h       string
		session string
		keys    [6]string // tags A to F
	}{
		{
			"SP 800-135 5.2: SHA-1, TDES, 24 bytes from two blocks", sha1.New,
			"0000008055bae931c07fd824bf10add1902b6fbc7c665347383498a686929ff5a25f8e40cb6645ea814fb1a5e0a11f852f86255641e5ed986e83a78bc8269480eac0b0dfd770cab92e7a28dd87ff452466d6ae867cead63b366b1c286e6c4811a9f14c27aea14c5171d49b78c06e3735d36e6a3be321dd5fc82308f34ee1cb17fba94a59",
			"a4ebd45934f56792b5112dcd75a1075fdc889245",
			"a4ebd45934f56792b5112dcd75a1075fdc889245",
			[6]string{
				"e2f627c0b43f1ac1", "58471445f342b181",
				"1ca9d310f86d51f6cb8e7007cb2b220d55c5281ce680b533", "2c60df8603d34cc1dbb03c11f725a44b44008851c73d6844",
				"472eb8a26166ae6aa8e06868e45c3b26e6eeed06", "e3e2fdb9d7bc21165a3dbe47e1eceb7764390bab",
			},
		},
		{
			"SP 800-135 5.2: SHA-256, AES-128, K without a leading zero", sha256.New,
			"00000100745f5abd8fb685eaae10854a96900806cd7d17d2d255990328594a4fdbb9fa28088ccb8fbf92ef23492a595f92c49d5fa32ea5ef6d76000635fb58496c9db824aaa41b67c3c2e8bdd525f6c6a224562c670076f6efd21fe49222c2627596b775c56dff5d477cd4cc008ef566086a495cf4ba634af20a42fb13fa52597dc252edebdfa57592494fd9cd44d0f7e27d6a6ff370876c42733977db656d7372d553c2ffc824fb02375e55069d5cccb493ec77001fb4cd73cbec6976bd45ae2cc0812c078784d917c0a0a54d8df6c745a2710828939be0685d7fc1657eee9c4dbc71615fab0174e62fb7971fa20f6d6b2da1c22c0a35c781c9dbdf009cec3d89891afc",
			"35f601a7877ef637d6c40b4f2e1d85b888eceac9f37e686254f9d707b22bd764",
			"d04bce75141ed2a44942d98354ded46e861da28fc1175e5a22e8dddad4942f9a",
			[6]string{
				"88af3bdb49bd8e9d24489efc95dea1c1", "5cf41e1d43f797c16a30e070f2f37dd4",
				"7cc48e0f8b4bdd63f76e41ba411d7f37", "37d942416267be06cd1ff9498dcf1e6e",
				"c3c8b48e228a3a671ae8c48aa4e4f1fe32c1ad4d5ae48c904836d13e7350f72e", "605f7d3b3f28a8967402ba67ff916a61b0a4e9b736665c5e911fb33f60dc16fe",
			},
		},
		{
			"SP 800-135 5.2: SHA-256, AES-128, K with a leading zero", sha256.New,
			"000001010089b741b0b9a6704f56df9aafe5f4294828fdc67f4243e9aa9b1d83166ad892f2d970fdff65eba7fa5eddb954dd86bda5262e084752c69c6b93c729ad34e9728f7c838c49f0e87349ae35feef1610b83a345c64c5b190fb5857bf0aa8419efba35789c258f19e8713e2729c184eab9d9c33a32ab3731d77e207a91849625bb855e581ca0be5d9f961aab9d65b463e416ee3d636ece573ead0d088a2fe05d87dd5ed21031f4dbea831112d3bd0e1cc1087a8395430cde3cb54d22a5965dd825329bee8c62d4599fb67ff90260204c6e608e6246f768e29a60cb85f580d4751f9c017cbf4e6062a160c6ff1d0c9d303a2c862a4986e22f72da79b17b868cee189a2",
			"61e49599eb3b01e3d7bc65415ce7004e20bf77805a4ff09681f3856adc129943",
			"832400eb1c4031502f7249d0a4279a7cbe4d4d6979289d02837d98b9ca16ff46",
			[6]string{
				"7b91adc6eb48a6f82a8990efd2537903", "814c8fb54a535b38d4c2301aa49ad702",
				"3ec64c8571c7c7f39a9f37c0e1053324", "846d40dc45123f2710e27bd3140070c8",
				"c2199b9bd701c2f4ee82a145adc28f3e8fac0af8dd43cb7f3da173681bcad2e0", "49f5fb8862a4f01900f9f76d6146f181483428beadb000d4f5097adf59c5eb99",
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := &Result{Hash: test.hash, K: unhex(t, test.k), H: unhex(t, test.h)}
			for i, want := range test.keys {
				key := r.Key(byte('A'+i), unhex(t, test.session), len(want)/2)
				require.Equal(t, want, hex.EncodeToString(key), "tag %c", 'A'+i)
			}
		})
	}
}

// RFC 4253, section 7.2: K1 || K2 || K3, written out, at every length around a
// block boundary.
func TestKeyExtension(t *testing.T) {
	for name, newHash := range map[string]func() hash.Hash{
		"SHA-1": sha1.New, "SHA-256": sha256.New, "SHA-384": sha512.New384, "SHA-512": sha512.New,
	} {
		t.Run(name, func(t *testing.T) {
			r := &Result{Hash: newHash, K: []byte("\x00\x00\x00\x01k"), H: []byte("exchange hash")}
			session := []byte("session identifier")
			sum := func(parts ...[]byte) []byte {
				h := newHash()
				h.Write(bytes.Join(parts, nil))
				return h.Sum(nil)
			}
			k1 := sum(r.K, r.H, []byte("C"), session)
			k2 := sum(r.K, r.H, k1)
			k3 := sum(r.K, r.H, k1, k2)
			whole := bytes.Join([][]byte{k1, k2, k3}, nil)
			for n := range len(whole) + 1 {
				key := r.Key('C', session, n)
				require.Equal(t, whole[:n:n], append([]byte{}, key...))
				require.Len(t, key, n)
				require.Equal(t, n, cap(key), "appending must not reach what lies behind the key")
			}
			require.NotEqual(t, k1, r.Key('D', session, len(k1)))
			require.NotEqual(t, k1, r.Key('C', r.H, len(k1)))
		})
	}
}

func TestKeyLeavesTheResultAlone(t *testing.T) {
	client, server := handshake(t, Default()[0], testTranscript())
	k, h := bytes.Clone(client.K), bytes.Clone(client.H)
	for tag := byte('A'); tag <= 'F'; tag++ {
		require.Equal(t, server.Key(tag, server.H, 64), client.Key(tag, client.H, 64))
	}
	require.Equal(t, k, client.K)
	require.Equal(t, h, client.H)
}
