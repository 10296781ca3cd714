package interop

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/kex"
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

// A verdict collects how programs took provocations.
type verdict struct {
	provocations []provocation
	names        []string
	answers      [][]string
}

func newVerdict(list []provocation) *verdict { return &verdict{list, nil, make([][]string, len(list))} }

// on plays every script on a program, over connections that connect makes.
func (v *verdict) on(t *testing.T, name string, connect func(t *testing.T) *fuzz.Peer, login func(p *fuzz.Peer)) {
	t.Helper()
	v.names = append(v.names, name)
	for i, c := range v.provocations {
		p := connect(t)
		p.Config.Timeout = patience
		gcm(p)
		c.script(p, func() { p.Handshake(); login(p) })
		did, words := took(p.Close())
		require.Contains(t, []string{c.want, c.other[name]}, did, "%s: RFC %s: %s: %s", name, c.rfc, c.what, words)
		v.answers[i] = append(v.answers[i], strings.TrimSuffix(did+", "+words, ", "))
	}
}

// String is the table of what they did.
func (v *verdict) String() string {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\n\t\t%s\n", strings.Join(v.names, "\t"))
	for i, c := range v.provocations {
		fmt.Fprintf(w, "RFC %s\t%s\t%s\n", c.rfc, c.what, strings.Join(v.answers[i], "\t"))
	}
	w.Flush()
	return table.String()
}

// The hostile peer finds out how servers take what the RFCs say how to take.
func TestHostileClient(t *testing.T) {
	text, err := os.ReadFile(userKeyFile(t, hostkey.Ed25519))
	require.NoError(t, err)
	key, err := hostkey.ParsePrivateKey(text, nil)
	require.NoError(t, err)
	v := newVerdict(provocations)
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
			v.on(t, start.program.name, func(t *testing.T) *fuzz.Peer {
				nc, err := net.Dial("tcp", s.address())
				require.NoError(t, err)
				return fuzz.Client(nc, fuzz.Config{})
			}, func(p *fuzz.Peer) { p.Login(userName(t), userauth.PublicKey(key)) })
		})
	}
	t.Log(v)
}

// clientProvocations are for clients, as provocations are for servers.
var clientProvocations = []provocation{
	{"4253, 4.2", "lines ahead of the version", goesOn, func(p *fuzz.Peer, login func()) {
		p.SendRaw([]byte("welcome\r\nto nowhere\r\n"))
		login()
	}, nil},
	{"4253, 6", "padding of 3 bytes", ends, wrongToAClient(func(k *fuzz.Packet) { k.PaddingLength = 3 }), nil},
	{"4253, 6", "a packet_length of 2^31", ends, wrongToAClient(func(k *fuzz.Packet) { k.Length = 1 << 31 }), nil},
	{"4253, 6.1", "a payload of 32,768 bytes", goesOn, func(p *fuzz.Peer, _ func()) {
		p.Handshake()
		p.Send(&wire.Ignore{Data: make([]byte, 32_768-5)})
		p.Admit()
		p.Expect(wire.NumberChannelOpen)
	}, nil},
	{"4253, 6.4", "a wrong MAC", ends, wrongToAClient(func(k *fuzz.Packet) {
		k.Tamper = func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
	}), nil},
	{"4253, 8", "a signature by nobody", ends, func(p *fuzz.Peer, _ func()) {
		p.Rewrite(wire.NumberKexECDHReply, func(payload []byte) []fuzz.Message {
			payload[len(payload)-1] ^= 1
			return []fuzz.Message{fuzz.Payload(payload)}
		})
		p.Handshake()
		p.AcceptService()
	}, nil},
	{"4253, 9", "a key re-exchange", goesOn, func(p *fuzz.Peer, login func()) {
		login()
		p.Rekey()
		p.Send(&wire.GlobalRequest{Type: "well@fuzz.invalid", WantReply: true})
		p.Expect(wire.NumberRequestFailure)
	}, nil},
	{"4253, 11.2", "IGNORE in the first key exchange", goesOn, func(p *fuzz.Peer, login func()) {
		p.Config.NotStrict = true
		p.Before(wire.NumberNewKeys, &wire.Ignore{})
		login()
	}, nil},
	// As its server does.
	{"strict-kex", "IGNORE ahead of NEWKEYS", ends, func(p *fuzz.Peer, login func()) {
		p.Before(wire.NumberNewKeys, &wire.Ignore{})
		login()
	}, map[string]string{"dbclient": goesOn}},
	{"8731, 3", "a Curve25519 value of zero", ends, func(p *fuzz.Peer, _ func()) {
		x25519, _ := kex.Lookup("curve25519-sha256")
		p.Config.KeyExchanges = []kex.Method{x25519}
		p.Begin()
		reply, _ := wire.ParseKexECDHReply(p.ExchangeUntil(wire.NumberKexECDHReply))
		reply.Public = make([]byte, 32)
		p.Send(&reply)
		p.ExpectClosed()
		p.ExpectSilence(time.Millisecond)
	}, nil},
	// Dropbear takes it, although nothing has been proved and nothing accepted.
	{"4252, 5.1", "success ahead of the service", ends, func(p *fuzz.Peer, _ func()) {
		p.Handshake()
		p.Send(&wire.UserauthSuccess{})
		p.Admit()
		p.Expect(wire.NumberChannelOpen)
	}, map[string]string{"dbclient": goesOn}},
	{"4254, 6.3.2", "an X11 channel, unasked", goesOn, func(p *fuzz.Peer, login func()) {
		login()
		p.Send(&wire.ChannelOpen{Type: "x11", Window: 1 << 20, MaxPacket: 1 << 15, Extra: (&wire.X11Open{OriginHost: "x"}).Append(nil)})
		p.Expect(wire.NumberChannelOpenFailure)
	}, nil},
	{"4254, 5.2", "data for a channel that never was", ends, func(p *fuzz.Peer, login func()) {
		login()
		p.Send(&wire.ChannelData{Recipient: 1 << 20, Data: []byte("x")})
		p.Send(&wire.GlobalRequest{Type: "well@fuzz.invalid", WantReply: true})
		p.Expect(wire.NumberRequestFailure)
	}, nil},
}

// wrongToAClient is wrong, on the other side.
func wrongToAClient(change func(k *fuzz.Packet)) func(*fuzz.Peer, func()) {
	return func(p *fuzz.Peer, _ func()) {
		p.Handshake()
		k := p.Frame(&wire.Ignore{Data: make([]byte, 100)})
		change(&k)
		p.SendPacket(k)
		p.SendRaw(make([]byte, 64<<10))
		p.Admit()
		p.Expect(wire.NumberChannelOpen)
	}
}

// As a server, it finds out how clients do.
func TestHostileServer(t *testing.T) {
	text, err := os.ReadFile(hostKeyFile(t, hostkey.Ed25519))
	require.NoError(t, err)
	key, err := hostkey.ParsePrivateKey(text, nil)
	require.NoError(t, err)
	v := newVerdict(clientProvocations)
	for _, start := range []struct {
		program *program
		connect func(t *testing.T, s *server) *exec.Cmd
	}{
		{ssh, func(t *testing.T, s *server) *exec.Cmd { return s.command(t, ssh, "x") }},
		{dbclient, func(t *testing.T, s *server) *exec.Cmd { return connectDropbear(t, s, "x") }},
		{whelk, func(t *testing.T, s *server) *exec.Cmd { return s.command(t, whelk, "x") }},
	} {
		between(t, start.program.name, []*program{start.program}, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			s := &server{port: l.Addr().(*net.TCPAddr).Port, hostKeys: []hostkey.PublicKey{key.PublicKey()}}
			s.knownHosts = filepath.Join(t.TempDir(), "known_hosts")
			require.NoError(t, os.WriteFile(s.knownHosts, knownHosts(s.port, s.hostKeys...), 0o600))
			v.on(t, start.program.name, func(t *testing.T) *fuzz.Peer {
				cmd := start.connect(t, s)
				require.NoError(t, cmd.Start())
				t.Cleanup(func() { cmd.Wait() })
				nc, err := l.Accept()
				require.NoError(t, err)
				return fuzz.Server(nc, fuzz.Config{HostKey: key})
			}, func(p *fuzz.Peer) { p.Admit(); p.Expect(wire.NumberChannelOpen) })
		})
	}
	t.Log(v)
}
