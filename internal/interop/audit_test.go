package interop

import (
	"bufio"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var sshAudit = installed("ssh-audit")

// excused is what ssh-audit finds red and is meant: these curves are REQUIRED
// (RFC 5656, section 10.1), the first SHOULD be there (RFC 9142, section 4),
// OpenSSH's sshd offers them too, and a client has to prefer them, or have
// nothing else, for one to be chosen. What is held against them is who chose
// their constants.
var excused = map[string]string{
	"ecdh-sha2-nistp256": "using weak elliptic curves",
	"ecdh-sha2-nistp384": "using weak elliptic curves",
	"ecdh-sha2-nistp521": "using weak elliptic curves",
}

// A finding is a line of ssh-audit's, such as
//
//	(kex) ecdh-sha2-nistp256                  -- [fail] using weak elliptic curves
//	                                          `- [info] available since OpenSSH 5.7
var finding = regexp.MustCompile("^(?:\\((\\w+)\\) (\\S+) *--|  *`-) \\[(fail|warn|info)\\] (.*)$")

// ssh-audit finds nothing red in what whelkd offers by default.
func TestAudit(t *testing.T) {
	between(t, "ssh-audit to whelkd", []*program{sshAudit, whelkd}, func(t *testing.T) {
		t.Parallel()
		s := serve(t, whelkd)
		r := run(t, limited(t, sshAudit, "-n", "-p", strconv.Itoa(s.port), "127.0.0.1"))
		require.Contains(t, r.stdout, "(gen) banner: SSH-2.0-Whelk", r.stderr)
		levels := make(map[string]int)
		var subject string
		for lines := bufio.NewScanner(strings.NewReader(r.stdout)); lines.Scan(); {
			found := finding.FindStringSubmatch(lines.Text())
			if found == nil {
				continue
			}
			if found[2] != "" {
				subject = found[2]
			}
			level, what := found[3], found[4]
			levels[level]++
			if level == "fail" {
				require.Equal(t, excused[subject], what, "(%s) %s", found[1], subject)
			}
		}
		require.NotZero(t, levels["info"], "%s", r.stdout)
		// Whatever else it may say in that colour, in a form that is not known
		// here.
		require.Equal(t, levels["fail"], strings.Count(r.stdout, "[fail]"), r.stdout)
		t.Logf("%v", levels)
	})
}
