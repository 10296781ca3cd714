package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/userauth"
)

func isTerminal(f *os.File) bool { return f != nil && term.IsTerminal(int(f.Fd())) }

// questions are asked on the terminal, if there is one and it is wanted.
func (p *program) questions(batch bool) client.Questions {
	q := client.Questions{Warn: func(warning error) { p.say("whelkcp: %v", warning) }}
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err != nil || batch {
		return q
	} else {
		tty.Close()
	}
	q.Host = askHost
	q.Passphrase = func(ctx context.Context, file string, _ *hostkey.PassphraseError) ([]byte, error) {
		typed, err := ask(ctx, fmt.Sprintf("Enter passphrase for key '%s': ", oneLine(file)), false)
		return []byte(typed), err
	}
	q.Password = func(ctx context.Context, s *sshconfig.Settings) (string, error) {
		return ask(ctx, fmt.Sprintf("%s@%s's password: ", oneLine(s.User()), oneLine(s.HostName())), false)
	}
	q.Answer = func(ctx context.Context, _ *sshconfig.Settings, c userauth.Challenge) ([]string, error) {
		return converse(ctx, c)
	}
	return q
}

// askHost asks about a host seen for the first time, as ssh(1) does.
func askHost(ctx context.Context, q *knownhosts.Question) (bool, error) {
	text := q.String()
	for {
		typed, err := ask(ctx, text, true)
		if err != nil {
			return false, err
		}
		if accept, understood := q.Answer(typed); understood {
			return accept, nil
		}
		text = "Please type 'yes', 'no' or the fingerprint: "
	}
}

// converse answers what a server asks.
func converse(ctx context.Context, c userauth.Challenge) (answers []string, err error) {
	for _, line := range []string{c.Name, c.Instruction} {
		if line != "" {
			fmt.Fprintln(os.Stderr, oneLine(line))
		}
	}
	for _, prompt := range c.Prompts {
		typed, err := ask(ctx, oneLine(prompt.Text), prompt.Echo)
		if err != nil {
			return nil, err
		}
		answers = append(answers, typed)
	}
	return answers, nil
}

// ask asks on the terminal, whatever standard input is.
func ask(ctx context.Context, question string, echo bool) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", errors.New("there is no terminal to ask on")
	}
	defer tty.Close()
	fd := int(tty.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	defer term.Restore(fd, state) // if ctx ends before the line does
	fmt.Fprint(tty, question)
	type line struct {
		text string
		err  error
	}
	typed := make(chan line, 1)
	go func() {
		if echo {
			text, err := bufio.NewReader(tty).ReadString('\n')
			typed <- line{strings.TrimRight(text, "\r\n"), err}
			return
		}
		text, err := term.ReadPassword(fd)
		fmt.Fprintln(tty)
		typed <- line{string(text), err}
	}()
	select {
	case l := <-typed:
		return l.text, l.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
