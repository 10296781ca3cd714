package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// canAsk reports whether there is a terminal to ask the user on.
func canAsk() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	tty.Close()
	return true
}

// prompt asks for what the host is told.
func (p *program) prompt(ctx context.Context, text string, echo bool) (string, error) {
	if p.changed {
		return "", errors.New("passwords are not sent to a host whose key has changed")
	}
	return p.secret(ctx, text, echo)
}

// secret asks on the terminal, even if standard input is not one.
func (p *program) secret(ctx context.Context, text string, echo bool) (string, error) {
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
	fmt.Fprint(tty, text)
	read := readHidden
	if echo {
		read = readLine
	}
	typed := make(chan error, 1)
	var line string
	go func() {
		var err error
		line, err = read(tty)
		typed <- err
	}()
	select {
	case err := <-typed:
		if !echo {
			fmt.Fprintln(tty)
		}
		return line, err
	case <-ctx.Done():
		fmt.Fprintln(tty)
		return "", context.Cause(ctx)
	}
}

// readHidden reads a line that nobody sees.
func readHidden(tty *os.File) (string, error) {
	secret, err := term.ReadPassword(int(tty.Fd()))
	return string(secret), err
}

// readLine reads a line that may be seen.
func readLine(tty *os.File) (string, error) {
	line, err := bufio.NewReader(tty).ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}
