package channel_test

import (
	"context"
	"fmt"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// printer is a Link that prints the messages a channel sends.
type printer struct{}

func (printer) Ready(ctx context.Context) error { return ctx.Err() }

func (printer) Enqueue(parts ...[]byte) error {
	fmt.Println("sends", wire.Number(parts[0][0]))
	return nil
}

// A channel is driven by hand: here the peer says something and closes.
func Example() {
	ours := channel.End{ID: 0, Window: 1024, MaxPacket: 1024}
	theirs := channel.End{ID: 42, Window: 1024, MaxPacket: 1024}
	c, inlet := channel.New(printer{}, "session", ours, theirs, channel.Params{})

	fmt.Fprint(c, "hello")
	data := wire.ChannelData{Recipient: 0, Data: []byte("hello yourself")}
	inlet.Deliver(data.Append(nil))
	end := wire.ChannelClose{Recipient: 0}
	inlet.Deliver(end.Append(nil))

	p := make([]byte, 64)
	n, err := c.Read(p)
	fmt.Printf("reads %q, %v\n", p[:n], err)
	_, err = c.Read(p)
	fmt.Println("reads", err)
	_, err = c.Write(p)
	fmt.Println("writes", err)
	// Output:
	// sends SSH_MSG_CHANNEL_DATA
	// sends SSH_MSG_CHANNEL_CLOSE
	// reads "hello yourself", <nil>
	// reads EOF
	// writes channel: closed by the peer
}

func ExampleParseModes() {
	modes, err := channel.ParseModes([]byte{53, 0, 0, 0, 1, 128, 0, 0, 150, 0, 0})
	if err != nil {
		fmt.Println(err)
	}
	for _, m := range modes {
		fmt.Println(m.Opcode, m.Value)
	}
	// Output:
	// ECHO 1
	// TTY_OP_ISPEED 38400
}
