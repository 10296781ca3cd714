package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumberString(t *testing.T) {
	require.Equal(t, "SSH_MSG_KEXINIT", NumberKexInit.String())
	require.Equal(t, "SSH_MSG_CHANNEL_FAILURE", Number(100).String())
	require.Equal(t, "SSH_MSG_101", Number(101).String())
	require.Equal(t, "SSH_MSG_0", Number(0).String())
}

// TestNumberLayer has both ends of each range of RFC 4250, section 4.1.1.
func TestNumberLayer(t *testing.T) {
	tests := []struct {
		name        string
		first, last Number
		layer       Layer
	}{
		{"no message", 0, 0, Reserved},
		{"RFC 4250 4.1.1: transport layer generic", 1, 19, TransportGeneric},
		{"RFC 4250 4.1.1: algorithm negotiation", 20, 29, Negotiation},
		{"RFC 4250 4.1.1: key exchange method specific", 30, 49, KeyExchange},
		{"RFC 4250 4.1.1: user authentication generic", 50, 59, Userauth},
		{"RFC 4250 4.1.1: user authentication method specific", 60, 79, UserauthMethod},
		{"RFC 4250 4.1.1: connection protocol generic", 80, 89, Connection},
		{"RFC 4250 4.1.1: channel related messages", 90, 127, Channel},
		{"RFC 4250 4.1.1: reserved for client protocols", 128, 191, Reserved},
		{"RFC 4250 4.1.1: local extensions", 192, 255, Local},
	}
	seen := 0
	for _, test := range tests {
		for n := int(test.first); n <= int(test.last); n++ {
			require.Equal(t, test.layer, Number(n).Layer(), "%s: %d", test.name, n)
			seen++
		}
	}
	require.Equal(t, 256, seen)
}
