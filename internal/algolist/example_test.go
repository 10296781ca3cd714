package algolist_test

import (
	"fmt"

	"github.com/whelk-ssh/whelk/internal/algolist"
)

func Example() {
	modes, err := algolist.Ciphers("^chacha20-poly1305@openssh.com,-aes*-ctr")
	for _, m := range modes {
		fmt.Println(m.Name)
	}
	fmt.Println(err)
	_, err = algolist.Ciphers("aes128-gcm")
	fmt.Println(err)
	// Output:
	// chacha20-poly1305@openssh.com
	// aes128-gcm@openssh.com
	// aes256-gcm@openssh.com
	// <nil>
	// no cipher is called "aes128-gcm"; the nearest is "aes128-gcm@openssh.com", and "whelk -Q cipher" lists all
}
