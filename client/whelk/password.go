package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"
)

// canAsk reports whether there is a terminal to ask for a password.
func canAsk() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	tty.Close()
	return true
}

// askPassword asks on the terminal, even if standard input is not one.
func (p *program) askPassword(ctx context.Context) (string, error) {
	if p.changed {
		return "", errors.New("passwords are not sent to a host whose key has changed")
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", errors.New("there is no terminal to ask for it")
	}
	defer tty.Close()
	defer p.patience.pause()()
	fd := int(tty.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	defer term.Restore(fd, state) // if ctx ends before the line does
	fmt.Fprintf(tty, "%s@%s's password: ", p.user, p.host)
	typed := make(chan error, 1)
	var secret []byte
	go func() {
		var err error
		secret, err = term.ReadPassword(fd)
		typed <- err
	}()
	select {
	case err := <-typed:
		fmt.Fprintln(tty)
		return string(secret), err
	case <-ctx.Done():
		fmt.Fprintln(tty)
		return "", context.Cause(ctx)
	}
}
