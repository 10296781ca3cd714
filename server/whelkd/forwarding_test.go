package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/server"
)

// What each keyword allows. With none, what sshd allows.
func TestForwardingKeywords(t *testing.T) {
	all := []string{"open", "listen", "open socket", "listen at socket"}
	for _, test := range []struct {
		args []string
		want []string
	}{
		{nil, all},
		{[]string{"-oAllowTcpForwarding=all"}, all},
		{[]string{"-oDisableForwarding=yes"}, nil},
		{[]string{"-oAllowTcpForwarding=no"}, nil},
		{[]string{"-oAllowTcpForwarding=local"}, []string{"open", "open socket"}},
		{[]string{"-oAllowTcpForwarding=remote"}, []string{"listen", "listen at socket"}},
		{[]string{"-oAllowStreamLocalForwarding=no"}, []string{"open", "listen"}},
		{[]string{"-oAllowStreamLocalForwarding=local"}, []string{"open", "listen", "open socket"}},
		{[]string{"-oAllowStreamLocalForwarding=remote"}, []string{"open", "listen", "listen at socket"}},
		{[]string{"-oPermitOpen=any"}, all},
		{[]string{"-oPermitOpen=h:1 i:*"}, []string{"open", "listen", "listen at socket"}},
	} {
		o, err := parseArgs(append(test.args, "-oAllowAgentForwarding=yes"))
		require.NoError(t, err)
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
		require.Equal(t, !o.forwarding.disable, srv.AllowAgentForwarding, "L4 %q", test.args)
	}
}

func TestForwardingValues(t *testing.T) {
	o, err := parseArgs([]string{
		"-oPermitOpen=h:1", "-oPermitListen=2", "-oGatewayPorts=clientspecified", "-oStreamLocalBindMask=0117", "-oStreamLocalBindUnlink=yes",
	})
	require.NoError(t, err)
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
		o, err := parseArgs([]string{"-oGatewayPorts=" + value})
		require.NoError(t, err)
		require.Equal(t, want, o.forwarding.gateway)
	}
	for _, option := range []string{
		"AllowTcpForwarding=perhaps", "AllowStreamLocalForwarding=x", "PermitOpen=h", "PermitOpen=h:65536", "PermitListen=h:-1", "GatewayPorts=x",
		"StreamLocalBindMask=8", "StreamLocalBindMask=1000", "DisableForwarding=x", "StreamLocalBindUnlink=x",
	} {
		_, err := parseArgs([]string{"-o" + option})
		require.Error(t, err, "J10 %s", option)
		require.NotContains(t, err.Error(), "server: ")
	}
}
