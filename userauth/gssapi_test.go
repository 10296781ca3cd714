package userauth

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

var (
	kerberos = asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2}
	toy      = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}
)

// A realm is a mechanism whose two ends share a secret: each of the client's
// tokens is its name and a step's number, and the context is established after
// a number of them.
type realm struct {
	oid     asn1.ObjectIdentifier
	name    string // the client's
	steps   int    // tokens of the client's
	reply   bool   // the server answers the last one
	failsAt int    // step in which this end fails; 0 for none
	errtok  bool   // and says so
	broken  error  // of MIC and VerifyMIC
	key     string
	closed  *int
}

func (r realm) mechanism(initiator bool) GSSMechanism {
	return GSSMechanism{OID: r.oid, Start: func(context.Context) (GSSContext, error) {
		return &realmContext{realm: r, initiator: initiator}, nil
	}}
}

type realmContext struct {
	realm
	initiator bool
	step      int
	peer      string
	errored   string // what came in a token that says what went wrong
}

func (c *realmContext) Step(_ context.Context, token []byte) ([]byte, bool, error) {
	c.step++
	if text, ok := strings.CutPrefix(string(token), "error "); ok {
		c.errored = text
		return nil, false, errors.New("the other end: " + text)
	}
	if c.step == c.failsAt {
		var reply []byte
		if c.errtok {
			reply = []byte("error clock skew")
		}
		return reply, false, errors.New("clock skew")
	}
	if c.initiator {
		if c.step > c.steps {
			return nil, true, nil
		}
		return []byte(fmt.Sprint(c.name, " ", c.step)), c.step == c.steps && !c.reply, nil
	}
	name, step, _ := strings.Cut(string(token), " ")
	if step != fmt.Sprint(c.step) {
		return nil, false, fmt.Errorf("token %q in step %d", token, c.step)
	}
	c.peer = name
	if c.step == c.steps && !c.reply {
		return nil, true, nil
	}
	return []byte("go on"), c.step == c.steps, nil
}

func (c *realmContext) MIC(message []byte) ([]byte, error) {
	h := hmac.New(sha256.New, []byte(c.key))
	h.Write(message)
	return h.Sum(nil), c.broken
}

func (c *realmContext) VerifyMIC(message, mic []byte) error {
	want, err := c.MIC(message)
	if err == nil && !hmac.Equal(want, mic) {
		err = errors.New("it is not the client's")
	}
	return err
}

func (c *realmContext) Peer() string { return c.peer }

func (c *realmContext) Close() error {
	if c.closed != nil {
		*c.closed++
	}
	return nil
}

// principal lets alice in who is alice@REALM.
func principal(mechanisms ...GSSMechanism) Check {
	return CheckGSSAPI(func(_ context.Context, a *Attempt, name string) (Decision, error) {
		if name == a.User+"@REALM" && a.User == "alice" {
			return Accept(nil), nil
		}
		return Decision{}, fmt.Errorf("%q is not %q", name, a.User)
	}, mechanisms...)
}

// RFC 4462, section 3, both roles against each other.
func TestGSSAPI(t *testing.T) {
	plain := realm{oid: kerberos, name: "alice@REALM", steps: 1, key: "k"}
	with := func(change func(r *realm)) realm {
		r := plain
		change(&r)
		return r
	}
	for _, tt := range []struct {
		name           string
		client, server realm
		client2        string // what the client's error says; "" if let in
		server2        string // what the server reports
	}{
		{"one token", plain, plain, "", ""},
		{"one token and an answer", with(func(r *realm) { r.reply = true }), with(func(r *realm) { r.reply = true }), "", ""},
		{"three tokens", with(func(r *realm) { r.steps = 3 }), with(func(r *realm) { r.steps = 3 }), "", ""},
		{"three and an answer", with(func(r *realm) { r.steps, r.reply = 3, true }), with(func(r *realm) { r.steps, r.reply = 3, true }), "", ""},
		{"another name", with(func(r *realm) { r.name = "bob@REALM" }), plain, "does not let", `"bob@REALM" is not "alice"`},
		{"no name", with(func(r *realm) { r.name = "" }), plain, "does not let", "has no name"},
		{"another secret", with(func(r *realm) { r.key = "x" }), plain, "does not let", "MIC of the GSS-API exchange: it is not the client's"},
		{"no mechanism in common", with(func(r *realm) { r.oid = toy }), plain, "does not let", "none of the 1 GSS-API mechanisms"},
		{"the client fails at once", with(func(r *realm) { r.failsAt = 1 }), plain, "clock skew", ""},
		{"the client fails and says so", with(func(r *realm) { r.failsAt, r.errtok = 1, true }), plain, "clock skew", "the other end: clock skew"},
		{"the client fails late", with(func(r *realm) { r.steps, r.failsAt, r.errtok = 3, 2, true }), with(func(r *realm) { r.steps = 3 }), "clock skew", "mechanism gave up"},
		{"the server fails", plain, with(func(r *realm) { r.failsAt = 1 }), "does not let", "clock skew"},
		{"the server fails and says so", plain, with(func(r *realm) { r.failsAt, r.errtok = 1, true }), "does not let", "clock skew"},
		{"the server fails while the client waits", with(func(r *realm) { r.reply = true }), with(func(r *realm) { r.reply, r.failsAt, r.errtok = true, 1, true }),
			"the other end: clock skew", "clock skew"},
		{"the client cannot make a MIC", with(func(r *realm) { r.broken = errors.New("no MIC") }), plain, "no MIC", ""},
		{"the server cannot check it", plain, with(func(r *realm) { r.broken = errors.New("no MIC") }), "does not let", "no MIC"},
		{"too many tokens", with(func(r *realm) { r.steps = 100 }), with(func(r *realm) { r.steps = 100 }), "too many GSS-API tokens", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var closed int
			var reported error
			tt.client.closed, tt.server.closed = &closed, &closed
			s := &Server{Checks: []Check{principal(tt.server.mechanism(false))}, Delay: -1, MaxTries: 2, Report: func(_ context.Context, _ *Attempt, err error) { reported = err }}
			c := &Client{User: "alice", Methods: []Method{GSSAPI(tt.client.mechanism(true))}}
			near, far := newPipe()
			result := make(chan error, 1)
			go func() {
				result <- c.Authenticate(t.Context(), near, bound)
				close(near.done)
			}()
			grant, _ := s.Authenticate(t.Context(), far, bound)
			err := <-result
			if tt.name != "no mechanism in common" {
				require.Equal(t, 2, closed)
			}
			if tt.client2 == "" {
				require.NoError(t, err)
				require.NoError(t, reported)
				require.Equal(t, []string{"gssapi-with-mic"}, grant.Methods)
				return
			}
			require.Nil(t, grant)
			require.ErrorContains(t, err, tt.client2)
			if tt.server2 != "" {
				require.ErrorContains(t, reported, tt.server2)
			}
		})
	}
}

func gssapiOf(user string, mechanisms ...[]byte) []byte {
	return requestOf(user, "gssapi-with-mic", (&wire.GSSAPIFields{Mechanisms: mechanisms}).Append(nil))
}

func derOf(t *testing.T, oid asn1.ObjectIdentifier) []byte {
	t.Helper()
	der, err := asn1.Marshal(oid)
	require.NoError(t, err)
	return der
}

func tokenOf(s string) []byte { return (&wire.UserauthGSSAPIToken{Token: []byte(s)}).Append(nil) }

// micOf returns the MIC of alice's session, or of what is given instead.
func micOf(key string, data []byte) []byte {
	if data == nil {
		data = wire.AppendString(nil, session)
		data = append(data, 50)
		for _, s := range []string{"alice", "ssh-connection", "gssapi-with-mic"} {
			data = wire.AppendString(data, s)
		}
	}
	mic, _ := (&realmContext{realm: realm{key: key}}).MIC(data)
	return (&wire.UserauthGSSAPIMIC{MIC: mic}).Append(nil)
}

// A number of mechanisms is not believed, and nobody is in before the MIC
// (attack H15, CVE-2025-58181).
func TestH15GSSAPIServer(t *testing.T) {
	mechanism := realm{oid: kerberos, steps: 1, key: "k"}.mechanism(false)
	krb, other := derOf(t, kerberos), derOf(t, toy)
	require.Equal(t, "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", string(krb), "RFC 4462 3.2: with tag and length")
	count := func(n uint32, rest ...byte) []byte { return append(wire.AppendUint32(nil, n), rest...) }
	complete := (&wire.UserauthGSSAPIExchangeComplete{}).Append(nil)
	another := append(wire.AppendString(nil, "another"), 50)
	for _, tt := range []struct {
		name   string
		client [][]byte
		want   []byte // numbers
		fatal  bool
	}{
		{"right", [][]byte{gssapiOf("alice", other, krb), tokenOf("alice@REALM 1"), micOf("k", nil)}, []byte{60, 52}, false},
		{"2^32-1 mechanisms", [][]byte{requestOf("alice", "gssapi-with-mic", count(1<<32-1, 0, 0, 0, 0))}, nil, true},
		{"more mechanisms than there are", [][]byte{requestOf("alice", "gssapi-with-mic", count(2, 0, 0, 0, 1, 6))}, nil, true},
		{"no mechanisms", [][]byte{gssapiOf("alice")}, []byte{51}, false},
		{"10,000 mechanisms", [][]byte{gssapiOf("alice", slicesRepeat(other, 10_000)...)}, []byte{51}, false},
		{"SPNEGO (RFC 4462 7.3)", [][]byte{gssapiOf("alice", derOf(t, spnego))}, []byte{51}, false},
		{"an OID without its tag", [][]byte{gssapiOf("alice", krb[2:])}, []byte{51}, false},
		{"a MIC before the token", [][]byte{gssapiOf("alice", krb), micOf("k", nil)}, []byte{60}, true},
		{"EXCHANGE_COMPLETE before the token", [][]byte{gssapiOf("alice", krb), complete}, []byte{60}, true},
		{"EXCHANGE_COMPLETE in place of the MIC", [][]byte{gssapiOf("alice", krb), tokenOf("alice@REALM 1"), complete}, []byte{60, 51}, false},
		{"a token in place of the MIC", [][]byte{gssapiOf("alice", krb), tokenOf("alice@REALM 1"), tokenOf("alice@REALM 2")}, []byte{60}, true},
		{"attack H18: the MIC of another session", [][]byte{gssapiOf("alice", krb), tokenOf("alice@REALM 1"), micOf("k", another)}, []byte{60, 51}, false},
		{"a MIC of nothing", [][]byte{gssapiOf("alice", krb), tokenOf("alice@REALM 1"), {66, 0, 0, 0, 0}}, []byte{60, 51}, false},
		{"a MIC for another user", [][]byte{gssapiOf("bob", krb), tokenOf("bob@REALM 1"), micOf("k", nil)}, []byte{60, 51}, false},
		{"a MIC behind a token that is wrong", [][]byte{gssapiOf("alice", krb), tokenOf("alice@REALM 7"), micOf("k", nil), gssapiOf("alice", krb), tokenOf("alice@REALM 1"), micOf("k", nil)},
			[]byte{60, 51, 60, 52}, false},
		{"two of them", [][]byte{gssapiOf("alice", krb), tokenOf("alice@REALM 7"), micOf("k", nil), micOf("k", nil)}, []byte{60, 51}, true},
		{"a MIC after the next request", [][]byte{gssapiOf("alice", krb), tokenOf("alice@REALM 7"), requestOf("alice", "none", nil), micOf("k", nil)}, []byte{60, 51, 51}, true},
		{"a token nobody asked for", [][]byte{tokenOf("alice@REALM 1")}, nil, true},
		{"a server's message", [][]byte{gssapiOf("alice", krb), {60, 0, 0, 0, 0}}, []byte{60}, true},
		{"a malformed token", [][]byte{gssapiOf("alice", krb), {61, 0}}, []byte{60}, true},
		{"a malformed MIC", [][]byte{gssapiOf("alice", krb), tokenOf("alice@REALM 1"), {66, 0}}, []byte{60}, true},
		{"a malformed error", [][]byte{gssapiOf("alice", krb), {65, 0}}, []byte{60}, true},
		{"an error after the tokens", [][]byte{gssapiOf("alice", krb), tokenOf("alice@REALM 1"), (&wire.UserauthGSSAPIErrtok{}).Append(nil)}, []byte{60, 51}, false},
		{"RFC 4462 3.1: another request abandons it", [][]byte{gssapiOf("alice", krb), gssapiOf("alice", krb), tokenOf("alice@REALM 1"), micOf("k", nil)},
			[]byte{60, 60, 52}, false},
		{"another request in place of the MIC", [][]byte{gssapiOf("alice", krb), tokenOf("alice@REALM 1"), requestOf("alice", "none", nil)}, []byte{60, 51}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := serve(t, &Server{Checks: []Check{principal(mechanism)}}, tt.client...)
			require.Equal(t, tt.want, o.conn.numbers())
			var broken *ProtocolError
			require.Equal(t, tt.fatal, errors.As(o.err, &broken), "%v", o.err)
			if len(tt.want) > 0 && tt.want[0] == 60 {
				require.Equal(t, append([]byte{60}, wire.AppendString(nil, krb)...), o.conn.out[0])
			}
		})
	}
	t.Run("attack H16: nobody and nothing to decide", func(t *testing.T) {
		startless, failing := mechanism, mechanism
		startless.Start = nil
		failing.Start = func(context.Context) (GSSContext, error) { return nil, errors.New("no keytab") }
		decide := func(context.Context, *Attempt, string) (Decision, error) { return Accept(nil), nil }
		for _, c := range []Check{CheckGSSAPI(nil, mechanism), CheckGSSAPI(decide), CheckGSSAPI(decide, GSSMechanism{}), principal(startless), principal(failing)} {
			o := serve(t, &Server{Checks: []Check{c}}, gssapiOf("alice", krb))
			require.Equal(t, []byte{51}, o.conn.numbers())
		}
		s := &Server{Checks: []Check{principal(mechanism)}, Delay: -1}
		grant, _ := s.Authenticate(t.Context(), &script{in: [][]byte{gssapiOf("alice", krb), tokenOf("alice@REALM 1"), micOf("k", nil)}}, Binding{})
		require.Nil(t, grant, "without a session there is nothing to tie a context to")
	})
}

// What a server may say to a client, and what ends the dialogue.
func TestGSSAPIClient(t *testing.T) {
	chosen := (&wire.UserauthGSSAPIResponse{Mechanism: derOf(t, kerberos)}).Append(nil)
	wrong := (&wire.UserauthGSSAPIResponse{Mechanism: derOf(t, toy)}).Append(nil)
	reason := (&wire.UserauthGSSAPIError{Major: 13 << 16, Minor: 7, Message: "no\nsuch principal"}).Append(nil)
	refused := failureOf("password")
	errtok := (&wire.UserauthGSSAPIErrtok{Token: []byte("error skew")}).Append(nil)
	for _, tt := range []struct {
		name   string
		server [][]byte
		want   string
		fatal  bool
	}{
		{"refused", [][]byte{refused}, "does not let", false},
		{"success at once", [][]byte{success()}, "before the GSS-API exchange", true},
		{"partial success at once", [][]byte{partialOf("password")}, "before the GSS-API exchange", true},
		{"success for a token", [][]byte{chosen, success()}, "before the GSS-API exchange", true},
		{"a mechanism that was not offered", [][]byte{wrong}, "that was not offered", true},
		{"a malformed choice", [][]byte{{60, 0}}, "GSSAPI_RESPONSE", true},
		{"a token before the choice", [][]byte{tokenOf("x")}, "in answer to", true},
		{"a malformed token", [][]byte{chosen, {61, 0}}, "GSSAPI_TOKEN", true},
		{"a MIC", [][]byte{chosen, {66, 0, 0, 0, 0}}, "GSSAPI_MIC in answer", true},
		{"an answer to the MIC", [][]byte{chosen, tokenOf("go on"), tokenOf("go on")}, "in answer to", true},
		{"RFC 4462 3.8: a reason", [][]byte{chosen, reason, refused}, `the server says "no\nsuch principal" (status 0xd0000, 0x7)`, false},
		{"a reason for refusing the MIC", [][]byte{chosen, tokenOf("go on"), reason, refused}, `no\nsuch principal`, false},
		{"reasons for ever", append([][]byte{chosen}, slicesRepeat(reason, 100)...), "more than 16", true},
		{"a malformed reason", [][]byte{chosen, {64, 0}}, "GSSAPI_ERROR", true},
		{"RFC 4462 3.9: an error of the mechanism", [][]byte{chosen, errtok, refused}, "the other end: skew", false},
		{"and success after it", [][]byte{chosen, errtok, success()}, "no failure after", true},
		{"a malformed error", [][]byte{chosen, {65, 0}}, "GSSAPI_ERRTOK", true},
		{"the connection", [][]byte{chosen}, "connection lost", false},
		{"the connection after an error", [][]byte{chosen, errtok}, "connection lost", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := realm{oid: kerberos, name: "alice@REALM", steps: 1, reply: true, key: "k"}.mechanism(true)
			conn := &script{in: tt.server}
			err := (&Client{User: "alice", Methods: []Method{GSSAPI(m)}}).Authenticate(t.Context(), conn, bound)
			require.ErrorContains(t, err, tt.want)
			var broken *ProtocolError
			require.Equal(t, tt.fatal, errors.As(err, &broken), "%v", err)
			require.NotContains(t, err.Error(), "\n\n")
		})
	}
	t.Run("a mechanism that is stuck", func(t *testing.T) {
		stuck := GSSMechanism{OID: kerberos, Start: func(context.Context) (GSSContext, error) { return &stuckContext{}, nil }}
		conn := &script{in: [][]byte{chosen, refused}}
		err := (&Client{User: "alice", Methods: []Method{GSSAPI(stuck)}}).Authenticate(t.Context(), conn, bound)
		require.ErrorIs(t, err, errNeither)
		o := serve(t, &Server{Checks: []Check{principal(stuck)}}, gssapiOf("alice", derOf(t, kerberos)), tokenOf("x"))
		require.Equal(t, []byte{60, 51}, o.conn.numbers())
	})
	t.Run("nothing to offer", func(t *testing.T) {
		none := GSSMechanism{OID: kerberos, Start: func(context.Context) (GSSContext, error) { return nil, errors.New("no ticket") }}
		for name, m := range map[string]Method{
			"there are no GSS-API mechanisms": GSSAPI(),
			"has no function to start it":     GSSAPI(GSSMechanism{OID: kerberos}),
			"SPNEGO":                          GSSAPI(GSSMechanism{OID: spnego, Start: none.Start}),
			"invalid object identifier":       GSSAPI(GSSMechanism{Start: none.Start}),
			"no ticket":                       GSSAPI(none),
		} {
			conn := &script{in: [][]byte{chosen, refused}}
			if name != "no ticket" {
				conn.in = conn.in[1:]
			}
			err := (&Client{User: "alice", Methods: []Method{m}}).Authenticate(t.Context(), conn, bound)
			require.ErrorContains(t, err, name)
		}
		err := (&Client{User: "alice", Methods: []Method{GSSAPI(none)}}).Authenticate(t.Context(), &script{in: [][]byte{refused}}, Binding{})
		require.ErrorIs(t, err, errNoSession)
	})
}

// A stuckContext has nothing to say and does not come to an end.
type stuckContext struct{ realmContext }

func (*stuckContext) Step(context.Context, []byte) ([]byte, bool, error) { return nil, false, nil }

// RFC 4462, section 3.4: the last token and the MIC need no answer in between.
func TestGSSAPILastTokenAndMIC(t *testing.T) {
	chosen := (&wire.UserauthGSSAPIResponse{Mechanism: derOf(t, kerberos)}).Append(nil)
	conn := &script{in: [][]byte{chosen, success()}}
	m := realm{oid: kerberos, name: "alice@REALM", steps: 1, key: "k"}.mechanism(true)
	require.NoError(t, (&Client{User: "alice", Methods: []Method{GSSAPI(m)}}).Authenticate(t.Context(), conn, bound))
	require.Equal(t, []byte{50, 61, 66}, conn.numbers())
	require.Equal(t, []int{0, 1, 1}, conn.readsAt)
	require.Equal(t, micOf("k", nil), conn.out[2])
	require.True(t, slices.EqualFunc(conn.in, [][]byte{chosen, success()}, bytes.Equal))
}
