package wire_test

import (
	"fmt"

	"github.com/whelk-ssh/whelk/wire"
)

// A client asks to run a command: the request says which, and whose data it
// carries is up to its type.
func Example() {
	exec := wire.ExecRequest{Command: "uname -a"}
	request := wire.ChannelRequest{Recipient: 0, Type: "exec", WantReply: true, Data: exec.Append(nil)}
	payload := request.Append(nil)
	fmt.Printf("% x\n", payload[:14])

	got, err := wire.ParseChannelRequest(payload)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(got.Type, got.WantReply)
	fmt.Println(wire.Describe(payload))
	// Output:
	// 62 00 00 00 00 00 00 00 04 65 78 65 63 01
	// exec true
	// 98 SSH_MSG_CHANNEL_REQUEST recipient=0 type="exec" want-reply=true command="uname -a"
}

// Reading a message that this package has no struct for.
func ExampleReader() {
	payload := wire.AppendString([]byte{192}, "anybody there?")

	r := wire.NewReader(payload)
	number, text := wire.Number(r.Byte()), r.Text()
	if err := r.End(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(number, text)
	// Output: SSH2_MSG_PING anybody there?
}

func ExampleDescribe() {
	login := wire.UserauthRequest{
		User:    "joe",
		Service: "ssh-connection",
		Method:  "password",
		Fields:  (&wire.PasswordFields{Password: "hunter2"}).Append(nil),
	}
	fmt.Println(wire.Describe(login.Append(nil)))
	fmt.Println(wire.Describe([]byte{byte(wire.NumberDisconnect), 0, 0}))
	// Output:
	// 50 SSH_MSG_USERAUTH_REQUEST user="joe" service="ssh-connection" method="password" password=(7 bytes)
	// 1 SSH_MSG_DISCONNECT malformed: wire: message is truncated
}
