package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/userauth"
)

// A HostbasedPolicy says which machines may vouch for their users. The zero
// HostbasedPolicy trusts none.
type HostbasedPolicy struct {
	// Known tells whether a key is the one of the machine named. It is never
	// to accept a key because it is the first: knownhosts.New with its strict
	// policy is right.
	Known hostkey.Verifier

	// Trusted are files that name machines, in the format of ~/.shosts
	// (sshd(8), FILES): the name of a machine on each line, and behind it the
	// name of a user there, if that is not the one to log in as. "-" ahead of
	// a machine refuses it. A name has to be the one the client uses.
	Trusted []string

	// Lookup returns the addresses of a machine. The client has to come from
	// one of them. It is that of net.DefaultResolver if nil.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

	// AnyAddress does without that, for clients behind address translation,
	// as HostbasedUsesNameFromPacketOnly of sshd_config(5) does: who has the
	// machine's key is the machine.
	AnyAddress bool
}

// Hostbased returns a check of the method "hostbased" (RFC 4252, section 9),
// which lets in a user whose machine says who that is. The machine has proved to
// have its key, and the name it gives itself counts for nothing until Known has
// compared that key with the one it knows under that name, and until the name's
// address is the client's.
//
// The files are read again for each attempt, and are not trusted unless nobody
// else can write to them, as with [AuthorizedKeys].
func Hostbased(p HostbasedPolicy) userauth.Check {
	p.Trusted = slices.Clone(p.Trusted)
	return userauth.CheckHostbased(func(ctx context.Context, a *userauth.Attempt, c userauth.ClientHost) (userauth.Decision, error) {
		if err := p.check(ctx, a.User, a.Binding().RemoteAddr, c); err != nil {
			return userauth.Decision{}, fmt.Errorf("server: hostbased: %w", err)
		}
		return userauth.Accept(nil), nil
	})
}

// check returns nil if c may log in. Nobody has a name looked up but a machine
// that is known, and the user plays a part in the last step alone.
func (p *HostbasedPolicy) check(ctx context.Context, user string, remote net.Addr, c userauth.ClientHost) error {
	if err := p.knows(ctx, c); err != nil {
		return err
	}
	if err := p.comesFrom(ctx, remote, c.Name); err != nil {
		return err
	}
	return p.trusts(user, c)
}

// knows returns nil if the key is known to be that of the machine named.
func (p *HostbasedPolicy) knows(ctx context.Context, c userauth.ClientHost) error {
	if p.Known == nil {
		return errors.New("HostbasedPolicy.Known is nil: no machine's key is known")
	}
	return p.Known.VerifyHostKey(ctx, hostkey.Host{Name: c.Name}, c.Key)
}

// comesFrom returns nil if the machine named has the client's address.
func (p *HostbasedPolicy) comesFrom(ctx context.Context, remote net.Addr, name string) error {
	if p.AnyAddress {
		return nil
	}
	from, ok := ipOf(remote)
	if !ok {
		return fmt.Errorf("the client has no address of the Internet, and %q has to have it", name)
	}
	addresses, err := p.lookup(ctx, name)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if a.Unmap().WithZone("") == from {
			return nil
		}
	}
	return fmt.Errorf("the client comes from %v, which is no address of %q", from, name)
}

func (p *HostbasedPolicy) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	if p.Lookup != nil {
		return p.Lookup(ctx, name)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

// ipOf returns the IP address of addr, if it has one.
func ipOf(addr net.Addr) (netip.Addr, bool) {
	if addr == nil {
		return netip.Addr{}, false
	}
	ap, err := netip.ParseAddrPort(addr.String())
	return ap.Addr().Unmap().WithZone(""), err == nil
}

// trusts returns nil if a file says that c may log in as user.
func (p *HostbasedPolicy) trusts(user string, c userauth.ClientHost) error {
	var problems []error
	for _, path := range p.Trusted {
		f, err := openTrusted(path)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		trusted, err := findTrusted(io.LimitReader(f, maxKeyFile), user, c)
		f.Close()
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", path, err)
		case trusted:
			return nil
		}
	}
	problems = append(problems, fmt.Errorf("no file trusts %q of %q to log in as %q", c.User, c.Name, user))
	return errors.Join(problems...)
}

// findTrusted looks for a machine and its user in a file. The error is the
// file's word that they are not trusted.
func findTrusted(r io.Reader, user string, c userauth.ClientHost) (bool, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 || len(fields) > 2 {
			continue
		}
		theirs := user
		if len(fields) == 2 {
			theirs = fields[1]
		}
		// "+" and "@group" stand for any machine and for a netgroup, which
		// nothing here does: no machine has such a name.
		host, refused := strings.CutPrefix(fields[0], "-")
		if !strings.EqualFold(host, c.Name) {
			continue
		}
		// A refusal of a machine is one of all its users.
		if refused && (len(fields) == 1 || theirs == c.User) || theirs == "-"+c.User {
			return false, fmt.Errorf("%q of %q is refused", c.User, c.Name)
		}
		if !refused && theirs == c.User {
			return true, nil
		}
	}
	return false, lines.Err()
}
