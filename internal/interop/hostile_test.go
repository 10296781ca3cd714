package interop

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// What a server may do about what it is told: go on as if nothing was, say that it
// knows no such message, or end the connection, with DISCONNECT or without.
const (
	goesOn        = "goes on"
	unimplemented = "UNIMPLEMENTED"
	ends          = "ends"
)

// A provocation is something that an RFC says how to take. Its script goes on behind
// it as if it had been taken well.
type provocation struct {
	rfc, what string
	want      string // what the RFC says
	script    func(p *fuzz.Peer, login func())
	other     map[string]string // what a server may do instead, by its name
}

// inTheClear has messages sent ahead of one of the first key exchange, which goes on.
func inTheClear(ahead wire.Number, messages ...fuzz.Message) func(*fuzz.Peer, func()) {
	return func(p *fuzz.Peer, _ func()) {
		p.Before(ahead, messages...)
		p.Handshake()
		p.RequestService()
	}
}

// behindKeys has messages sent behind the first key exchange, and then asks for the
// service.
func behindKeys(messages ...fuzz.Message) func(*fuzz.Peer, func()) {
	return func(p *fuzz.Peer, _ func()) {
		p.Handshake()
		p.Send(messages...)
		p.RequestService()
	}
}

// loggedIn sends messages once the user is in, and then asks for something.
func loggedIn(messages ...fuzz.Message) func(*fuzz.Peer, func()) {
	return func(p *fuzz.Peer, login func()) {
		login()
		p.Send(messages...)
		asks(p)
	}
}

// asks asks for something that is refused.
func asks(p *fuzz.Peer) {
	p.Send(&wire.GlobalRequest{Type: "well@fuzz.invalid", WantReply: true})
	p.Expect(wire.NumberRequestFailure)
}

// wrong sends a packet behind the first key exchange that is wrong in some way.
func wrong(change func(k *fuzz.Packet)) func(*fuzz.Peer, func()) {
	return func(p *fuzz.Peer, _ func()) {
		p.Handshake()
		k := p.Frame(&wire.Ignore{Data: make([]byte, 100)})
		change(&k)
		p.SendPacket(k)
		p.SendRaw(make([]byte, 64<<10)) // whoever waits for more gets it
		p.RequestService()
	}
}

// gcm keeps to a cipher that leaves packet_length in the clear.
func gcm(p *fuzz.Peer) {
	mode, _ := cipher.Lookup("aes128-gcm@openssh.com")
	ctr, _ := cipher.Lookup("aes128-ctr")
	p.Config.Ciphers = []cipher.Mode{mode, ctr}
}

var provocations = []provocation{
	{"4253, 4.2", "SSH-1.5 for a version", ends, func(p *fuzz.Peer, _ func()) {
		p.SendRaw([]byte("SSH-1.5-Fuzz\r\n"))
		p.ExpectVersion()
		p.ExpectClosed()
		p.ExpectSilence(time.Millisecond) // says how it was closed
	}, nil},
	{"4253, 6", "padding of 3 bytes", ends, wrong(func(k *fuzz.Packet) { k.PaddingLength = 3 }), nil},
	{"4253, 6", "a packet_length of 2^31", ends, wrong(func(k *fuzz.Packet) { k.Length = 1 << 31 }), nil},
	{"4253, 6.1", "a payload of 32,768 bytes", goesOn, behindKeys(&wire.Ignore{Data: make([]byte, 32_768-5)}), nil},
	{"4253, 6.4", "a wrong MAC", ends, wrong(func(k *fuzz.Packet) {
		k.Tamper = func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
	}), nil},
	{"4253, 7", "a wrong guess of the key exchange", goesOn, func(p *fuzz.Peer, _ func()) {
		p.Config.Offer = func(m *wire.KexInit) {
			m.KeyExchanges = append([]string{"guess@fuzz.invalid"}, m.KeyExchanges...)
			m.FirstFollows = p.SessionID == nil
		}
		p.Begin()
		p.Send(fuzz.Payload{30, 0, 0, 0, 4, 'n', 'u', 'l', 'l'})
		p.Exchange()
		p.SwitchKeys()
		p.RequestService()
	}, nil},
	{"4253, 7.1", "KEXINIT twice", ends, func(p *fuzz.Peer, _ func()) {
		p.Begin()
		p.SendKexInit()
		p.Exchange()
		p.SwitchKeys()
		p.RequestService()
	}, nil},
	// OpenSSH before 10.4 goes on with the exchange. Its table of messages is that of the
	// exchange meanwhile.
	{"4253, 7.1", "a service in a key re-exchange", ends, func(p *fuzz.Peer, login func()) {
		login()
		p.SendKexInit()
		p.Send(&wire.ServiceRequest{Name: "ssh-userauth"})
		p.ExpectKexInit()
		p.Exchange()
		p.SwitchKeys()
		asks(p)
	}, map[string]string{"sshd": unimplemented}},
	{"4253, 9", "a key re-exchange", goesOn, func(p *fuzz.Peer, login func()) { login(); p.Rekey(); asks(p) }, nil},
	{"4253, 10", "ssh-connection without authentication", ends, func(p *fuzz.Peer, _ func()) {
		p.Handshake()
		p.Send(&wire.ServiceRequest{Name: "ssh-connection"})
		p.Expect(wire.NumberServiceAccept)
	}, nil},
	{"4253, 11.2", "IGNORE in the first key exchange", goesOn, func(p *fuzz.Peer, login func()) {
		p.Config.NotStrict = true
		inTheClear(wire.NumberNewKeys, &wire.Ignore{})(p, login)
	}, nil},
	// Dropbear answers after authentication; before, its recv_unimplemented is not reached.
	{"4253, 11.4", "an unknown number", goesOn, func(p *fuzz.Peer, _ func()) {
		p.Handshake()
		p.Send(fuzz.Payload{191})
		p.Expect(wire.NumberUnimplemented)
		p.RequestService()
	}, map[string]string{"dropbear": ends}},
	// Dropbear before 2025.88 takes it: CCS 2025, arXiv 2509.10895.
	{"strict-kex", "IGNORE ahead of NEWKEYS", ends, inTheClear(wire.NumberNewKeys, &wire.Ignore{}), map[string]string{"dropbear": goesOn}},
	{"strict-kex", "IGNORE ahead of KEXINIT", ends, inTheClear(wire.NumberKexInit, &wire.Ignore{}), nil},
	{"8731, 3", "a Curve25519 value of zero", ends, func(p *fuzz.Peer, _ func()) {
		p.Config.Offer = func(m *wire.KexInit) {
			m.KeyExchanges = append([]string{"curve25519-sha256"}, m.KeyExchanges[len(m.KeyExchanges)-2:]...)
		}
		p.Rewrite(wire.NumberKexECDHInit, func([]byte) []fuzz.Message { return []fuzz.Message{&wire.KexECDHInit{Public: make([]byte, 32)}} })
		p.Begin()
		p.Exchange()
	}, nil},
	// OpenSSH says so where it is to be silent.
	{"4252, 5.1", "a request to authenticate after success", goesOn, loggedIn(&wire.UserauthRequest{User: "root", Service: "ssh-connection", Method: "none"}), map[string]string{"sshd": unimplemented}},
	// OpenSSH does not disconnect, and nothing comes of it.
	{"4252, 6", "CHANNEL_OPEN without authentication", ends, func(p *fuzz.Peer, _ func()) {
		p.Handshake()
		p.RequestService()
		p.Send(&wire.ChannelOpen{Type: "session", MaxPacket: 1 << 15})
		p.Send(&wire.UserauthRequest{User: "root", Service: "ssh-connection", Method: "none"})
		p.Expect(wire.NumberUserauthFailure)
	}, map[string]string{"sshd": unimplemented}},
	// CVE-2018-10933: that nothing comes of it is all that matters.
	{"4252, 6", "USERAUTH_SUCCESS from a client", ends, func(p *fuzz.Peer, _ func()) {
		p.Handshake()
		p.RequestService()
		p.Send(&wire.UserauthSuccess{})
		p.Send(&wire.UserauthRequest{User: "root", Service: "ssh-connection", Method: "none"})
		p.Expect(wire.NumberUserauthFailure)
	}, map[string]string{"sshd": unimplemented, "dropbear": unimplemented}},
	{"4254, 5.1", "a channel of an unknown type", goesOn, func(p *fuzz.Peer, login func()) {
		login()
		p.Send(&wire.ChannelOpen{Type: "x@fuzz.invalid", MaxPacket: 1 << 15})
		p.Expect(wire.NumberChannelOpenFailure)
		asks(p)
	}, nil},
	{"4254, 5.2", "data for a channel that never was", ends, loggedIn(&wire.ChannelData{Recipient: 7, Data: []byte("x")}), nil},
	{"4254, 5.4", "an unknown request of a channel", goesOn, func(p *fuzz.Peer, login func()) {
		login()
		p.Send(&wire.ChannelOpen{Type: "session", Sender: 1000, Window: 1 << 20, MaxPacket: 1 << 15})
		m, _ := wire.ParseChannelOpenConfirmation(p.Expect(wire.NumberChannelOpenConfirmation))
		p.Send(&wire.ChannelRequest{Recipient: m.Sender, Type: "x@fuzz.invalid", WantReply: true})
		p.Expect(wire.NumberChannelFailure)
		asks(p)
	}, nil},
	// Where it may come is said, and not what happens where it may not.
	{"8308, 2.4", "EXT_INFO after authentication", ends, loggedIn(&wire.ExtInfo{}), map[string]string{"sshd": unimplemented, "dropbear": unimplemented}},
}

var reasonGiven = regexp.MustCompile(`SSH_MSG_DISCONNECT reason=(\d+)`)

// took says how a server took a script: what it did, and in which words.
func took(err error) (did, words string) {
	failed, ok := errors.AsType[*fuzz.Error](err)
	if !ok {
		return goesOn, ""
	}
	if m := reasonGiven.FindStringSubmatch(failed.Got); m != nil {
		return ends, "DISCONNECT " + m[1]
	}
	for _, end := range []struct{ sign, did, words string }{
		{"SSH_MSG_UNIMPLEMENTED", unimplemented, ""},
		{"packet_length is", ends, "a line of text"}, // read as a packet
		{"the end of the connection", ends, "close"}, {"EOF", ends, "close"}, {"connection reset", ends, "close"},
	} {
		if strings.Contains(failed.Got, end.sign) {
			return end.did, end.words
		}
	}
	return "another answer", err.Error()
}

// The hostile peer finds out how servers take what the RFCs say how to take.
func TestHostilePeer(t *testing.T) {
	text, err := os.ReadFile(userKeyFile(t, hostkey.Ed25519))
	require.NoError(t, err)
	key, err := hostkey.ParsePrivateKey(text, nil)
	require.NoError(t, err)
	var names []string
	answers := make([][]string, len(provocations))
	for _, start := range []struct {
		program *program
		serve   func(t *testing.T) *server
	}{
		{sshd, func(t *testing.T) *server { return serve(t, sshd) }},
		{dropbear, func(t *testing.T) *server { return startDropbear(t, hostKeyFile(t, hostkey.Ed25519)) }},
		{whelkd, func(t *testing.T) *server { return serve(t, whelkd) }},
	} {
		between(t, start.program.name, []*program{start.program}, func(t *testing.T) {
			s := start.serve(t)
			names = append(names, start.program.name)
			for i, c := range provocations {
				nc, err := net.Dial("tcp", s.address())
				require.NoError(t, err)
				p := fuzz.Client(nc, fuzz.Config{Timeout: 5 * time.Second})
				gcm(p)
				c.script(p, func() {
					p.Handshake()
					p.Login(userName(t), userauth.PublicKey(key))
				})
				did, words := took(p.Close())
				require.Contains(t, []string{c.want, c.other[start.program.name]}, did, "%s: RFC %s: %s: %s", start.program.name, c.rfc, c.what, words)
				answers[i] = append(answers[i], strings.TrimSuffix(did+", "+words, ", "))
			}
		})
	}
	t.Log("\n" + answerTable(names, answers))
}

// answerTable prints what the servers did.
func answerTable(names []string, answers [][]string) string {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\t\t%s\n", strings.Join(names, "\t"))
	for i, c := range provocations {
		fmt.Fprintf(w, "RFC %s\t%s\t%s\n", c.rfc, c.what, strings.Join(answers[i], "\t"))
	}
	w.Flush()
	return table.String()
}
