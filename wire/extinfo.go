package wire

// An ExtInfo is SSH_MSG_EXT_INFO (RFC 8308, section 2.3).
//
//	byte       SSH_MSG_EXT_INFO
//	uint32     nr-extensions
//	repeat the following 2 fields "nr-extensions" times:
//	  string   extension-name
//	  string   extension-value (binary)
type ExtInfo struct {
	Extensions []Extension
}

// An Extension is one of the extensions an [ExtInfo] announces.
type Extension struct {
	Name  string
	Value []byte
}

// extensionSize is the least number of bytes an extension takes.
const extensionSize = 8

// Append appends the encoding of m to b.
func (m *ExtInfo) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(NumberExtInfo)), uint32(len(m.Extensions)))
	for _, e := range m.Extensions {
		b = AppendString(AppendString(b, e.Name), e.Value)
	}
	return b
}

// ParseExtInfo decodes an SSH_MSG_EXT_INFO. The values of the extensions
// alias p.
func ParseExtInfo(p []byte) (ExtInfo, error) {
	r := NewReader(p)
	r.Number(NumberExtInfo)
	var m ExtInfo
	for range r.count(extensionSize) {
		m.Extensions = append(m.Extensions, Extension{Name: r.Text(), Value: r.Blob()})
		if r.err != nil {
			return ExtInfo{}, r.err
		}
	}
	return m, r.End()
}
