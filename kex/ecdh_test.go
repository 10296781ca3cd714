package kex

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 5903, section 8, has an exchange on each curve: the x of the one on P-256
// has its top bit set, and that of the one on P-521 begins with the bit that
// the others' fields have no room for.
func TestNISTPVectors(t *testing.T) {
	tests := []struct {
		name            string
		curve           ecdh.Curve
		private, public string // of the one, and of the other
		k               string // the mpint
	}{
		{
			"RFC 5903 8.1: initiator", ecdh.P256(),
			"c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
			"04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
			"0000002100d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
		},
		{
			"RFC 5903 8.1: responder", ecdh.P256(),
			"c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
			"04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
			"0000002100d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
		},
		{
			"RFC 5903 8.2: initiator", ecdh.P384(),
			"099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
			"04e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571" +
				"dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
			"0000003011187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746",
		},
		{
			"RFC 5903 8.3: initiator", ecdh.P521(),
			"0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777f5957b2639bab072462f68c27a57382d4a52",
			"0400d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6c2912d4ef2d0433ced2b6171640012d9460f" +
				"015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f4732296579ab44fcd17f0fc56a",
			"0000004201144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06b3c715a3a8cc3151f2bee417996d19f3ddea",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			private, err := test.curve.NewPrivateKey(unhex(t, test.private))
			require.NoError(t, err)
			secret, err := ecdhCurve{test.curve}.secret(private, unhex(t, test.public))
			require.NoError(t, err)
			require.Len(t, secret, len(private.Bytes()), "raw, as hybrids want it")
			require.Equal(t, test.k, hex.EncodeToString(appendMPInt(secret)))
		})
	}
}

// invalidPoints is what is no uncompressed point of P-256, P-384 and P-521.
// Their points with x = 0 have the square root of b for y.
var invalidPoints = []struct{ method, p, y0 string }{
	{
		"ecdh-sha2-nistp256",
		"ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
		"66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4",
	},
	{
		"ecdh-sha2-nistp384",
		"fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
		"c306610fb0ae5a159cf45c06069f22a6c5eb3641c602d42dea2c4b4f75550793406d80d2b91ad54f9048bd487af1ade1",
	},
	{
		"ecdh-sha2-nistp521",
		"01" + strings.Repeat("ff", 65),
		"012df13601594a883ef2d935e44bb90bf4d6619b74e52af7552f97769011c0719eb439cfab2a88d40fe59a2bed1f43557169a2d0a2ccd280c607b92bbf51ffe0b078",
	},
}

// D4: whatever is not an uncompressed point of the curve is refused.
func TestNISTPRefusesInvalidPoints(t *testing.T) {
	for _, curve := range invalidPoints {
		m, ok := Lookup(curve.method)
		require.True(t, ok)
		size := len(curve.p)
		public := hex.EncodeToString(refParse(t, 30, 1, validInit(t, m))[0])
		x, y, o := public[2:2+size], public[2+size:], strings.Repeat("0", size)
		accepts(t, m, unhex(t, "04"+x+y))
		accepts(t, m, unhex(t, "04"+o+curve.y0))
		for _, test := range []struct{ name, point string }{
			{"D4: empty", ""},
			{"D4: infinity", "00"},
			{"D4: infinity, padded", "00" + o + o},
			{"D4: (0, 0)", "04" + o + o},
			{"D4: off the curve", "04" + x + nextOf(t, y)},
			{"D4: coordinates swapped", "04" + y + x},
			{"D4: compressed, even", "02" + x},
			{"D4: compressed, odd", "03" + x},
			{"D4: compressed tag before both coordinates", "02" + x + y},
			{"D4: hybrid form, even", "06" + x + y},
			{"D4: hybrid form, odd", "07" + x + y},
			{"D4: x only", x},
			{"D4: x and y without a tag", x + y},
			{"D4: one byte short", "04" + x + y[:size-2]},
			{"D4: one byte over", "04" + x + y + "00"},
			{"D4: x = p, which is 0", "04" + curve.p + curve.y0},
			{"D4: y = p", "04" + x + curve.p},
			{"D4: a point of another curve's size", "04" + x + y + x},
		} {
			t.Run(curve.method+"/"+test.name, func(t *testing.T) { refuses(t, m, unhex(t, test.point)) })
		}
		refuses(t, m, bytes.Repeat([]byte{4}, 1<<20))
	}
}

// nextOf changes the last bit of a number in hexadecimal.
func nextOf(t *testing.T, number string) string {
	b := unhex(t, number)
	b[len(b)-1] ^= 1
	return hex.EncodeToString(b)
}
