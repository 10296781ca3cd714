package hostkey

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/whelk-ssh/whelk/internal/bcryptpbkdf"
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
//	byte[]    the tag of an authenticated cipher
//
// (OpenSSH PROTOCOL.key, section 1.) Like OpenSSH, this package knows only
// files of one key.
type envelope struct {
	cipher  opensshCipher
	kdf     kdfOptions
	public  []byte
	private []byte // encrypted with cipher
	tag     []byte
}

// kdfOptions are how a passphrase becomes a key:
//
//	string    salt
//	uint32    rounds
//
// (OpenSSH PROTOCOL.key, section 2.) There are none without a cipher.
type kdfOptions struct {
	salt   []byte
	rounds uint32
}

const (
	opensshLabel = "OPENSSH PRIVATE KEY"
	opensshMagic = "openssh-key-v1\x00"
	opensshKDF   = "bcrypt"
)

// Bounds of a file (G13): of a name in it, which an error quotes, of the padding,
// whose bytes count themselves, of the salt, which is 16 bytes everywhere, and of
// the rounds. OpenSSH makes 24 of them, and 2048 take as long as half a minute.
const (
	maxCipherName = 64
	maxPadding    = 255
	maxSalt       = 1024
	maxRounds     = 2048
)

func opensshError(format string, a ...any) error {
	return &KeyFormatError{Type: opensshLabel, Reason: fmt.Sprintf(format, a...)}
}

func parseEnvelope(p []byte) (*envelope, error) {
	r := wire.NewReader(p)
	if magic := r.Bytes(len(opensshMagic)); string(magic) != opensshMagic {
		return nil, opensshError("it does not begin with %q", opensshMagic)
	}
	name, kdf, options := r.Blob(), r.Blob(), r.Blob()
	keys := r.Uint32()
	e := &envelope{public: r.Blob(), private: r.Blob(), tag: r.Rest()}
	if r.Err() != nil || len(name) > maxCipherName || len(kdf) > maxCipherName {
		return nil, opensshError("it is truncated")
	}
	if keys != 1 {
		return nil, opensshError("it holds %d keys, not one", keys)
	}
	var ok bool
	if e.cipher, ok = findOpensshCipher(string(name)); !ok {
		return nil, opensshError("its cipher %q is not supported: `ssh-keygen -p -Z aes256-ctr -f FILE` takes another", name)
	}
	if err := e.parseKDF(string(kdf), options); err != nil {
		return nil, err
	}
	if len(e.private)%e.cipher.blockSize != 0 {
		return nil, opensshError("its private part is not padded to %d bytes", e.cipher.blockSize)
	}
	if len(e.tag) > e.cipher.tagSize {
		return nil, opensshError("there are bytes after its end")
	}
	if len(e.tag) < e.cipher.tagSize {
		return nil, opensshError("its authentication tag is truncated")
	}
	return e, nil
}

func (e *envelope) parseKDF(name string, options []byte) error {
	switch {
	case !e.cipher.encrypts() && (name != "none" || len(options) > 0):
		return opensshError("it derives a key with %q for no cipher", name)
	case !e.cipher.encrypts():
		return nil
	case name != opensshKDF:
		return opensshError("it derives its key with %q, which is not supported", name)
	}
	r := wire.NewReader(options)
	e.kdf = kdfOptions{r.Blob(), r.Uint32()}
	switch {
	case r.End() != nil:
		return opensshError("its salt and rounds are malformed")
	case len(e.kdf.salt) == 0 || len(e.kdf.salt) > maxSalt:
		return opensshError("its salt has %d bytes, and from 1 to %d are accepted", len(e.kdf.salt), maxSalt)
	case e.kdf.rounds == 0 || e.kdf.rounds > maxRounds:
		return opensshError("its passphrase takes %d rounds, and from 1 to %d are accepted", e.kdf.rounds, maxRounds)
	}
	return nil
}

// locked is the error about a passphrase that is missing or wrong.
func (e *envelope) locked() *PassphraseError {
	public, _ := ParsePublicKey(e.public)
	return &PassphraseError{Format: "OpenSSH", Cipher: e.cipher.name, KDF: opensshKDF, PublicKey: public}
}

// parseOpenSSH parses the content of an OPENSSH PRIVATE KEY block, which it
// decrypts in place.
func parseOpenSSH(p, passphrase []byte) (*PrivateKey, error) {
	e, err := parseEnvelope(p)
	if err != nil {
		return nil, err
	}
	if e.cipher.encrypts() && len(passphrase) == 0 {
		return nil, e.locked()
	}
	list, err := e.open(passphrase)
	if err != nil {
		return nil, err
	}
	key, err := e.parseList(list)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(key.PublicKey().Marshal(), e.public) {
		return nil, opensshError("its public half does not belong to the private one")
	}
	return key, nil
}

// open decrypts the list of private keys, in place.
func (e *envelope) open(passphrase []byte) ([]byte, error) {
	if !e.cipher.encrypts() {
		return e.private, nil
	}
	c, err := e.cipher.derive(passphrase, e.kdf)
	if err != nil {
		return nil, err
	}
	if err := c.open(e.private, e.tag); err != nil {
		return nil, e.locked().wrong()
	}
	return e.private, nil
}

// parseList parses the list of private keys, decrypted:
//
//	uint32    checkint
//	uint32    checkint
//	....      privatekey1
//	string    comment1
//	byte[]    1, 2, 3, ... up to the block size
func (e *envelope) parseList(p []byte) (*PrivateKey, error) {
	r := wire.NewReader(p)
	if first, second := r.Uint32(), r.Uint32(); r.Err() != nil || first != second {
		if e.cipher.encrypts() && r.Err() == nil {
			return nil, e.locked().wrong()
		}
		return nil, opensshError("its check numbers differ")
	}
	key, err := ReadPrivateKey(&r)
	if err != nil {
		return nil, err
	}
	key.Comment = r.Text()
	padding := r.Rest()
	if r.Err() != nil {
		return nil, opensshError("its private part is truncated")
	}
	// PuTTY pads by more than a block, which OpenSSH takes.
	if len(padding) > maxPadding {
		return nil, opensshError("its padding is too long")
	}
	for i, b := range padding {
		if int(b) != i+1 {
			return nil, opensshError("its padding is not 1, 2, 3")
		}
	}
	return key, nil
}

// MarshalPrivateKey returns the private key file of OpenSSH for key, not
// encrypted: whoever can read it has the key. The key is an ed25519.PrivateKey,
// an *ecdsa.PrivateKey on P-256, P-384 or P-521 or an *rsa.PrivateKey of two
// primes, or a pointer where that is no pointer. The caller owns the result.
func MarshalPrivateKey(key crypto.Signer, comment string) ([]byte, error) {
	none, _ := findOpensshCipher("none")
	return marshalOpenSSH(key, comment, none, nil)
}

// An Encryption says how a private key file of OpenSSH is encrypted.
type Encryption struct {
	Passphrase []byte // which is not empty
	Cipher     string // one of [KeyFileCiphers]; the first of them if ""
	Rounds     int    // of bcrypt, from 1 to 2048; 24 if 0, as in OpenSSH
}

// defaultRounds is what ssh-keygen takes since OpenSSH 9.4.
const defaultRounds = 24

// saltSize is that of OpenSSH, in bytes.
const saltSize = 16

// MarshalEncryptedPrivateKey is [MarshalPrivateKey] with a passphrase: whoever
// can read the file has to guess that before the key is theirs, and each guess
// costs the rounds. An error says what of the Encryption is not possible.
func MarshalEncryptedPrivateKey(key crypto.Signer, comment string, e Encryption) ([]byte, error) {
	if len(e.Passphrase) == 0 {
		return nil, errors.New("hostkey: encrypting a private key: the passphrase is empty")
	}
	if e.Cipher == "" {
		e.Cipher = opensshCiphers[0].name
	}
	c, ok := findOpensshCipher(e.Cipher)
	if !ok || !c.encrypts() {
		return nil, fmt.Errorf("hostkey: encrypting a private key: there is no cipher %q: want one of %q", e.Cipher, KeyFileCiphers())
	}
	if e.Rounds == 0 {
		e.Rounds = defaultRounds
	}
	if e.Rounds < 0 || e.Rounds > maxRounds {
		return nil, fmt.Errorf("hostkey: encrypting a private key: %d rounds: want from 1 to %d", e.Rounds, maxRounds)
	}
	return marshalOpenSSH(key, comment, c, &e)
}

// marshalOpenSSH returns a file that is encrypted unless there is nothing that
// says how.
func marshalOpenSSH(key crypto.Signer, comment string, c opensshCipher, how *Encryption) ([]byte, error) {
	s, err := NewSigner(key)
	if err != nil {
		return nil, err
	}
	list, err := privateList(s.(*nativeSigner).key, comment, c.blockSize)
	if err != nil {
		return nil, err
	}
	defer clear(list)
	kdf, options, tag := "none", []byte(nil), []byte(nil)
	if how != nil {
		o := kdfOptions{make([]byte, saltSize), uint32(how.Rounds)}
		rand.Read(o.salt)
		sealer, err := c.derive(how.Passphrase, o)
		if err != nil {
			return nil, err
		}
		tag = sealer.seal(list)
		kdf, options = opensshKDF, wire.AppendUint32(wire.AppendString(nil, o.salt), o.rounds)
	}
	b := []byte(opensshMagic)
	b = wire.AppendString(b, c.name)
	b = wire.AppendString(b, kdf)
	b = wire.AppendString(b, options)
	b = wire.AppendUint32(b, 1)
	b = wire.AppendString(b, s.PublicKey().Marshal())
	b = append(wire.AppendString(b, list), tag...)
	defer clear(b)
	return pem.EncodeToMemory(&pem.Block{Type: opensshLabel, Bytes: b}), nil
}

// privateList returns what parseList reads.
func privateList(key crypto.Signer, comment string, blockSize int) ([]byte, error) {
	private, err := appendPrivate(make([]byte, 0, usualPrivate), key)
	if err != nil {
		return nil, err
	}
	defer clear(private)
	var check [4]byte
	rand.Read(check[:])
	list := make([]byte, 0, 2*len(check)+len(private)+4+len(comment)+blockSize)
	list = append(append(append(list, check[:]...), check[:]...), private...)
	list = wire.AppendString(list, comment)
	for i := byte(1); len(list)%blockSize != 0; i++ {
		list = append(list, i)
	}
	return list, nil
}

// usualPrivate is more than a private key takes in bytes, of up to 8192 bits
// if it is one of RSA: what grows out of its buffer leaves a copy behind.
const usualPrivate = 6 << 10

// derive returns the cipher with the key of a passphrase: bcrypt makes the key
// and then the initial vector (OpenSSH PROTOCOL.key, section 2).
func (c opensshCipher) derive(passphrase []byte, o kdfOptions) (fileCrypter, error) {
	if err := notApproved("bcrypt"); err != nil {
		return fileCrypter{}, err
	}
	material, err := derived(bcryptpbkdf.Key(passphrase, o.salt, int(o.rounds), c.keySize+c.ivSize))
	if err != nil {
		return fileCrypter{}, err
	}
	defer clear(material)
	crypter, err := c.new(material[:c.keySize], material[c.keySize:])
	if err != nil {
		return fileCrypter{}, fmt.Errorf("hostkey: the cipher %s of a private key file: %w", c.name, err)
	}
	return crypter, nil
}
