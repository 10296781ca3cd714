package ledger_test

import (
	"fmt"

	"github.com/whelk-ssh/whelk/internal/ledger"
)

func ExampleReplies() {
	replies := ledger.Replies{Limit: 8, Emit: func(ok bool, payload []byte) error {
		fmt.Printf("%s: %t\n", payload, ok)
		return nil
	}}
	slow, _ := replies.Add()
	quick, _ := replies.Add()

	_ = quick.Answer(true, []byte("second request"))
	_ = slow.Answer(false, []byte("first request"))
	// Output:
	// first request: false
	// second request: true
}
