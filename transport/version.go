package transport

import (
	"fmt"
	"io"
	"strings"
)

// Bounds on what may precede the key exchange (RFC 4253, section 4.2).
const (
	maxVersionLine  = 255       // of the identification string, CR and LF included
	maxPreludeLine  = 8 << 10   // of a line a server sends before it
	maxPreludeLines = 1024      // of those lines
	maxPrelude      = 256 << 10 // of all of them; none is kept
	versionPrefix   = "SSH-2.0-"
	version199      = "SSH-1.99-" // RFC 4253, section 5.1: a server that also speaks SSH 1
)

// versionLine returns the identification string for software, without CR LF.
func versionLine(software string) (string, error) {
	line := versionPrefix + software
	if len(line) > maxVersionLine-2 || !printable(software) || software == "" {
		return "", fmt.Errorf("transport: Config.Software %q cannot stand in a version string", software)
	}
	return line, nil
}

// parseVersion checks an identification string, given without its LF. It
// returns it without CR, as it enters the exchange hash.
func parseVersion(line string, peer role) (string, error) {
	line = strings.TrimSuffix(line, "\r") // some servers end the line with LF only
	switch {
	case len(line) > maxVersionLine-2:
		return "", &VersionError{Line: line[:64] + "...", Why: fmt.Sprintf("%v: version line too long", peer)}
	case strings.HasPrefix(line, versionPrefix), peer == server && strings.HasPrefix(line, version199):
	default:
		return "", &VersionError{Line: line, Why: peer.String()}
	}
	if !printable(line) {
		return "", &VersionError{Line: line, Why: fmt.Sprintf("%v: unprintable version", peer)}
	}
	return line, nil
}

// printable reports whether s is printable US-ASCII or space (RFC 4253,
// section 4.2). Some peers send UTF-8 in the comment, which can do no harm
// once quoted; control characters can.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// readVersion reads the peer's identification string. A server may send other
// lines first (RFC 4253, section 4.2); a client may not.
func (in *inbound) readVersion(peer role) (string, error) {
	limit := maxVersionLine
	if peer == server {
		limit = maxPreludeLine
	}
	said := "" // the first line that was none
	for lines, total := 0, 0; ; lines++ {
		line, err := in.readLine(limit)
		if err != nil {
			if said == "" {
				said = line
			}
			return "", versionFailure(said, peer, err)
		}
		total += len(line) + 1
		if peer == client || strings.HasPrefix(line, "SSH-") {
			return parseVersion(line, peer)
		}
		if lines >= maxPreludeLines || total > maxPrelude {
			return "", &VersionError{Line: quotable(line), Why: "server: no version line where one must be"}
		}
		if said == "" {
			said = line
		}
	}
}

// versionFailure says what was read of a line that did not end well.
func versionFailure(line string, peer role, err error) error {
	switch {
	case err == errLongLine:
		return &VersionError{Line: quotable(line), Why: fmt.Sprintf("%v: line too long", peer)}
	case line != "":
		return &VersionError{Line: quotable(line), Why: peer.String(), Err: err}
	}
	if err == io.EOF {
		return fmt.Errorf("transport: the %v closed the connection before its version line: %w", peer, err)
	}
	return fmt.Errorf("transport: waiting for the %v's version line: %w", peer, err)
}

// quotable makes a line fit for an error message.
func quotable(line string) string {
	line = strings.TrimSuffix(line, "\r")
	if len(line) > 80 {
		return line[:80] + "..."
	}
	return line
}
