package fuzz_test

import (
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// exhaust reports whether everything is to be tried, as `make exhaust` has it, and
// not a sample.
func exhaust() bool { return os.Getenv("WHELK_EXHAUST") != "" }

// What becomes of a message, as [answerTo] says it: the numbers of the messages
// that answer it, or how the connection ends.
const (
	d2      = "D2"     // DISCONNECT with reason 2, a protocol error
	over    = "closed" // without a word, as the peer has said its last
	silence = ""       // taken or ignored
	unimpl  = "3"      // UNIMPLEMENTED
)

// A rule says what becomes of the messages with numbers from one to another, when
// they are well formed and when they are not. What no rule names is denied:
// DISCONNECT with reason 2.
type rule struct {
	from, to  byte
	good, bad string
}

// A state is one that a connection can be in.
type state struct {
	name  string
	flows []kind // key exchanges to try it with
	rules []rule

	// reach is a script that ends in the state. It returns the messages that are
	// well formed there and nowhere else, by number.
	reach func(*fuzz.Peer) map[wire.Number][]byte
}

// noise may come at any time but in a strict key exchange (RFC 4253, section 11),
// and nobody looks into it.
var noise = []rule{{1, 1, over, over}, {2, 4, silence, silence}}

// unknown are the numbers that nobody has assigned. Outside of a key exchange they
// are answered (RFC 4253, section 11.4).
var unknown = []rule{
	{8, 19, unimpl, unimpl}, {22, 29, unimpl, unimpl}, {128, 191, unimpl, unimpl}, {194, 255, unimpl, unimpl},
}

// unauthenticated is what both roles have in common between the first NEWKEYS and
// the end of authentication: no PONG, and no key re-exchange.
var unauthenticated = slices.Concat(noise, unknown, []rule{{192, 192, silence, d2}, {193, 193, silence, silence}})

// open is what both roles have in common behind authentication.
var open = slices.Concat(noise, unknown, []rule{
	{50, 50, silence, silence}, // RFC 4252, section 5.1
	{80, 80, "82", d2},
	{81, 81, silence, silence}, // to no request of ours: dropped, K2
	{82, 82, silence, d2},
	{83, 89, unimpl, unimpl}, {101, 127, unimpl, unimpl},
	{192, 192, "193", d2}, {193, 193, silence, silence},
})

// noChannel is what is ignored of a channel that there is not: it may have been
// under way when the channel was closed.
var noChannel = []rule{{93, 93, silence, silence}, {99, 100, silence, silence}}

// TestStates sends every message to every state of a connection, in both roles,
// well formed, without its fields, truncated, and with a byte too many, and
// requires what the table says: attacks on the state machine (E1 to E11, E15) are
// messages for which it says nothing, and those are denied.
func TestStates(t *testing.T) {
	for _, r := range roles {
		for _, s := range r.states {
			for _, f := range flows(t) {
				if !slices.Contains(s.flows, f.kind) {
					continue
				}
				t.Run(fmt.Sprintf("%s, %s, %s", r.name, s.name, f.method.Name()), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { tryState(t, r.against, s, f) })
				})
			}
		}
	}
}

// In a strict key exchange exactly one message leads on, and one other ends the
// connection without being denied. TestStates requires that there is nothing
// beside the table.
func TestOneMessageLeadsOn(t *testing.T) {
	for _, r := range roles {
		strict := 0
		for _, s := range r.states {
			if !slices.Contains([]string{"algorithms negotiated", "group sent", "group received", "keys derived"}, strings.TrimSuffix(s.name, ", group exchange")) {
				continue
			}
			strict++
			require.Len(t, s.rules, 2, "%s, %s", r.name, s.name)
			require.Equal(t, rule{1, 1, over, over}, s.rules[0])
			require.Equal(t, s.rules[1].from, s.rules[1].to)
			require.Equal(t, d2, s.rules[1].bad)
		}
		require.Equal(t, 4, strict)
	}
}

// roles are who can be under test.
var roles = []struct {
	name    string
	against func(testing.TB, fuzz.Config, setting) (*fuzz.Peer, *victim)
	states  []state
}{{"server", againstServer, serverStates}, {"client", againstClient, clientStates}}

// A flow is a key exchange to try states with, and what kind it is of.
type flow struct {
	method kex.Method
	kind   kind
}

// A kind of key exchange is all that makes a difference to the table.
type kind byte

const (
	null  kind = iota // without arithmetic, for the states that no key exchange differs in
	round             // one message each way
	gex               // group exchange: two
)

func flows(t testing.TB) []flow {
	list := []flow{{fuzz.NullKex(), null}}
	for _, name := range []string{"curve25519-sha256", "diffie-hellman-group14-sha256", "mlkem768x25519-sha256", "diffie-hellman-group-exchange-sha256"} {
		m, ok := kex.Lookup(name)
		require.True(t, ok)
		list = append(list, flow{m, round})
	}
	groups, _, err := kex.ParseModuli(strings.NewReader(group14))
	require.NoError(t, err)
	last := &list[len(list)-1]
	last.method, last.kind = kex.WithGroups([]kex.Method{last.method}, groups)[0], gex
	return list
}

// group14 is the smallest group that is exchanged, as moduli(5) has it: RFC 3526,
// section 3.
const group14 = "20030501000000 2 6 100 2047 2 " +
	"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B" +
	"302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6" +
	"49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D" +
	"670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718" +
	"3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF\n"

// forms are the ways in which a message can be written.
var forms = []struct {
	name  string
	write func(good []byte) []byte
}{
	{"well formed", slices.Clone[[]byte]},
	{"without its fields", func(good []byte) []byte { return good[:1] }},
	{"truncated", func(good []byte) []byte { return good[:max(1, len(good)-1)] }},
	{"with a byte too many", func(good []byte) []byte { return append(slices.Clone(good), 0) }},
}

// tryState sends every message to a state.
func tryState(t *testing.T, against func(testing.TB, fuzz.Config, setting) (*fuzz.Peer, *victim), s state, f flow) {
	c, sett := nullPeer(), nullCrypto()
	c.KeyExchanges, sett.transport.KeyExchanges = []kex.Method{f.method}, []kex.Method{f.method}
	for n := range 256 {
		for _, form := range forms {
			if !exhaust() && !sampled(s, f, byte(n), form.name) {
				continue
			}
			p, v := against(t, c, sett)
			good := s.reach(p)
			require.NoError(t, p.Err())
			synctest.Wait()
			_, ended := p.Gather(time.Millisecond)
			require.False(t, ended, "the state is not reached")
			message := message(wire.Number(n), good)
			payload := form.write(message)
			want := s.outcome(byte(n), len(payload), len(message))
			require.Equal(t, want, answerTo(p, payload), "%s %s: %s", form.name, wire.Number(n), wire.Describe(payload))
			p.Close()
			<-v.end
		}
	}
	synctest.Wait()
}

// sampled picks what is tried in any case: all that takes no arithmetic.
func sampled(s state, f flow, n byte, form string) bool {
	h := fnv.New32a()
	fmt.Fprint(h, s.name, f.method.Name(), n, form)
	return f.kind == null || h.Sum32()%64 == 0
}

// outcome is what the table says about message n, which would be right with as many
// bytes as right says.
func (s *state) outcome(n byte, size, right int) string {
	for _, r := range s.rules {
		switch {
		case n < r.from || n > r.to:
		case size == right, size > right && slices.Contains(openEnded, wire.Number(n)):
			return r.good
		case wire.Number(n).Layer() == wire.Channel && size < 5 && r.good != unimpl:
			return d2 // it does not say which channel
		default:
			return r.bad
		}
	}
	return d2
}

// openEnded are messages that end in whatever is left: no byte is one too many.
var openEnded = []wire.Number{
	wire.NumberUserauthRequest, wire.NumberGlobalRequest, wire.NumberRequestSuccess, wire.NumberChannelOpen,
	wire.NumberChannelOpenConfirmation, wire.NumberChannelRequest,
}

// answerTo sends a payload and says what becomes of it.
func answerTo(p *fuzz.Peer, payload []byte) string {
	p.Send(fuzz.Payload(payload))
	synctest.Wait() // all that can be done about it has been done
	answers, ended := p.Gather(time.Millisecond)
	var numbers []string
	for _, a := range answers {
		if m, err := wire.ParseDisconnect(a); err == nil {
			return fmt.Sprintf("D%d", m.Reason)
		}
		numbers = append(numbers, fmt.Sprint(a[0]))
	}
	if ended {
		return over
	}
	return strings.Join(numbers, " ")
}

// message returns a well-formed message with number n: one that the state has, or
// any. Of a number that means nothing it has some bytes.
func message(n wire.Number, good map[wire.Number][]byte) []byte {
	if payload := good[n]; payload != nil {
		return payload
	}
	for _, m := range messages {
		if payload := m.Append(nil); wire.Number(payload[0]) == n {
			return payload
		}
	}
	return []byte{byte(n), 0, 0, 0, 0}
}

// messages are one of each number that has a meaning.
var messages = []fuzz.Message{
	&wire.Disconnect{Reason: uint32(transport.ReasonByApplication), Message: "bye"},
	&wire.Ignore{Data: []byte("x")},
	&wire.Unimplemented{},
	&wire.Debug{Message: "x"},
	&wire.ServiceRequest{Name: "ssh-userauth"},
	&wire.ServiceAccept{Name: "ssh-userauth"},
	&wire.ExtInfo{Extensions: []wire.Extension{{Name: "x@fuzz.invalid", Value: []byte("x")}}},
	&wire.KexInit{},
	&wire.NewKeys{},
	&wire.KexECDHInit{Public: []byte("null")},
	&wire.KexECDHReply{HostKey: []byte("x"), Public: []byte("null"), Signature: []byte("x")},
	&wire.UserauthRequest{User: alice, Service: "ssh-connection", Method: "none"},
	&wire.UserauthFailure{Continue: []string{"password"}},
	&wire.UserauthSuccess{},
	&wire.UserauthBanner{Message: "x"},
	&wire.UserauthPasswdChangeReq{Prompt: "x"},
	&wire.UserauthInfoResponse{Responses: []string{"x"}},
	&wire.GlobalRequest{Type: "x@fuzz.invalid", WantReply: true},
	&wire.RequestSuccess{},
	&wire.RequestFailure{},
	&wire.ChannelOpen{Type: "session", Sender: 1000, Window: 1 << 20, MaxPacket: 1 << 15},
	&wire.ChannelOpenConfirmation{Sender: 1000, Window: 1 << 20, MaxPacket: 1 << 15},
	&wire.ChannelOpenFailure{Reason: 1, Message: "x"},
	&wire.ChannelWindowAdjust{Bytes: 1},
	&wire.ChannelData{Data: []byte("x")},
	&wire.ChannelExtendedData{Type: 1, Data: []byte("x")},
	&wire.ChannelEOF{},
	&wire.ChannelClose{},
	&wire.ChannelRequest{Type: "x@fuzz.invalid", WantReply: true},
	&wire.ChannelSuccess{},
	&wire.ChannelFailure{},
	&wire.Ping{Data: []byte("x")},
	&wire.Pong{Data: []byte("x")},
}
