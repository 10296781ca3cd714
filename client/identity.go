package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/whelk-ssh/whelk/hostkey"
)

// identityFiles are the names of keys in a directory such as ~/.ssh.
var identityFiles = []string{"id_ed25519", "id_ecdsa", "id_rsa"}

const (
	maxIdentityFile  = 1 << 20 // bytes; those of OpenSSH are far smaller
	readableByOthers = 0o077
)

// identities reads the keys in the directory. One that cannot be read does not
// hide the others.
func (c *Credentials) identities(ctx context.Context) ([]hostkey.Signer, error) {
	var signers []hostkey.Signer
	var errs []error
	for _, name := range identityFiles {
		path := filepath.Join(c.Dir, name)
		key, err := c.identity(ctx, path)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, fmt.Errorf("key %s: %w", path, err))
			}
			continue
		}
		certified, err := withCertificate(path+"-cert.pub", key)
		switch {
		case err == nil:
			signers = append(signers, certified)
		case !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, fmt.Errorf("certificate %s-cert.pub: %w", path, err))
		}
		signers = append(signers, key)
	}
	return signers, errors.Join(errs...)
}

// readIdentity reads a file of a key or certificate.
func readIdentity(path string, private bool) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case private && info.Mode().Perm()&readableByOthers != 0 && runtime.GOOS != "windows":
		return nil, fmt.Errorf("others may read it (mode %04o): `chmod 600` it, and make another key if they may have", info.Mode().Perm())
	}
	return io.ReadAll(io.LimitReader(f, maxIdentityFile))
}

// identity reads a private key. One whose file says in the clear which key it
// is need not be decrypted until it signs.
func (c *Credentials) identity(ctx context.Context, path string) (hostkey.Signer, error) {
	file, err := readIdentity(path, true)
	if err != nil {
		return nil, err
	}
	key, err := hostkey.ParsePrivateKey(file, nil)
	var encrypted *hostkey.PassphraseError
	if !errors.As(err, &encrypted) || c.Passphrase == nil && c.Password == nil {
		return key, err
	}
	unlock := func(ctx context.Context) (hostkey.Signer, error) {
		passphrase, err := c.passphrase(ctx, path)
		if err != nil {
			return nil, err
		}
		return hostkey.ParsePrivateKey(file, passphrase)
	}
	if encrypted.PublicKey == nil {
		return unlock(ctx)
	}
	return &lockedSigner{public: encrypted.PublicKey, unlock: unlock}, nil
}

func (c *Credentials) passphrase(ctx context.Context, path string) ([]byte, error) {
	if c.Passphrase != nil {
		return c.Passphrase(ctx, path)
	}
	password, err := c.Password(ctx)
	return []byte(password), err
}

// withCertificate returns a signer with the certificate in a file, which is
// about key.
func withCertificate(path string, key hostkey.Signer) (hostkey.Signer, error) {
	line, err := readIdentity(path, false)
	if err != nil {
		return nil, err
	}
	certificate, err := parseCertificate(line)
	if err != nil {
		return nil, err
	}
	return hostkey.NewCertificateSigner(certificate, key)
}

// parseCertificate reads a file as ssh-keygen writes it: the type, the
// certificate in base64, and a comment.
func parseCertificate(line []byte) (*hostkey.Certificate, error) {
	fields := bytes.Fields(line)
	if len(fields) < 2 {
		return nil, errors.New("it holds no certificate")
	}
	blob, err := base64.StdEncoding.DecodeString(string(fields[1]))
	if err != nil {
		return nil, errors.New("what it holds is not in base64")
	}
	public, err := hostkey.ParsePublicKey(blob)
	if err != nil {
		return nil, err
	}
	certificate, ok := public.(*hostkey.Certificate)
	if !ok {
		return nil, fmt.Errorf("it holds a key of type %q", public.Type())
	}
	return certificate, nil
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
