package knownhosts

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A Question is what Config.Ask is asked: whether a host seen for the first
// time is the one that was meant.
type Question struct {
	Host  string            // as it would be added: a name, or [name]:port
	Addr  net.Addr          // as connected, or nil
	Key   hostkey.PublicKey // as presented, or that of the certificate presented
	Other []KnownKey        // lines that know the key by other names
	SSHFP SSHFPAnswer       // what DNS says

	// Certificate says why the certificate that was presented does not count,
	// or is nil.
	Certificate error
}

// String returns the question in words that are fit for a terminal, in several
// lines without the last newline. It is what ssh(1) asks.
func (q *Question) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "The authenticity of host '%s", display(q.Host))
	if tcp, ok := q.Addr.(*net.TCPAddr); ok && tcp != nil {
		fmt.Fprintf(&b, " (%s)", tcp.IP)
	}
	b.WriteString("' can't be established.\n")
	if q.Certificate != nil {
		fmt.Fprintf(&b, "Note: %s.\n", uncounted(q.Certificate))
	}
	fmt.Fprintf(&b, "%s key fingerprint is %s.\n", q.Key.Type(), hostkey.Fingerprint(q.Key))
	if q.SSHFP != SSHFPNone {
		fmt.Fprintf(&b, "DNS has %s.\n", q.SSHFP)
	}
	b.WriteString(q.others())
	b.WriteString("Are you sure you want to continue connecting (yes/no/[fingerprint])? ")
	return b.String()
}

// others says by which other names the key is known, a few of them.
func (q *Question) others() string {
	if len(q.Other) == 0 {
		return "This key is not known by any other names.\n"
	}
	const most = 8
	text := "This key is known by other names:\n"
	for _, k := range q.Other[:min(len(q.Other), most)] {
		hosts := k.Hosts
		if strings.HasPrefix(hosts, "|") {
			hosts = "[hashed name]"
		}
		text += fmt.Sprintf("    %s:%d: %.100s\n", display(k.File), k.Line, display(hosts))
	}
	if more := len(q.Other) - most; more > 0 {
		text += fmt.Sprintf("    and %d more\n", more)
	}
	return text
}

// Answer understands what somebody types: "yes" or the fingerprint accept the
// host, "no" and nothing do not. It reports false for understood if the text is
// anything else, such as another fingerprint, and the question is to be asked
// again.
func (q *Question) Answer(text string) (accept, understood bool) {
	text = strings.Trim(text, " \t\r\n")
	switch {
	case strings.EqualFold(text, "yes"), text == hostkey.Fingerprint(q.Key):
		return true, true
	case text == "", strings.EqualFold(text, "no"):
		return false, true
	}
	return false, false
}

// ask has somebody decide about a host that is not in the files.
func (v *Verifier) ask(ctx context.Context, c *check, refused *KeyError) error {
	if v.config.Ask == nil {
		return refused
	}
	q := &Question{Host: refused.Host, Addr: c.host.Addr, Key: c.key, SSHFP: refused.SSHFP, Certificate: c.refusal,
		Other: elsewhere(c.files, c.key, refused.Host)}
	accepted, err := v.config.Ask(ctx, q)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && !accepted {
		err = ErrDeclined
	}
	if err != nil {
		refused.Err = err
		return refused
	}
	err = v.add(ctx, c.host, c.key, false)
	var lost *AddError
	if errors.As(err, &lost) { // whoever was asked will be asked again
		v.warn(err)
		return nil
	}
	return err
}
