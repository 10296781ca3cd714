package hostkey_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

func (c chance) permissions() *hostkey.Permissions {
	if c.IntN(5) == 0 {
		return nil
	}
	p := &hostkey.Permissions{CriticalOptions: map[string]string{}, Extensions: map[string]string{}}
	for _, name := range c.some(hostkey.ForceCommand, hostkey.SourceAddress, hostkey.PermitOpen) {
		p.CriticalOptions[name] = c.pick("a", "b")
	}
	for _, name := range c.some(hostkey.PermitPty, hostkey.PermitPortForwarding, hostkey.PermitUserRC, "x@example.com") {
		p.Extensions[name] = c.pick("", "", "v")
	}
	return p
}

// H2, CVE-2026-39828: of any two, Narrow has each restriction of either and no
// extension that one of them lacks, whichever comes first; of three it does not
// matter how they are put together, and nothing is narrowed by itself.
func TestH2NarrowOfAnyTwo(t *testing.T) {
	c := chance{rand.New(rand.NewPCG(9, 1))}
	failed := 0
	for range 3000 {
		p, q, r := c.permissions(), c.permissions(), c.permissions()
		both, err := p.Narrow(q)
		reversed, other := q.Narrow(p)
		require.Equal(t, err == nil, other == nil)
		itself, same := p.Narrow(p)
		require.NoError(t, same)
		require.Equal(t, p, itself)
		if err != nil {
			failed++
			require.Nil(t, both)
			continue
		}
		require.Equal(t, both, reversed)
		for _, one := range []*hostkey.Permissions{p, q} {
			if one == nil {
				continue
			}
			for name, value := range one.CriticalOptions {
				require.Equal(t, value, both.CriticalOptions[name])
			}
			for name := range both.Extensions {
				require.True(t, one.Permits(name), "%s was not permitted by %v", name, one)
			}
		}
		left, err := both.Narrow(r)
		inner, problem := q.Narrow(r)
		if err != nil || problem != nil {
			continue
		}
		right, err := p.Narrow(inner)
		require.NoError(t, err)
		require.Equal(t, left, right)
	}
	require.Greater(t, failed, 100)
	require.Less(t, failed, 2900)
}

// H3: a client is in a list of networks exactly if package net puts it in one of
// them, and the rest of the list cannot take that back or add to it.
func TestH3NetworksAgreeWithPackageNet(t *testing.T) {
	c := chance{rand.New(rand.NewPCG(9, 2))}
	address := func() netip.Addr {
		if c.IntN(3) == 0 {
			return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(c.IntN(2)), 15: byte(c.IntN(4))})
		}
		return netip.AddrFrom4([4]byte{192, 0, byte(c.IntN(2)), byte(c.IntN(8))})
	}
	inside := 0
	for range 3000 {
		var list []string
		var networks []*net.IPNet
		for range 1 + c.IntN(3) {
			a := address()
			prefix, err := a.Prefix(a.BitLen() - c.IntN(4))
			require.NoError(t, err)
			list = append(list, prefix.String())
			_, network, err := net.ParseCIDR(prefix.String())
			require.NoError(t, err)
			networks = append(networks, network)
		}
		client := address()
		addr := &net.TCPAddr{IP: net.IP(client.AsSlice()), Port: 1}
		want := slices.ContainsFunc(networks, func(n *net.IPNet) bool { return n.Contains(addr.IP) })
		if want {
			inside++
		}
		text := strings.Join(list, ",")
		p := holding(hostkey.SourceAddress, text)
		require.Equal(t, want, p.CheckSource(addr) == nil, "%s in %s", client, text)
		r, err := restrictionsOf(t, fmt.Sprintf("from=%q", text))
		require.NoError(t, err)
		require.Equal(t, want, r.Check(time.Now(), addr) == nil, "%s from %s", client, text)
		r, err = restrictionsOf(t, fmt.Sprintf("from=%q", text+",!"+client.String()))
		require.NoError(t, err)
		require.Error(t, r.Check(time.Now(), addr), "it is taken out by name")
	}
	require.Greater(t, inside, 200)
	require.Less(t, inside, 2800)
}

// J9: of 400 lines at random, with quotes and escapes where they belong and
// where they do not, those that are taken have the key and the comment that
// ssh-keygen sees in them, and so no option that is the key's or a key that is an
// option's.
func TestJ9SSHKeygenSeesTheSameKeys(t *testing.T) {
	c := chance{rand.New(rand.NewPCG(9, 3))}
	keys := []string{keyText(testkeys.Ed25519()), keyText(testkeys.ECDSA256()), keyText(testkeys.RSA2048())}
	value := func() string {
		return c.pick("", "a", "ls -l", `echo \"x\"`, "a,b", "#", `\\`, "a b", keys[0], "no-pty "+keys[1], `\`, `"`, `\" `+keys[2])
	}
	option := func() string {
		return c.pick("no-pty", "restrict", "cert-authority", "x@example.com", `command="`+value()+`"`, `from="`+value()+`"`, "command="+value(), " ", "")
	}
	var file, want []string
	refused := 0
	for range 400 {
		var options []string
		for range c.IntN(4) {
			options = append(options, option())
		}
		line := strings.Join([]string{strings.Join(options, ","), keys[c.IntN(len(keys))], c.pick("", "c", "a comment", `"quoted"`)}, c.pick(" ", "\t")) // of two, ssh-keygen takes one
		k, err := hostkey.ParseAuthorizedKey([]byte(line))
		if err != nil {
			refused++
			continue
		}
		file = append(file, line+"\n")
		want = append(want, hostkey.Fingerprint(k.Key))
	}
	require.Greater(t, len(file), 100)
	require.Greater(t, refused, 50)
	out := sshKeygen(t, "-l", "-f", writeFile(t, "authorized_keys", []byte(strings.Join(file, ""))))
	got := regexp.MustCompile(`SHA256:\S+`).FindAllString(out, -1)
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i], got[i], "%.100q", file[i])
	}
}
