package userauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// oneTimeCode wants a password, shows something, and wants two things more.
func oneTimeCode() Check {
	return CheckInteractive(func(_ context.Context, a *Attempt, ask func(Challenge) ([]string, error)) (Decision, error) {
		first, err := ask(Challenge{Name: "Login", Prompts: []Prompt{{Text: "Password: "}}})
		if err != nil {
			return Decision{}, err
		}
		if _, err := ask(Challenge{Instruction: "Take out your token."}); err != nil {
			return Decision{}, err
		}
		second, err := ask(Challenge{Prompts: []Prompt{{Text: "Code: ", Echo: true}, {Text: "PIN: "}}})
		if err != nil {
			return Decision{}, err
		}
		if a.User == "alice" && first[0] == "right" && second[0] == "123456" && second[1] == "" {
			return Accept(nil), nil
		}
		return Decision{}, nil
	})
}

// typist is a user who answers prompts by their text, and says what was shown.
func typist(shown *[]string, answers map[string]string) func(context.Context, Challenge) ([]string, error) {
	return func(_ context.Context, c Challenge) (typed []string, err error) {
		for _, text := range []string{c.Name, c.Instruction} {
			if text != "" {
				*shown = append(*shown, text)
			}
		}
		for _, p := range c.Prompts {
			*shown = append(*shown, fmt.Sprintf("%s%t", p.Text, p.Echo))
			typed = append(typed, answers[p.Text])
		}
		return typed, nil
	}
}

// RFC 4256: several rounds, one of them without prompts, and an empty answer.
func TestInteractiveRounds(t *testing.T) {
	var shown []string
	right := KeyboardInteractive(typist(&shown, map[string]string{"Password: ": "right", "Code: ": "123456"}))
	grant, clientErr, serverErr := run(t, &Client{User: "alice", Methods: []Method{right}}, &Server{Checks: []Check{oneTimeCode()}})
	require.NoError(t, clientErr)
	require.NoError(t, serverErr)
	require.Equal(t, []string{"keyboard-interactive"}, grant.Methods)
	require.Equal(t, []string{"Login", "Password: false", "Take out your token.", "Code: true", "PIN: false"}, shown)

	wrong := KeyboardInteractive(typist(&shown, nil))
	grant, clientErr, _ = run(t, &Client{User: "alice", Methods: []Method{wrong, right}}, &Server{Checks: []Check{oneTimeCode()}, Delay: -1})
	require.NoError(t, clientErr, "each one listed is one more try")
	require.NotNil(t, grant)
}

func infoOf(m wire.UserauthInfoRequest) []byte { return m.Append(nil) }

func responseOf(answers ...string) []byte {
	return (&wire.UserauthInfoResponse{Responses: answers}).Append(nil)
}

func interactiveOf(user, submethods string) []byte {
	return requestOf(user, "keyboard-interactive", (&wire.InteractiveFields{Submethods: submethods}).Append(nil))
}

// What the client says about numbers is not believed (attack H6, CVE-2026-42189,
// CVE-2002-0640).
func TestH6Responses(t *testing.T) {
	count := func(n uint32, rest ...string) []byte {
		b := wire.AppendUint32([]byte{61}, n)
		for _, s := range rest {
			b = wire.AppendString(b, s)
		}
		return b
	}
	for _, tt := range []struct {
		name     string
		response []byte
		fatal    bool
	}{
		{"none to one prompt", responseOf(), false},
		{"two to one prompt", responseOf("right", "right"), false},
		{"2^28, and none there", count(1 << 28), true},
		{"2^32-1, and one there", count(1<<32-1, "right"), true},
		{"one more than there", count(2, "right"), true},
		{"a byte behind it", append(responseOf("right"), 0), true},
		{"a response of 1025 bytes", responseOf(strings.Repeat("x", 1025)), false},
		{"another number", append([]byte{62}, responseOf("right")[1:]...), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check := CheckInteractive(func(_ context.Context, _ *Attempt, ask func(Challenge) ([]string, error)) (Decision, error) {
				responses, err := ask(Challenge{Prompts: []Prompt{{Text: "?"}}})
				require.Error(t, err)
				require.Nil(t, responses)
				_, again := ask(Challenge{Prompts: []Prompt{{Text: "?"}}})
				require.Equal(t, err, again)
				return Accept(nil), nil // no Decision makes up for it
			})
			o := serve(t, &Server{Checks: []Check{check}}, interactiveOf("alice", ""), tt.response)
			if tt.fatal {
				var broken *ProtocolError
				require.ErrorAs(t, o.err, &broken)
				require.Len(t, o.conn.out, 1)
				return
			}
			require.Equal(t, failureOf("keyboard-interactive"), o.conn.out[1], "RFC 4256 3.4")
		})
	}
	t.Run("a response that nobody asked for", func(t *testing.T) {
		for _, before := range [][][]byte{nil, {passwordOf("alice", "wrong")}, {interactiveOf("alice", ""), responseOf("wrong")}} {
			o := serve(t, &Server{Checks: []Check{onePrompt(nil), onlyPassword("a", "b")}}, append(before, responseOf("right"))...)
			var broken *ProtocolError
			require.ErrorAs(t, o.err, &broken)
		}
	})
	t.Run("RFC 4256 3.1: a new request abandons the old one", func(t *testing.T) {
		o := serve(t, &Server{Checks: []Check{onePrompt(nil)}},
			interactiveOf("alice", ""), interactiveOf("bob", ""), responseOf("right"), interactiveOf("alice", ""), responseOf("right"))
		require.Equal(t, "alice", o.grant.User)
		require.Equal(t, []byte{60, 60, 51, 60, 52}, o.conn.numbers())
	})
	t.Run("a malformed request", func(t *testing.T) {
		var broken *ProtocolError
		require.ErrorAs(t, serve(t, &Server{Checks: []Check{onePrompt(nil)}}, requestOf("alice", "keyboard-interactive", []byte{0})).err, &broken)
	})
}

// onePrompt accepts alice with the answer "right". It counts, unless that is
// nil, how often it was asked about.
func onePrompt(calls *int) Check {
	return CheckInteractive(func(_ context.Context, a *Attempt, ask func(Challenge) ([]string, error)) (Decision, error) {
		if calls != nil {
			*calls++
		}
		answers, err := ask(Challenge{Prompts: []Prompt{{Text: "Password: "}}})
		if err == nil && a.User == "alice" && answers[0] == "right" {
			return Accept(nil), nil
		}
		return Decision{}, err
	})
}

// A list of submethods does not buy a try for each (attack H6, CVE-2015-5600).
func TestH6Submethods(t *testing.T) {
	calls := 0
	request := interactiveOf("alice", strings.Repeat("pam,", 10_000))
	packets := slicesRepeat(nil, 0)
	for range 100 {
		packets = append(packets, request, responseOf("guess"))
	}
	o := serve(t, &Server{Checks: []Check{onePrompt(&calls)}}, packets...)
	var limit *LimitError
	require.ErrorAs(t, o.err, &limit)
	require.Equal(t, 6, calls)
}

// What a check may not ask, it does not.
func TestInteractiveChallenges(t *testing.T) {
	many := make([]Prompt, 65)
	for i := range many {
		many[i].Text = "?"
	}
	for name, c := range map[string]Challenge{
		"RFC 4256 3.2: an empty prompt": {Prompts: []Prompt{{Text: "a"}, {}}},
		"65 prompts":                    {Prompts: many},
	} {
		check := CheckInteractive(func(_ context.Context, _ *Attempt, ask func(Challenge) ([]string, error)) (Decision, error) {
			_, err := ask(c)
			return Accept(nil), err
		})
		o := serve(t, &Server{Checks: []Check{check}}, interactiveOf("alice", ""))
		require.Equal(t, [][]byte{failureOf("keyboard-interactive")}, o.conn.out, name)
	}
	rounds := 0
	endless := CheckInteractive(func(_ context.Context, _ *Attempt, ask func(Challenge) ([]string, error)) (Decision, error) {
		for {
			if _, err := ask(Challenge{Prompts: many[:64]}); err != nil {
				return Decision{}, err
			}
			rounds++
		}
	})
	answer := responseOf(make([]string, 64)...)
	o := serve(t, &Server{Checks: []Check{endless}}, append([][]byte{interactiveOf("alice", "")}, slicesRepeat(answer, 10)...)...)
	require.Equal(t, 10, rounds)
	require.Equal(t, failureOf("keyboard-interactive"), o.conn.out[10])

	o = serve(t, &Server{Checks: []Check{CheckInteractive(nil)}}, interactiveOf("alice", ""))
	require.Equal(t, [][]byte{failureOf("keyboard-interactive")}, o.conn.out)
	_, err := onePrompt(nil).Check(t.Context(), &Attempt{fields: (&wire.InteractiveFields{}).Append(nil)})
	require.ErrorIs(t, err, errNobody)
}

// A client bounds what a server shows (attack H6, CVE-2019-3856, CVE-2019-3863).
func TestH6Prompts(t *testing.T) {
	prompts := func(n, size int) []byte {
		m := wire.UserauthInfoRequest{}
		for range n {
			m.Prompts = append(m.Prompts, wire.Prompt{Text: strings.Repeat("x", size)})
		}
		return infoOf(m)
	}
	huge := infoOf(wire.UserauthInfoRequest{})
	copy(huge[len(huge)-4:], "\xff\xff\xff\xff")
	for _, tt := range []struct {
		name    string
		request []byte
		ok      bool
	}{
		{"64 prompts", prompts(64, 1), true},
		{"65 prompts", prompts(65, 1), false},
		{"2^32-1 prompts, and none there", huge, false},
		{"a prompt of 4 KiB", prompts(1, 4<<10), true},
		{"a longer prompt", prompts(1, 4<<10+1), false},
		{"an instruction of 64 KiB", infoOf(wire.UserauthInfoRequest{Instruction: strings.Repeat("x", 64<<10)}), true},
		{"a longer instruction", infoOf(wire.UserauthInfoRequest{Name: "x", Instruction: strings.Repeat("x", 64<<10)}), false},
		{"another method's message", []byte{61, 0, 0, 0, 0}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			called := false
			m := KeyboardInteractive(func(_ context.Context, c Challenge) ([]string, error) {
				called = true
				return make([]string, len(c.Prompts)), nil
			})
			c := &Client{User: "alice", Methods: []Method{m}}
			err := c.Authenticate(t.Context(), &script{in: [][]byte{tt.request, failureOf("keyboard-interactive")}}, bound)
			require.Equal(t, tt.ok, called)
			var broken *ProtocolError
			require.Equal(t, !tt.ok, errors.As(err, &broken), "%v", err)
		})
	}
	t.Run("rounds for ever", func(t *testing.T) {
		m := KeyboardInteractive(func(_ context.Context, c Challenge) ([]string, error) { return []string{"x"}, nil })
		conn := &script{in: slicesRepeat(prompts(1, 1), 100)}
		err := (&Client{User: "alice", Methods: []Method{m}}).Authenticate(t.Context(), conn, bound)
		var limit *LimitError
		require.ErrorAs(t, err, &limit)
		require.Equal(t, 33, conn.reads)
	})
}

// A server that asks nothing and lets the user in may be after what is typed
// next (attack I1, CVE-2021-36367, CVE-2021-36368, CVE-2021-36369).
func TestI1NoPrompts(t *testing.T) {
	nothing := infoOf(wire.UserauthInfoRequest{Instruction: "One moment."})
	question := infoOf(wire.UserauthInfoRequest{Prompts: []wire.Prompt{{Text: "?"}}})
	var shown []string
	answer := KeyboardInteractive(typist(&shown, nil))
	for _, tt := range []struct {
		name    string
		methods []Method
		server  [][]byte
		ok      bool
	}{
		{"at once", []Method{answer}, [][]byte{success()}, false},
		{"after rounds without prompts", []Method{answer}, [][]byte{nothing, nothing, success()}, false},
		{"after a prompt", []Method{answer}, [][]byte{nothing, question, success()}, true},
		{"after a key", []Method{PublicKey(keyA()), answer}, [][]byte{partialOf("keyboard-interactive"), nothing, success()}, true},
		{"if no proof is wanted", []Method{answer, None()}, [][]byte{nothing, success()}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &Client{User: "alice", Methods: tt.methods}
			err := c.Authenticate(t.Context(), &script{in: tt.server}, bound)
			if tt.ok {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, ErrTrivial)
			}
		})
	}
}

// An answer that the user does not give passes the method over.
func TestInteractiveWithoutAnswer(t *testing.T) {
	question := infoOf(wire.UserauthInfoRequest{Prompts: []wire.Prompt{{Text: "?"}}})
	tired := errors.New("tired")
	for name, m := range map[string]Method{
		"there are 0 answers to 1 prompts": KeyboardInteractive(func(context.Context, Challenge) ([]string, error) { return nil, nil }),
		"tired":                            KeyboardInteractive(func(context.Context, Challenge) ([]string, error) { return nil, tired }),
	} {
		conn := &script{in: [][]byte{question, failureOf("publickey")}}
		c := &Client{User: "alice", Methods: []Method{m, PublicKey(keyA())}}
		require.ErrorContains(t, c.Authenticate(t.Context(), conn, bound), name)
		require.Equal(t, []byte{50, 50}, conn.numbers(), "the next method has its turn")
	}
	c := &Client{User: "alice", Methods: []Method{KeyboardInteractive(nil)}}
	require.ErrorContains(t, c.Authenticate(t.Context(), &script{in: [][]byte{failureOf()}}, bound), "no function")
}

// The time that a user takes to type is not counted as the check's (attack H10,
// CVE-2026-60001).
func TestH10DelayFromTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := newPipe()
		m := KeyboardInteractive(func(context.Context, Challenge) ([]string, error) {
			time.Sleep(10 * time.Second)
			return []string{"wrong"}, nil
		})
		start := time.Now()
		go func() {
			defer close(near.done)
			(&Client{User: "alice", Methods: []Method{m}}).Authenticate(t.Context(), near, bound)
			require.Equal(t, 10*time.Second+defaultDelay+jitter("alice", defaultDelay), time.Since(start))
		}()
		_, err := (&Server{Checks: []Check{onePrompt(nil)}}).Authenticate(t.Context(), far, bound)
		require.Error(t, err)
	})
}
