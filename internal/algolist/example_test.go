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
	_, err = algolist.Ciphers("aes123-ctr")
	fmt.Println(err)
	// Output:
	// chacha20-poly1305@openssh.com
	// aes128-gcm@openssh.com
	// aes256-gcm@openssh.com
	// <nil>
	// no cipher is called "aes123-ctr"; there are aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-cbc,aes192-cbc,aes256-cbc,3des-cbc
}
