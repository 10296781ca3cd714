package hostkey

import (
	"crypto"
	"fmt"
	"os"
	"path/filepath"
)

// WritePrivateKeyFile writes key to a file of its own in the format of
// [MarshalPrivateKey], as [CreateKeyFile] does.
func WritePrivateKeyFile(path string, key crypto.Signer, comment string) error {
	file, err := MarshalPrivateKey(key, comment)
	if err != nil {
		return err
	}
	defer clear(file)
	return CreateKeyFile(path, file)
}

// CreateKeyFile writes a private key file, such as [MarshalEncryptedPrivateKey]
// returns. It appears complete and readable by its owner only, or not at all,
// whatever happens to the program meanwhile. One that exists is left alone, with
// an error that is fs.ErrExist.
func CreateKeyFile(path string, file []byte) error {
	return writeKeyFile(path, file, func(from string) error {
		return os.Link(from, path) // fails if path exists, unlike os.Rename
	})
}

// ReplaceKeyFile is [CreateKeyFile] for a file that may exist, as when its
// passphrase changes: whoever opens it meanwhile finds the one or the other. A
// symbolic link is replaced by a file, and what it points to stays.
func ReplaceKeyFile(path string, file []byte) error {
	return writeKeyFile(path, file, func(from string) error { return os.Rename(from, path) })
}

// writeKeyFile writes a file beside path that put makes appear there.
func writeKeyFile(path string, file []byte, put func(from string) error) (err error) {
	// CVE-2022-24302: the permissions are right from the start, which
	// os.CreateTemp sees to, and not put right after.
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return fmt.Errorf("hostkey: writing a private key: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(file)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = put(f.Name())
	}
	if err != nil {
		return fmt.Errorf("hostkey: writing a private key: %w", err)
	}
	syncDirectory(filepath.Dir(path))
	return nil
}

// syncDirectory makes the names in a directory last, where that is possible:
// not on Windows, not on every file system, and not if it must not be read. The
// file is there in any case.
func syncDirectory(path string) {
	if d, err := os.Open(path); err == nil {
		d.Sync()
		d.Close()
	}
}
