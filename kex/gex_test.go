package kex

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// groupExchanges is every method of RFC 4419 with its hash.
var groupExchanges = []struct {
	name string
	hash func() hash.Hash
}{
	{"diffie-hellman-group-exchange-sha256", sha256.New},
	{"diffie-hellman-group-exchange-sha1", sha1.New},
}

func gex(t testing.TB) Method { return lookup(t, "diffie-hellman-group-exchange-sha256") }

// A hop is one direction of a conversation, whose messages are kept.
type hop struct {
	queue chan []byte
	said  [][]byte
}

// An end is a Conn whose peer runs on another goroutine. What was read is
// overwritten at the next read.
type end struct {
	in, out *hop
	read    []byte
}

var errHungUp = errors.New("script: the peer hung up")

func (e *end) ReadPacket() ([]byte, error) {
	poison(e.read)
	p, ok := <-e.in.queue
	if !ok {
		return nil, errHungUp
	}
	e.read = bytes.Clone(p)
	return e.read, nil
}

func (e *end) WritePacket(parts ...[]byte) error {
	p := bytes.Join(parts, nil)
	e.out.said = append(e.out.said, p)
	e.out.queue <- p
	return nil
}

// converse runs a client and a server of group exchange, and returns what each
// of them has said.
func converse(t testing.TB, c, s Method, tr *Transcript) (client, server *Result, up, down [][]byte) {
	t.Helper()
	there, back := &hop{queue: make(chan []byte, 4)}, &hop{queue: make(chan []byte, 4)}
	done := make(chan error)
	go func() {
		var err error
		server, err = s.Server(&end{in: there, out: back}, tr, testIdentity())
		close(back.queue)
		done <- err
	}()
	client, err := c.Client(&end{in: back, out: there}, tr)
	close(there.queue)
	require.NoError(t, errors.Join(err, <-done))
	return client, server, there.said, back.said
}

// Both halves agree, and K, H and the messages are those of RFC 4419, section 3.
func TestGroupExchangeAgainstReference(t *testing.T) {
	for _, test := range groupExchanges {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, tr := lookup(t, test.name), testTranscript()
			client, server, up, down := converse(t, m, m, tr)
			require.Equal(t, client.K, server.K)
			require.Equal(t, client.H, server.H)
			require.Equal(t, client.HostKey, server.HostKey)
			require.Equal(t, testSignature(client.H), client.Signature)
			require.Equal(t, test.hash().Size(), client.Hash().Size())

			sizes := binary.BigEndian.AppendUint32(nil, 2048)
			sizes = binary.BigEndian.AppendUint32(sizes, 3072)
			sizes = binary.BigEndian.AppendUint32(sizes, 8192)
			require.Equal(t, append([]byte{34}, sizes...), up[0])
			group := refParse(t, 31, 2, down[0])
			require.Equal(t, refPrime(3072, 1690314).Bytes(), group[0][1:])
			require.Equal(t, []byte{2}, group[1])
			e, reply := refParse(t, 32, 1, up[1])[0], refParse(t, 33, 3, down[1])
			require.Equal(t, client.HostKey, reply[0])
			require.Equal(t, client.Signature, reply[2])
			h := refHashOf(test.hash(), tr, refString(client.HostKey), sizes,
				refMPInt(group[0]), refMPInt(group[1]), refMPInt(e), refMPInt(reply[1]), client.K)
			require.Equal(t, h, client.H)
		})
	}
}

// A gexServer is the server's half in arithmetic of math/big, in the group it is
// told, with the exponent it is told.
type gexServer struct {
	p, g, y *big.Int
	e       *big.Int // what the client has sent
	step    int
}

func (s *gexServer) conn(t testing.TB) *scriptedConn {
	return &scriptedConn{
		write: func(p []byte) error {
			if p[0] == 32 {
				s.e = new(big.Int).SetBytes(refParse(t, 32, 1, p)[0])
			}
			return nil
		},
		read: func() ([]byte, error) {
			s.step++
			if s.step == 1 {
				return (&wire.KexDHGexGroup{P: s.p, G: s.g}).Append(nil), nil
			}
			f := new(big.Int).Exp(s.g, s.y, s.p)
			return (&wire.KexDHGexReply{HostKey: []byte("key"), F: f, Signature: []byte("signature")}).Append(nil), nil
		},
	}
}

// A client computes in whatever group of the right size it is sent, and K is
// what it should be: so is a g that is as large as p.
func TestClientComputesInTheGroupOfTheServer(t *testing.T) {
	for _, g := range []*big.Int{big.NewInt(2), big.NewInt(5), new(big.Int).Sub(group14.group().p, big.NewInt(2))} {
		s := gexServer{p: group14.group().p, g: g, y: big.NewInt(65537)}
		client, err := gex(t).Client(s.conn(t), testTranscript())
		require.NoError(t, err)
		require.Equal(t, refMPInt(new(big.Int).Exp(s.e, s.y, s.p).Bytes()), client.K)
	}
}

// oddOf returns an odd number of so many bits.
func oddOf(bits uint) *big.Int {
	v := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return v.Add(v, big.NewInt(12345))
}

// D5, CVE-2019-13115: RFC 4419, section 3; RFC 8270.
func TestClientRefusesGroups(t *testing.T) {
	p := group14.group().p
	two := big.NewInt(2)
	add := func(n int64) *big.Int { return new(big.Int).Add(p, big.NewInt(n)) }
	for _, test := range []struct {
		name string
		p, g *big.Int
		why  string
	}{
		{"D5: p = 0", new(big.Int), two, "p has 0 bits, not 2048 to 8192"},
		{"D5: p = 1", big.NewInt(1), two, "p has 1 bits, not 2048 to 8192"},
		{"D5: negative p", new(big.Int).Neg(p), two, "p has 2048 bits, not 2048 to 8192"},
		{"D5: 512 bits", oddOf(512), two, "p has 512 bits, not 2048 to 8192"},
		{"D5: 1024 bits", group1.group().p, two, "p has 1024 bits, not 2048 to 8192"},
		{"D5: 2047 bits", oddOf(2047), two, "p has 2047 bits, not 2048 to 8192"},
		{"D5: 8193 bits", oddOf(8193), two, "p has 8193 bits, not 2048 to 8192"},
		{"D5: 16384 bits", oddOf(16384), two, "p has 16384 bits, not 2048 to 8192"},
		{"D5: 2^21 bits", oddOf(1 << 20), two, "p has 1048576 bits, not 2048 to 8192"},
		{"D5: even p", add(-1), two, "p is even"},
		{"D5: negative g", p, big.NewInt(-2), "g is not between 2 and p-2"},
		{"D5: g = 0", p, new(big.Int), "g is not between 2 and p-2"},
		{"D5: g = 1", p, big.NewInt(1), "g is not between 2 and p-2"},
		{"D5: g = p-1", p, add(-1), "g is not between 2 and p-2"},
		{"D5: g = p", p, p, "g is not between 2 and p-2"},
		{"D5: g > p", p, add(2), "g is not between 2 and p-2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			result, err := gex(t).Client(says(t, (&wire.KexDHGexGroup{P: test.p, G: test.g}).Append(nil)), testTranscript())
			require.Nil(t, result)
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.EqualError(t, err, "kex: "+gex(t).Name()+": refused the peer's group: "+test.why)
		})
	}
}

func request(low, n, high uint32) []byte {
	return (&wire.KexDHGexRequest{Min: low, Preferred: n, Max: high}).Append(nil)
}

func oldRequest(n uint32) []byte { return (&wire.KexDHGexRequestOld{Preferred: n}).Append(nil) }

// D5: what a client may not ask for.
func TestServerRefusesRequests(t *testing.T) {
	const most = 1<<32 - 1
	order := "min, n and max are %d, %d and %d, which is not their order"
	for _, test := range []struct {
		name    string
		request []byte
		why     string
	}{
		{"D5: min > n", request(4096, 2048, 8192), fmt.Sprintf(order, 4096, 2048, 8192)},
		{"D5: n > max", request(2048, 8192, 4096), fmt.Sprintf(order, 2048, 8192, 4096)},
		{"D5: min > max", request(8192, 4096, 2048), fmt.Sprintf(order, 8192, 4096, 2048)},
		{"D5: min > max, with n between", request(8192, 8192, 2048), fmt.Sprintf(order, 8192, 8192, 2048)},
		{"D5: 0", request(0, 0, 0), "a group of 0 bits, not of 1024 to 8192"},
		{"D5: n = 0", request(0, 0, 8192), "a group of 0 bits, not of 1024 to 8192"},
		{"D5: n = 1023", request(0, 1023, 8192), "a group of 1023 bits, not of 1024 to 8192"},
		{"D5: n = 8193", request(0, 8193, 8193), "a group of 8193 bits, not of 1024 to 8192"},
		{"D5: n = 2^32-1", request(2048, most, most), "a group of 4294967295 bits, not of 1024 to 8192"},
		{"D5: 2^32-1", request(most, most, most), "a group of 4294967295 bits, not of 1024 to 8192"},
		{"D5: min = 2^32-1", request(most, 2048, 8192), fmt.Sprintf(order, uint32(most), 2048, 8192)},
		{"RFC 8270: max < 2048", request(1024, 1024, 2047), "no group has 1024 to 2047 bits"},
		{"RFC 4419 3: between two groups", request(2049, 3000, 3071), "no group has 2049 to 3071 bits"},
		{"D5: old, n = 0", oldRequest(0), "a group of 0 bits, not of 1024 to 8192"},
		{"D5: old, n = 1023", oldRequest(1023), "a group of 1023 bits, not of 1024 to 8192"},
		{"D5: old, n = 8193", oldRequest(8193), "min, n and max are 0, 8193 and 8192, which is not their order"},
		{"D5: old, n = 2^32-1", oldRequest(most), "min, n and max are 0, 4294967295 and 8192, which is not their order"},
	} {
		t.Run(test.name, func(t *testing.T) {
			result, err := gex(t).Server(says(t, test.request), testTranscript(), forbiddenIdentity(t))
			require.Nil(t, result)
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.EqualError(t, err, "kex: "+gex(t).Name()+": refused the peer's request: "+test.why)
		})
	}
}

// RFC 4419, section 3: what it gets when it may.
func TestServerAnswersRequests(t *testing.T) {
	for _, test := range []struct {
		name    string
		request []byte
		bits    int
	}{
		{"OpenSSH", request(2048, 8192, 8192), 8192},
		{"RFC 4419 3: smallest that is as large", request(1024, 3073, 8192), 4096},
		{"RFC 4419 3: exactly", request(1024, 6144, 8192), 6144},
		{"RFC 4419 3: or else the largest", request(1024, 8000, 8100), 6144},
		{"RFC 8270: never less than 2048", request(1024, 1024, 8192), 2048},
		{"RFC 4419 3: min is met", request(3072, 3072, 4095), 3072},
		{"no limits", request(0, 2048, 1<<32-1), 2048},
		{"RFC 4419 5: old", oldRequest(1024), 2048},
		{"RFC 4419 5: old, large", oldRequest(8192), 8192},
	} {
		t.Run(test.name, func(t *testing.T) {
			var offer []byte
			enough := errors.New("enough")
			_, err := gex(t).Server(&scriptedConn{
				read:  func() ([]byte, error) { return test.request, nil },
				write: func(p []byte) error { offer = p; return enough },
			}, testTranscript(), forbiddenIdentity(t))
			require.Equal(t, enough, err)
			group, err := wire.ParseKexDHGexGroup(offer)
			require.NoError(t, err)
			require.Equal(t, test.bits, group.P.BitLen())
		})
	}
}

// talkTo runs our server against a client that makes the request given and
// computes in math/big. It returns the result and H.
func talkTo(t *testing.T, m Method, request []byte) (*Result, []byte) {
	t.Helper()
	tr := testTranscript()
	var down [][]byte
	var e *big.Int
	y := big.NewInt(65537)
	s := &scriptedConn{write: func(p []byte) error { down = append(down, p); return nil }}
	s.read = func() ([]byte, error) {
		if len(down) == 0 {
			return request, nil
		}
		f := refParse(t, 31, 2, down[0])
		e = new(big.Int).Exp(new(big.Int).SetBytes(f[1]), y, new(big.Int).SetBytes(f[0]))
		return append([]byte{32}, refMPInt(e.Bytes())...), nil
	}
	server, err := m.Server(s, tr, testIdentity())
	require.NoError(t, err)
	group, reply := refParse(t, 31, 2, down[0]), refParse(t, 33, 3, down[1])
	k := new(big.Int).Exp(new(big.Int).SetBytes(reply[1]), y, new(big.Int).SetBytes(group[0]))
	require.Equal(t, refMPInt(k.Bytes()), server.K)
	return server, refHashOf(sha256.New(), tr, refString(reply[0]), request[1:],
		refMPInt(group[0]), refMPInt(group[1]), refMPInt(e.Bytes()), refMPInt(reply[1]), server.K)
}

// RFC 4419, section 5: after a request of the older form, H has its one number.
func TestOldRequest(t *testing.T) {
	server, h := talkTo(t, gex(t), oldRequest(2048))
	require.Equal(t, h, server.H)
	server, h = talkTo(t, gex(t), request(1024, 2048, 4096))
	require.Equal(t, h, server.H)
}

// A server with groups of its own uses them, whatever their generator, and a
// client that is given them does not care.
func TestWithGroups(t *testing.T) {
	p := ownGroups(t).list[0].p
	own := Groups{list: []group{{p: p, g: big.NewInt(5)}}}
	given := append(DefaultServer(), Insecure()...)
	methods := WithGroups(given, own)
	require.Len(t, methods, len(given))
	for i, m := range methods {
		require.Equal(t, given[i].Name(), m.Name())
		if _, ok := m.(*groupExchange); !ok {
			require.Equal(t, given[i], m, "others are as they were")
			continue
		}
		require.Zero(t, given[i].(*groupExchange).groups, "the list given is as it was")
		_, _, _, down := converse(t, m, m, testTranscript())
		group := refParse(t, 31, 2, down[0])
		require.Equal(t, p.Bytes(), group[0][1:], "3072 bits were wanted, 2048 is what there is")
		require.Equal(t, []byte{5}, group[1])
	}
	require.Empty(t, WithGroups(nil, own))
}

// D3: in every group the public values are checked, by both sides, and before
// anything is signed.
func TestGroupExchangeChecksPublicValues(t *testing.T) {
	g := group14.group()
	server := func(e *big.Int) error {
		conn := &scriptedConn{}
		reads := 0
		conn.read = func() ([]byte, error) {
			if reads++; reads == 1 {
				return request(2048, 2048, 2048), nil
			}
			return (&wire.KexDHGexInit{E: e}).Append(nil), nil
		}
		_, err := gex(t).Server(conn, testTranscript(), testIdentity())
		return err
	}
	client := func(f *big.Int) error {
		conn := &scriptedConn{}
		reads := 0
		conn.read = func() ([]byte, error) {
			if reads++; reads == 1 {
				return (&wire.KexDHGexGroup{P: g.p, G: g.g}).Append(nil), nil
			}
			return (&wire.KexDHGexReply{F: f}).Append(nil), nil
		}
		_, err := gex(t).Client(conn, testTranscript())
		return err
	}
	for what, v := range badPublics(g.p) {
		for _, err := range []error{server(v), client(v)} {
			var refused *Error
			require.ErrorAs(t, err, &refused, what)
			require.Empty(t, refused.What, what)
		}
	}
	for what, v := range goodPublics(g.p) {
		require.NoError(t, server(v), what)
		require.NoError(t, client(v), what)
	}
}

// A modulus that is the square of something has powers that are 0.
func TestGroupExchangeRefusesKnownSecrets(t *testing.T) {
	root := group14.group().p
	square := new(big.Int).Mul(root, root)
	reads := 0
	_, err := gex(t).Client(&scriptedConn{read: func() ([]byte, error) {
		if reads++; reads == 1 {
			return (&wire.KexDHGexGroup{P: square, G: big.NewInt(2)}).Append(nil), nil
		}
		return (&wire.KexDHGexReply{F: root}).Append(nil), nil
	}}, testTranscript())
	require.ErrorContains(t, err, "refused the peer's public value: the secret would be 0 or 1")

	reads = 0 // nobody gives a server such a group, but it would not sign
	bad := WithGroups([]Method{gex(t)}, Groups{list: []group{{p: square, g: big.NewInt(2)}}})[0]
	_, err = bad.Server(&scriptedConn{read: func() ([]byte, error) {
		if reads++; reads == 1 {
			return request(2048, 4096, 4096), nil
		}
		return (&wire.KexDHGexInit{E: root}).Append(nil), nil
	}}, testTranscript(), forbiddenIdentity(t))
	require.ErrorContains(t, err, "refused the peer's public value: the secret would be 0 or 1")
}

// A gexStep is one message that one side of a group exchange waits for.
type gexStep struct {
	name    string
	numbers []wire.Number // what may come
	before  [][]byte      // what has come
	message []byte
	run     func(t testing.TB, c Conn) (*Result, error)
}

func gexSteps(t testing.TB) []gexStep {
	m := gex(t)
	g := group14.group()
	offer := (&wire.KexDHGexGroup{P: g.p, G: g.g}).Append(nil)
	reply := (&wire.KexDHGexReply{HostKey: []byte("key"), F: big.NewInt(15), Signature: []byte("signature")}).Append(nil)
	init := (&wire.KexDHGexInit{E: big.NewInt(15)}).Append(nil)
	client := func(t testing.TB, c Conn) (*Result, error) { return m.Client(c, testTranscript()) }
	server := func(t testing.TB, c Conn) (*Result, error) {
		return m.Server(c, testTranscript(), forbiddenIdentity(t))
	}
	return []gexStep{
		{"GROUP", []wire.Number{31}, nil, offer, client},
		{"REPLY", []wire.Number{33}, [][]byte{offer}, reply, client},
		{"REQUEST", []wire.Number{34, 30}, nil, request(2048, 2048, 8192), server},
		{"REQUEST_OLD", []wire.Number{30, 34}, nil, oldRequest(2048), server},
		{"INIT", []wire.Number{32}, [][]byte{request(2048, 2048, 8192)}, init, server},
	}
}

// with runs the step with another message.
func (s *gexStep) with(t testing.TB, message []byte) error {
	rest := append(slices.Clone(s.before), message)
	result, err := s.run(t, &scriptedConn{read: func() ([]byte, error) {
		require.NotEmpty(t, rest, "read on after what should have been refused")
		p := rest[0]
		rest = rest[1:]
		return p, nil
	}})
	require.Nil(t, result)
	return err
}

// E4, E11: any message but the one due ends the exchange, so a second request
// does.
func TestGroupExchangeUnexpectedMessage(t *testing.T) {
	for _, step := range gexSteps(t) {
		t.Run(step.name, func(t *testing.T) {
			for n := range 256 {
				if slices.Contains(step.numbers, wire.Number(n)) {
					continue
				}
				var got *MessageError
				require.ErrorAs(t, step.with(t, append([]byte{byte(n)}, step.message[1:]...)), &got)
				require.NoError(t, got.Err)
				require.Equal(t, wire.Number(n), got.Got)
			}
		})
	}
}

func TestGroupExchangeMalformedMessage(t *testing.T) {
	for _, step := range gexSteps(t) {
		t.Run(step.name, func(t *testing.T) {
			for n := range len(step.message) {
				var got *MessageError
				err := step.with(t, step.message[:n])
				require.ErrorAs(t, err, &got)
				require.ErrorIs(t, err, wire.ErrTruncated)
				require.Equal(t, got.Want, got.Got)
			}
			require.ErrorIs(t, step.with(t, append(slices.Clip(step.message), 0)), wire.ErrTrailing)
		})
	}
}

// C7: every error of the Conn comes back unchanged, at whatever step.
func TestGroupExchangeConnErrors(t *testing.T) {
	broken := errors.New("transport: broken")
	m := gex(t)
	for _, side := range []string{"client", "server"} {
		for step := range 4 {
			up, down := &hop{queue: make(chan []byte, 4)}, &hop{queue: make(chan []byte, 4)}
			c, s := &failing{Conn: &end{in: down, out: up}, err: broken}, &failing{Conn: &end{in: up, out: down}, err: broken}
			c.left, s.left = 4, 4
			if side == "client" {
				c.left = step
			} else {
				s.left = step
			}
			failed := make(chan error)
			go func() {
				_, err := m.Server(s, testTranscript(), testIdentity())
				close(down.queue)
				failed <- err
			}()
			_, err := m.Client(c, testTranscript())
			close(up.queue)
			serverErr := <-failed
			if side == "server" {
				err = serverErr
			}
			require.True(t, err == broken, "%s, step %d: %v", side, step, err)
		}
	}
}

// A failing is a Conn that does so many steps and then fails.
type failing struct {
	Conn
	left int
	err  error
}

func (f *failing) ReadPacket() ([]byte, error) {
	if f.left == 0 {
		return nil, f.err
	}
	f.left--
	return f.Conn.ReadPacket()
}

func (f *failing) WritePacket(parts ...[]byte) error {
	if f.left == 0 {
		return f.err
	}
	f.left--
	return f.Conn.WritePacket(parts...)
}

// A client that guesses the method has sent its request before it has seen the
// server's SSH_MSG_KEXINIT (RFC 4253, section 7), and a server may see the
// client's with the request.
func TestGroupExchangeReadsBeforeItLooks(t *testing.T) {
	up, down := &hop{queue: make(chan []byte, 4)}, &hop{queue: make(chan []byte, 4)}
	var ct, st Transcript
	done := make(chan *Result)
	go func() {
		server, err := gex(t).Server(&completing{&end{in: up, out: down}, &st}, &st, testIdentity())
		if err != nil {
			close(down.queue)
		}
		done <- server
	}()
	client, err := gex(t).Client(&completing{&end{in: down, out: up}, &ct}, &ct)
	require.NoError(t, err)
	require.Equal(t, (<-done).H, client.H)
}

// A completing is a Conn that completes a transcript with its first read.
type completing struct {
	Conn
	t *Transcript
}

func (c *completing) ReadPacket() ([]byte, error) {
	p, err := c.Conn.ReadPacket()
	*c.t = *testTranscript()
	return p, err
}

// A signer that fails is not the peer's fault, and nothing is sent.
func TestGroupExchangeSignFails(t *testing.T) {
	broken := errors.New("token was pulled")
	reads, writes := 0, 0
	id := testIdentity()
	id.Sign = func([]byte) ([]byte, error) { return nil, broken }
	result, err := gex(t).Server(&scriptedConn{
		read: func() ([]byte, error) {
			if reads++; reads == 1 {
				return request(2048, 2048, 2048), nil
			}
			return (&wire.KexDHGexInit{E: big.NewInt(15)}).Append(nil), nil
		},
		write: func([]byte) error { writes++; return nil },
	}, testTranscript(), id)
	require.Nil(t, result)
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "kex: "+gex(t).Name()+": signing the exchange hash: token was pulled")
	require.Equal(t, 1, writes, "only the group")
	requireLocal(t, err)
}

// RFC 4419, section 3: H covers what was asked for and what was answered.
func TestGroupExchangeHashCoversEveryByte(t *testing.T) {
	init, reply := &wire.KexDHGexInit{E: big.NewInt(15)}, &wire.KexDHGexReply{HostKey: []byte("key"), F: big.NewInt(31)}
	seen := make(map[string]bool)
	remember := func(said *gexTranscript, init *wire.KexDHGexInit, reply *wire.KexDHGexReply, k []byte) {
		h := string(said.exchangeHash(sha256.New(), init, reply, k))
		require.False(t, seen[h])
		seen[h] = true
	}
	said := func() *gexTranscript {
		g := group14.group()
		return &gexTranscript{testTranscript(), request(2048, 2048, 8192), (&wire.KexDHGexGroup{P: g.p, G: g.g}).Append(nil)}
	}
	remember(said(), init, reply, []byte("k"))
	for i := range said().request[1:] {
		s := said()
		s.request[1+i] ^= 0x80
		remember(s, init, reply, []byte("k"))
	}
	for i := range said().group[1:] {
		s := said()
		s.group[1+i] ^= 0x80
		remember(s, init, reply, []byte("k"))
	}
	s := said()
	s.request = oldRequest(2048)
	remember(s, init, reply, []byte("k"))
	remember(said(), &wire.KexDHGexInit{E: big.NewInt(31)}, reply, []byte("k"))
	remember(said(), init, &wire.KexDHGexReply{HostKey: []byte("key"), F: big.NewInt(15)}, []byte("k"))
	remember(said(), init, &wire.KexDHGexReply{HostKey: []byte("Key"), F: big.NewInt(31)}, []byte("k"))
	remember(said(), init, reply, []byte("K"))
	s = said()
	s.ServerInit = []byte("other")
	remember(s, init, reply, []byte("k"))
}
