//go:build unix

package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/server"
)

// publicKeys returns which keys and certificates let the account's user in.
func (d *daemon) publicKeys(o *options) (server.KeyLookup, error) {
	k := server.KeyLookup{PublicKeys: o.keys}
	for _, file := range o.authorizedKeys {
		k.AuthorizedKeys = append(k.AuthorizedKeys, d.account.path(file))
	}
	if o.principals != "" {
		k.AuthorizedPrincipals = []string{d.account.path(o.principals)}
	}
	if err := o.keysProgram.check(&d.account); err != nil {
		return k, fmt.Errorf("AuthorizedKeysCommand: %w", err)
	}
	if err := o.namesProgram.check(&d.account); err != nil {
		return k, fmt.Errorf("AuthorizedPrincipalsCommand: %w", err)
	}
	if o.keysProgram.command != "" {
		k.Keys = func(ctx context.Context, _ string, key hostkey.PublicKey) ([]byte, error) {
			return d.ask(ctx, "AuthorizedKeysCommand", o.keysProgram, key)
		}
	}
	if o.namesProgram.command != "" {
		k.Principals = func(ctx context.Context, _ string, c *hostkey.Certificate) ([]byte, error) {
			return d.ask(ctx, "AuthorizedPrincipalsCommand", o.namesProgram, c)
		}
	}
	return k, nil
}

// ask runs a program about a key. It is told the account's user, whatever the
// name that the client gives: no argument is of a client's making but the key
// and its certificate, and all names take the same time.
func (d *daemon) ask(ctx context.Context, keyword string, p program, key hostkey.PublicKey) ([]byte, error) {
	values := d.account.values()
	describe(values, key)
	if nc, ok := ctx.Value(connKey{}).(net.Conn); ok {
		remote, remotePort := hostPort(nc.RemoteAddr())
		local, localPort := hostPort(nc.LocalAddr())
		values['C'] = remote + " " + remotePort + " " + local + " " + localPort
	}
	r := &runner{program: p, account: &d.account, slots: d.programs}
	out, err := r.output(ctx, values)
	if err != nil {
		d.log.Error("nobody is let in by "+keyword, "err", err)
		return nil, fmt.Errorf("%s: %w", keyword, err)
	}
	return out, nil
}

// values are the tokens that are about the account, and those that are about
// nothing yet.
func (a *account) values() map[byte]string {
	return map[byte]string{'h': a.home, 'u': a.name, 'U': a.uid, 'C': "UNKNOWN", 'D': ""}
}

// describe sets the tokens that are about a key, and the certificate that it may
// be.
func describe(values map[byte]string, key hostkey.PublicKey) {
	encode := func(k hostkey.PublicKey) string { return base64.StdEncoding.EncodeToString(k.Marshal()) }
	values['k'], values['t'], values['f'] = encode(key), key.Type(), hostkey.Fingerprint(key)
	if c, ok := key.(*hostkey.Certificate); ok {
		values['K'], values['T'], values['F'] = encode(c.CA), c.CA.Type(), hostkey.Fingerprint(c.CA)
		values['i'], values['s'] = c.KeyID, strconv.FormatUint(c.Serial, 10)
	}
}

// A connKey is the key of the connection in the context of a check.
type connKey struct{}

// addrPort returns the address and port of a network address, without what a
// program sees of IPv4 by IPv6.
func addrPort(a net.Addr) (netip.AddrPort, bool) {
	if a == nil {
		return netip.AddrPort{}, false
	}
	ap, err := netip.ParseAddrPort(a.String())
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port()), err == nil
}
