package hostkey

import (
	"bytes"
	"context"
	"fmt"

	"github.com/whelk-ssh/whelk/wire"
)

// Resident says that a device can list a key, so that no file is needed: its
// owner can have another file made of it. It is a flag of a [DeviceKey] only.
const Resident Flags = 0x20

// A DeviceKey is what a private key file has of a security key (OpenSSH
// PROTOCOL.u2f, SSH U2F Key Formats): enough for the device to know which of
// its keys is meant. The private half is in the device, and this package talks
// to none: Sign returns a [*DeviceError]. An agent that does, such as that of
// OpenSSH, signs with the key.
//
//	string    "sk-ssh-ed25519@openssh.com"
//	string    public key
//	string    application
//	uint8     flags
//	string    key handle
//	string    reserved
//
// A key on P-256 has the name of its curve ahead of the public key.
type DeviceKey struct {
	Key      *SecurityKey
	Flags    Flags  // what the device asks for when it signs, and [Resident]
	Handle   []byte // which the device made, and nobody else understands
	Reserved []byte // of OpenSSH
}

// parseDeviceKey reads the fields after the identifier.
func parseDeviceKey(r *wire.Reader, keyType string) (*DeviceKey, error) {
	f, _ := findFormat(keyType, nil)
	key, err := f.parseFields(r)
	if err != nil {
		return nil, err
	}
	k := &DeviceKey{Key: key.(*SecurityKey), Flags: Flags(r.Byte()), Handle: bytes.Clone(r.Blob()), Reserved: bytes.Clone(r.Blob())}
	if r.Err() != nil {
		return nil, &KeyFormatError{Type: keyType, Reason: "what a device should know it by is truncated"}
	}
	return k, nil
}

// PublicKey returns the public half, a [*SecurityKey].
func (k *DeviceKey) PublicKey() PublicKey { return k.Key }

// Algorithms returns the algorithm that the device signs with.
func (k *DeviceKey) Algorithms() []string { return []string{k.Key.Type()} }

// Sign returns a [*DeviceError].
func (k *DeviceKey) Sign(context.Context, string, []byte) (*Signature, error) {
	return nil, &DeviceError{Key: k.Key}
}

// A DeviceError reports that a signature was asked for by a key that is in a
// device.
type DeviceError struct {
	Key PublicKey
}

func (e *DeviceError) Error() string {
	return fmt.Sprintf("hostkey: the key %s is on a security key, and its file cannot sign: "+
		"`ssh-add FILE` has ssh-agent ask the device", Fingerprint(e.Key))
}
