package hostkey

import (
	"crypto/sha256"
	"encoding/base64"
)

// Fingerprint returns the SHA-256 fingerprint of a key as OpenSSH prints it:
// "SHA256:" and the hash of the key blob in base64 without padding.
func Fingerprint(k PublicKey) string {
	sum := sha256.Sum256(k.Marshal())
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}
