package transport

import (
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// Names that stand in the key exchange list of the first KEXINIT to announce
// an extension. They can never be chosen.
const (
	extInfoClient = "ext-info-c"                   // RFC 8308, section 2.1
	extInfoServer = "ext-info-s"                   // RFC 8308, section 2.1
	strictClient  = "kex-strict-c-v00@openssh.com" // draft-ietf-sshm-strict-kex
	strictServer  = "kex-strict-s-v00@openssh.com"
)

// A choice is what two KEXINITs agree on, by name.
type choice struct {
	keyExchange    string
	hostKey        string
	clientToServer Protection
	serverToClient Protection
}

// negotiate applies RFC 4253, section 7.1: each algorithm is the first of the
// client's list that is also on the server's. A cipher for which aead is true
// brings its own MAC, so that none is negotiated for it. The result depends on
// nothing but its arguments. A failure is a *NegotiationError whose Ours are
// the client's names.
func negotiate(c, s *wire.KexInit, aead func(cipher string) bool) (choice, error) {
	var n negotiation
	ch := choice{
		keyExchange: n.first("key exchange", realMethods(c.KeyExchanges), realMethods(s.KeyExchanges)),
		hostKey:     n.first("host key algorithm", c.HostKeys, s.HostKeys),
		clientToServer: Protection{
			Cipher:      n.first("cipher client to server", c.CiphersClientServer, s.CiphersClientServer),
			Compression: n.first("compression client to server", c.CompressionClientServer, s.CompressionClientServer),
		},
		serverToClient: Protection{
			Cipher:      n.first("cipher server to client", c.CiphersServerClient, s.CiphersServerClient),
			Compression: n.first("compression server to client", c.CompressionServerClient, s.CompressionServerClient),
		},
	}
	if !aead(ch.clientToServer.Cipher) {
		ch.clientToServer.MAC = n.first("MAC client to server", c.MACsClientServer, s.MACsClientServer)
	}
	if !aead(ch.serverToClient.Cipher) {
		ch.serverToClient.MAC = n.first("MAC server to client", c.MACsServerClient, s.MACsServerClient)
	}
	if n.err != nil {
		return choice{}, n.err
	}
	return ch, nil
}

// A negotiation keeps the first failure.
type negotiation struct{ err error }

func (n *negotiation) first(what string, ours, theirs []string) string {
	for _, name := range ours {
		if slices.Contains(theirs, name) {
			return strings.Clone(name) // and not the list it came in
		}
	}
	if n.err == nil {
		n.err = &NegotiationError{What: what, Ours: ours, Theirs: theirs}
	}
	return ""
}

// realMethods drops the names that only announce extensions.
func realMethods(names []string) []string {
	var methods []string
	for _, name := range names {
		if !strings.HasPrefix(name, "ext-info-") && !strings.HasPrefix(name, "kex-strict-") {
			methods = append(methods, name)
		}
	}
	return methods
}

// guessedRight reports whether a key exchange packet sent on a guess counts:
// both sides must prefer the same method and the same host key algorithm
// (RFC 4253, section 7).
func guessedRight(c, s *wire.KexInit) bool {
	return firstIsSame(c.KeyExchanges, s.KeyExchanges) && firstIsSame(c.HostKeys, s.HostKeys)
}

func firstIsSame(a, b []string) bool { return len(a) > 0 && len(b) > 0 && a[0] == b[0] }
