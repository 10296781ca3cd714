package wire

import "math/big"

// A KexDHGexRequestOld is SSH_MSG_KEX_DH_GEX_REQUEST_OLD (RFC 4419,
// section 5), with which clients older than the RFC ask for a group.
//
//	byte     SSH_MSG_KEX_DH_GEX_REQUEST_OLD
//	uint32   n, preferred size in bits of the group the server will send
type KexDHGexRequestOld struct {
	Preferred uint32
}

// Append appends the encoding of m to b.
func (m *KexDHGexRequestOld) Append(b []byte) []byte {
	return AppendUint32(append(b, byte(NumberKexDHGexRequestOld)), m.Preferred)
}

// ParseKexDHGexRequestOld decodes an SSH_MSG_KEX_DH_GEX_REQUEST_OLD.
func ParseKexDHGexRequestOld(p []byte) (KexDHGexRequestOld, error) {
	r := NewReader(p)
	r.Number(NumberKexDHGexRequestOld)
	m := KexDHGexRequestOld{Preferred: r.Uint32()}
	return m, r.End()
}

// A KexDHGexRequest is SSH_MSG_KEX_DH_GEX_REQUEST (RFC 4419, section 3), with
// which a client asks for a group. Sizes are in bits, and nothing has checked
// that they are in order.
//
//	byte     SSH_MSG_KEX_DH_GEX_REQUEST
//	uint32   min, minimal size in bits of an acceptable group
//	uint32   n, preferred size in bits of the group the server will send
//	uint32   max, maximal size in bits of an acceptable group
type KexDHGexRequest struct {
	Min, Preferred, Max uint32
}

// Append appends the encoding of m to b.
func (m *KexDHGexRequest) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(NumberKexDHGexRequest)), m.Min)
	return AppendUint32(AppendUint32(b, m.Preferred), m.Max)
}

// ParseKexDHGexRequest decodes an SSH_MSG_KEX_DH_GEX_REQUEST.
func ParseKexDHGexRequest(p []byte) (KexDHGexRequest, error) {
	r := NewReader(p)
	r.Number(NumberKexDHGexRequest)
	m := KexDHGexRequest{Min: r.Uint32(), Preferred: r.Uint32(), Max: r.Uint32()}
	return m, r.End()
}

// A KexDHGexGroup is SSH_MSG_KEX_DH_GEX_GROUP (RFC 4419, section 3), the
// server's answer to a [KexDHGexRequest].
//
//	byte     SSH_MSG_KEX_DH_GEX_GROUP
//	mpint    p, safe prime
//	mpint    g, generator for subgroup in GF(p)
type KexDHGexGroup struct {
	P, G *big.Int
}

// Append appends the encoding of m to b.
func (m *KexDHGexGroup) Append(b []byte) []byte {
	return AppendMPInt(AppendMPInt(append(b, byte(NumberKexDHGexGroup)), m.P), m.G)
}

// ParseKexDHGexGroup decodes an SSH_MSG_KEX_DH_GEX_GROUP. It takes any two
// numbers.
func ParseKexDHGexGroup(p []byte) (KexDHGexGroup, error) {
	r := NewReader(p)
	r.Number(NumberKexDHGexGroup)
	m := KexDHGexGroup{P: r.MPInt(), G: r.MPInt()}
	return m, r.End()
}

// A KexDHGexInit is SSH_MSG_KEX_DH_GEX_INIT (RFC 4419, section 3), the client's
// public value in the group of a [KexDHGexGroup].
//
//	byte     SSH_MSG_KEX_DH_GEX_INIT
//	mpint    e
type KexDHGexInit struct {
	E *big.Int
}

// Append appends the encoding of m to b.
func (m *KexDHGexInit) Append(b []byte) []byte {
	return AppendMPInt(append(b, byte(NumberKexDHGexInit)), m.E)
}

// ParseKexDHGexInit decodes an SSH_MSG_KEX_DH_GEX_INIT. It takes any number.
func ParseKexDHGexInit(p []byte) (KexDHGexInit, error) {
	r := NewReader(p)
	r.Number(NumberKexDHGexInit)
	m := KexDHGexInit{E: r.MPInt()}
	return m, r.End()
}

// A KexDHGexReply is SSH_MSG_KEX_DH_GEX_REPLY (RFC 4419, section 3), the
// server's answer to a [KexDHGexInit].
//
//	byte     SSH_MSG_KEX_DH_GEX_REPLY
//	string   K_S, server's public host key
//	mpint    f
//	string   the signature on the exchange hash
type KexDHGexReply struct {
	HostKey   []byte
	F         *big.Int
	Signature []byte
}

// Append appends the encoding of m to b.
func (m *KexDHGexReply) Append(b []byte) []byte {
	b = AppendString(append(b, byte(NumberKexDHGexReply)), m.HostKey)
	return AppendString(AppendMPInt(b, m.F), m.Signature)
}

// ParseKexDHGexReply decodes an SSH_MSG_KEX_DH_GEX_REPLY. It takes any number
// F; its other fields alias p.
func ParseKexDHGexReply(p []byte) (KexDHGexReply, error) {
	r := NewReader(p)
	r.Number(NumberKexDHGexReply)
	m := KexDHGexReply{HostKey: r.Blob(), F: r.MPInt(), Signature: r.Blob()}
	return m, r.End()
}
