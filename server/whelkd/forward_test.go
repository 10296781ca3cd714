//go:build unix

package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/server"
)

// with returns options with some of them set.
func with(t *testing.T, lines ...string) *options {
	t.Helper()
	o := newOptions()
	for _, line := range lines {
		require.NoError(t, setOption(o, line))
	}
	return o
}

// What each keyword allows. With none, what sshd allows.
func TestForwardingKeywords(t *testing.T) {
	all := []string{"open", "listen", "open socket", "listen at socket"}
	for _, test := range []struct {
		args []string
		want []string
	}{
		{nil, all},
		{[]string{"AllowTcpForwarding=all"}, all},
		{[]string{"DisableForwarding=yes"}, nil},
		{[]string{"AllowTcpForwarding=no"}, nil},
		{[]string{"AllowTcpForwarding=local"}, []string{"open", "open socket"}},
		{[]string{"AllowTcpForwarding=remote"}, []string{"listen", "listen at socket"}},
		{[]string{"AllowStreamLocalForwarding=no"}, []string{"open", "listen"}},
		{[]string{"AllowStreamLocalForwarding=local"}, []string{"open", "listen", "open socket"}},
		{[]string{"AllowStreamLocalForwarding=remote"}, []string{"open", "listen", "listen at socket"}},
		{[]string{"PermitOpen=any"}, all},
		{[]string{"PermitOpen=h:1 i:*"}, []string{"open", "listen", "listen at socket"}},
	} {
		o := with(t, append(test.args, "AllowAgentForwarding=yes")...)
		srv := &server.Server{AllowAgentForwarding: o.lendAgent}
		o.forwarding.apply(srv)
		var got []string
		f := &srv.Forwarding
		for i, permit := range []server.Permit{f.Open, f.Listen, f.OpenUnix, f.ListenUnix} {
			if permit != nil {
				got = append(got, all[i])
			}
		}
		require.Equal(t, test.want, got, "L4 %q", test.args)
		require.Equal(t, !o.forwarding.disabled, srv.AllowAgentForwarding, "L4 %q", test.args)
	}
}

func TestForwardingValues(t *testing.T) {
	o := with(t,
		"PermitOpen=h:1", "PermitListen=2", "GatewayPorts=clientspecified", "StreamLocalBindMask=0117", "StreamLocalBindUnlink=yes",
	)
	var srv server.Server
	o.forwarding.apply(&srv)
	f := &srv.Forwarding
	e := server.Endpoint{Network: "tcp", Host: "h", Port: 1}
	require.True(t, f.Open(t.Context(), nil, e))
	require.False(t, f.Listen(t.Context(), nil, e))
	e.Port = 2
	require.False(t, f.Open(t.Context(), nil, e))
	require.True(t, f.Listen(t.Context(), nil, e))
	require.Equal(t, server.ClientSpecified, f.GatewayPorts)
	require.EqualValues(t, 0o660, f.SocketMode)
	require.True(t, f.UnlinkSocket)
	for value, want := range map[string]server.GatewayPorts{"yes": server.AllAddresses, "no": server.LoopbackOnly} {
		require.Equal(t, want, with(t, "GatewayPorts="+value).forwarding.gateway)
	}
	for _, option := range []string{
		"AllowTcpForwarding=perhaps", "AllowStreamLocalForwarding=x", "PermitOpen=h", "PermitOpen=h:65536", "PermitListen=h:-1", "GatewayPorts=x",
		"StreamLocalBindMask=8", "StreamLocalBindMask=1000", "DisableForwarding=x", "StreamLocalBindUnlink=x",
	} {
		require.Error(t, setOption(newOptions(), option), "J10 %s", option)
	}
}
