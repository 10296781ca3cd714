package agent

import (
	"crypto"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// Constraints (RFC 9987, section 5.2.7).
const (
	constrainLifetime  = 1
	constrainConfirm   = 2
	constrainExtension = 255
)

// Extensions of constraints.
const (
	restrictDestination = "restrict-destination-v00@openssh.com" // OpenSSH PROTOCOL.agent, section 2
	securityKeyProvider = "sk-provider@openssh.com"
)

// builtinProvider is the provider that an agent of OpenSSH has built in.
const builtinProvider = "internal"

const (
	maxConstraints = 64 // of a key, each destination being one
	maxPattern     = 256
	maxHost        = 1024
)

// constrained reports whether there is any constraint.
func (k *AddedKey) constrained() bool {
	return k.Lifetime != 0 || k.Confirm || len(k.Destinations) > 0 || k.device() != nil
}

// unwrap returns the private key, if there is one to be had.
func (k *AddedKey) unwrap() crypto.Signer {
	if k.Key != nil {
		return k.Key
	}
	if p, ok := k.Signer.(*hostkey.PrivateKey); ok && p != nil {
		return p.Key
	}
	return nil
}

// device returns the key on a device that is to be added, or nil.
func (k *AddedKey) device() *hostkey.DeviceKey {
	signer := k.Signer
	if p, ok := signer.(*hostkey.PrivateKey); ok && p != nil {
		signer = p.Signer
	}
	d, _ := signer.(*hostkey.DeviceKey)
	return d
}

// append appends the fields of SSH_AGENTC_ADD_IDENTITY, and the constraints, if
// there are any, of SSH_AGENTC_ADD_ID_CONSTRAINED (RFC 9987, section 5.2):
//
//	string    key type
//	....      key data
//	string    comment
//	....      constraints
func (k *AddedKey) append(b []byte) ([]byte, error) {
	if len(k.Comment) > maxComment {
		return nil, fmt.Errorf("agent: the comment has %d bytes, and %d are allowed", len(k.Comment), maxComment)
	}
	b, err := k.appendKey(b)
	if err != nil {
		return nil, err
	}
	b = wire.AppendString(b, k.Comment)
	return k.appendConstraints(b)
}

var errNotPrivate = errors.New("agent: only the private key itself can be sent to an agent, not something that signs with it: " +
	"set AddedKey.Key, or AddedKey.Signer to a *hostkey.PrivateKey or *hostkey.DeviceKey")

func (k *AddedKey) appendKey(b []byte) ([]byte, error) {
	key, device := k.unwrap(), k.device()
	switch {
	case key != nil && k.Certificate != nil:
		return appendCertified(b, key, k.Certificate)
	case key != nil:
		return hostkey.AppendPrivateKey(b, key)
	case device != nil && k.Certificate != nil:
		return nil, errors.New("agent: a certificate of a security key cannot be added")
	case device != nil:
		b = append(b, device.Key.Marshal()...)
		b = append(b, byte(device.Flags))
		b = wire.AppendString(b, device.Handle)
		return wire.AppendString(b, device.Reserved), nil
	}
	return nil, errNotPrivate
}

// appendCertified appends a private key with its certificate: in place of the
// public half, as far as the certificate has it, there is
//
//	string    certificate
func appendCertified(b []byte, key crypto.Signer, c *hostkey.Certificate) ([]byte, error) {
	plain, err := hostkey.AppendPrivateKey(nil, key)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	r := wire.NewReader(plain)
	keyType := r.Text()
	if c.Key == nil || c.Key.Type() != keyType {
		return nil, errors.New("agent: the certificate is about another key")
	}
	skipPublic(&r, keyType)
	b = wire.AppendString(b, c.Type())
	b = wire.AppendString(b, c.Marshal())
	return append(b, r.Rest()...), r.Err()
}

// skipPublic skips those fields of a private key that its certificate has too.
func skipPublic(r *wire.Reader, keyType string) {
	switch keyType {
	case hostkey.RSA, hostkey.ECDSA256, hostkey.ECDSA384, hostkey.ECDSA521: // n and e, the curve and Q
		r.Blob()
		r.Blob()
	}
}

// restorePublic returns the beginning of a private key as it would be without
// its certificate.
func restorePublic(key hostkey.PublicKey) []byte {
	blob := key.Marshal()
	switch key.Type() {
	case hostkey.RSA: // where a public key has e ahead of n
		r := wire.NewReader(blob)
		r.Blob()
		e, n := r.Blob(), r.Blob()
		return wire.AppendString(wire.AppendString(wire.AppendString(nil, hostkey.RSA), n), e)
	case hostkey.ECDSA256, hostkey.ECDSA384, hostkey.ECDSA521:
		return blob
	}
	return wire.AppendString(nil, key.Type())
}

func (k *AddedKey) appendConstraints(b []byte) ([]byte, error) {
	if k.Lifetime != 0 {
		seconds, err := lifetime(k.Lifetime)
		if err != nil {
			return nil, err
		}
		b = wire.AppendUint32(append(b, constrainLifetime), seconds)
	}
	if k.Confirm {
		b = append(b, constrainConfirm)
	}
	if k.device() != nil {
		b = wire.AppendString(append(b, constrainExtension), securityKeyProvider)
		b = wire.AppendString(b, builtinProvider)
	}
	if len(k.Destinations) > 0 {
		var list []byte
		for _, d := range k.Destinations {
			if err := d.check(); err != nil {
				return nil, err
			}
			list = d.append(list)
		}
		b = wire.AppendString(append(b, constrainExtension), restrictDestination)
		b = wire.AppendString(b, list)
	}
	return b, nil
}

// lifetime returns the seconds of a lifetime. None of them is for ever.
func lifetime(d time.Duration) (uint32, error) {
	seconds := int64(d / time.Second)
	if d%time.Second > 0 {
		seconds++
	}
	if seconds <= 0 || seconds > math.MaxUint32 {
		return 0, &ConstraintError{"lifetime", fmt.Sprintf("%v is not a time from 1 second to %d", d, uint32(math.MaxUint32))}
	}
	return uint32(seconds), nil
}

// parseAdded reads what append appends, and constraints only if there may be
// some. What it returns does not alias r.
func parseAdded(r wire.Reader, constraints bool) (*AddedKey, error) {
	k := new(AddedKey)
	r, err := k.parseKey(r)
	if err != nil {
		return nil, err
	}
	k.Comment = r.Text()
	if len(k.Comment) > maxComment {
		return nil, fmt.Errorf("agent: the comment has %d bytes, and %d are allowed", len(k.Comment), maxComment)
	}
	if !constraints {
		return k, r.End()
	}
	return k, k.parseConstraints(&r)
}

// parseKey reads the key, and returns a Reader of what is behind it.
func (k *AddedKey) parseKey(r wire.Reader) (wire.Reader, error) {
	rest := r
	keyType := rest.Text()
	if strings.HasSuffix(keyType, "-cert-v01@openssh.com") {
		public, err := hostkey.ParsePublicKey(rest.Blob())
		if err != nil {
			return r, err
		}
		c, ok := public.(*hostkey.Certificate)
		if !ok || c.Type() != keyType {
			return r, errors.New("agent: the certificate is of another type than the message says")
		}
		k.Certificate = c
		r = wire.NewReader(append(restorePublic(c.Key), rest.Rest()...))
	}
	key, err := hostkey.ReadPrivateKey(&r)
	if err != nil {
		return r, err
	}
	if k.Certificate != nil && !hostkey.Equal(k.Certificate.Key, key.PublicKey()) {
		return r, errors.New("agent: the certificate is about another key")
	}
	if k.Key = key.Key; k.Key == nil {
		k.Signer = key.Signer
	}
	return r, nil
}

// parseConstraints reads all that is left. Each kind may be there once; what is
// unknown might be any restriction, and refuses the key.
func (k *AddedKey) parseConstraints(r *wire.Reader) error {
	var seen [256]bool
	for r.Len() > 0 && r.Err() == nil {
		kind := r.Byte()
		if seen[kind] && kind != constrainExtension {
			return &ConstraintError{fmt.Sprint(kind), "it is there twice"}
		}
		seen[kind] = true
		switch kind {
		case constrainLifetime:
			seconds := r.Uint32()
			if seconds == 0 && r.Err() == nil {
				return &ConstraintError{"lifetime", "it is 0 seconds"}
			}
			k.Lifetime = time.Duration(seconds) * time.Second
		case constrainConfirm:
			k.Confirm = true
		case constrainExtension:
			if err := k.parseExtension(r); err != nil {
				return err
			}
		default:
			return &ConstraintError{fmt.Sprint(kind), "it is unknown"}
		}
	}
	return r.End()
}

// parseExtension reads a constraint that has a name.
func (k *AddedKey) parseExtension(r *wire.Reader) error {
	switch name := r.Text(); {
	case r.Err() != nil:
		return r.Err()
	case name == securityKeyProvider:
		return &ConstraintError{name, "libraries that talk to security keys are not loaded"}
	case name != restrictDestination:
		return &ConstraintError{name, "it is unknown"}
	case k.Destinations != nil:
		return &ConstraintError{name, "it is there twice"}
	}
	list := wire.NewReader(r.Blob())
	if r.Err() == nil && list.Len() == 0 {
		return &ConstraintError{restrictDestination, "it names no destination"}
	}
	for list.Len() > 0 && list.Err() == nil {
		if len(k.Destinations) == maxConstraints {
			return &ConstraintError{restrictDestination, fmt.Sprintf("it names more than %d destinations", maxConstraints)}
		}
		d, err := parseDestination(list.Blob())
		if err == nil {
			err = d.check()
		}
		if err != nil {
			return err
		}
		k.Destinations = append(k.Destinations, d)
	}
	return list.End()
}
