package curve448_test

import (
	"fmt"

	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/kex/curve448"
)

// The method in front of all others.
func Example() {
	methods := append([]kex.Method{curve448.Method()}, kex.Default()...)
	fmt.Println(methods[0].Name())
	// Output:
	// curve448-sha512
}
