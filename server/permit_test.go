package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/server"
)

func TestPermitOpen(t *testing.T) {
	for _, test := range []struct {
		list []string
		host string
		port uint16
		want bool
	}{
		{nil, "h", 80, false},
		{[]string{"none"}, "h", 80, false},
		{[]string{"any"}, "h", 80, true},
		{[]string{"h:80"}, "h", 80, true},
		{[]string{"h:80"}, "h", 81, false},
		{[]string{"h:80"}, "H", 80, false},
		{[]string{"h:80"}, "i", 80, false},
		{[]string{"h:*"}, "h", 81, true},
		{[]string{"*:80"}, "i", 80, true},
		{[]string{"*:80"}, "i", 81, false},
		{[]string{"h*:80"}, "hi", 80, false},
		{[]string{"[::1]:80"}, "::1", 80, true},
		{[]string{"h:80", "i:81"}, "i", 81, true},
		{[]string{"127.0.0.1:80"}, "localhost", 80, false},
	} {
		permit, err := server.PermitOpen(test.list...)
		require.NoError(t, err)
		e := server.Endpoint{Network: "tcp", Host: test.host, Port: test.port}
		require.Equal(t, test.want, permit(t.Context(), nil, e), "%v", test)
	}
	permit, err := server.PermitOpen("*:*")
	require.NoError(t, err)
	require.False(t, permit(t.Context(), nil, server.Endpoint{Network: "unix", Path: "/s"}), "addresses are no sockets")
}

func TestPermitListen(t *testing.T) {
	for _, test := range []struct {
		list []string
		host string
		port uint16
		want bool
	}{
		{nil, "localhost", 8080, false},
		{[]string{"8080"}, "localhost", 8080, true},
		{[]string{"8080"}, "", 8080, true},
		{[]string{"8080"}, "", 8081, false},
		{[]string{"localhost:8080"}, "localhost", 8080, true},
		{[]string{"localhost:8080"}, "LOCALHOST", 8080, true},
		{[]string{"localhost:8080"}, "127.0.0.1", 8080, false},
		{[]string{"local*:*"}, "localhost", 1, true},
		{[]string{"127.0.0.?:*"}, "127.0.0.9", 1, true},
		{[]string{"127.0.0.?:*"}, "127.0.0.10", 1, false},
		{[]string{"any"}, "", 0, true},
		{[]string{"none"}, "", 0, false},
		{[]string{"*"}, "h", 0, true},
	} {
		permit, err := server.PermitListen(test.list...)
		require.NoError(t, err)
		e := server.Endpoint{Network: "tcp", Host: test.host, Port: test.port}
		require.Equal(t, test.want, permit(t.Context(), nil, e), "%v", test)
	}
}

// J10: what is no port is not taken for one.
func TestPermitRefuses(t *testing.T) {
	for _, address := range []string{"", "h", "h:", ":80", "h:0", "h:65536", "h:-1", "h:http", "h:+80", "::1:80", "any:80:80"} {
		_, err := server.PermitOpen(address)
		require.Error(t, err, address)
	}
	for _, address := range []string{"", "0", "65536", "-1", "h:", "none:", "http"} {
		_, err := server.PermitListen(address)
		require.Error(t, err, address)
	}
	_, err := server.PermitOpen("none", "h:80")
	require.Error(t, err)
}

// M10: patterns do not burn time.
func TestPermitPatternsAreFast(t *testing.T) {
	permit, err := server.PermitListen(strings.Repeat("*a", 100) + "b:*")
	require.NoError(t, err)
	start := time.Now()
	require.False(t, permit(t.Context(), nil, server.Endpoint{Network: "tcp", Host: strings.Repeat("a", 255)}))
	require.Less(t, time.Since(start), time.Second)
}
