package userauth

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func permit(options, extensions map[string]string) *Permissions {
	return &Permissions{CriticalOptions: options, Extensions: extensions}
}

func TestNarrow(t *testing.T) {
	type m = map[string]string
	for _, tt := range []struct {
		name       string
		p, q, want *Permissions
		conflict   string
	}{
		{"nothing and nothing", nil, nil, nil, ""},
		{"nothing and something", nil, permit(m{"a": "1"}, m{"x": ""}), permit(m{"a": "1"}, m{"x": ""}), ""},
		{"restrictions add up", permit(m{"a": "1"}, nil), permit(m{"b": "2"}, nil), permit(m{"a": "1", "b": "2"}, m{}), ""},
		{"the same restriction", permit(m{"a": "1"}, nil), permit(m{"a": "1"}, nil), permit(m{"a": "1"}, m{}), ""},
		{"restrictions that clash", permit(m{"a": "1"}, nil), permit(m{"a": "2"}, nil), nil, `userauth: one factor demands a "1", another "2"`},
		{"an empty restriction is one", permit(m{"a": ""}, nil), permit(m{"a": "2"}, nil), nil, `userauth: one factor demands a "", another "2"`},
		{"extensions meet", permit(nil, m{"x": "", "y": ""}), permit(nil, m{"y": "", "z": ""}), permit(m{}, m{"y": ""}), ""},
		{"extensions that differ", permit(nil, m{"x": "1"}), permit(nil, m{"x": "2"}), permit(m{}, m{}), ""},
		{"no extensions", permit(nil, m{"x": "1"}), permit(nil, nil), permit(m{}, m{}), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, pair := range [][2]*Permissions{{tt.p, tt.q}, {tt.q, tt.p}} {
				got, err := pair[0].narrow(pair[1])
				if tt.conflict != "" {
					require.Error(t, err)
					require.Nil(t, got)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, tt.want, got)
			}
			if _, err := tt.p.narrow(tt.q); tt.conflict != "" {
				require.EqualError(t, err, tt.conflict)
			}
		})
	}
}

func TestZeroDecisionRefuses(t *testing.T) {
	var d Decision
	require.False(t, d.right())
	accept, next := Accept(nil), AcceptPartial(nil)
	require.True(t, accept.right())
	require.True(t, next.right())
	question := Decision{verdict: wouldDo}
	require.False(t, question.right())
}

// A check may give the same Decision to everybody.
func TestGrantsDoNotShareTheirPermissions(t *testing.T) {
	always := Accept(permit(nil, map[string]string{"permit-pty": ""}))
	s := &Server{Checks: []Check{
		CheckNone(func(context.Context, *Attempt) (Decision, error) { return always, nil }),
	}}
	first := serve(t, s, requestOf("alice", "none", nil)).grant
	first.Permissions.Extensions["permit-X11-forwarding"] = ""
	second := serve(t, s, requestOf("bob", "none", nil)).grant
	require.Equal(t, map[string]string{"permit-pty": ""}, second.Permissions.Extensions)
}

func TestDecisionsKeepTheirPermissions(t *testing.T) {
	p := permit(map[string]string{"force-command": "/bin/true"}, nil)
	next := []string{"password"}
	d, partly := Accept(p), AcceptPartial(p, next...)
	p.CriticalOptions["force-command"] = "/bin/sh"
	next[0] = "none"
	require.Equal(t, "/bin/true", d.permissions.CriticalOptions["force-command"])
	require.Equal(t, "/bin/true", partly.permissions.CriticalOptions["force-command"])
	require.Equal(t, []string{"password"}, partly.next)
}
