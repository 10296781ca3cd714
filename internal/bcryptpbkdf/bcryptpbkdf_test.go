package bcryptpbkdf

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// What bcrypt.kdf of pyca/bcrypt 3.2.2 makes, which is the code of OpenBSD:
//
//	bcrypt.kdf(passphrase, salt, bytes, rounds, ignore_few_rounds=True).hex()
var known = []struct {
	name, passphrase, salt string
	rounds                 int
	key                    string
}{
	{"a block", "password", "salt", 4, "5bbf0cc293587f1c3635555c27796598d47e579071bf427e9d8fbe842aba34d9"},
	{"half a block, a salt of NUL", "password", "\x00", 4, "c12b566235eee04c212598970a579a67"},
	{"half a block, a passphrase of NUL", "\x00", "salt", 4, "6051be18c2f4f82cbf0efee5471b4bb9"},
	{"what aes256-ctr takes", "password", "salt", 8,
		"e1367ec5151a33faac4cc1c144cd23fa15d5548493ecc99b9b5d9c0d3b27bec76227ea66088b849b20ab7aa478010246"},
	{"33 bytes", "correct horse", "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 16,
		"6bd628cd9202c5d0cb3e47dc1332be0162d3d4262dac8dac9f00998434479f3693"},
	{"one round, a passphrase longer than a block of SHA-512", "a passphrase, which is longer than one block of SHA-512 is: " +
		"more than one hundred and twenty eight bytes of text, one after another..........", "sixteen byte sal", 1,
		"2fc938f4961a72486b907a678c423a7e7fbf9754ee2af5567e8584cb7727cb162887429b0619c8e8c5ffa62723e3f5cb0028e16089245e8afec724157bbc560b"},
}

func TestKnownAnswers(t *testing.T) {
	for _, c := range known {
		t.Run(c.name, func(t *testing.T) {
			passphrase, salt := []byte(c.passphrase), []byte(c.salt)
			key, err := Key(passphrase, salt, c.rounds, len(c.key)/2)
			require.NoError(t, err)
			require.Equal(t, c.key, hex.EncodeToString(key))
			require.Equal(t, c.passphrase, string(passphrase), "it is the caller's")
			require.Equal(t, c.salt, string(salt))
		})
	}
}

func TestEverySize(t *testing.T) {
	for _, size := range []int{1, 31, 32, 33, 63, 64, 65, 96, 128} {
		key, err := Key([]byte("p"), []byte("s"), 1, size)
		require.NoError(t, err)
		require.Len(t, key, size)
	}
}

func TestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		passphrase, salt string
		rounds, size     int
	}{
		"no passphrase":      {"", "s", 1, 32},
		"no salt":            {"p", "", 1, 32},
		"no rounds":          {"p", "s", 0, 32},
		"less than none":     {"p", "s", -1, 32},
		"no key":             {"p", "s", 1, 0},
		"a negative size":    {"p", "s", 1, -1},
		"more than 1024":     {"p", "s", 1, 1025},
		"as much as an int ": {"p", "s", 1, 1<<63 - 1},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := Key([]byte(c.passphrase), []byte(c.salt), c.rounds, c.size)
			require.ErrorContains(t, err, "bcryptpbkdf: ")
			require.Nil(t, key)
		})
	}
}

func BenchmarkRound(b *testing.B) {
	for b.Loop() {
		Key([]byte("passphrase"), []byte("salt"), 1, 48)
	}
}
