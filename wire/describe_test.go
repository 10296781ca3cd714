package wire

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

func TestDescribe(t *testing.T) {
	userauth := func(method string, fields message) []byte {
		m := UserauthRequest{User: "joe", Service: "ssh-connection", Method: method, Fields: fields.Append(nil)}
		return m.Append(nil)
	}
	request := func(kind string, data message) []byte {
		return (&ChannelRequest{Type: kind, Data: data.Append(nil)}).Append(nil)
	}
	open := func(kind string, extra message) []byte {
		return (&ChannelOpen{Type: kind, Extra: extra.Append(nil)}).Append(nil)
	}
	global := func(kind string, data message) []byte {
		return (&GlobalRequest{Type: kind, Data: data.Append(nil)}).Append(nil)
	}
	key := encode([]any{"ssh-ed25519", "0123456789abcdef0123456789abcdef"})
	signature := encode([]any{"ssh-ed25519", strings.Repeat("s", 64)})

	const (
		userauthHead = `50 SSH_MSG_USERAUTH_REQUEST user="joe" service="ssh-connection" method=`
		requestHead  = `98 SSH_MSG_CHANNEL_REQUEST recipient=0 type=`
		openHead     = `90 SSH_MSG_CHANNEL_OPEN type=`
		openTail     = ` sender=0 window=0 max-packet=0`
		globalHead   = `80 SSH_MSG_GLOBAL_REQUEST type=`
	)
	tests := []struct {
		payload []byte
		line    string
	}{
		{nil, `malformed: a message of no bytes`},
		{[]byte{0}, `0 SSH_MSG_0 unknown data=(0 bytes)`},
		{[]byte("\xc8hello"), `200 SSH_MSG_200 unknown data=(5 bytes)`},
		{[]byte{62, 1}, `62 SSH_MSG_62 unknown data=(1 byte)`},
		{[]byte{90}, `90 SSH_MSG_CHANNEL_OPEN malformed: wire: message is truncated`},
		{[]byte{21, 0}, `21 SSH_MSG_NEWKEYS malformed: wire: bytes after the end of the message`},
		{[]byte{51, 0, 0, 0, 1, ',', 0}, `51 SSH_MSG_USERAUTH_FAILURE malformed: wire: malformed name-list`},
		{[]byte{60, 1, 2}, `60 SSH_MSG_USERAUTH_60 malformed: fits no method that uses this number`},

		{userauth("none", raw("")), userauthHead + `"none"`},
		{
			userauth("publickey", &PublicKeyFields{Algorithm: "ssh-ed25519", Key: key}),
			userauthHead + `"publickey" algorithm="ssh-ed25519" key="ssh-ed25519"(51 bytes)`,
		},
		{
			userauth("publickey", &PublicKeyFields{Signed: true, Algorithm: "ssh-ed25519", Key: key, Signature: signature}),
			userauthHead + `"publickey" algorithm="ssh-ed25519" key="ssh-ed25519"(51 bytes) signature="ssh-ed25519"(83 bytes)`,
		},
		{
			userauth("publickey", &PublicKeyFields{Signed: true, Algorithm: "a", Key: []byte("?"), Signature: signature[4:]}),
			userauthHead + `"publickey" algorithm="a" key=(1 byte) signature=(79 bytes)`,
		},
		{
			(&UserauthPKOK{Algorithm: "a", Key: encode([]any{strings.Repeat("k", 65)})}).Append(nil),
			`60 SSH_MSG_USERAUTH_PK_OK algorithm="a" key=(69 bytes)`,
		},
		{userauth("password", &PasswordFields{Password: "hunter2"}), userauthHead + `"password" password=(7 bytes)`},
		{
			userauth("password", &PasswordFields{Change: true, Password: "hunter2", NewPassword: "hunter23"}),
			userauthHead + `"password" password=(7 bytes) new-password=(8 bytes)`,
		},
		{userauth("password", raw("\x00\x00")), userauthHead + `"password" malformed: wire: message is truncated`},
		{
			userauth("hostbased", &HostbasedFields{Algorithm: "ssh-ed25519", Key: key, Host: "h", User: "u", Signature: signature}),
			userauthHead + `"hostbased" algorithm="ssh-ed25519" key="ssh-ed25519"(51 bytes) host="h" user="u"` +
				` signature="ssh-ed25519"(83 bytes)`,
		},
		{userauth("keyboard-interactive", &InteractiveFields{}), userauthHead + `"keyboard-interactive" language="" submethods=""`},
		{
			userauth("publickey-hostbound-v00@openssh.com", &HostBoundFields{PublicKeyFields{Algorithm: "ssh-ed25519", Key: key}, key}),
			userauthHead + `"publickey-hostbound-v00@openssh.com" algorithm="ssh-ed25519" key="ssh-ed25519"(51 bytes) host-key="ssh-ed25519"(51 bytes)`,
		},
		{
			userauth("gssapi-with-mic", &GSSAPIFields{Mechanisms: [][]byte{[]byte(kerberos)}}),
			userauthHead + `"gssapi-with-mic" mechanisms=1 oid=(11 bytes 06092a864886f712010202)`,
		},
		{[]byte("\x3d\x00\x00\x00\x05abc"), "61 SSH_MSG_USERAUTH_61 malformed: fits no method that uses this number"},
		{userauth("\x1b[2J", raw("hunter2")), userauthHead + `"\x1b[2J" data=(7 bytes)`},

		{
			request("pty-req", &PtyRequest{Term: "xterm", Columns: 80, Rows: 24, Modes: []byte{0}}),
			requestHead + `"pty-req" want-reply=false term="xterm" columns=80 rows=24 width=0 height=0 modes=(1 byte 00)`,
		},
		{
			request("x11-req", &X11Request{Protocol: "MIT-MAGIC-COOKIE-1", Cookie: "c0ffee"}),
			requestHead + `"x11-req" want-reply=false single=false protocol="MIT-MAGIC-COOKIE-1" cookie=(6 bytes) screen=0`,
		},
		{request("env", &EnvRequest{Name: "LANG", Value: "C"}), requestHead + `"env" want-reply=false name="LANG" value="C"`},
		{request("shell", raw("")), requestHead + `"shell" want-reply=false`},
		{request("exec", &ExecRequest{Command: "echo \"hi\"\n"}), requestHead + `"exec" want-reply=false command="echo \"hi\"\n"`},
		{request("exec", raw("\x00\x00\x00\x09rm")), requestHead + `"exec" want-reply=false malformed: wire: message is truncated`},
		{request("subsystem", &SubsystemRequest{Name: "sftp"}), requestHead + `"subsystem" want-reply=false name="sftp"`},
		{
			request("window-change", &WindowChange{Columns: 1, Rows: 2, Width: 3, Height: 4}),
			requestHead + `"window-change" want-reply=false columns=1 rows=2 width=3 height=4`,
		},
		{request("xon-xoff", &XonXoff{Allowed: true}), requestHead + `"xon-xoff" want-reply=false allowed=true`},
		{request("signal", &SignalRequest{Name: "TERM"}), requestHead + `"signal" want-reply=false name="TERM"`},
		{request("exit-status", &ExitStatus{Status: 1}), requestHead + `"exit-status" want-reply=false status=1`},
		{
			request("exit-signal", &ExitSignal{Signal: "KILL"}),
			requestHead + `"exit-signal" want-reply=false signal="KILL" core=false message="" language=""`,
		},
		{request("break", &Break{Milliseconds: 9}), requestHead + `"break" want-reply=false milliseconds=9`},

		{open("session", raw("")), openHead + `"session"` + openTail},
		{
			open("direct-tcpip", &DirectTCPIP{Host: "h", Port: 1, OriginHost: "o", OriginPort: 2}),
			openHead + `"direct-tcpip"` + openTail + ` host="h" port=1 origin-host="o" origin-port=2`,
		},
		{
			open("forwarded-tcpip", &ForwardedTCPIP{Address: "a", Port: 1, OriginHost: "o", OriginPort: 2}),
			openHead + `"forwarded-tcpip"` + openTail + ` address="a" port=1 origin-host="o" origin-port=2`,
		},
		{
			open("x11", &X11Open{OriginHost: "o", OriginPort: 2}),
			openHead + `"x11"` + openTail + ` origin-host="o" origin-port=2`,
		},
		{
			global("tcpip-forward", &TCPIPForward{Address: "a", Port: 1}),
			globalHead + `"tcpip-forward" want-reply=false address="a" port=1`,
		},
		{
			global("cancel-tcpip-forward", &CancelTCPIPForward{Address: "a", Port: 1}),
			globalHead + `"cancel-tcpip-forward" want-reply=false address="a" port=1`,
		},
		{(&RequestSuccess{}).Append(nil), `81 SSH_MSG_REQUEST_SUCCESS`},
		{
			(&ChannelOpenConfirmation{}).Append(nil),
			`91 SSH_MSG_CHANNEL_OPEN_CONFIRMATION recipient=0 sender=0 window=0 max-packet=0`,
		},
	}
	var all strings.Builder
	for _, test := range tests {
		require.Equal(t, test.line, Describe(test.payload))
		all.WriteString(test.line)
	}
	for _, table := range []map[string]describer{userauthMethods, globalRequests, channelTypes, channelRequests} {
		for name := range table {
			require.Contains(t, all.String(), fmt.Sprintf("%q", name), "a name without a row above")
		}
	}
}

// Append lets raw bytes stand where a message is wanted.
func (r raw) Append(b []byte) []byte { return append(b, r...) }

// P1: whatever the peer puts into a text, it stays one line of harmless
// characters, and a short one.
func TestDescribeQuotesHostileText(t *testing.T) {
	hostile := []string{
		"\x1b]0;owned\a", "line\nfeed\r", "\x9b31m", "\u009b31m", "bidi \u202e\u2066", "\xff\xfe", "nul\x00", "quote\" x=1",
		"line\u2028separator", strings.Repeat("\x1b", 64<<10), "%n%s",
	}
	for _, text := range hostile {
		payloads := []message{
			&Disconnect{Message: text, Language: text},
			&Debug{Message: text, Language: text},
			&ServiceRequest{Name: text},
			&ServiceAccept{Name: text},
			&ExtInfo{Extensions: []Extension{{Name: text, Value: []byte(text)}}},
			&KexECDHReply{HostKey: encode([]any{text, ""}), Signature: encode([]any{text, ""})},
			&UserauthRequest{User: text, Service: text, Method: text, Fields: []byte(text)},
			&UserauthBanner{Message: text, Language: text},
			&UserauthPKOK{Algorithm: text, Key: encode([]any{text, ""})},
			&UserauthPasswdChangeReq{Prompt: text, Language: text},
			&UserauthInfoRequest{Name: text, Instruction: text, Prompts: []Prompt{{Text: text}}},
			&GlobalRequest{Type: text, Data: []byte(text)},
			&ChannelOpen{Type: text, Extra: []byte(text)},
			&ChannelOpenFailure{Message: text, Language: text},
			&ChannelRequest{Type: text, Data: []byte(text)},
			&ChannelRequest{Type: "exec", Data: (&ExecRequest{Command: text}).Append(nil)},
			&ChannelRequest{Type: "exit-signal", Data: (&ExitSignal{Signal: text, Message: text}).Append(nil)},
		}
		for _, m := range payloads {
			got := Describe(m.Append(nil))
			for _, c := range got {
				require.True(t, unicode.IsPrint(c), "%T: %q in %q", m, c, got)
			}
			require.Less(t, len(got), 8<<10, "%T", m)
		}
	}
}

// Secrets do not reach a line: not whole, not in part, not in hexadecimal.
func TestDescribeHidesSecrets(t *testing.T) {
	const secret = "correct horse battery staple"
	fields := (&PasswordFields{Change: true, Password: secret, NewPassword: secret}).Append(nil)
	payloads := []message{
		&UserauthRequest{Method: "password", Fields: fields},
		&UserauthRequest{Method: "password", Fields: append(fields, secret...)},
		&UserauthRequest{Method: "passw0rd", Fields: fields},
		&UserauthInfoResponse{Responses: []string{secret, secret}},
		&ChannelData{Data: []byte(secret)},
		&ChannelExtendedData{Data: []byte(secret)},
		&ChannelRequest{Type: "x11-req", Data: (&X11Request{Cookie: secret}).Append(nil)},
		&ChannelRequest{Type: "x12-req", Data: (&X11Request{Cookie: secret}).Append(nil)},
		raw(append([]byte{61, 0, 0, 0, 9}, secret...)),
		raw(append([]byte{62}, secret...)),
	}
	for _, m := range payloads {
		got := Describe(m.Append(nil))
		require.NotContains(t, got, secret[:4], "%T", m)
		require.NotContains(t, got, fmt.Sprintf("%x", secret[:2]), "%T", m)
	}
}

func TestDescribeIsBounded(t *testing.T) {
	var responses UserauthInfoResponse
	for range 10_000 {
		responses.Responses = append(responses.Responses, "x")
	}
	got := Describe(responses.Append(nil))
	require.Contains(t, got, "responses=10000 response=(1 byte)")
	require.True(t, strings.HasSuffix(got, " ..."), got)
	require.Equal(t, maxLineItems, strings.Count(got, "(1 byte)"))

	got = Describe((&Debug{Message: strings.Repeat("x", 1000)}).Append(nil))
	require.Equal(t, `4 SSH_MSG_DEBUG display=false message="`+strings.Repeat("x", 256)+`"...(1000 bytes) language=""`, got)
}
