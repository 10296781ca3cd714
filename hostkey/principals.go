package hostkey

import (
	"errors"
	"io"
	"iter"
	"strings"
)

// An AuthorizedPrincipal is a line of an AuthorizedPrincipalsFile:
//
//	[options] name
//
// (sshd_config(5).) A certificate of a trusted authority lets in whoever the
// file is about if it names that principal.
type AuthorizedPrincipal struct {
	Options []Option // those of authorized keys
	Name    string
	Line    int // counted from 1
}

// AuthorizedPrincipals returns the lines of an AuthorizedPrincipalsFile in
// their order. Bounds and errors are those of [AuthorizedKeys].
func AuthorizedPrincipals(r io.Reader) iter.Seq2[*AuthorizedPrincipal, error] {
	return func(yield func(*AuthorizedPrincipal, error) bool) {
		readLines(r, "authorized principals", func(n int, line []byte) bool {
			p, err := parseAuthorizedPrincipal(line)
			if err == nil {
				p.Line = n
			}
			return yield(p, atLine(n, err))
		}, func(err error) { yield(nil, err) })
	}
}

func parseAuthorizedPrincipal(line []byte) (*AuthorizedPrincipal, error) {
	text, err := lineText(line, "authorized principals")
	if err != nil {
		return nil, err
	}
	// As in sshd, a comment may stand behind a name, and quotes do not keep it
	// from being one.
	text, _, _ = strings.Cut(text, "#")
	text = strings.Trim(text, " \t")
	p := &AuthorizedPrincipal{Name: text}
	if strings.ContainsAny(text, " \t") {
		if p.Options, p.Name, err = parseOptions(text); err != nil {
			return nil, err
		}
		p.Name = strings.TrimLeft(p.Name, " \t")
	}
	if p.Name == "" || strings.ContainsAny(p.Name, " \t\"") {
		return nil, errors.New("hostkey: a line of authorized principals is one name, with options before it")
	}
	return p, nil
}

// Restrictions returns what the options of p come to, as
// [AuthorizedKey.Restrictions] does. Those about authorities are none here.
func (p *AuthorizedPrincipal) Restrictions() (*Restrictions, error) {
	r, err := restrictions(p.Options)
	switch {
	case err != nil:
		return nil, err
	case r.CertAuthority:
		return nil, &OptionError{"cert-authority", "is for a key, and this is a name"}
	case r.Principals != nil:
		return nil, &OptionError{"principals", "is for a key, and this is a name"}
	}
	return r, nil
}
