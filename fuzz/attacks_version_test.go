package fuzz_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/transport"
)

// A1, CVE-2022-21716: bytes that never become a version line are not collected.
func TestA1EndlessVersion(t *testing.T) {
	for _, flood := range []string{"\x00", "x", "\n", "SSH-2.0-x"} {
		eachSide(t, flood, func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			chunk := []byte(strings.Repeat(flood, 16<<10))
			for range 512 {
				p.SendRaw(chunk)
			}
			err := v.gone(t)
			require.Less(t, len(err.Error()), 1<<10)
			require.LessOrEqual(t, v.conn.BytesRead(), int64(2<<20))
			v.end <- err
		})
	}
}

// A2, CVE-2026-48108: what a client says first is its version.
func TestA2LinesBeforeAClientsVersion(t *testing.T) {
	for _, line := range []string{"hello\r\n", "\r\n", "ssh-2.0-x\r\n", " SSH-2.0-x\r\n"} {
		bubble(t, line, func(t *testing.T) {
			p, v := againstServer(t, nullPeer(), nullCrypto())
			p.SendRaw([]byte(line))
			p.SendVersion()
			p.ExpectVersion()
			p.ExpectClosed()
			require.NoError(t, p.Err())
			v.gone(t)
		})
	}
}

// A3: what a server says before its version does not count against the version.
func TestA3LinesBeforeAServersVersion(t *testing.T) {
	bubble(t, "1000 lines of 250 bytes", func(t *testing.T) {
		p, _ := againstClient(t, nullPeer(), nullCrypto())
		p.SendRaw(bytes.Repeat(append(bytes.Repeat([]byte("p"), 248), "\r\n"...), 1000))
		p.Handshake()
		p.Admit()
		require.NoError(t, p.Err())
	})
	bubble(t, "a version line of 256 bytes", func(t *testing.T) {
		p, v := againstClient(t, nullPeer(), nullCrypto())
		p.SendRaw([]byte("SSH-2.0-" + strings.Repeat("x", 256-10) + "\r\n"))
		p.ExpectVersion()
		v.denies(t, p, transport.ReasonVersionNotSupported)
	})
}

// A4: RFC 4253, section 4.2.
func TestA4VersionLines(t *testing.T) {
	longest := "SSH-2.0-" + strings.Repeat("x", 255-10)
	tests := []struct {
		line           string
		server, client bool // who takes it
	}{
		{"SSH-2.0-x\r\n", true, true},
		{"SSH-2.0-x\n", true, true},
		{"SSH-2.0-\r\n", true, true},
		{"SSH-2.0-x with a comment\r\n", true, true},
		{longest + "\r\n", true, true},
		{longest + "x\r\n", false, false},
		{"SSH-1.99-x\r\n", false, true},
		{"SSH-1.5-x\r\n", false, false},
		{"SSH-3.0-x\r\n", false, false},
		{"SSH-2.0\r\n", false, false},
		{"SSH-2.0-a\x00b\r\n", false, false},
		{"SSH-2.0-a\rb\r\n", false, false},
		{"SSH-2.0-a\x7f\r\n", false, false},
	}
	for _, tt := range tests {
		eachSide(t, tt.line, func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.SendRaw([]byte(tt.line))
			p.ExpectVersion()
			if s.client && tt.client || !s.client && tt.server {
				version := strings.TrimRight(tt.line, "\r\n")
				if s.client {
					p.Versions[1] = version
				} else {
					p.Versions[0] = version
				}
				p.SendKexInit()
				p.ExpectKexInit()
				p.Exchange()
				p.SwitchKeys()
				s.enter(p)
				return
			}
			v.denies(t, p, transport.ReasonVersionNotSupported)
		})
	}
}

// A5: a version line a byte at a time does not put off the deadline.
func TestA5Slowloris(t *testing.T) {
	for _, s := range sides {
		bubble(t, s.name, func(t *testing.T) {
			p, v := s.against(t, nullPeer(), nullCrypto())
			limit := 2 * time.Minute
			if s.client {
				limit = time.Minute
			}
			p.SendRaw([]byte("SSH-2.0-"))
			for waited := time.Duration(0); len(v.end) == 0; waited += 10 * time.Second {
				require.LessOrEqual(t, waited, limit)
				p.SendRaw([]byte("x"))
				time.Sleep(10 * time.Second)
			}
		})
	}
}

// A6: a version that would command a terminal is quoted where it is shown.
func TestA6EscapesInAVersion(t *testing.T) {
	for _, version := range []string{"SSH-2.0-\x1b]0;owned\a", "SSH-2.0-\x9b2J", "SSH-1.0-\x1b[2J", "\x1b[2J"} {
		eachSide(t, version, func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.SendRaw([]byte(version + "\r\n"))
			p.ExpectVersion()
			p.Gather(time.Second)
			p.Close()
			err := v.gone(t)
			require.NotContains(t, err.Error(), "\x1b")
			require.NotContains(t, err.Error(), "\a")
			v.end <- err
		})
	}
}
