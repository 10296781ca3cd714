package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseDisplay(t *testing.T) {
	for text, want := range map[string]displayName{
		":0": {"", 0, 0}, ":1.2": {"", 1, 2}, "unix:3": {"", 3, 0}, "localhost:10.0": {"localhost", 10, 0}, "host.example:0": {"host.example", 0, 0},
		"[::1]:4": {"::1", 4, 0}, "/private/tmp/launch/org.x:0": {"/private/tmp/launch/org.x", 0, 0},
	} {
		got, err := parseDisplay(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{ // L6: what is odd gets nowhere near xauth
		"", "host", ":", ":x", ":-1", ":60000", ":0.256", ":0.x", "-f:0", "host\nremove:0", "a b:0", "$(x):0", ";:0",
	} {
		_, err := parseDisplay(text)
		require.ErrorIs(t, err, errDisplay, "%q", text)
	}
}

func TestX11Options(t *testing.T) {
	for _, test := range []struct {
		args             []string
		forward, trusted bool
	}{
		{nil, false, false}, {[]string{"-X"}, true, false}, {[]string{"-Y"}, true, true}, {[]string{"-X", "-x"}, false, false},
		{[]string{"-oForwardX11=yes", "-oForwardX11Trusted=yes"}, true, true}, {[]string{"-oForwardX11=no", "-X"}, true, false},
	} {
		o := configured(t, append(test.args, "host")...)
		require.Equal(t, test.forward, o.x11.forward, "%q", test.args)
		require.Equal(t, test.trusted, o.x11.trusted, "%q", test.args)
	}
	o := configured(t, "-oForwardX11Timeout=1h", "-oXAuthLocation=/x", "host")
	require.Equal(t, time.Hour, o.x11.timeout)
	require.Equal(t, "/x", o.x11.xauth)
}
