package hostkey

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"math/big"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/ed25519"

	"github.com/whelk-ssh/whelk/internal/argon2d"
	"github.com/whelk-ssh/whelk/wire"
)

// A ppk is a private key file of PuTTY (PuTTY manual, appendix C):
//
//	PuTTY-User-Key-File-3: ssh-ed25519
//	Encryption: aes256-cbc
//	Comment: a comment
//	Public-Lines: 2
//	the key blob in base64, in two lines
//	Key-Derivation: Argon2id          if it is encrypted, and not in version 2
//	Argon2-Memory: 8192
//	Argon2-Passes: 13
//	Argon2-Parallelism: 1
//	Argon2-Salt: 32 hexadecimal digits
//	Private-Lines: 1
//	the private half in base64, encrypted, in one line
//	Private-MAC: hexadecimal digits
type ppk struct {
	version    int
	keyType    string
	encryption string
	comment    string
	public     []byte
	argon2     argon2Options
	private    []byte
	mac        []byte
}

// argon2Options are how a passphrase becomes keys in version 3.
type argon2Options struct {
	variant     string // as Key-Derivation names it
	memory      int    // in KiB
	passes      int
	parallelism int
	salt        []byte
}

// argon2Variants are the ways to derive a key of a given size in bytes. They
// return nil for options out of range.
var argon2Variants = map[string]func(passphrase []byte, o argon2Options, size int) []byte{
	"Argon2id": func(passphrase []byte, o argon2Options, size int) []byte {
		return argon2.IDKey(passphrase, o.salt, uint32(o.passes), uint32(o.memory), uint8(o.parallelism), uint32(size))
	},
	"Argon2i": func(passphrase []byte, o argon2Options, size int) []byte {
		return argon2.Key(passphrase, o.salt, uint32(o.passes), uint32(o.memory), uint8(o.parallelism), uint32(size))
	},
	"Argon2d": func(passphrase []byte, o argon2Options, size int) []byte {
		key, _ := argon2d.Key(passphrase, o.salt, argon2d.Options{Passes: o.passes, Memory: o.memory, Threads: o.parallelism}, size)
		return key
	},
}

const (
	ppkMagic  = "PuTTY-User-Key-File-"
	ppkCipher = "aes256-cbc"
	ppkLine   = 64 // characters of base64
)

// Bounds of what a file may ask for (G13). PuTTY takes 8 MiB, and as many
// passes as take 100 milliseconds; RFC 9106, section 4, advises 64 MiB and 3
// passes. What both make is bounded by the second, in KiB, which takes some
// seconds.
const (
	maxArgon2Memory  = 256 << 10
	maxArgon2Work    = 4 << 20
	maxArgon2Threads = 64
)

func ppkError(format string, a ...any) error {
	return &KeyFormatError{Type: "PuTTY", Reason: fmt.Sprintf(format, a...)}
}

// A ppkReader takes a file apart. The first failure sticks, as in wire.Reader.
type ppkReader struct {
	rest []byte
	err  error
}

func (r *ppkReader) fail(format string, a ...any) {
	if r.err == nil {
		r.err = ppkError(format, a...)
	}
	r.rest = nil
}

// line takes a line off, which ends with LF or CR LF.
func (r *ppkReader) line() []byte {
	line, rest, _ := bytes.Cut(r.rest, []byte("\n"))
	r.rest = rest
	return bytes.TrimSuffix(line, []byte("\r"))
}

// header takes off the line of a header, which has to be there.
func (r *ppkReader) header(name string) string {
	value, ok := bytes.CutPrefix(r.line(), []byte(name+": "))
	if !ok {
		r.fail("it has no %s where that should be", name)
	}
	return string(value)
}

func (r *ppkReader) number(name string) int {
	n, err := strconv.ParseUint(r.header(name), 10, 31)
	if err != nil {
		r.fail("its %s is not a number that is accepted", name)
	}
	return int(n)
}

func (r *ppkReader) hex(name string) []byte {
	b, err := hex.DecodeString(r.header(name))
	if err != nil {
		r.fail("its %s is not in hexadecimal", name)
	}
	return b
}

// blob takes off a header with a number, and as many lines of base64.
func (r *ppkReader) blob(name string) []byte {
	n := r.number(name)
	if n > bytes.Count(r.rest, []byte("\n")) {
		r.fail("it has less than its %s", name)
		return nil
	}
	start := r.rest
	for range n {
		r.line()
	}
	text := start[:len(start)-len(r.rest)]
	b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(b, text) // which passes over the ends of lines
	if err != nil {
		r.fail("its %s are not in base64", name)
	}
	return b[:n]
}

// readPPK takes a file apart. Versions 2 and 3 have the same headers; those of
// version 1 are older than 2002, and what they say is not authenticated.
func readPPK(file []byte) (*ppk, error) {
	p := &ppk{}
	r := &ppkReader{rest: file[len(ppkMagic):]}
	version, keyType, _ := strings.Cut(string(r.line()), ": ")
	if version != "2" && version != "3" {
		return nil, ppkError("its version is not 2 or 3: `puttygen FILE -P` makes one that is")
	}
	p.version = int(version[0] - '0')
	p.keyType, p.encryption, p.comment = keyType, r.header("Encryption"), r.header("Comment")
	p.public = r.blob("Public-Lines")
	if p.version == 3 && p.encrypted() {
		p.argon2 = argon2Options{
			variant: r.header("Key-Derivation"),
			memory:  r.number("Argon2-Memory"), passes: r.number("Argon2-Passes"), parallelism: r.number("Argon2-Parallelism"),
			salt: r.hex("Argon2-Salt"),
		}
	}
	p.private = r.blob("Private-Lines")
	p.mac = r.hex("Private-MAC")
	if r.err == nil && len(bytes.TrimSpace(r.rest)) > 0 {
		r.fail("there are lines after its end")
	}
	if r.err != nil {
		return nil, r.err
	}
	return p, p.check()
}

func (p *ppk) encrypted() bool { return p.encryption != "none" }

// check looks at what decryption is going to take.
func (p *ppk) check() error {
	a := p.argon2
	switch {
	case !p.encrypted():
		return nil
	case p.encryption != ppkCipher:
		return ppkError("its cipher is not supported: %q", p.encryption[:min(len(p.encryption), maxCipherName)])
	case len(p.private) == 0 || len(p.private)%aes.BlockSize != 0:
		return ppkError("its private part is not padded to %d bytes", aes.BlockSize)
	case p.version == 2:
		return nil
	case argon2Variants[a.variant] == nil:
		return ppkError("it derives its key in a way that is not supported: %q", a.variant[:min(len(a.variant), maxCipherName)])
	case a.passes < 1 || a.parallelism < 1 || a.parallelism > maxArgon2Threads || a.memory < 8*a.parallelism || len(a.salt) > maxSalt:
		return ppkError("what Argon2 should derive its key from is out of range")
	case a.memory > maxArgon2Memory || a.passes > maxArgon2Work/a.memory:
		return ppkError("Argon2 with %d KiB of memory and %d passes is more than is accepted", a.memory, a.passes)
	}
	return nil
}

// ppkKeys are what a passphrase becomes.
type ppkKeys struct {
	cipher, iv, mac []byte
	hash            func() hash.Hash
}

func (k *ppkKeys) clear() {
	clear(k.cipher)
	clear(k.mac)
}

// keys derives them. Without encryption there is no passphrase, and the MAC,
// which protects nothing then, has a key that everybody knows.
func (p *ppk) keys(passphrase []byte) (*ppkKeys, error) {
	if err := notApproved("the format of PuTTY"); err != nil {
		return nil, err
	}
	if !p.encrypted() {
		passphrase = nil
	}
	if p.version == 2 {
		return deriveSHA1(passphrase), nil
	}
	if !p.encrypted() {
		return &ppkKeys{hash: sha256.New}, nil
	}
	const size = 32 + aes.BlockSize + sha256.Size
	b := argon2Variants[p.argon2.variant](passphrase, p.argon2, size)
	if b == nil {
		return nil, ppkError("what Argon2 should derive its key from is out of range")
	}
	return &ppkKeys{cipher: b[:32], iv: b[32:48], mac: b[48:], hash: sha256.New}, nil
}

// deriveSHA1 is how version 2 makes keys of a passphrase. A guess costs next to
// nothing.
func deriveSHA1(passphrase []byte) *ppkKeys {
	sum := func(parts ...[]byte) []byte {
		h := sha1.New()
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	cipher := append(sum([]byte{0, 0, 0, 0}, passphrase), sum([]byte{0, 0, 0, 1}, passphrase)...)
	return &ppkKeys{
		cipher: cipher[:32], iv: make([]byte, aes.BlockSize),
		mac:  sum([]byte("putty-private-key-file-mac-key"), passphrase),
		hash: sha1.New,
	}
}

// sum returns the MAC of a file whose private half is not encrypted.
func (p *ppk) sum(k *ppkKeys) []byte {
	h := hmac.New(k.hash, k.mac)
	for _, part := range [][]byte{[]byte(p.keyType), []byte(p.encryption), []byte(p.comment), p.public, p.private} {
		h.Write(wire.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)
}

// parsePPK parses a file of PuTTY.
func parsePPK(file, passphrase []byte) (*PrivateKey, error) {
	p, err := readPPK(file)
	if err != nil {
		return nil, err
	}
	defer clear(p.private)
	public, err := ParsePublicKey(p.public)
	if err != nil {
		return nil, err
	}
	if public.Type() != p.keyType {
		return nil, ppkError("it says that it is another key than it is")
	}
	locked := &PassphraseError{Format: "PuTTY", Cipher: p.encryption, KDF: p.argon2.variant, PublicKey: public, Comment: p.comment}
	if p.encrypted() && len(passphrase) == 0 {
		return nil, locked
	}
	if err := p.open(passphrase); err == errTag && p.encrypted() {
		return nil, locked.wrong()
	} else if err == errTag {
		return nil, ppkError("its MAC is wrong: the file is damaged")
	} else if err != nil {
		return nil, err
	}
	key, err := p.parsePrivate(public)
	if err != nil {
		return nil, err
	}
	k, err := newPrivateKey(key)
	if err != nil {
		return nil, err
	}
	if !Equal(k.PublicKey(), public) {
		return nil, ppkError("its public half does not belong to the private one")
	}
	k.Comment = p.comment
	return k, nil
}

// open decrypts the private half in place and checks the MAC over everything.
func (p *ppk) open(passphrase []byte) error {
	keys, err := p.keys(passphrase)
	if err != nil {
		return err
	}
	defer keys.clear()
	if p.encrypted() {
		c, err := blockCrypter(aes.NewCipher, cbc)(keys.cipher, keys.iv)
		if err != nil {
			return err
		}
		c.open(p.private, nil)
	}
	if !hmac.Equal(p.sum(keys), p.mac) {
		return errTag
	}
	return nil
}

// parsePrivate parses the private half, decrypted:
//
//	mpint     d, p, q and the inverse of q modulo p, of an RSA key
//	mpint     d, of an ECDSA key
//	string    k, little-endian and maybe without its last zeros, of Ed25519
//
// and up to a block of padding, which can be anything.
func (p *ppk) parsePrivate(public PublicKey) (key crypto.Signer, err error) {
	r := wire.NewReader(p.private)
	switch public := public.(type) {
	case *ed25519Key:
		key, err = parsePPKEd25519(&r)
	case *ecdsaKey:
		key, err = parsePPKECDSA(&r, public.curve)
	case *rsaKey:
		var v [4]*big.Int
		if err = readRSANumbers(&r, v[:]); err == nil {
			key, err = newPrivateRSA(public.key.N, big.NewInt(int64(public.key.E)), v[0], [2]*big.Int{v[1], v[2]})
		}
	default:
		return nil, &UnknownKeyTypeError{Type: p.keyType}
	}
	if err != nil {
		return nil, err
	}
	if padding := r.Len(); padding >= aes.BlockSize || padding > 0 && !p.encrypted() {
		return nil, ppkError("there are bytes after its private half")
	}
	return key, nil
}

func parsePPKEd25519(r *wire.Reader) (crypto.Signer, error) {
	seed := make([]byte, ed25519.SeedSize)
	defer clear(seed)
	k := r.Blob()
	if r.Err() != nil || len(k) > len(seed) {
		return nil, &KeyFormatError{Type: Ed25519, Reason: "the private key is truncated or of the wrong length"}
	}
	copy(seed, k)
	return ed25519.NewKeyFromSeed(seed), nil
}

func parsePPKECDSA(r *wire.Reader, c *curve) (crypto.Signer, error) {
	size := (c.curve.Params().BitSize + 7) / 8
	malformed := &KeyFormatError{Type: c.keyType, Reason: "the private key is malformed"}
	d := r.MPInt()
	if r.Err() != nil || d.Sign() <= 0 || d.BitLen() > size*8 {
		return nil, malformed
	}
	key, err := ecdsa.ParseRawPrivateKey(c.curve, d.FillBytes(make([]byte, size)))
	if err != nil {
		return nil, malformed
	}
	return key, nil
}
