package agent

import (
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// A request is what is signed to log in with a key (RFC 4252, section 7, and
// OpenSSH PROTOCOL, section 3.1):
//
//	string    session identifier
//	byte      SSH_MSG_USERAUTH_REQUEST
//	string    user name
//	string    "ssh-connection"
//	string    "publickey" or "publickey-hostbound-v00@openssh.com"
//	boolean   TRUE
//	string    public key algorithm name
//	string    public key
//	string    host key, only in the second
type request struct {
	session []byte
	user    string
	key     []byte
	hostKey []byte // or nil
}

// maxUser is the length of the longest name that is compared with a pattern.
const maxUser = 1024

// parseRequest takes apart what is to be signed. The result aliases p.
func parseRequest(p []byte) (m request, ok bool) {
	r := wire.NewReader(p)
	m.session = r.Blob()
	r.Number(wire.NumberUserauthRequest)
	m.user = r.Text()
	service, method, signed := r.Blob(), r.Blob(), r.Byte()
	algorithm := r.Text()
	m.key = r.Blob()
	bound := string(method) == "publickey-hostbound-v00@openssh.com"
	if bound {
		m.hostKey = r.Blob()
	}
	ok = r.End() == nil && len(m.session) > 0 && len(m.user) <= maxUser &&
		string(service) == "ssh-connection" && (bound || string(method) == "publickey") && signed == 1
	if !ok {
		return m, false
	}
	_, err := hostkey.SignatureFormat(parseKey(m.key), algorithm)
	return m, err == nil
}
