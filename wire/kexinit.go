package wire

// A KexInit is SSH_MSG_KEXINIT (RFC 4253, section 7.1). Each list is in its
// sender's order of preference. Both sides' messages are hashed into the
// exchange hash as they were sent, so keep the bytes as well.
//
//	byte         SSH_MSG_KEXINIT
//	byte[16]     cookie (random bytes)
//	name-list    kex_algorithms
//	name-list    server_host_key_algorithms
//	name-list    encryption_algorithms_client_to_server
//	name-list    encryption_algorithms_server_to_client
//	name-list    mac_algorithms_client_to_server
//	name-list    mac_algorithms_server_to_client
//	name-list    compression_algorithms_client_to_server
//	name-list    compression_algorithms_server_to_client
//	name-list    languages_client_to_server
//	name-list    languages_server_to_client
//	boolean      first_kex_packet_follows
//	uint32       0 (reserved for future extension)
type KexInit struct {
	Cookie                  [16]byte
	KeyExchanges            []string
	HostKeys                []string
	CiphersClientServer     []string
	CiphersServerClient     []string
	MACsClientServer        []string
	MACsServerClient        []string
	CompressionClientServer []string
	CompressionServerClient []string
	LanguagesClientServer   []string
	LanguagesServerClient   []string
	FirstFollows            bool
	Reserved                uint32 // ParseKexInit takes any value: refusing it is the caller's choice
}

// Append appends the encoding of m to b. It panics where [AppendNameList]
// would.
func (m *KexInit) Append(b []byte) []byte {
	b = append(append(b, byte(NumberKexInit)), m.Cookie[:]...)
	b = AppendNameList(b, m.KeyExchanges)
	b = AppendNameList(b, m.HostKeys)
	b = AppendNameList(b, m.CiphersClientServer)
	b = AppendNameList(b, m.CiphersServerClient)
	b = AppendNameList(b, m.MACsClientServer)
	b = AppendNameList(b, m.MACsServerClient)
	b = AppendNameList(b, m.CompressionClientServer)
	b = AppendNameList(b, m.CompressionServerClient)
	b = AppendNameList(b, m.LanguagesClientServer)
	b = AppendNameList(b, m.LanguagesServerClient)
	return AppendUint32(AppendBool(b, m.FirstFollows), m.Reserved)
}

// ParseKexInit decodes an SSH_MSG_KEXINIT. The result does not alias p.
func ParseKexInit(p []byte) (KexInit, error) {
	r := NewReader(p)
	r.Number(NumberKexInit)
	var cookie [16]byte
	copy(cookie[:], r.Bytes(len(cookie)))
	m := KexInit{
		Cookie:                  cookie,
		KeyExchanges:            r.NameList(),
		HostKeys:                r.NameList(),
		CiphersClientServer:     r.NameList(),
		CiphersServerClient:     r.NameList(),
		MACsClientServer:        r.NameList(),
		MACsServerClient:        r.NameList(),
		CompressionClientServer: r.NameList(),
		CompressionServerClient: r.NameList(),
		LanguagesClientServer:   r.NameList(),
		LanguagesServerClient:   r.NameList(),
		FirstFollows:            r.Bool(),
		Reserved:                r.Uint32(),
	}
	return m, r.End()
}
