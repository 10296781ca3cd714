package mac_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/mac"
)

// lookup returns an algorithm that must exist.
func lookup(t testing.TB, name string) mac.Algorithm {
	t.Helper()
	a, ok := mac.Lookup(name)
	require.True(t, ok, name)
	return a
}

// The vectors of RFC 4231, section 4. The sequence number that SSH puts before
// the data stands for the first four bytes of each.
var rfc4231 = []struct {
	name           string
	key            []byte
	data           string
	sha256, sha512 string
}{
	{"RFC 4231 4.2", bytes.Repeat([]byte{0x0b}, 20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
		"87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
	{"RFC 4231 4.3", []byte("Jefe"), "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
	{"RFC 4231 4.4", bytes.Repeat([]byte{0xaa}, 20), strings.Repeat("\xdd", 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
		"fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
	{"RFC 4231 4.5", []byte("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19"), strings.Repeat("\xcd", 50),
		"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
		"b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
	{"RFC 4231 4.7: key longer than a block", bytes.Repeat([]byte{0xaa}, 131), "Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
		"80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
	{"RFC 4231 4.8: key and data longer than a block", bytes.Repeat([]byte{0xaa}, 131),
		"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
		"e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"},
}

func TestKnownAnswers(t *testing.T) {
	for _, tt := range rfc4231 {
		for name, want := range map[string]string{
			"hmac-sha2-256":                 tt.sha256,
			"hmac-sha2-256-etm@openssh.com": tt.sha256,
			"hmac-sha2-512":                 tt.sha512,
			"hmac-sha2-512-etm@openssh.com": tt.sha512,
		} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				m := lookup(t, name).New(tt.key)
				seq := binary.BigEndian.Uint32([]byte(tt.data))
				for range 3 { // state must not carry over
					require.Equal(t, want, hex.EncodeToString(m.Append(nil, seq, []byte(tt.data[4:]))))
				}
			})
		}
	}
}

// every returns all algorithms.
func every() []mac.Algorithm { return append(mac.Default(), mac.Insecure()...) }

func TestTable(t *testing.T) {
	type row struct {
		name          string
		keySize, size int
		etm           bool
	}
	rows := func(list []mac.Algorithm) (rows []row) {
		for _, a := range list {
			rows = append(rows, row{a.Name, a.KeySize, a.Size, a.EtM})
			require.Equal(t, strings.HasSuffix(a.Name, "-etm@openssh.com"), a.EtM)
			require.Len(t, a.New(make([]byte, a.KeySize)).Append(nil, 0, nil), a.Size)
			require.Equal(t, a.Size, lookup(t, a.Name).Size)
		}
		return rows
	}
	// RFC 6668, section 2, for SHA-2; draft-miller-secsh-umac for UMAC.
	require.Equal(t, []row{
		{"umac-128-etm@openssh.com", 16, 16, true},
		{"hmac-sha2-256-etm@openssh.com", 32, 32, true},
		{"hmac-sha2-512-etm@openssh.com", 64, 64, true},
		{"umac-64-etm@openssh.com", 16, 8, true},
		{"umac-128@openssh.com", 16, 16, false},
		{"hmac-sha2-256", 32, 32, false},
		{"hmac-sha2-512", 64, 64, false},
		{"umac-64@openssh.com", 16, 8, false},
	}, rows(mac.Default()))
	// RFC 4253, section 6.4.
	require.Equal(t, []row{
		{"hmac-sha1-etm@openssh.com", 20, 20, true},
		{"hmac-sha1", 20, 20, false},
		{"hmac-sha1-96", 20, 12, false},
		{"hmac-md5", 16, 16, false},
	}, rows(mac.Insecure()))
}

func TestLookupUnknown(t *testing.T) {
	for _, name := range []string{"", "none", "hmac-md5-96", "umac-64", "HMAC-SHA2-256", "hmac-sha2-256,hmac-sha2-512"} {
		a, ok := mac.Lookup(name)
		require.False(t, ok, "%q", name)
		require.Zero(t, a.Size)
		require.Nil(t, a.New)
	}
}

// The lists are copies: what one caller does to one is no other caller's concern.
func TestListsAreCopies(t *testing.T) {
	for _, get := range []func() []mac.Algorithm{mac.Default, mac.Insecure} {
		list := get()
		first := list[0].Name
		list[0], list[1] = list[1], mac.Algorithm{Name: "none"}
		require.Equal(t, first, get()[0].Name)
	}
	_, ok := mac.Lookup("none")
	require.False(t, ok)
}

// RFC 4253 6.4: the sequence number is part of what is authenticated.
func TestSequenceNumber(t *testing.T) {
	for _, a := range every() {
		t.Run(a.Name, func(t *testing.T) {
			key := bytes.Repeat([]byte{7}, a.KeySize)
			m := a.New(key)
			seen := map[string]uint32{}
			for _, seq := range []uint32{0, 1, 255, 256, 1 << 16, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
				tag := m.Append(nil, seq, []byte("packet"))
				require.NotContains(t, seen, string(tag))
				seen[string(tag)] = seq
				if strings.HasPrefix(a.Name, "hmac-") {
					require.Equal(t, independent(a, key, seq, "packet"), tag)
				}
			}
		})
	}
}

// independent is the tag of data out of the standard library.
func independent(a mac.Algorithm, key []byte, seq uint32, data string) []byte {
	h := map[int]func() hash.Hash{16: md5.New, 20: sha1.New, 32: sha256.New, 64: sha512.New}[a.KeySize]
	m := hmac.New(h, key)
	m.Write([]byte{byte(seq >> 24), byte(seq >> 16), byte(seq >> 8), byte(seq)})
	io.WriteString(m, data)
	return m.Sum(nil)[:a.Size]
}

func TestAppend(t *testing.T) {
	for _, a := range every() {
		t.Run(a.Name, func(t *testing.T) {
			key := bytes.Repeat([]byte{9}, a.KeySize)
			m := a.New(key)
			want := m.Append(nil, 3, []byte("data"))

			t.Run("the key is not kept", func(t *testing.T) {
				clear(key)
				require.Equal(t, want, m.Append(nil, 3, []byte("data")))
			})
			t.Run("dst keeps what it holds", func(t *testing.T) {
				require.Equal(t, append([]byte("head"), want...), m.Append([]byte("head"), 3, []byte("data")))
			})
			t.Run("data may be dst, and no more than Size bytes are written", func(t *testing.T) {
				buf := append([]byte("data"), bytes.Repeat([]byte{0xee}, a.Size+8)...)
				got := m.Append(buf[:4], 3, buf[:4])
				require.Same(t, &buf[0], &got[0])
				require.Equal(t, append([]byte("data"), want...), got)
				require.Equal(t, bytes.Repeat([]byte{0xee}, 8), buf[4+a.Size:])
			})
			t.Run("an earlier tag is not overwritten", func(t *testing.T) {
				m.Append(nil, 4, []byte("other"))
				require.Equal(t, want, m.Append(nil, 3, []byte("data")))
			})
		})
	}
}

// One Algorithm serves many goroutines, each with a MAC of its own.
func TestConcurrentMACs(t *testing.T) {
	for _, a := range every() {
		key := bytes.Repeat([]byte{5}, a.KeySize)
		want := a.New(key).Append(nil, 1, []byte("data"))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				m := a.New(key)
				for range 100 {
					if !hmac.Equal(want, m.Append(nil, 1, []byte("data"))) {
						t.Errorf("%s: a MAC depends on another goroutine's", a.Name)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestAllocations(t *testing.T) {
	for _, a := range every() {
		for _, size := range []int{1, 32 << 10} {
			t.Run(fmt.Sprintf("%s/%d", a.Name, size), func(t *testing.T) {
				m := a.New(make([]byte, a.KeySize))
				buf := make([]byte, size, size+a.Size)
				require.Zero(t, testing.AllocsPerRun(100, func() { m.Append(buf, 1, buf) }))
			})
		}
	}
}

func BenchmarkMAC(b *testing.B) {
	for _, a := range every() {
		for _, size := range []int{64, 32 << 10} {
			b.Run(fmt.Sprintf("%s/%d", a.Name, size), func(b *testing.B) {
				m := a.New(make([]byte, a.KeySize))
				buf := make([]byte, size, size+a.Size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					m.Append(buf, 1, buf)
				}
			})
		}
	}
}
