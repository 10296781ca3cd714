package wire

// A TCPIPForward is the data of a "tcpip-forward" global request (RFC 4254,
// section 7.1). Port 0 asks the server to choose one.
//
//	string    address to bind (e.g., "0.0.0.0")
//	uint32    port number to bind
type TCPIPForward struct {
	Address string
	Port    uint32
}

// Append appends the encoding of m to b.
func (m *TCPIPForward) Append(b []byte) []byte {
	return AppendUint32(AppendString(b, m.Address), m.Port)
}

// ParseTCPIPForward decodes the data of a "tcpip-forward" request.
func ParseTCPIPForward(p []byte) (TCPIPForward, error) {
	r := NewReader(p)
	m := TCPIPForward{Address: r.Text(), Port: r.Uint32()}
	return m, r.End()
}

// A CancelTCPIPForward is the data of a "cancel-tcpip-forward" global request
// (RFC 4254, section 7.1).
//
//	string    address_to_bind (e.g., "127.0.0.1")
//	uint32    port number to bind
type CancelTCPIPForward struct {
	Address string
	Port    uint32
}

// Append appends the encoding of m to b.
func (m *CancelTCPIPForward) Append(b []byte) []byte {
	return AppendUint32(AppendString(b, m.Address), m.Port)
}

// ParseCancelTCPIPForward decodes the data of a "cancel-tcpip-forward"
// request.
func ParseCancelTCPIPForward(p []byte) (CancelTCPIPForward, error) {
	r := NewReader(p)
	m := CancelTCPIPForward{Address: r.Text(), Port: r.Uint32()}
	return m, r.End()
}

// A TCPIPForwardReply is the data of the answer to a [TCPIPForward] for
// port 0 (RFC 4254, section 7.1).
//
//	uint32    port that was bound on the server
type TCPIPForwardReply struct {
	Port uint32
}

// Append appends the encoding of m to b.
func (m *TCPIPForwardReply) Append(b []byte) []byte { return AppendUint32(b, m.Port) }

// ParseTCPIPForwardReply decodes the data of the answer to a "tcpip-forward"
// request for port 0.
func ParseTCPIPForwardReply(p []byte) (TCPIPForwardReply, error) {
	r := NewReader(p)
	m := TCPIPForwardReply{Port: r.Uint32()}
	return m, r.End()
}

// A DirectTCPIP is the extra data of a [ChannelOpen] of type "direct-tcpip"
// (RFC 4254, section 7.2).
//
//	string    host to connect
//	uint32    port to connect
//	string    originator IP address
//	uint32    originator port
type DirectTCPIP struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

// Append appends the encoding of m to b.
func (m *DirectTCPIP) Append(b []byte) []byte {
	b = AppendUint32(AppendString(b, m.Host), m.Port)
	return AppendUint32(AppendString(b, m.OriginHost), m.OriginPort)
}

// ParseDirectTCPIP decodes the extra data of a "direct-tcpip" channel.
func ParseDirectTCPIP(p []byte) (DirectTCPIP, error) {
	r := NewReader(p)
	m := DirectTCPIP{Host: r.Text(), Port: r.Uint32(), OriginHost: r.Text(), OriginPort: r.Uint32()}
	return m, r.End()
}

// A ForwardedTCPIP is the extra data of a [ChannelOpen] of type
// "forwarded-tcpip" (RFC 4254, section 7.2).
//
//	string    address that was connected
//	uint32    port that was connected
//	string    originator IP address
//	uint32    originator port
type ForwardedTCPIP struct {
	Address    string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

// Append appends the encoding of m to b.
func (m *ForwardedTCPIP) Append(b []byte) []byte {
	b = AppendUint32(AppendString(b, m.Address), m.Port)
	return AppendUint32(AppendString(b, m.OriginHost), m.OriginPort)
}

// ParseForwardedTCPIP decodes the extra data of a "forwarded-tcpip" channel.
func ParseForwardedTCPIP(p []byte) (ForwardedTCPIP, error) {
	r := NewReader(p)
	m := ForwardedTCPIP{Address: r.Text(), Port: r.Uint32(), OriginHost: r.Text(), OriginPort: r.Uint32()}
	return m, r.End()
}

// An X11Open is the extra data of a [ChannelOpen] of type "x11" (RFC 4254,
// section 6.3.2).
//
//	string    originator address (e.g., "192.168.7.38")
//	uint32    originator port
type X11Open struct {
	OriginHost string
	OriginPort uint32
}

// Append appends the encoding of m to b.
func (m *X11Open) Append(b []byte) []byte {
	return AppendUint32(AppendString(b, m.OriginHost), m.OriginPort)
}

// ParseX11Open decodes the extra data of an "x11" channel.
func ParseX11Open(p []byte) (X11Open, error) {
	r := NewReader(p)
	m := X11Open{OriginHost: r.Text(), OriginPort: r.Uint32()}
	return m, r.End()
}
