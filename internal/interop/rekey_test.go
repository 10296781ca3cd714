package interop

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/client"
)

const mebibyte = 1 << 20

// Whose limit makes keys be exchanged again.
var rekeySides = []struct {
	name         string
	ours, theirs bool
}{{"theirs", false, true}, {"ours", true, false}, {"both", true, true}}

// 64 MiB go each way, at the same time, for each cipher, while keys are
// exchanged every mebibyte: because their side wants it, ours does, or both.
// RFC 4253, section 9.
func TestRekey(t *testing.T) {
	heavy(t)
	const size = 64 * mebibyte
	// Each direction alone crosses the limit this often; both share exchanges
	// at best.
	const exchanges = size / mebibyte / 2
	for _, mode := range cipher.Default() {
		for _, side := range rekeySides {
			between(t, fmt.Sprintf("library to sshd, %s, %s", mode.Name, side.name), []*program{library, sshd}, func(t *testing.T) {
				t.Parallel()
				u := suite{cipher: mode.Name}
				s := serve(t, sshd, limit("1M", side.theirs)...)
				c := s.dial(t, func(c *client.Config) {
					u.configure(&c.Transport)
					if side.ours {
						c.Transport.Rekey.Bytes = mebibyte
					}
				})
				exchange(t, c, size)
				u.requireIn(t, c.State())
				require.Greater(t, c.State().KeyExchangesFinished, exchanges)
			})
			between(t, fmt.Sprintf("ssh to whelkd, %s, %s", mode.Name, side.name), []*program{ssh, whelkd}, func(t *testing.T) {
				t.Parallel()
				s := serve(t, whelkd, append(limit("1M", side.ours), "Ciphers="+mode.Name)...)
				options := append(flags(limit("1M", side.theirs)), "-v")
				received := newSum()
				cmd := s.command(t, ssh, remotely(t, fmt.Sprint("exchange ", size)), options...)
				cmd.Stdin, cmd.Stdout = newStream(size), received
				r := run(t, cmd)
				require.Equal(t, 0, r.status, "%.2000s", r.stderr)
				require.Equal(t, streamSum(size), received.String())
				require.Contains(t, r.stderr, "\n"+streamSum(size)+"\n")
				require.Greater(t, newKeys(r), exchanges)
			})
		}
	}
}

// limit is RekeyLimit, or nothing.
func limit(value string, wanted bool) []string {
	if wanted {
		return []string{"RekeyLimit=" + value}
	}
	return nil
}

// newKeys counts the key exchanges that an ssh with -v has finished.
func newKeys(r result) int { return strings.Count(r.stderr, "SSH2_MSG_NEWKEYS received") }

// exchange sends a stream each way.
func exchange(t *testing.T, c *client.Client, size int64) {
	t.Helper()
	cmd := c.Command(remotely(t, fmt.Sprint("exchange ", size)))
	received := newSum()
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = newStream(size), received, &stderr
	require.NoError(t, cmd.Run(t.Context()))
	require.Equal(t, streamSum(size), received.String())
	require.Equal(t, streamSum(size), strings.TrimSpace(stderr.String()))
}

// A limit of 16 bytes, the least that OpenSSH takes, has keys exchanged for
// every other message. attacks.md L10.
func TestRekeyAllTheTime(t *testing.T) {
	const size, exchanges = mebibyte, 2
	for _, side := range rekeySides {
		between(t, "library to sshd, "+side.name, []*program{library, sshd}, func(t *testing.T) {
			t.Parallel()
			s := serve(t, sshd, limit("16", side.theirs)...)
			c := s.dial(t, func(c *client.Config) {
				if side.ours {
					c.Transport.Rekey.Bytes = 16
				}
			})
			exchange(t, c, size)
			require.Greater(t, c.State().KeyExchangesFinished, exchanges)
			t.Logf("%d key exchanges", c.State().KeyExchangesFinished)
		})
		between(t, "ssh to whelkd, "+side.name, []*program{ssh, whelkd}, func(t *testing.T) {
			t.Parallel()
			s := serve(t, whelkd, limit("16", side.ours)...)
			received := newSum()
			cmd := s.command(t, ssh, remotely(t, fmt.Sprint("exchange ", size)), append(flags(limit("16", side.theirs)), "-v")...)
			cmd.Stdin, cmd.Stdout = newStream(size), received
			r := run(t, cmd)
			require.Equal(t, 0, r.status, "%.2000s", r.stderr)
			require.Equal(t, streamSum(size), received.String())
			require.Contains(t, r.stderr, "\n"+streamSum(size)+"\n")
			require.Greater(t, newKeys(r), exchanges)
			t.Logf("%d key exchanges", newKeys(r))
		})
	}
	for _, p := range pairs {
		between(t, p.String()+", commands", p.programs(), func(t *testing.T) {
			t.Parallel()
			s := serve(t, p.server, limit("16", true)...)
			for range 3 {
				r := s.fed(t, p.client, strings.NewReader("a line\n"), "cat; echo err >&2; exit 3", flags(limit("16", true))...)
				require.Equal(t, 3, r.status, r.stderr)
				require.Equal(t, "a line\n", r.stdout)
				require.Equal(t, "err\n", r.stderr)
			}
		})
	}
}

// A group is asked for again, and by either side's wish.
func TestRekeyGroupExchange(t *testing.T) {
	const size = mebibyte
	u := suite{kex: "diffie-hellman-group-exchange-sha256"}
	for _, side := range rekeySides {
		between(t, "ssh to whelkd, "+side.name, []*program{ssh, whelkd}, func(t *testing.T) {
			t.Parallel()
			s := serve(t, whelkd, append(limit("256K", side.ours), u.options()...)...)
			received := newSum()
			cmd := s.command(t, ssh, remotely(t, fmt.Sprint("exchange ", size)), append(flags(limit("256K", side.theirs)), "-v")...)
			cmd.Stdin, cmd.Stdout = newStream(size), received
			r := run(t, cmd)
			require.Equal(t, 0, r.status, "%.2000s", r.stderr)
			require.Equal(t, streamSum(size), received.String())
			require.Contains(t, r.stderr, "\n"+streamSum(size)+"\n")
			require.Greater(t, newKeys(r), 1)                                   // what is in flight already goes first
			requests := strings.Count(r.stderr, "SSH2_MSG_KEX_DH_GEX_REQUEST(") // the last may be cut off by the end
			require.Contains(t, []int{newKeys(r), newKeys(r) + 1}, requests, "%.2000s", r.stderr)
		})
	}
}
