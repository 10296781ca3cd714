//go:build unix

package main

import (
	"fmt"
	"strconv"
)

func setAliveInterval(o *options, v string) (err error) {
	o.alive.Interval, err = parseDuration(v)
	return err
}

// setAliveCount takes how many questions may be without an answer. With 0 no
// client is given up.
func setAliveCount(o *options, v string) error {
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		return fmt.Errorf("%q is not a number", v)
	}
	if o.alive.Count = int(n); n == 0 {
		o.alive.Count = -1
	}
	return nil
}

func showAliveCount(o *options) string { return strconv.Itoa(max(orDefault(o.alive.Count, 3), 0)) }
