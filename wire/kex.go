package wire

// A KexECDHInit is SSH_MSG_KEX_ECDH_INIT (RFC 5656, section 4), with which the
// client begins every key exchange of one round trip. Post-quantum hybrids use
// the same shape: Public is then the two public keys, one after the other.
// SSH_MSG_KEXDH_INIT (RFC 4253, section 8) is the same message with an e, whose
// encoding, that of an mpint, is a string's as well.
//
//	byte     SSH_MSG_KEX_ECDH_INIT
//	string   Q_C, client's ephemeral public key octet string
type KexECDHInit struct {
	Public []byte
}

// Append appends the encoding of m to b.
func (m *KexECDHInit) Append(b []byte) []byte {
	return AppendString(append(b, byte(NumberKexECDHInit)), m.Public)
}

// ParseKexECDHInit decodes an SSH_MSG_KEX_ECDH_INIT. Public aliases p.
func ParseKexECDHInit(p []byte) (KexECDHInit, error) {
	r := NewReader(p)
	r.Number(NumberKexECDHInit)
	m := KexECDHInit{Public: r.Blob()}
	return m, r.End()
}

// A KexECDHReply is SSH_MSG_KEX_ECDH_REPLY (RFC 5656, section 4), the server's
// answer to a [KexECDHInit]. SSH_MSG_KEXDH_REPLY (RFC 4253, section 8) is the
// same message with an mpint f.
//
//	byte     SSH_MSG_KEX_ECDH_REPLY
//	string   K_S, server's public host key
//	string   Q_S, server's ephemeral public key octet string
//	string   the signature on the exchange hash
type KexECDHReply struct {
	HostKey   []byte
	Public    []byte
	Signature []byte
}

// Append appends the encoding of m to b.
func (m *KexECDHReply) Append(b []byte) []byte {
	b = AppendString(append(b, byte(NumberKexECDHReply)), m.HostKey)
	return AppendString(AppendString(b, m.Public), m.Signature)
}

// ParseKexECDHReply decodes an SSH_MSG_KEX_ECDH_REPLY. Its fields alias p.
func ParseKexECDHReply(p []byte) (KexECDHReply, error) {
	r := NewReader(p)
	r.Number(NumberKexECDHReply)
	m := KexECDHReply{HostKey: r.Blob(), Public: r.Blob(), Signature: r.Blob()}
	return m, r.End()
}
