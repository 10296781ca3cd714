package hostkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/ed25519"

	"github.com/whelk-ssh/whelk/wire"
)

// A PrivateKey is what a private key file holds. It is a [Signer].
type PrivateKey struct {
	// Signer signs with the key. It is a [*DeviceKey] if that is on a security
	// key, and does not sign then.
	Signer

	// Key is an ed25519.PrivateKey, an *ecdsa.PrivateKey or an *rsa.PrivateKey,
	// for those who write the key to another file or hand it to an agent; nil
	// if the key is on a security key. It must not be changed.
	Key crypto.Signer

	// Comment is what its owner calls the key. Nothing vouches for it.
	Comment string
}

func newPrivateKey(key crypto.Signer) (*PrivateKey, error) {
	s, err := NewSigner(key)
	if err != nil {
		return nil, err
	}
	return &PrivateKey{Signer: s, Key: key}, nil
}

// ReadPrivateKey reads one private key as the files of OpenSSH have it, and
// messages to an agent (draft-ietf-sshm-ssh-agent, section 3.2):
//
//	string    key format identifier, such as "ssh-ed25519"
//	....      key data, the public half and the private one
//
// and leaves r behind it, which in both is a comment. Of an identifier that is
// unknown it returns an [*UnknownKeyTypeError], and of a key that is malformed
// or unacceptable a [*KeyFormatError]. The result does not alias what was read.
func ReadPrivateKey(r *wire.Reader) (*PrivateKey, error) {
	keyType := r.Text()
	if r.Err() != nil {
		return nil, &KeyFormatError{Type: "private", Reason: "it is truncated"}
	}
	var key crypto.Signer
	var err error
	switch keyType {
	case Ed25519:
		key, err = parsePrivateEd25519(r)
	case ECDSA256, ECDSA384, ECDSA521:
		key, err = parsePrivateECDSA(r, keyType)
	case RSA:
		key, err = parsePrivateRSA(r)
	case SKEd25519, SKECDSA256:
		device, err := parseDeviceKey(r, keyType)
		if err != nil {
			return nil, err
		}
		return &PrivateKey{Signer: device}, nil
	default:
		return nil, &UnknownKeyTypeError{Type: keyType}
	}
	if err != nil {
		return nil, err
	}
	return newPrivateKey(key)
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
	if err := readRSANumbers(r, v[:]); err != nil {
		return nil, err
	}
	return newPrivateRSA(v[0], v[1], v[2], [2]*big.Int{v[4], v[5]})
}

// readRSANumbers fills v with what r holds, and looks at the lengths before any
// number is made of the bytes.
func readRSANumbers(r *wire.Reader, v []*big.Int) error {
	for i := range v {
		// RFC 4251, section 5: a number of 16384 bits with its sign.
		if probe := *r; len(probe.Blob()) > MaxRSABits/8+1 {
			return &KeyFormatError{Type: RSA, Reason: fmt.Sprintf("it is larger than %d bits", MaxRSABits)}
		}
		v[i] = r.MPInt()
	}
	if r.Err() != nil {
		return &KeyFormatError{Type: RSA, Reason: "the private key is truncated, or has a padded number"}
	}
	return nil
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

// AppendPrivateKey appends to b what [ReadPrivateKey] reads, without a comment,
// and returns the extended slice. The key is an ed25519.PrivateKey, an
// *ecdsa.PrivateKey on P-256, P-384 or P-521 or an *rsa.PrivateKey of two
// primes, or a pointer where that is no pointer. The caller owns the result, and
// clears it as soon as it can.
func AppendPrivateKey(b []byte, key crypto.Signer) ([]byte, error) {
	s, err := NewSigner(key)
	if err != nil {
		return nil, err
	}
	return appendPrivate(b, s.(*nativeSigner).key)
}

// appendPrivate is AppendPrivateKey for a key that a Signer has.
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
