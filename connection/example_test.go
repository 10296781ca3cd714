package connection_test

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
)

// A pipe is a transport without cryptography: packets in memory.
type pipe struct {
	in  <-chan []byte
	out chan<- []byte
}

func (p pipe) ReadPacket() ([]byte, error) {
	if packet, ok := <-p.in; ok {
		return packet, nil
	}
	return nil, io.EOF
}

func (p pipe) Ready(ctx context.Context) error { return ctx.Err() }

// Enqueue must not block, which a Go channel with room for all of this
// example's packets does not.
func (p pipe) Enqueue(parts ...[]byte) error {
	p.out <- slices.Concat(parts...)
	return nil
}

func (p pipe) Unimplemented() error { return nil }

// The connection protocol over a pipe, with no transport beneath it.
func Example() {
	there, back := make(chan []byte, 100), make(chan []byte, 100)
	ctx := context.Background()

	server := connection.New(pipe{in: there, out: back}, &connection.Config{Opens: 1})
	go server.Serve()
	go func() {
		opening, _ := server.Accept(ctx)
		echo, _ := opening.Accept(channel.Params{})
		io.Copy(echo, echo)
		echo.Close()
	}()

	client := connection.New(pipe{in: back, out: there}, nil)
	go client.Serve()
	echo, err := client.Open(ctx, "echo@example.com", nil, channel.Params{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(echo, "hello through a channel")
	echo.CloseWrite()
	text, err := io.ReadAll(echo)
	fmt.Printf("%s, %v\n", text, err)

	// Output: hello through a channel, <nil>
}
