//go:build unix

package main

import (
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
)

// show prints the options as `sshd -T` does: a keyword in lower case on each
// line, and its value.
func (o *options) show(w io.Writer) error {
	for _, table := range [][]keyword{keywords, fixed} {
		for _, k := range table {
			if k.show == nil {
				continue
			}
			for _, value := range k.show(o) {
				if _, err := fmt.Fprintf(w, "%s %s\n", strings.ToLower(k.name), value); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// text shows a value, or none.
func text(get func(*options) string) func(*options) []string {
	return func(o *options) []string {
		if v := get(o); v != "" {
			return []string{v}
		}
		return []string{"none"}
	}
}

// lists shows values, a line each.
func lists(get func(*options) []string) func(*options) []string { return get }

// names shows names of algorithms.
func names(get func(*options) []string) func(*options) []string {
	return func(o *options) []string { return []string{strings.Join(get(o), ",")} }
}

func yes(get func(*options) bool) func(*options) []string {
	return func(o *options) []string {
		if get(o) {
			return []string{"yes"}
		}
		return []string{"no"}
	}
}

// number shows a number that stands for another if it is zero.
func number(get func(*options) int, zero int) func(*options) []string {
	return func(o *options) []string { return []string{strconv.Itoa(orDefault(get(o), zero))} }
}

func orDefault(n, zero int) int {
	if n == 0 {
		return zero
	}
	return n
}

func showChains(o *options) string {
	if o.methods.chains == nil {
		return "any"
	}
	var all []string
	for _, chain := range o.methods.chains {
		all = append(all, strings.Join(chain, ","))
	}
	return strings.Join(all, " ")
}

func showCompression(o *options) string {
	if o.transport.Compression != nil {
		return "yes"
	}
	return "no"
}

func showLoginGraceTime(o *options) string {
	switch o.loginGrace {
	case 0:
		return "120"
	case forever:
		return "0"
	}
	return seconds(o.loginGrace)
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

func showUnusedTimeout(o *options) string {
	if o.unused == 0 {
		return ""
	}
	return seconds(o.unused)
}

func showMaxStartups(o *options) string {
	s := o.startups
	return fmt.Sprintf("%d:%d:%d", orDefault(s.Start, 128), orDefault(s.Percent, 30), orDefault(s.Full, 1024))
}

func showPerSource(o *options) string {
	if o.startups.PerSource < 0 {
		return ""
	}
	return strconv.Itoa(orDefault(o.startups.PerSource, 32))
}

// showNetBlockSize shows the bits that addresses of one source have in common.
func showNetBlockSize(o *options) string {
	return fmt.Sprintf("%d:%d", max(orDefault(o.startups.Bits4, 32), 0), max(orDefault(o.startups.Bits6, 64), 0))
}

func showNetworks(networks []netip.Prefix) string {
	var all []string
	for _, n := range networks {
		all = append(all, n.String())
	}
	return strings.Join(all, ",")
}

func showModuli(o *options) string {
	if o.moduli == "" {
		return systemModuli
	}
	return o.moduli
}

func showPermits(list []permit) string {
	if list == nil {
		return "any"
	}
	var all []string
	for _, p := range list {
		all = append(all, p.String())
	}
	return strings.Join(all, " ")
}

func showPermitUserEnvironment(o *options) string {
	switch names := o.keys.PermitUserEnvironment; {
	case names == nil:
		return "no"
	case len(names) == 1 && names[0] == "*":
		return "yes"
	default:
		return strings.Join(names, ",")
	}
}

func showRekeyLimit(o *options) string {
	r := o.transport.Rekey
	return strconv.FormatInt(r.Bytes, 10) + " " + seconds(r.Interval)
}

func showRootMode(o *options) string {
	if o.rootMode == "" {
		return "yes"
	}
	return o.rootMode
}

func showSubsystems(o *options) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(o.subsystems)) {
		all = append(all, name+" "+o.subsystems[name])
	}
	return all
}

func cipherNames(o *options) (all []string) {
	modes := o.transport.Ciphers
	if modes == nil {
		modes = cipher.Default()
	}
	for _, m := range modes {
		all = append(all, m.Name)
	}
	return all
}

func macNames(o *options) (all []string) {
	macs := o.transport.MACs
	if macs == nil {
		macs = mac.Default()
	}
	for _, m := range macs {
		all = append(all, m.Name)
	}
	return all
}

func kexNames(o *options) (all []string) {
	methods := o.transport.KeyExchanges
	if methods == nil {
		methods = kex.DefaultServer()
	}
	for _, m := range methods {
		all = append(all, m.Name())
	}
	return all
}

func hostKeyAlgorithms(o *options) []string { return orSignatures(o.transport.HostKeyAlgorithms) }
func userKeyAlgorithms(o *options) []string { return orSignatures(o.transport.UserKeyAlgorithms) }

// orSignatures returns names, or those of the default: certificates come first,
// as sshd has them.
func orSignatures(names []string) []string {
	if names == nil {
		return append(hostkey.Optional(), hostkey.Default()...)
	}
	return names
}

func caSignatures(o *options) []string {
	if o.keys.CASignatureAlgorithms == nil {
		return hostkey.Default()
	}
	return o.keys.CASignatureAlgorithms
}
