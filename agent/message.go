package agent

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// A number is the first byte of a message (RFC 9987, section 5).
type number byte

// Requests are from 11 on but for the answers among them.
const (
	agentFailure               number = 5
	agentSuccess               number = 6
	requestIdentities          number = 11
	identitiesAnswer           number = 12
	signRequest                number = 13
	signResponse               number = 14
	addIdentity                number = 17
	removeIdentity             number = 18
	removeAllIdentities        number = 19
	addSmartcardKey            number = 20
	removeSmartcardKey         number = 21
	lockAgent                  number = 22
	unlockAgent                number = 23
	addIDConstrained           number = 25
	addSmartcardKeyConstrained number = 26
	agentExtension             number = 27
	extensionFailure           number = 28
	extensionResponse          number = 29
)

var numberNames = [...]string{
	agentFailure:               "SSH_AGENT_FAILURE",
	agentSuccess:               "SSH_AGENT_SUCCESS",
	requestIdentities:          "SSH_AGENTC_REQUEST_IDENTITIES",
	identitiesAnswer:           "SSH_AGENT_IDENTITIES_ANSWER",
	signRequest:                "SSH_AGENTC_SIGN_REQUEST",
	signResponse:               "SSH_AGENT_SIGN_RESPONSE",
	addIdentity:                "SSH_AGENTC_ADD_IDENTITY",
	removeIdentity:             "SSH_AGENTC_REMOVE_IDENTITY",
	removeAllIdentities:        "SSH_AGENTC_REMOVE_ALL_IDENTITIES",
	addSmartcardKey:            "SSH_AGENTC_ADD_SMARTCARD_KEY",
	removeSmartcardKey:         "SSH_AGENTC_REMOVE_SMARTCARD_KEY",
	lockAgent:                  "SSH_AGENTC_LOCK",
	unlockAgent:                "SSH_AGENTC_UNLOCK",
	addIDConstrained:           "SSH_AGENTC_ADD_ID_CONSTRAINED",
	addSmartcardKeyConstrained: "SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED",
	agentExtension:             "SSH_AGENTC_EXTENSION",
	extensionFailure:           "SSH_AGENT_EXTENSION_FAILURE",
	extensionResponse:          "SSH_AGENT_EXTENSION_RESPONSE",
}

// String returns the name that RFC 9987 has for the message.
func (n number) String() string {
	if int(n) < len(numberNames) && numberNames[n] != "" {
		return numberNames[n]
	}
	return fmt.Sprintf("message %d", byte(n))
}

// Bounds of messages and of what is in them (attacks M3). OpenSSH has the first.
const (
	maxMessage = 256 << 10 // bytes, number included
	maxKeys    = 2048
	maxComment = 4 << 10
)

// firstChunk is how much memory a message gets before any of it has arrived.
const firstChunk = 4 << 10

// frame returns the beginning of a message:
//
//	uint32    message length
//	byte      message type
//	....      message contents
//
// (RFC 9987, section 5.) The length is set by send.
func frame(n number) []byte { return []byte{0, 0, 0, 0, byte(n)} }

// send writes a message that began with frame.
func send(w io.Writer, message []byte) error {
	binary.BigEndian.PutUint32(message, uint32(len(message)-4))
	_, err := w.Write(message)
	return err
}

// receive reads a message, number first, and calls begun when its first byte
// has arrived. It returns [io.EOF] if there is none.
func receive(r io.Reader, begun func()) ([]byte, error) {
	var head [4]byte
	n, err := io.ReadAtLeast(r, head[:], 1)
	if err != nil {
		return nil, err
	}
	begun()
	if _, err := io.ReadFull(r, head[n:]); err != nil {
		return nil, unexpected(err)
	}
	size := binary.BigEndian.Uint32(head[:])
	if size == 0 || size > maxMessage {
		return nil, &ProtocolError{What: fmt.Sprintf("a message of %d bytes, and from 1 to %d are allowed", size, maxMessage)}
	}
	return receiveBody(r, int(size))
}

// receiveBody reads size bytes, for which there is memory as they arrive.
func receiveBody(r io.Reader, size int) ([]byte, error) {
	p := make([]byte, min(size, firstChunk))
	for have := 0; ; {
		if _, err := io.ReadFull(r, p[have:]); err != nil {
			clear(p)
			return nil, unexpected(err)
		}
		if len(p) == size {
			return p, nil
		}
		have = len(p)
		more := make([]byte, min(size, 2*len(p)))
		copy(more, p)
		clear(p) // it may hold part of a private key
		p = more
	}
}

// unexpected returns err for a message that was cut off.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendIdentities appends the fields of SSH_AGENT_IDENTITIES_ANSWER:
//
//	uint32    nkeys
//	string    key blob, and
//	string    comment, nkeys times
//
// (RFC 9987, section 5.5.)
func appendIdentities(b []byte, keys []Key) []byte {
	b = wire.AppendUint32(b, uint32(len(keys)))
	for _, k := range keys {
		b = wire.AppendString(b, k.Marshal())
		b = wire.AppendString(b, k.Comment)
	}
	return b
}

// identitySize returns how many bytes of SSH_AGENT_IDENTITIES_ANSWER a key has.
func identitySize(blob []byte, comment string) int { return 4 + len(blob) + 4 + len(comment) }

// parseIdentities reads the fields of SSH_AGENT_IDENTITIES_ANSWER.
func parseIdentities(p []byte) ([]Key, error) {
	r := wire.NewReader(p)
	n := r.Uint32()
	if n > maxKeys {
		return nil, fmt.Errorf("it lists %d keys, and %d are allowed", n, maxKeys)
	}
	var keys []Key
	for range n {
		blob, comment := r.Blob(), r.Text()
		if r.Err() != nil {
			return nil, r.Err()
		}
		if len(comment) > maxComment {
			return nil, fmt.Errorf("a comment has %d bytes, and %d are allowed", len(comment), maxComment)
		}
		keys = append(keys, Key{PublicKey: parseKey(blob), Comment: comment})
	}
	return keys, r.End()
}

// An unknownKey is a key that package hostkey does not take. It equals itself.
type unknownKey struct {
	keyType string
	blob    string
	err     error
}

// parseKey returns the key of a blob, whatever it is.
func parseKey(blob []byte) hostkey.PublicKey {
	k, err := hostkey.ParsePublicKey(blob)
	if err == nil {
		return k
	}
	r := wire.NewReader(blob)
	return &unknownKey{r.Text(), string(blob), err}
}

func (k *unknownKey) Type() string { return k.keyType }

func (k *unknownKey) Marshal() []byte { return []byte(k.blob) }

func (k *unknownKey) Verify([]byte, *hostkey.Signature) error { return k.err }

// Flags of SSH_AGENTC_SIGN_REQUEST (RFC 9987, section 5.6.1).
const (
	flagSHA256 = 2
	flagSHA512 = 4
)

// flagsOf returns the flags that ask for an algorithm.
func flagsOf(algorithm string) uint32 {
	switch algorithm {
	case hostkey.RSASHA256, hostkey.CertificateName(hostkey.RSASHA256):
		return flagSHA256
	case hostkey.RSASHA512, hostkey.CertificateName(hostkey.RSASHA512):
		return flagSHA512
	}
	return 0
}

// algorithmOf returns the algorithm that a request of a signature by key asks
// for, and false if its flags mean nothing here.
func algorithmOf(key hostkey.PublicKey, flags uint32) (string, bool) {
	if flags&^(flagSHA256|flagSHA512) != 0 {
		return "", false
	}
	name := hostkey.RSASHA256
	switch {
	case key.Type() != hostkey.RSA && key.Type() != hostkey.CertificateName(hostkey.RSA):
		return key.Type(), true // of which all others have one that is called the same
	case flags == 0:
		name = hostkey.RSA // which is over SHA-1
	case flags&flagSHA512 != 0:
		name = hostkey.RSASHA512
	}
	if key.Type() != hostkey.RSA {
		name = hostkey.CertificateName(name)
	}
	return name, true
}

// A signing is SSH_AGENTC_SIGN_REQUEST (RFC 9987, section 5.6):
//
//	string    key blob
//	string    data
//	uint32    flags
type signing struct {
	key   []byte
	data  []byte
	flags uint32
}

func (m *signing) append(b []byte) []byte {
	b = wire.AppendString(b, m.key)
	b = wire.AppendString(b, m.data)
	return wire.AppendUint32(b, m.flags)
}

func parseSigning(p []byte) (signing, error) {
	r := wire.NewReader(p)
	m := signing{key: r.Blob(), data: r.Blob(), flags: r.Uint32()}
	return m, r.End()
}

// appendBinding appends the contents of the extension session-bind@openssh.com.
func appendBinding(b []byte, m Binding) []byte {
	b = wire.AppendString(b, m.HostKey.Marshal())
	b = wire.AppendString(b, m.SessionID)
	b = wire.AppendString(b, m.Signature)
	return wire.AppendBool(b, m.Forwarded)
}

// parseBinding reads what appendBinding appends. HostKey is nil if there is an
// error.
func parseBinding(p []byte) (Binding, error) {
	r := wire.NewReader(p)
	blob := r.Blob()
	m := Binding{SessionID: r.Blob(), Signature: r.Blob(), Forwarded: r.Bool()}
	if err := r.End(); err != nil {
		return Binding{}, err
	}
	var err error
	m.HostKey, err = hostkey.ParsePublicKey(blob)
	return m, err
}
