package knownhosts

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // the only hash that known_hosts files have
	"encoding/base64"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// maxHost bounds a host name, and with it the cost of matching a pattern. DNS
// allows 253 characters (RFC 1035, section 2.3.4); an alias may have more.
const maxHost = 1024

// A target is a host in the form that known_hosts files have it.
type target struct {
	name string // in lower case
	port string // a decimal number, or the name of a service in lower case
}

// newTarget takes apart the address that was dialed. An address without a port
// is a name at port 22.
func newTarget(address string) target {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(address, "["), "]"), ""
	}
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		port = strconv.FormatUint(n, 10)
	}
	if port == "" || port == "ssh" {
		port = "22"
	}
	return target{pattern.Lower(host), pattern.Lower(port)}
}

// addressOf returns what a line of the address at the other end has, or "" if
// there is none to look for: loopback addresses are another host's on each
// host, and a target may be its address itself.
func addressOf(addr net.Addr, t target) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || tcp == nil || len(tcp.IP) == 0 || tcp.IP.IsLoopback() {
		return ""
	}
	ip := target{name: pattern.Lower((&net.IPAddr{IP: tcp.IP, Zone: tcp.Zone}).String()), port: t.port}
	if ip == t {
		return ""
	}
	return ip.String()
}

// String returns what a line of the host has: "the port is put after the name
// in square brackets" unless it is 22 (sshd(8)).
func (t target) String() string {
	if t.port == "22" {
		return t.name
	}
	return "[" + t.name + "]:" + t.port
}

// matchHosts reports whether the hosts field of a line names host, which is in
// lower case. The field is well-formed.
func matchHosts(field, host string) bool {
	if strings.HasPrefix(field, "|") {
		salt, hash, ok := parseHash(field)
		return ok && hmac.Equal(hashHost(salt, host), hash)
	}
	// "If the host name matches a negated pattern, it is not accepted (by that
	// line) even if it matched another pattern on the line." (sshd(8))
	return pattern.MatchList(pattern.Lower(field), host)
}

// hashMagic begins a hashed name: |1|salt|hash, both in base64.
const hashMagic = "|1|"

// parseHash takes a hashed name apart. Like OpenSSH it wants a salt as long as
// the hash.
func parseHash(field string) (salt, hash []byte, ok bool) {
	rest, ok := strings.CutPrefix(field, hashMagic)
	if !ok {
		return nil, nil, false
	}
	s, h, ok := strings.Cut(rest, "|")
	if !ok || len(s) > 64 || len(h) > 64 {
		return nil, nil, false
	}
	salt, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(salt) != sha1.Size {
		return nil, nil, false
	}
	hash, err = base64.StdEncoding.DecodeString(h)
	return salt, hash, err == nil && len(hash) == sha1.Size
}

// hashHost returns the HMAC-SHA1 of a name. It is what the name is looked for
// by, and hides it from whoever reads the file; nothing rests on the strength of
// SHA-1, so that FIPS 140 has nothing to say about it.
func hashHost(salt []byte, host string) (hash []byte) {
	fips140.WithoutEnforcement(func() {
		mac := hmac.New(sha1.New, salt)
		mac.Write([]byte(host))
		hash = mac.Sum(nil)
	})
	return hash
}

// fieldOf returns the hosts field of a line with names, each of which means
// itself there.
func fieldOf(names []string) (string, error) {
	for _, name := range names {
		if !isPlain(name) {
			return "", fmt.Errorf("host name %q cannot stand in a file", name)
		}
	}
	return strings.Join(names, ","), nil
}

// isPlain reports whether a host name means itself as the hosts field of a
// line: it has no wildcard, separator or control character, and does not begin
// like a marker, comment, hash or negation.
func isPlain(host string) bool {
	return !strings.ContainsAny(host, "*?, \t#|!@") &&
		!strings.ContainsFunc(host, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// hashedField returns the hosts field of a line that hides its host.
func hashedField(host string) string {
	salt := make([]byte, sha1.Size)
	rand.Read(salt)
	encode := base64.StdEncoding.EncodeToString
	return hashMagic + encode(salt) + "|" + encode(hashHost(salt, host))
}
