package hostkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/ed25519"

	"github.com/whelk-ssh/whelk/wire"
)

// An envelope is the outer structure of a private key file of OpenSSH.
//
//	byte[]    "openssh-key-v1\0"
//	string    ciphername
//	string    kdfname
//	string    kdfoptions
//	uint32    number of keys N
//	string    publickey1
//	....      publickey2 to publickeyN
//	string    encrypted, padded list of private keys
//
// (OpenSSH PROTOCOL.key, section 1.) Like OpenSSH, this package knows only
// files of one key.
type envelope struct {
	cipher, kdf string
	kdfOptions  []byte
	public      []byte
	private     []byte // encrypted with cipher
}

const (
	opensshLabel = "OPENSSH PRIVATE KEY"
	opensshMagic = "openssh-key-v1\x00"

	// opensshBlock is what the list of private keys is padded to a multiple
	// of when nothing encrypts it.
	opensshBlock = 8
)

// Length bounds of the names in an envelope, so that an error can quote them.
const maxCipherName = 64

func opensshError(format string, a ...any) error {
	return &KeyFormatError{Type: opensshLabel, Reason: fmt.Sprintf(format, a...)}
}

func parseEnvelope(p []byte) (*envelope, error) {
	r := wire.NewReader(p)
	if magic := r.Bytes(len(opensshMagic)); string(magic) != opensshMagic {
		return nil, opensshError("it does not begin with %q", opensshMagic)
	}
	cipher, kdf := r.Blob(), r.Blob()
	e := &envelope{kdfOptions: r.Blob()}
	keys := r.Uint32()
	e.public, e.private = r.Blob(), r.Blob()
	if r.Err() != nil || len(cipher) > maxCipherName || len(kdf) > maxCipherName {
		return nil, opensshError("it is truncated")
	}
	if keys != 1 {
		return nil, opensshError("it holds %d keys, not one", keys)
	}
	e.cipher, e.kdf = string(cipher), string(kdf)
	// What follows belongs to an authenticated cipher: its tag.
	if e.cipher == "none" && r.End() != nil {
		return nil, opensshError("there are bytes after its end")
	}
	return e, nil
}

// parseOpenSSH parses the content of an OPENSSH PRIVATE KEY block.
func parseOpenSSH(p []byte) (crypto.Signer, error) {
	e, err := parseEnvelope(p)
	if err != nil {
		return nil, err
	}
	if e.cipher != "none" {
		public, _ := ParsePublicKey(e.public)
		return nil, &PassphraseError{Format: "OpenSSH", Cipher: e.cipher, KDF: e.kdf, PublicKey: public}
	}
	if e.kdf != "none" || len(e.kdfOptions) > 0 {
		return nil, opensshError("it derives a key with %q for no cipher", e.kdf)
	}
	key, err := parsePrivateList(e.private)
	if err != nil {
		return nil, err
	}
	public, err := newPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	if !slices.Equal(public.Marshal(), e.public) {
		return nil, opensshError("its public half does not belong to the private one")
	}
	return key, nil
}

// parsePrivateList parses the list of private keys, decrypted:
//
//	uint32    checkint
//	uint32    checkint
//	....      privatekey1
//	string    comment1
//	byte[]    1, 2, 3, ... up to the block size
func parsePrivateList(p []byte) (crypto.Signer, error) {
	if len(p)%opensshBlock != 0 {
		return nil, opensshError("its private part is not padded to %d bytes", opensshBlock)
	}
	r := wire.NewReader(p)
	if first, second := r.Uint32(), r.Uint32(); first != second {
		return nil, opensshError("its check numbers differ")
	}
	key, err := parsePrivate(&r)
	if err != nil {
		return nil, err
	}
	r.Blob() // comment
	padding := r.Rest()
	if r.Err() != nil {
		return nil, opensshError("its private part is truncated")
	}
	if len(padding) >= opensshBlock {
		return nil, opensshError("its padding is too long")
	}
	for i, b := range padding {
		if int(b) != i+1 {
			return nil, opensshError("its padding is not 1, 2, 3")
		}
	}
	return key, nil
}

// parsePrivate reads one private key and leaves r after it.
func parsePrivate(r *wire.Reader) (crypto.Signer, error) {
	keyType := r.Blob()
	switch string(keyType) {
	case Ed25519:
		return parsePrivateEd25519(r)
	case ECDSA256, ECDSA384, ECDSA521:
		return parsePrivateECDSA(r, string(keyType))
	case RSA:
		return parsePrivateRSA(r)
	}
	if r.Err() != nil {
		return nil, opensshError("its private part is truncated")
	}
	return nil, &UnknownKeyTypeError{Type: string(keyType)}
}

// parsePrivateEd25519 reads the part after the key format of
//
//	string    "ssh-ed25519"
//	string    ENC(A), 32 octets
//	string    k || ENC(A), 64 octets
//
// (draft-ietf-sshm-ssh-agent, section 3.2.3).
func parsePrivateEd25519(r *wire.Reader) (crypto.Signer, error) {
	public, private := r.Blob(), r.Blob()
	if r.Err() != nil || len(private) != ed25519.PrivateKeySize {
		return nil, &KeyFormatError{Type: Ed25519, Reason: "the private key is truncated or of the wrong length"}
	}
	key := ed25519.PrivateKey(slices.Clone(private))
	if err := checkPrivate(key); err != nil {
		return nil, err
	}
	if !slices.Equal(public, key[ed25519.PrivateKeySize-ed25519.PublicKeySize:]) {
		return nil, &KeyFormatError{Type: Ed25519, Reason: "its public half does not belong to the private one"}
	}
	return key, nil
}

// parsePrivateECDSA reads the part after the key format of
//
//	string    "ecdsa-sha2-[identifier]"
//	string    [identifier]
//	string    Q
//	mpint     d
//
// (draft-ietf-sshm-ssh-agent, section 3.2.2).
func parsePrivateECDSA(r *wire.Reader, keyType string) (crypto.Signer, error) {
	name, point, d := r.Blob(), r.Blob(), r.MPInt()
	malformed := &KeyFormatError{Type: keyType, Reason: "the private key is malformed, or of another curve than it says"}
	if r.Err() != nil {
		return nil, malformed
	}
	i := slices.IndexFunc(curves, func(c curve) bool { return c.keyType == keyType })
	size := (curves[i].curve.Params().BitSize + 7) / 8
	if string(name) != curves[i].name || d.Sign() <= 0 || d.BitLen() > size*8 {
		return nil, malformed
	}
	key, err := ecdsa.ParseRawPrivateKey(curves[i].curve, d.FillBytes(make([]byte, size)))
	if err != nil {
		return nil, malformed
	}
	if q, err := key.PublicKey.Bytes(); err != nil || !slices.Equal(q, point) {
		return nil, &KeyFormatError{Type: keyType, Reason: "its public half does not belong to the private one"}
	}
	return key, nil
}

// parsePrivateRSA reads the part after the key format of
//
//	string    "ssh-rsa"
//	mpint     n
//	mpint     e
//	mpint     d
//	mpint     iqmp
//	mpint     p
//	mpint     q
//
// (draft-ietf-sshm-ssh-agent, section 3.2.5).
func parsePrivateRSA(r *wire.Reader) (crypto.Signer, error) {
	var v [6]*big.Int
	for i := range v {
		// RFC 4251, section 5: a number of 16384 bits with its sign.
		if probe := *r; len(probe.Blob()) > MaxRSABits/8+1 {
			return nil, &KeyFormatError{Type: RSA, Reason: fmt.Sprintf("it is larger than %d bits", MaxRSABits)}
		}
		v[i] = r.MPInt()
	}
	if r.Err() != nil {
		return nil, &KeyFormatError{Type: RSA, Reason: "the private key is truncated, or has a padded number"}
	}
	return newPrivateRSA(v[0], v[1], v[2], [2]*big.Int{v[4], v[5]})
}

// newPrivateRSA checks the parts of an RSA key against each other. The values
// for the Chinese remainder theorem are computed here rather than believed.
func newPrivateRSA(n, e, d *big.Int, primes [2]*big.Int) (crypto.Signer, error) {
	if err := checkRSA(n, e); err != nil {
		return nil, err
	}
	inconsistent := &KeyFormatError{Type: RSA, Reason: "its public half does not belong to the private one"}
	p, q := primes[0], primes[1]
	// The product comes first: it bounds the cost of all that is computed after.
	if d.Sign() <= 0 || d.Cmp(n) >= 0 || p.Sign() <= 0 || q.Sign() <= 0 ||
		p.BitLen()+q.BitLen() > n.BitLen()+1 || new(big.Int).Mul(p, q).Cmp(n) != 0 {
		return nil, inconsistent
	}
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: int(e.Int64())}, D: d, Primes: []*big.Int{p, q}}
	key.Precompute()
	if key.Validate() != nil {
		return nil, inconsistent
	}
	return key, nil
}

// MarshalPrivateKey returns the private key file of OpenSSH for key, not
// encrypted: whoever can read it has the key. The key is an ed25519.PrivateKey,
// an *ecdsa.PrivateKey on P-256, P-384 or P-521 or an *rsa.PrivateKey of two
// primes, or a pointer where that is no pointer. The caller owns the result.
func MarshalPrivateKey(key crypto.Signer, comment string) ([]byte, error) {
	s, err := NewSigner(key)
	if err != nil {
		return nil, err
	}
	private, err := appendPrivate(nil, s.(*nativeSigner).key)
	if err != nil {
		return nil, err
	}
	var check [4]byte
	rand.Read(check[:])
	list := append(slices.Concat(check[:], check[:]), private...)
	list = wire.AppendString(list, comment)
	for i := byte(1); len(list)%opensshBlock != 0; i++ {
		list = append(list, i)
	}

	b := []byte(opensshMagic)
	b = wire.AppendString(b, "none")
	b = wire.AppendString(b, "none")
	b = wire.AppendString(b, "")
	b = wire.AppendUint32(b, 1)
	b = wire.AppendString(b, s.PublicKey().Marshal())
	b = wire.AppendString(b, list)
	return pem.EncodeToMemory(&pem.Block{Type: opensshLabel, Bytes: b}), nil
}

// appendPrivate appends what parsePrivate reads.
func appendPrivate(b []byte, key crypto.Signer) ([]byte, error) {
	switch k := key.(type) {
	case ed25519.PrivateKey:
		b = wire.AppendString(b, Ed25519)
		b = wire.AppendString(b, k[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
		return wire.AppendString(b, k), nil
	case *ecdsa.PrivateKey:
		public, err := newECDSA(&k.PublicKey)
		if err != nil {
			return nil, err
		}
		d, err := k.Bytes()
		if err != nil {
			return nil, &KeyFormatError{Type: public.Type(), Reason: "the private key is out of range"}
		}
		b = append(b, public.Marshal()...)
		return wire.AppendUnsigned(b, d), nil
	case *rsa.PrivateKey:
		if len(k.Primes) != 2 || k.Validate() != nil {
			return nil, &KeyFormatError{Type: RSA, Reason: "it is not a valid key of two primes"}
		}
		p, q := k.Primes[0], k.Primes[1]
		b = wire.AppendString(b, RSA)
		for _, v := range []*big.Int{k.N, big.NewInt(int64(k.E)), k.D, new(big.Int).ModInverse(q, p), p, q} {
			b = wire.AppendMPInt(b, v)
		}
		return b, nil
	}
	return nil, fmt.Errorf("hostkey: a private key of type %T cannot be written", key)
}
