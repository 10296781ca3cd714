package hostkey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
)

// A PassphraseError reports a private key that is encrypted, and not opened by
// the passphrase that was given, if any was.
type PassphraseError struct {
	Format string // "OpenSSH", "PKCS#8", "PEM" or "PuTTY"
	Cipher string // as the file names it
	KDF    string // how a passphrase becomes a key, as the file names it; "" if it does not say

	// PublicKey is the public half of the key, and Comment what its owner
	// calls it. Some formats do not encrypt them; nil and "" if they are not
	// known. Nothing vouches for them.
	PublicKey PublicKey
	Comment   string

	// Wrong says that a passphrase was tried. The file may be damaged instead:
	// most formats look the same then.
	Wrong bool
}

func (e *PassphraseError) Error() string {
	how := e.Format + " format"
	if e.Cipher != "" {
		how += fmt.Sprintf(", %q", e.Cipher)
	}
	if e.PublicKey != nil {
		how += ", " + Fingerprint(e.PublicKey)
	}
	if e.Wrong {
		return fmt.Sprintf("hostkey: the passphrase of the private key is wrong (%s), or the file is damaged", how)
	}
	return fmt.Sprintf("hostkey: the private key is encrypted (%s), and opens with its passphrase only", how)
}

// wrong returns e for a passphrase that was tried.
func (e *PassphraseError) wrong() *PassphraseError {
	e.Wrong = true
	return e
}

// A PassphraseFunc asks for the passphrase of a private key file. It gets the
// name of the file and what is known of the key, where Wrong tells whether the
// passphrase it returned before was not the one. The result becomes the
// caller's, which overwrites it with zeros; an empty one gives up.
type PassphraseFunc func(ctx context.Context, file string, locked *PassphraseError) ([]byte, error)

// passphraseAttempts is how often somebody may mistype a passphrase, as in ssh.
const passphraseAttempts = 3

// A KeyFileError reports a private key file that cannot be used.
type KeyFileError struct {
	Path string
	Err  error
}

func (e *KeyFileError) Error() string {
	return fmt.Sprintf("hostkey: private key file %s: %s", e.Path, strings.TrimPrefix(e.Err.Error(), "hostkey: "))
}

// Unwrap returns what is wrong with the file.
func (e *KeyFileError) Unwrap() error { return e.Err }

// ReadPrivateKeyFile reads the private key in the file of that name, in any
// format that [ParsePrivateKey] knows. It asks for a passphrase if the file is
// encrypted, and not otherwise; up to three times, with the [*PassphraseError]
// of the last one as its own if none was right, or as soon as one is empty. If
// ask is nil, the file cannot be encrypted.
//
// Like ssh, it refuses a file that others than its owner may read, with an error
// that is fs.ErrPermission. Every error but that of ask is a [*KeyFileError].
func ReadPrivateKeyFile(ctx context.Context, path string, ask PassphraseFunc) (*PrivateKey, error) {
	file, err := readKeyFile(path)
	if err != nil {
		return nil, &KeyFileError{path, err}
	}
	defer clear(file)
	key, err := ParsePrivateKeyFile(file, nil)
	for range passphraseAttempts {
		var locked *PassphraseError
		if !errors.As(err, &locked) || ask == nil {
			break
		}
		passphrase, failed := ask(ctx, path, locked)
		if failed != nil {
			return nil, failed
		}
		if len(passphrase) == 0 {
			break
		}
		key, err = ParsePrivateKeyFile(file, passphrase)
		clear(passphrase)
	}
	if err != nil {
		return nil, &KeyFileError{path, err}
	}
	return key, nil
}

// readableByOthers are the permissions that a private key file must not have.
const readableByOthers fs.FileMode = 0o077

// A permissionError reports a file that others may read.
type permissionError fs.FileMode

func (e permissionError) Error() string {
	return fmt.Sprintf("hostkey: others may read it, by its permissions %04o: `chmod 600` it, and make another key if they may have", fs.FileMode(e))
}

func (e permissionError) Is(target error) bool { return target == fs.ErrPermission }

// readKeyFile reads a file that is not readable by others, as far as that can
// be said of it.
func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, withoutPath(err)
	}
	if mode := info.Mode(); mode.IsRegular() && runtime.GOOS != "windows" && mode.Perm()&readableByOthers != 0 {
		return nil, permissionError(mode.Perm())
	}
	file, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	return file, withoutPath(err)
}

// withoutPath takes the name of the file off an error that is going to be
// within a [KeyFileError].
func withoutPath(err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}
