package wire

// A Ping is SSH2_MSG_PING (OpenSSH PROTOCOL, section 1.9). It may be sent to a
// peer that announced the extension "ping@openssh.com".
//
//	byte      SSH2_MSG_PING
//	string    data
type Ping struct {
	Data []byte
}

// Append appends the encoding of m to b.
func (m *Ping) Append(b []byte) []byte { return AppendString(append(b, byte(NumberPing)), m.Data) }

// ParsePing decodes an SSH2_MSG_PING. Data aliases p.
func ParsePing(p []byte) (Ping, error) {
	r := NewReader(p)
	r.Number(NumberPing)
	m := Ping{Data: r.Blob()}
	return m, r.End()
}

// A Pong is SSH2_MSG_PONG (OpenSSH PROTOCOL, section 1.9): the answer to a
// [Ping], with its data.
//
//	byte      SSH2_MSG_PONG
//	string    data
type Pong struct {
	Data []byte
}

// Append appends the encoding of m to b.
func (m *Pong) Append(b []byte) []byte { return AppendString(append(b, byte(NumberPong)), m.Data) }

// ParsePong decodes an SSH2_MSG_PONG. Data aliases p.
func ParsePong(p []byte) (Pong, error) {
	r := NewReader(p)
	r.Number(NumberPong)
	m := Pong{Data: r.Blob()}
	return m, r.End()
}
