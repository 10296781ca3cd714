package socks_test

import (
	"context"
	"fmt"
	"io"

	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/socks"
)

func ExampleAccept() {
	client, server := memnet.Pipe()
	io.WriteString(client, "\x05\x01\x00"+"\x05\x01\x00\x03\x0bexample.com\x00\x50")
	r, err := socks.Accept(context.Background(), server)
	fmt.Println(r.Address(), err)
	fmt.Println(r.Grant())
	// Output:
	// example.com:80 <nil>
	// <nil>
}
