package userauth

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func permit(options, extensions map[string]string) *Permissions {
	return &Permissions{CriticalOptions: options, Extensions: extensions}
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
