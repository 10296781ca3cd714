package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/whelk-ssh/whelk/hostkey"
)

// maxIdentityFile bounds a file with a public key or certificate, in bytes.
const maxIdentityFile = 1 << 20

// An IdentityFile names a private key. The file, or the one with ".pub" at the end
// of its name, may hold the public half alone, if an agent has the other.
type IdentityFile struct {
	Path string

	// Given says that somebody asked for this key. One that is only usual may
	// be missing, and is tried behind the keys of an agent.
	Given bool
}

// Identities are the keys of a user, in files and in an agent. [Identities.Signers]
// puts them in the usual order, for userauth.PublicKeyFunc.
type Identities struct {
	Files []IdentityFile

	// Certificates are files with certificates of these keys. If there are
	// none, each key has the one in the file with "-cert.pub" at the end of its
	// name, if there is one.
	Certificates []string

	// Agent returns the keys of an agent; nil for none. With Only, those count
	// that a file is given of.
	Agent func(ctx context.Context) ([]hostkey.Signer, error)
	Only  bool

	// Passphrase returns that of an encrypted key, when the key is to sign, or
	// when it is read if nothing says without it which key it is. If nil, such
	// keys fail.
	Passphrase hostkey.PassphraseFunc

	// Use, unless nil, gets each key, and returns what to sign with in its
	// place; an error passes it over. Path is "" for one that only the agent has.
	// Skipped, unless nil, is told of each that is passed over.
	Use     func(key hostkey.Signer, file IdentityFile) (hostkey.Signer, error)
	Skipped func(file IdentityFile, err error)
}

// Signers returns the keys: those given, those of the agent that are not among
// the files, and then the usual ones, each behind its certificates. What the
// agent has it signs with, since it does not ask for a passphrase. One that
// cannot be read does not hide the others: the error is for the case that no key
// does it.
func (i *Identities) Signers(ctx context.Context) ([]hostkey.Signer, error) {
	var errs []error
	var held []hostkey.Signer
	if i.Agent != nil {
		var err error
		if held, err = i.Agent(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	r := &roster{Identities: i, held: held, taken: make([]bool, len(held)), errs: errs}
	r.readCertificates()
	var given, usual []hostkey.Signer
	for _, file := range i.Files {
		signers := r.read(ctx, file)
		if file.Given {
			given = append(given, signers...)
		} else {
			usual = append(usual, signers...)
		}
	}
	return slices.Concat(given, r.others(), usual), errors.Join(r.errs...)
}

// A roster is what is known of a user's keys while they are being looked for.
type roster struct {
	*Identities
	held         []hostkey.Signer // by the agent
	taken        []bool           // of these, those that belong to a file
	certificates []*hostkey.Certificate
	errs         []error
}

// add adds a signer to those that are to be used.
func (r *roster) add(signers []hostkey.Signer, s hostkey.Signer, file IdentityFile) []hostkey.Signer {
	if r.Use != nil {
		var err error
		if s, err = r.Use(s, file); err != nil {
			r.skip(file, err)
			return signers
		}
	}
	return append(signers, s)
}

func (r *roster) skip(file IdentityFile, err error) {
	if !errors.Is(err, fs.ErrNotExist) || file.Given {
		r.errs = append(r.errs, err)
	}
	if r.Skipped != nil {
		r.Skipped(file, err)
	}
}

// readCertificates reads the certificates that are given.
func (r *roster) readCertificates() {
	for _, path := range r.Certificates {
		c, err := readCertificate(path)
		if err != nil {
			r.skip(IdentityFile{Path: path, Given: true}, err)
			continue
		}
		r.certificates = append(r.certificates, c)
	}
}

// read returns the key in a file, behind its certificates.
func (r *roster) read(ctx context.Context, file IdentityFile) []hostkey.Signer {
	key, err := r.key(ctx, file.Path)
	if err != nil {
		r.skip(file, err)
		return nil
	}
	var certificates []*hostkey.Certificate
	for _, c := range r.certificates {
		if hostkey.Equal(c.Key, key.PublicKey()) {
			certificates = append(certificates, c)
		}
	}
	if len(r.Certificates) == 0 {
		beside := IdentityFile{Path: file.Path + "-cert.pub"}
		c, err := readCertificate(beside.Path)
		switch {
		case err == nil && hostkey.Equal(c.Key, key.PublicKey()):
			certificates = append(certificates, c)
		case err == nil:
			r.skip(beside, fmt.Errorf("certificate %s is about another key than that in %s", beside.Path, file.Path))
		case !errors.Is(err, fs.ErrNotExist):
			r.skip(beside, err)
		}
	}
	return r.add(r.certified(key, certificates, file), key, file)
}

// certified returns signers for the certificates of a key: those given, and
// those that the agent has of it.
func (r *roster) certified(key hostkey.Signer, certificates []*hostkey.Certificate, file IdentityFile) (signers []hostkey.Signer) {
	for n, s := range r.held {
		c, ok := s.PublicKey().(*hostkey.Certificate)
		if ok && hostkey.Equal(c.Key, key.PublicKey()) && !r.taken[n] {
			r.taken[n] = true
			signers = r.add(signers, s, file)
		}
	}
	for _, c := range certificates {
		s, err := hostkey.NewCertificateSigner(c, key)
		if err != nil {
			r.skip(file, err)
			continue
		}
		signers = r.add(signers, s, file)
	}
	return signers
}

// key returns the key of a file: with the agent's hand if it has it, and
// otherwise the file's, which need not be decrypted until it signs.
func (r *roster) key(ctx context.Context, path string) (hostkey.Signer, error) {
	key, err := hostkey.ReadPrivateKeyFile(ctx, path, nil)
	public := publicHalf(path, key, err)
	if public != nil {
		for n, s := range r.held {
			if hostkey.Equal(s.PublicKey(), public) {
				r.taken[n] = true
				return s, nil
			}
		}
	}
	var locked *hostkey.PassphraseError
	switch {
	case err == nil:
		return key.Signer, nil
	case !errors.As(err, &locked) || r.Passphrase == nil:
		return nil, err
	}
	unlock := func(ctx context.Context) (hostkey.Signer, error) {
		key, err := hostkey.ReadPrivateKeyFile(ctx, path, r.Passphrase)
		if err != nil {
			return nil, err
		}
		return key.Signer, nil
	}
	if public == nil {
		return unlock(ctx)
	}
	return &lockedSigner{public: public, unlock: unlock}, nil
}

// publicHalf returns the public half of the key in a file, if it is known without
// a passphrase: from the file, from the one that ssh-keygen writes beside it, or
// because the file holds no more.
func publicHalf(path string, key *hostkey.PrivateKey, err error) hostkey.PublicKey {
	var locked *hostkey.PassphraseError
	switch {
	case err == nil:
		return key.PublicKey()
	case errors.As(err, &locked) && locked.PublicKey != nil:
		return locked.PublicKey
	}
	for _, name := range []string{path, path + ".pub"} {
		text, err := readPublic(name)
		if err != nil {
			continue
		}
		if line, err := hostkey.ParseAuthorizedKey(text); err == nil {
			return line.Key
		}
	}
	return nil
}

// others returns the keys of the agent that belong to no file, if these count.
func (r *roster) others() (signers []hostkey.Signer) {
	for n, s := range r.held {
		c, certified := s.PublicKey().(*hostkey.Certificate)
		listed := certified && slices.ContainsFunc(r.certificates, func(other *hostkey.Certificate) bool { return hostkey.Equal(other, c) })
		if !r.taken[n] && (!r.Only || listed) {
			signers = r.add(signers, s, IdentityFile{})
		}
	}
	return signers
}

// readCertificate reads a certificate as ssh-keygen writes it.
func readCertificate(path string) (*hostkey.Certificate, error) {
	text, err := readPublic(path)
	if err != nil {
		return nil, err
	}
	c, _, err := hostkey.ParseCertificateFile(text)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", path, err)
	}
	return c, nil
}

// readPublic reads a file that anybody may read.
func readPublic(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return io.ReadAll(io.LimitReader(f, maxIdentityFile))
}

// A lockedSigner is a key that is decrypted when it is to sign.
type lockedSigner struct {
	public hostkey.PublicKey
	unlock func(ctx context.Context) (hostkey.Signer, error)

	mu  sync.Mutex
	key hostkey.Signer // nil until then
}

// PublicKey implements [hostkey.Signer].
func (s *lockedSigner) PublicKey() hostkey.PublicKey { return s.public }

// Algorithms implements [hostkey.Signer].
func (s *lockedSigner) Algorithms() []string { return hostkey.Algorithms(s.public.Type()) }

// Sign implements [hostkey.Signer].
func (s *lockedSigner) Sign(ctx context.Context, algorithm string, data []byte) (*hostkey.Signature, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == nil {
		key, err := s.unlock(ctx)
		if err != nil {
			return nil, err
		}
		if !hostkey.Equal(key.PublicKey(), s.public) {
			return nil, errors.New("the file says in the clear that it holds another key than it does")
		}
		s.key = key
	}
	return s.key.Sign(ctx, algorithm, data)
}
