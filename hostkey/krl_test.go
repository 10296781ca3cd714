package hostkey_test

import (
	"bytes"
	"crypto/fips140"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

func serial(n uint64) *hostkey.Certificate {
	c := &hostkey.Certificate{Key: testkeys.ECDSA256().PublicKey(), CA: testkeys.Ed25519().PublicKey(), Serial: n, KeyID: "id"}
	return c
}

func revokes(t *testing.T, l *hostkey.KRL, key hostkey.PublicKey) string {
	t.Helper()
	err := l.Check(key)
	if err == nil {
		return ""
	}
	var revoked *hostkey.RevokedError
	require.ErrorAs(t, err, &revoked)
	require.ErrorContains(t, err, "is revoked by its "+revoked.By)
	return revoked.By
}

// again writes and reads a list.
func again(t *testing.T, l *hostkey.KRL) *hostkey.KRL {
	t.Helper()
	b := l.Marshal()
	read, err := hostkey.ParseKRL(b)
	require.NoError(t, err)
	require.Equal(t, b, read.Marshal())
	return read
}

func TestKRL(t *testing.T) {
	ca, other := testkeys.Ed25519().PublicKey(), testkeys.Ed25519Other().PublicKey()
	l := &hostkey.KRL{Version: 9, Generated: time.Unix(1700000000, 0), Comment: "a comment"}
	require.NoError(t, l.RevokeSerials(ca, 5, 5))
	require.NoError(t, l.RevokeSerials(ca, 100, 1<<40))
	require.NoError(t, l.RevokeSerials(ca, 7, 9))
	require.NoError(t, l.RevokeSerials(nil, math.MaxUint64, math.MaxUint64))
	l.RevokeKeyID(other, "mallory")
	l.RevokeKeyID(nil, "everywhere")
	l.RevokeKey(testkeys.RSA2048().PublicKey())
	require.NoError(t, l.RevokeFingerprint(hostkey.Fingerprint(testkeys.ECDSA384().PublicKey())))
	for _, l := range []*hostkey.KRL{l, again(t, l)} {
		require.EqualValues(t, 9, l.Version)
		require.EqualValues(t, 1700000000, l.Generated.Unix())
		require.Equal(t, "a comment", l.Comment)
		for n, want := range map[uint64]bool{0: false, 1: false, 4: false, 5: true, 6: false, 7: true, 9: true, 10: false, 99: false,
			100: true, 1 << 30: true, 1 << 40: true, 1<<40 + 1: false, math.MaxUint64 - 1: false, math.MaxUint64: true} {
			by := revokes(t, l, serial(n))
			require.Equal(t, want, by == "serial number", "serial %d: %s", n, by)
			require.Equal(t, want, by != "")
		}
		c := serial(5)
		c.CA = other
		require.Empty(t, revokes(t, l, c), "another authority's")
		c.KeyID = "mallory"
		require.Equal(t, "key id", revokes(t, l, c))
		c.CA = ca
		c.Serial = 0
		require.Empty(t, revokes(t, l, c))
		c.KeyID = "everywhere"
		require.Equal(t, "key id", revokes(t, l, c))

		require.Equal(t, "key", revokes(t, l, testkeys.RSA2048().PublicKey()))
		require.Equal(t, "fingerprint", revokes(t, l, testkeys.ECDSA384().PublicKey()))
		require.Empty(t, revokes(t, l, testkeys.RSA3072().PublicKey()))
		// J6: a certificate about a revoked key, and one by a revoked authority.
		c = serial(1)
		c.Key = testkeys.RSA2048().PublicKey()
		require.Equal(t, "key", revokes(t, l, c))
		c = serial(1)
		c.CA = testkeys.ECDSA384().PublicKey()
		require.Equal(t, "fingerprint", revokes(t, l, c))
	}
}

func TestZeroKRL(t *testing.T) {
	var l hostkey.KRL
	require.NoError(t, l.Check(testkeys.Ed25519().PublicKey()))
	require.NoError(t, l.Check(serial(1)))
	require.Error(t, l.Check(nil))
	require.Error(t, l.Check(&hostkey.Certificate{}), "what cannot be looked for is not taken for good")
	require.NoError(t, again(t, &l).Check(serial(1)))
}

func TestRevokeRefuses(t *testing.T) {
	var l hostkey.KRL
	ca := testkeys.Ed25519().PublicKey()
	require.ErrorContains(t, l.RevokeSerials(ca, 0, 1), "begin with 1")
	require.ErrorContains(t, l.RevokeSerials(ca, 2, 1), "begin with 1")
	require.Error(t, l.RevokeCertificate(&hostkey.Certificate{}))
	for _, f := range []string{"", "SHA256:", "SHA256:x", "MD5:00", "SHA256:" + strings.Repeat("A", 42), "sha256:" + strings.Repeat("A", 43)} {
		require.Error(t, l.RevokeFingerprint(f), f)
	}
	require.Len(t, l.Marshal(), 8+4+8+8+8+4+4, "nothing was added")
	require.NoError(t, l.RevokeFingerprint(hostkey.Fingerprint(ca)+"="))
	require.Equal(t, "fingerprint", revokes(t, &l, ca))
}

func TestRevokeCertificate(t *testing.T) {
	var l hostkey.KRL
	require.NoError(t, l.RevokeCertificate(serial(3)))
	none := serial(0)
	none.KeyID = "by id"
	require.NoError(t, l.RevokeCertificate(none))
	require.Equal(t, "serial number", revokes(t, &l, serial(3)))
	require.Equal(t, "key id", revokes(t, &l, none))
	require.Empty(t, revokes(t, &l, serial(4)))
	require.Empty(t, revokes(t, &l, serial(4).Key), "the key is as good as it was")
	l.RevokeKey(serial(4))
	require.Equal(t, "key", revokes(t, &l, serial(4)))
	require.Equal(t, "key", revokes(t, &l, serial(4).Key))
}

// Whatever the order, and however near each other they are.
func TestKRLSerials(t *testing.T) {
	ca := testkeys.Ed25519().PublicKey()
	for name, ranges := range map[string][][2]uint64{
		"near each other":  {{1, 1}, {3, 3}, {5, 8}, {9, 9}, {64, 64}, {70, 90}},
		"backwards":        {{900, 910}, {500, 500}, {1, 2}},
		"overlapping":      {{10, 20}, {15, 30}, {5, 12}, {31, 40}, {1, 100}},
		"touching":         {{10, 20}, {21, 30}, {9, 9}},
		"far apart":        {{1, 1}, {1 << 20, 1 << 21}, {1 << 62, 1 << 63}},
		"at the end":       {{math.MaxUint64 - 300, math.MaxUint64 - 290}, {math.MaxUint64 - 100, math.MaxUint64 - 90}, {math.MaxUint64 - 2, math.MaxUint64}},
		"all":              {{1, math.MaxUint64}},
		"twice":            {{7, 7}, {7, 7}},
		"a bitmap of many": many(40000, 3),
	} {
		t.Run(name, func(t *testing.T) {
			var l hostkey.KRL
			for _, r := range ranges {
				require.NoError(t, l.RevokeSerials(ca, r[0], r[1]))
			}
			read := again(t, &l)
			for i, r := range ranges {
				if i > 50 && i < len(ranges)-50 {
					continue
				}
				for _, n := range []uint64{r[0] - 2, r[0] - 1, r[0], r[1], r[1] + 1, r[1] + 2} {
					want := n != 0 && slices.ContainsFunc(ranges, func(r [2]uint64) bool { return r[0] <= n && n <= r[1] })
					require.Equal(t, want, revokes(t, &l, serial(n)) != "", n)
					require.Equal(t, want, revokes(t, read, serial(n)) != "", n)
				}
			}
		})
	}
	var l hostkey.KRL
	for _, r := range many(40000, 3) {
		require.NoError(t, l.RevokeSerials(ca, r[0], r[1]))
	}
	require.Less(t, len(l.Marshal()), 40000, "less than a byte each")
}

func many(n, step uint64) (ranges [][2]uint64) {
	for i := range n {
		ranges = append(ranges, [2]uint64{1 + i*step, 1 + i*step})
	}
	return ranges
}

// krl is a list of sections.
func krl(sections ...[]byte) []byte {
	b := wire.AppendUint32([]byte("SSHKRL\n\x00"), 1)
	b = append(b, make([]byte, 24)...)
	b = append(b, blob("", "comment")...)
	return append(b, bytes.Join(sections, nil)...)
}

func section(kind byte, data ...[]byte) []byte {
	return wire.AppendString([]byte{kind}, bytes.Join(data, nil))
}

func numbers(list ...uint64) (b []byte) {
	for _, n := range list {
		b = wire.AppendUint64(b, n)
	}
	return b
}

// ofCA is what is revoked of one authority's certificates.
func ofCA(sections ...[]byte) []byte {
	ca := testkeys.Ed25519().PublicKey().Marshal()
	return section(1, append([][]byte{blob(string(ca), "")}, sections...)...)
}

func signedBy(t *testing.T, file []byte, s hostkey.Signer) []byte {
	t.Helper()
	file = append(slices.Clone(file), section(4, s.PublicKey().Marshal())...)
	sig, err := s.Sign(t.Context(), s.Algorithms()[0], file)
	require.NoError(t, err)
	return wire.AppendString(file, sig.Append(nil))
}

func TestParseKRL(t *testing.T) {
	sum1, sum256 := sha1.Sum(testkeys.RSA2048().PublicKey().Marshal()), sha256.Sum256(testkeys.RSA2048().PublicKey().Marshal())
	bits := func(offset uint64, bitmap ...byte) []byte {
		return section(0x22, numbers(offset), blob(string(bitmap)))
	}
	for name, test := range map[string]struct {
		file []byte
		key  hostkey.PublicKey
		by   string
	}{
		"a list of serials":                   {krl(ofCA(section(0x20, numbers(9, 3, 5)))), serial(3), "serial number"},
		"a range":                             {krl(ofCA(section(0x21, numbers(3, 5)))), serial(4), "serial number"},
		"beyond the range":                    {krl(ofCA(section(0x21, numbers(3, 5)))), serial(6), ""},
		"a bitmap":                            {krl(ofCA(bits(5, 0x1d))), serial(7), "serial number"},
		"between its bits":                    {krl(ofCA(bits(5, 0x1d))), serial(6), ""},
		"beyond a bitmap":                     {krl(ofCA(bits(5, 0x1d))), serial(13), ""},
		"before a bitmap":                     {krl(ofCA(bits(5, 0x1d))), serial(4), ""},
		"a bitmap up to the last number":      {krl(ofCA(bits(math.MaxUint64-7, 0, 0x80))), serial(math.MaxUint64), "serial number"},
		"an empty bitmap":                     {krl(ofCA(bits(5))), serial(5), ""},
		"a bitmap from 0 on without 0":        {krl(ofCA(bits(0, 2))), serial(1), "serial number"},
		"sections of one authority, twice":    {krl(ofCA(section(0x20, numbers(9))), ofCA(section(0x20, numbers(2)))), serial(2), "serial number"},
		"a key id":                            {krl(ofCA(section(0x23, blob("x", "id")))), serial(1), "key id"},
		"an empty key id":                     {krl(ofCA(section(0x23, blob("")))), serial(1), ""},
		"any authority":                       {krl(section(1, blob("", "reserved"), section(0x20, numbers(4)))), serial(4), "serial number"},
		"a certificate extension":             {krl(ofCA(section(0x39, blob("x"), []byte{0}, blob("data")))), serial(4), ""},
		"an extension":                        {krl(section(255, blob("x"), []byte{0}, blob("data"))), serial(4), ""},
		"a key":                               {krl(section(2, blob(string(testkeys.RSA2048().PublicKey().Marshal())))), testkeys.RSA2048().PublicKey(), "key"},
		"a fingerprint":                       {krl(section(5, blob(string(sum256[:])))), testkeys.RSA2048().PublicKey(), "fingerprint"},
		"a fingerprint of SHA-1":              {krl(section(3, blob("01234567890123456789", string(sum1[:])))), testkeys.RSA2048().PublicKey(), "fingerprint"},
		"empty sections":                      {krl(section(2), section(3), section(5), ofCA()), serial(1), ""},
		"an authority of an unknown format":   {krl(section(1, blob(string(blob("ssh-ed448", "x")), ""))), serial(1), ""},
		"signed":                              {signedBy(t, krl(ofCA(section(0x20, numbers(4)))), testkeys.ECDSA256()), serial(4), "serial number"},
		"signed by two":                       {signedBy(t, signedBy(t, krl(), testkeys.ECDSA256()), testkeys.RSA2048()), serial(4), ""},
		"signed by one that is not revoked":   {signedBy(t, signedBy(t, krl(section(5, blob(string(sum256[:])))), testkeys.ECDSA256()), testkeys.RSA2048()), serial(4), ""},
		"a date beyond what there is of them": {append(numbersAt(krl(), 20, math.MaxUint64), section(2)...), serial(1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := hostkey.ParseKRL(test.file)
			require.NoError(t, err)
			require.Equal(t, test.by, revokes(t, l, test.key))
			require.Equal(t, test.by, revokes(t, again(t, l), test.key))
			signers := strings.Count(name, "signed") + strings.Count(name, "two")
			require.Len(t, l.Signers, signers)
		})
	}
}

// numbersAt overwrites the eight bytes at an offset.
func numbersAt(b []byte, at int, n uint64) []byte {
	copy(b[at:], numbers(n))
	return b
}

func TestParseKRLRefuses(t *testing.T) {
	bits := func(offset uint64, bitmap ...byte) []byte {
		return section(0x22, numbers(offset), blob(string(bitmap)))
	}
	good := krl(ofCA(section(0x20, numbers(4))))
	sum := sha256.Sum256(testkeys.ECDSA256().PublicKey().Marshal())
	certificate := string(certified(t, nil).Marshal())
	for name, test := range map[string]struct {
		file []byte
		why  string
	}{
		"empty":                                  {nil, "no key revocation list"},
		"something else":                         {[]byte("SSHKRL\n\x01 and so on"), "no key revocation list"},
		"version 2":                              {append(wire.AppendUint32([]byte("SSHKRL\n\x00"), 2), krl()[12:]...), "version 2"},
		"an unknown section":                     {krl(section(6)), "section 6 is not known"},
		"an unknown certificate section":         {krl(ofCA(section(0x24))), "section 0x24"},
		"a critical extension":                   {krl(section(255, blob("x\x1b"), []byte{1}, blob(""))), `critical extension "x\x1b"`},
		"a critical certificate extension":       {krl(ofCA(section(0x39, blob("x"), []byte{1}, blob("")))), "critical extension"},
		"an extension with more behind":          {krl(section(255, blob("x"), []byte{0}, blob("", ""))), ""},
		"serial 0":                               {krl(ofCA(section(0x20, numbers(0)))), "no range"},
		"a range from 0 on":                      {krl(ofCA(section(0x21, numbers(0, 5)))), "no range"},
		"a range backwards":                      {krl(ofCA(section(0x21, numbers(5, 4)))), "no range"},
		"two ranges in one section":              {krl(ofCA(section(0x21, numbers(1, 2, 3, 4)))), "truncated"},
		"half a serial":                          {krl(ofCA(section(0x20, []byte{0, 0, 0, 1}))), "truncated"},
		"half a range":                           {krl(ofCA(section(0x21, numbers(1)))), "truncated"},
		"a negative bitmap":                      {krl(ofCA(bits(5, 0x80))), "truncated"},
		"a bitmap with 0":                        {krl(ofCA(bits(0, 1))), "0 is no serial number"},
		"a bitmap beyond the last number":        {krl(ofCA(bits(math.MaxUint64-6, 0, 0x80))), "beyond the last"},
		"a long bitmap beyond it":                {krl(ofCA(bits(math.MaxUint64-100, append([]byte{1}, make([]byte, 100)...)...))), "beyond the last"},
		"more behind a bitmap":                   {krl(ofCA(section(0x22, numbers(1), blob("\x01", "")))), "truncated"},
		"a key id with a NUL":                    {krl(ofCA(section(0x23, blob("a\x00b")))), "truncated"},
		"a SHA-1 of 19 bytes":                    {krl(section(3, blob("0123456789012345678"))), "truncated"},
		"a SHA-256 of 20 bytes":                  {krl(section(5, blob("01234567890123456789"))), "truncated"},
		"G4: an authority that is a certificate": {krl(section(1, blob(certificate, ""))), "certificate"},
		"an authority that is cut":               {krl(section(1, blob("\x00\x00\x00\x0bssh-ed25519", ""))), ""},
		"something behind a signature":           {append(signedBy(t, good, testkeys.ECDSA256()), section(2)...), "follows its signature"},
		"signed twice by one":                    {signedBy(t, signedBy(t, good, testkeys.ECDSA256()), testkeys.ECDSA256()), "twice"},
		"a signature of something else":          {append(slices.Clone(good), signedBy(t, krl(), testkeys.ECDSA256())[len(krl()):]...), "does not verify"},
		"a signature that is none":               {append(slices.Clone(good), append(section(4, testkeys.ECDSA256().PublicKey().Marshal()), blob("x")...)...), ""},
		"no signature":                           {append(slices.Clone(good), section(4, testkeys.ECDSA256().PublicKey().Marshal())...), ""},
		"signed by a certificate":                {append(slices.Clone(good), append(section(4, []byte(certificate)), blob("x")...)...), "not supported"},
		"signed by a key that it revokes":        {signedBy(t, krl(section(5, blob(string(sum[:])))), testkeys.ECDSA256()), "revokes every key"},
		"J5: signed over SHA-1":                  {signedOverSHA1(t, good), "which sign with rsa-sha2-512"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := hostkey.ParseKRL(test.file)
			require.Nil(t, l)
			require.ErrorContains(t, err, "hostkey: ")
			require.ErrorContains(t, err, test.why)
			require.NotContains(t, err.Error(), "\x1b")
			_, err = hostkey.ParseRevokedKeys(test.file)
			require.Equal(t, len(test.file) > 0, err != nil, "nor is it a text")
		})
	}
	whole := signedBy(t, krl(ofCA(section(0x20, numbers(4)), bits(9, 7)), section(2, blob("key"))), testkeys.ECDSA256())
	for n := range whole {
		if n == len(krl()) || slices.Contains(boundaries(whole), n) {
			continue
		}
		_, err := hostkey.ParseKRL(whole[:n])
		require.Error(t, err, "%d of %d bytes", n, len(whole))
	}
}

// boundaries are the offsets at which a list may end.
func boundaries(file []byte) (ends []int) {
	at := len(krl())
	for at < len(file) {
		r := wire.NewReader(file[at:])
		if r.Byte() == 4 {
			break
		}
		at += 5 + len(r.Blob())
		ends = append(ends, at)
	}
	return ends
}

func signedOverSHA1(t *testing.T, file []byte) []byte {
	t.Helper()
	s, err := hostkey.InsecureSHA1(testkeys.RSA2048())
	require.NoError(t, err)
	file = append(slices.Clone(file), section(4, s.PublicKey().Marshal())...)
	sig, err := s.Sign(t.Context(), "ssh-rsa", file)
	require.NoError(t, err)
	return wire.AppendString(file, sig.Append(nil))
}

// What a small list makes of itself in memory, and how long that takes.
func TestKRLIsBounded(t *testing.T) {
	many := make([][]byte, 0, 20000)
	for i := range 20000 {
		many = append(many, ofCA(section(0x20, numbers(uint64(1+7919*i%40009)))))
	}
	sparse := append([]byte{0x55}, bytes.Repeat([]byte{0x55}, 1<<20)...)
	tooMany := krl()
	for i := range 17 {
		_ = i
		tooMany = append(tooMany, section(4, testkeys.Ed25519().PublicKey().Marshal())...)
	}
	for name, file := range map[string][]byte{
		"a section for each serial": krl(many...),
		"a bitmap of a megabyte":    krl(ofCA(section(0x22, numbers(1), blob(string(sparse))))),
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			l, err := hostkey.ParseKRL(file)
			require.NoError(t, err)
			require.Equal(t, "serial number", revokes(t, l, serial(1)))
			require.Less(t, time.Since(begin), 5*time.Second)
		})
	}
	_, err := hostkey.ParseKRL(tooMany)
	require.Error(t, err)
}

func TestParseRevokedKeys(t *testing.T) {
	c := certified(t, nil)
	text := "# revoked\n\n" + keyText(testkeys.RSA2048()) + " a comment\r\n" +
		string(hostkey.MarshalAuthorizedKey(c, "")) + "ssh-ed448 AAAACXNzaC1lZDQ0OAAAAAF4\n"
	l, err := hostkey.ParseRevokedKeys([]byte(text))
	require.NoError(t, err)
	require.Equal(t, "key", revokes(t, l, testkeys.RSA2048().PublicKey()))
	require.Equal(t, "key", revokes(t, l, c.Key), "a certificate stands for its key, as with sshd")
	require.Empty(t, revokes(t, l, c.CA))
	byRevoked := serial(1)
	byRevoked.CA = testkeys.RSA2048().PublicKey()
	require.Equal(t, "key", revokes(t, l, byRevoked), "J6")

	l, err = hostkey.ParseRevokedKeys((&hostkey.KRL{Version: 3}).Marshal())
	require.NoError(t, err)
	require.EqualValues(t, 3, l.Version)

	l, err = hostkey.ParseRevokedKeys(nil)
	require.NoError(t, err, "an empty file revokes nothing")
	require.NoError(t, l.Check(c))
	for name, line := range map[string]string{
		"a word": "x", "options": "restrict " + keyText(testkeys.RSA2048()), "a key that is cut": keyText(testkeys.RSA2048())[:100],
		"a fingerprint": "SHA256:" + strings.Repeat("A", 43), "J9: a NUL": keyText(testkeys.RSA2048()) + "\x00",
		"a certificate that is cut": string(hostkey.MarshalAuthorizedKey(c, ""))[:80],
		"J9: a long line":           "#" + strings.Repeat("x", 1) + "\n" + keyText(testkeys.RSA2048()) + strings.Repeat(" ", 16<<10),
	} {
		t.Run(name, func(t *testing.T) {
			l, err := hostkey.ParseRevokedKeys([]byte(line + "\n"))
			require.Nil(t, l)
			var at *hostkey.LineError
			require.True(t, errors.As(err, &at), "%v", err)
		})
	}
}

// A list may have keys by their SHA-1, which is a name and no security: they are
// found where whatever FIPS 140-3 has not approved panics.
func TestKRLFIPS(t *testing.T) {
	if os.Getenv("WHELK_FIPS") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKRLFIPS$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=only", "WHELK_FIPS=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: TestKRLFIPS")
		return
	}
	key := testkeys.ECDSA256().PublicKey()
	var sum [sha1.Size]byte
	fips140.WithoutEnforcement(func() { sum = sha1.Sum(key.Marshal()) })
	l, err := hostkey.ParseKRL(krl(section(3, blob(string(sum[:])))))
	require.NoError(t, err)
	require.Equal(t, "fingerprint", revokes(t, l, key))
	require.Empty(t, revokes(t, l, testkeys.ECDSA384().PublicKey()))
}
