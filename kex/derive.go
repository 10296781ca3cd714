package kex

// Key derives n bytes of key material (RFC 4253, section 7.2). sessionID is
// the exchange hash of the connection's first exchange. The tags are
//
//	'A', 'B'    initial IV, client to server and server to client
//	'C', 'D'    encryption key
//	'E', 'F'    integrity key
//
// The caller owns the result.
func (r *Result) Key(tag byte, sessionID []byte, n int) []byte {
	h := r.Hash()
	key := make([]byte, 0, n+h.Size())
	for len(key) < n {
		h.Reset()
		h.Write(r.K)
		h.Write(r.H)
		if len(key) == 0 {
			h.Write([]byte{tag}) // K1 = HASH(K || H || X || session_id)
			h.Write(sessionID)
		} else {
			h.Write(key) // Kn = HASH(K || H || K1 || ... || Kn-1)
		}
		key = h.Sum(key)
	}
	return key[:n:n]
}
