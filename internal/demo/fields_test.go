package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

func TestDescribe(t *testing.T) {
	kexInit := wire.KexInit{
		KeyExchanges: []string{"mlkem768x25519-sha256", "curve25519-sha256", "ext-info-c"}, HostKeys: []string{"ssh-ed25519"},
		CiphersClientServer: []string{"aes128-ctr"}, CompressionClientServer: []string{"none"},
	}
	command := wire.ExecRequest{Command: `echo "a b" [`}
	exec := wire.ChannelRequest{Type: "exec", Data: command.Append(nil)}
	data := wire.ChannelData{Recipient: 3, Data: []byte("hi\n\x1b")}
	reply := wire.KexECDHReply{Public: make([]byte, 1120)}
	for _, test := range []struct {
		payload []byte
		name    string
		fields  []string
	}{
		{
			kexInit.Append(nil), "20 SSH_MSG_KEXINIT",
			[]string{
				"kex=[mlkem768x25519-sha256, 2 more]", "host-key=[ssh-ed25519]", "cipher-client-to-server=[aes128-ctr]",
				"mac-client-to-server=[]", "compression-client-to-server=[none]",
			},
		},
		{
			exec.Append(nil), "98 SSH_MSG_CHANNEL_REQUEST",
			[]string{"recipient=0", `type="exec"`, "want-reply=false", `command="echo \"a b\" ["`},
		},
		{data.Append(nil), "94 SSH_MSG_CHANNEL_DATA", []string{"recipient=3", "data=(4 bytes)", `"hi\n\x1b"`}},
		{
			reply.Append(nil), "31 SSH_MSG_KEX_ECDH_REPLY",
			[]string{"host-key=(0 bytes)", "public=(1120 bytes 000000000000000000000000...)", "signature=(0 bytes)"},
		},
		{[]byte{21}, "21 SSH_MSG_NEWKEYS", nil},
	} {
		name, fields := describe(test.payload)
		require.Equal(t, test.name, name)
		require.Equal(t, test.fields, fields)
	}
}

func TestWrap(t *testing.T) {
	word := strings.Repeat("x", 40)
	require.Equal(t, word+" "+word+"\n    "+word, wrap([]string{word, word, word}, 4))
	require.Equal(t, word, wrap([]string{word}, 4))
}
