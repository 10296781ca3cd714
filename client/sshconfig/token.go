package sshconfig

import (
	"crypto/fips140"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os/user"
	"strings"
)

// tokens are what the letters behind a "%" stand for (ssh_config(5), TOKENS).
type tokens map[byte]string

// expand replaces tokens, if there are any, and ${VARIABLE}, if getenv is not
// nil. A token or a variable that does not exist is an error.
func expand(text string, t tokens, getenv func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case getenv != nil && strings.HasPrefix(text[i:], "${"):
			name, _, ok := strings.Cut(text[i+2:], "}")
			if !ok || name == "" {
				return "", fmt.Errorf("%q is not of the form ${VARIABLE}", text[i:])
			}
			value, ok := getenv(name)
			if !ok {
				return "", fmt.Errorf("the variable %q is not set", name)
			}
			b.WriteString(value)
			i += len("${}") + len(name) - 1
		case t != nil && text[i] == '%':
			i++
			if i == len(text) {
				return "", fmt.Errorf(`a "%%" stands at the end of %q: write %%%% for one`, text)
			}
			if text[i] == '%' {
				b.WriteByte('%')
				continue
			}
			value, ok := t[text[i]]
			if !ok {
				return "", fmt.Errorf("%q is no token here: write %%%% for %%", "%"+text[i:i+1])
			}
			b.WriteString(value)
		default:
			b.WriteByte(text[i])
		}
		if b.Len() > maxExpanded {
			return "", fmt.Errorf("it expands to more than %d bytes", maxExpanded)
		}
	}
	return b.String(), nil
}

// maxExpanded bounds what a value may become.
const maxExpanded = 64 << 10

// connectionHash is the token %C: the SHA-1 of what tells connections apart. It
// keeps no secret and proves nothing, so that FIPS 140-3 has no say in it.
func connectionHash(parts ...string) (hash string) {
	fips140.WithoutEnforcement(func() {
		sum := sha1.Sum([]byte(strings.Join(parts, "")))
		hash = hex.EncodeToString(sum[:])
	})
	return hash
}

// newTokens returns the tokens for a host, the port, the user and the host on
// the way to it.
func (s *Settings) newTokens(host, port, remote, jump string) tokens {
	short, _, _ := strings.Cut(s.machine, ".")
	return tokens{
		'C': connectionHash(s.machine, host, port, remote, jump),
		'L': short, 'd': s.account.Home, 'h': host, 'l': s.machine, 'n': s.destination,
		'p': port, 'r': remote, 'u': s.account.Name, 'i': s.account.ID, 'j': jump,
	}
}

// tilde replaces a "~" or "~user" that path begins with.
func (s *Settings) tilde(path string) (string, error) {
	if !strings.HasPrefix(path, "~") {
		return path, nil
	}
	name, rest, _ := strings.Cut(path[1:], "/")
	home := s.account.Home
	if name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			return "", fmt.Errorf("%q: there is no user %q", path, name)
		}
		home = u.HomeDir
	}
	return strings.TrimSuffix(home, "/") + "/" + rest, nil
}

// ExpandPath replaces a tilde, tokens and ${VARIABLES} in the name of a file, as
// IdentityFile, CertificateFile and others have them.
func (s *Settings) ExpandPath(path string) (string, error) {
	path, err := s.tilde(path)
	if err != nil {
		return "", err
	}
	return expand(path, s.tokens, s.getenv)
}

// Expand replaces tokens in a command. Those beyond the usual ones, such as %T
// of LocalCommand, are the caller's to add.
func (s *Settings) Expand(text string, more map[byte]string) (string, error) {
	t := make(tokens, len(s.tokens)+len(more))
	for _, m := range []map[byte]string{s.tokens, more} {
		for letter, value := range m {
			t[letter] = value
		}
	}
	return expand(text, t, nil)
}
