package fuzz_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/wire"
)

func TestAlphabet(t *testing.T) {
	require.Len(t, alphabet(), 94, "as many as in the learned machines of other servers (CCS 2025, arXiv 2509.10895)")
}

// alphabet is every message that means something, those with a type of their own
// several times, and some of those that mean nothing. None of it lets anybody in.
func alphabet() []fuzz.Message {
	offer := wire.KexInit{
		KeyExchanges: []string{fuzz.NullKex().Name()}, HostKeys: []string{"ssh-ed25519"},
		CiphersClientServer: []string{fuzz.Plain().Name}, CiphersServerClient: []string{fuzz.Plain().Name},
		CompressionClientServer: []string{"none"}, CompressionServerClient: []string{"none"},
	}
	strict := offer
	strict.KeyExchanges = append(slices.Clone(offer.KeyExchanges), "kex-strict-c-v00@openssh.com", "kex-strict-s-v00@openssh.com")
	list := slices.Concat(messages, []fuzz.Message{
		&offer, &strict,
		&wire.ServiceRequest{Name: "ssh-connection"}, &wire.ServiceAccept{Name: "ssh-connection"},
		&wire.ExtInfo{Extensions: []wire.Extension{{Name: "server-sig-algs", Value: []byte("ssh-rsa")}}},
		&wire.KexDHGexRequest{Min: 2048, Preferred: 2048, Max: 8192}, fuzz.Payload{32, 0, 0, 0, 1, 2}, fuzz.Payload{33, 0, 0, 0, 0},
		&wire.UserauthFailure{Partial: true}, &wire.UserauthInfoResponse{},
	})
	for _, m := range []struct{ method, fields string }{
		{"password", "\x00\x00\x00\x00\x05wrong"}, {"password", "\x01\x00\x00\x00\x01a\x00\x00\x00\x01b"}, {"publickey", "\x00\x00\x00\x00\x01a\x00\x00\x00\x01b"},
		{"keyboard-interactive", "\x00\x00\x00\x00\x00\x00\x00\x00"}, {"hostbased", ""}, {"gssapi-with-mic", "\x00\x00\x00\x00"}, {"", ""}, {"\x00", ""},
	} {
		list = append(list, &wire.UserauthRequest{User: alice, Service: "ssh-connection", Method: m.method, Fields: []byte(m.fields)})
	}
	list = append(list, &wire.UserauthRequest{User: alice, Service: "ssh-userauth", Method: "none"}, &wire.UserauthRequest{Service: "ssh-connection", Method: "none"})
	for _, name := range []string{"tcpip-forward", "cancel-tcpip-forward", "hostkeys-prove-00@openssh.com", "no-more-sessions@openssh.com"} {
		list = append(list, &wire.GlobalRequest{Type: name, WantReply: true})
	}
	for _, name := range []string{"direct-tcpip", "forwarded-tcpip", "x11", "auth-agent@openssh.com"} {
		list = append(list, &wire.ChannelOpen{Type: name, MaxPacket: 1 << 15})
	}
	for _, name := range []string{"shell", "exec", "subsystem", "pty-req", "env", "exit-status"} {
		list = append(list, &wire.ChannelRequest{Type: name, WantReply: true, Data: wire.AppendString(nil, "id")})
	}
	for _, n := range []byte{0, 8, 19, 22, 29, 35, 49, 54, 59, 62, 63, 64, 65, 66, 67, 79, 83, 89, 101, 127, 128, 150, 191, 194, 200, 254, 255} {
		list = append(list, fuzz.Payload{n, 0, 0, 0, 0})
	}
	return list
}

// TestSequences sends every three messages one after the other before anybody is
// authenticated, in both roles, from the version line on and from the first keys
// on: 94^3 sequences each, the third message sampled unless everything is to be
// tried. Nobody is let in, nothing is opened, and nothing runs (O5).
//
// What follows a message that ends the connection is not sent: nobody would read
// it.
func TestSequences(t *testing.T) {
	starts := []struct {
		name  string
		reach func(*fuzz.Peer) map[wire.Number][]byte
	}{{"from the version line", beforeKexInit}, {"from the first keys", afterHandshake}}
	for _, r := range roles {
		for _, start := range starts {
			t.Run(r.name+" "+start.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					try := func(sequence []fuzz.Message) (lives bool) {
						p, v := r.against(t, nullPeer(), nullCrypto())
						start.reach(p)
						require.NoError(t, p.Err())
						p.Send(sequence...)
						synctest.Wait()
						answers, ended := p.Gather(time.Millisecond)
						requireNothing(t, sequence, answers, v)
						p.Close()
						<-v.end
						return !ended
					}
					runs, lived := sequences(try)
					t.Logf("%d sequences sent, %d outlived", runs, lived)
				})
			})
		}
	}
}

// requireNothing requires that a sequence has got its sender nowhere.
func requireNothing(t *testing.T, sequence []fuzz.Message, answers [][]byte, v *victim) {
	require.Zero(t, v.sessions.Load(), "%v", describe(sequence))
	if v.loggedIn() != nil {
		numbers := make([]wire.Number, len(sequence))
		for i, m := range sequence {
			numbers[i] = wire.Number(m.Append(nil)[0])
		}
		accepted, success := slices.Index(numbers, wire.NumberServiceAccept), slices.Index(numbers, wire.NumberUserauthSuccess)
		require.True(t, accepted >= 0 && accepted < success, "a client takes itself for logged in: %v", describe(sequence))
		return // as it should be
	}
	for _, a := range answers {
		require.NotContains(t, []wire.Number{
			wire.NumberUserauthSuccess, wire.NumberChannelOpenConfirmation, wire.NumberChannelSuccess, wire.NumberRequestSuccess, wire.NumberPong,
		}, wire.Number(a[0]), "%v", describe(sequence))
	}
}

func describe(sequence []fuzz.Message) (lines []string) {
	for _, m := range sequence {
		lines = append(lines, wire.Describe(m.Append(nil)))
	}
	return lines
}

// sequences calls try with sequences of up to three letters of the alphabet, as
// long as those before were survived.
func sequences(try func([]fuzz.Message) bool) (runs, lived int) {
	letters := alphabet()
	var extend func(prefix []fuzz.Message, picked string)
	extend = func(prefix []fuzz.Message, picked string) {
		for i, letter := range letters {
			name := fmt.Sprint(picked, " ", i)
			h := fnv.New32a()
			h.Write([]byte(name))
			if len(prefix) == 2 && !exhaust() && h.Sum32()%32 != 0 {
				continue
			}
			sequence := append(slices.Clone(prefix), letter)
			runs++
			if try(sequence) {
				lived++
				if len(sequence) < 3 {
					extend(sequence, name)
				}
			}
		}
	}
	extend(nil, "")
	return runs, lived
}
