package kex

import "github.com/whelk-ssh/whelk/wire"

// mpint makes a Diffie-Hellman, whose secret is bytes of fixed width, the KEM
// of a method: the secret is read as a big-endian integer and encoded as an
// mpint (RFC 5656, section 4; RFC 8731, section 3.1).
type mpint struct{ raw KEM }

func (m mpint) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	public, open, err := m.raw.GenerateKey()
	if err != nil {
		return nil, nil, err
	}
	return public, func(peer []byte) ([]byte, error) {
		secret, err := open(peer)
		return appendMPInt(secret), err
	}, nil
}

func (m mpint) Encapsulate(peer []byte) ([]byte, []byte, error) {
	public, secret, err := m.raw.Encapsulate(peer)
	return public, appendMPInt(secret), err
}

// appendMPInt returns secret as an mpint, and clears it. There is none if there
// was an error.
func appendMPInt(secret []byte) []byte {
	if secret == nil {
		return nil
	}
	defer clear(secret)
	return wire.AppendUnsigned(nil, secret)
}
