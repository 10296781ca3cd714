package kex

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 5903, section 8.1, has an exchange on P-256 whose x has its top bit set.
func TestNISTPVector(t *testing.T) {
	const (
		i  = "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"
		gi = "04" + "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180" +
			"5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3"
		r  = "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53"
		gr = "04" + "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63" +
			"56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"
		k = "00000021" + "00" + "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"
	)
	for _, side := range []struct{ name, private, public string }{
		{"RFC 5903 8.1: initiator", i, gr},
		{"RFC 5903 8.1: responder", r, gi},
	} {
		t.Run(side.name, func(t *testing.T) {
			private, err := ecdh.P256().NewPrivateKey(unhex(t, side.private))
			require.NoError(t, err)
			secret, err := nistp{ecdh.P256()}.secret(private, unhex(t, side.public))
			require.NoError(t, err)
			require.Equal(t, k, hex.EncodeToString(secret))
		})
	}
}

// D4: whatever is not an uncompressed point of the curve is refused.
func TestNISTPRefusesInvalidPoints(t *testing.T) {
	m, ok := Lookup("ecdh-sha2-nistp256")
	require.True(t, ok)
	const (
		x = "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
		y = "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3"
		p = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
		// b, the square root of which is the y of x = 0, and of x = p.
		y0 = "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4"
		o  = "0000000000000000000000000000000000000000000000000000000000000000"
	)
	accepts(t, m, unhex(t, "04"+x+y))
	accepts(t, m, unhex(t, "04"+o+y0))
	for _, test := range []struct{ name, point string }{
		{"D4: empty", ""},
		{"D4: infinity", "00"},
		{"D4: infinity, padded", "00" + o + o},
		{"D4: (0, 0)", "04" + o + o},
		{"D4: off the curve", "04" + x + y[:62] + "b4"},
		{"D4: coordinates swapped", "04" + y + x},
		{"D4: compressed, even", "02" + x},
		{"D4: compressed, odd", "03" + x},
		{"D4: compressed tag before both coordinates", "02" + x + y},
		{"D4: hybrid form, even", "06" + x + y},
		{"D4: hybrid form, odd", "07" + x + y},
		{"D4: x only", x},
		{"D4: x and y without a tag", x + y},
		{"D4: one byte short", "04" + x + y[:62]},
		{"D4: one byte over", "04" + x + y + "00"},
		{"D4: x = p, which is 0", "04" + p + y0},
		{"D4: y = p", "04" + x + p},
		{"D4: a point of P-384's size", "04" + x + y + x},
	} {
		t.Run(test.name, func(t *testing.T) { refuses(t, m, unhex(t, test.point)) })
	}
	refuses(t, m, bytes.Repeat([]byte{4}, 1<<20))
}
