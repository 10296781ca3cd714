package algolist

import (
	"crypto/fips140"
	"fmt"
)

// An Error reports a list that cannot be used.
type Error struct {
	What    string // "cipher", "MAC", "key exchange method", "signature algorithm"
	Name    string // the name that nothing is called by, if there is one
	Nearest string // what comes nearest to Name; "" if the list leaves nothing
	List    string // the list that leaves nothing
	Topic   string // by which "whelk -Q" lists all that there are
}

func (e *Error) Error() string {
	if e.Nearest == "" {
		return fmt.Sprintf(`list %q leaves no %s; "whelk -Q %s" lists all`, e.List, e.What, e.Topic)
	}
	mode := ""
	if fips140.Enabled() {
		mode = " in FIPS 140-3 mode"
	}
	return fmt.Sprintf(`no %s is called %.64q%s; the nearest is %q, and "whelk -Q %s" lists all`, e.What, e.Name, mode, e.Nearest, e.Topic)
}
