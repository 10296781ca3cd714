package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

// settleTimeout is how long the host may take to prove keys that it announced,
// once there is nothing else to be done.
const settleTimeout = 2 * time.Second

// hosts returns what verifies the host's key.
func (p *program) hosts() *knownhosts.Verifier {
	return knownhosts.New(knownhosts.Config{
		Files: p.userHosts, SystemFiles: p.homePaths(p.globalHosts),
		Policy: p.policy, Ask: p.askHost,
		Alias: p.alias, CheckIP: p.checkIP, Hash: p.hashHosts,
		CASignatureAlgorithms: p.authorities,
		Revoked:               hostkey.RevokedKeyFiles(p.revokedHosts...),
		Warn:                  p.warnHost,
		Added: func(host string, key hostkey.PublicKey, file string) {
			p.log.printf(levelInfo, "Warning: Permanently added %q (%s %s) to %s.", host, key.Type(), hostkey.Fingerprint(key), file)
		},
		Updating: p.updateHost,
	})
}

func (s *settings) homePaths(files []string) []string {
	var list []string
	for _, file := range files {
		list = append(list, s.homePath(file))
	}
	return list
}

// warnHost says what the verifier has to say and what is not an error.
func (p *program) warnHost(warning error) {
	var lost *knownhosts.AddError
	switch {
	case errors.Is(warning, knownhosts.ErrChanged):
		p.changed = true
		p.log.printf(levelInfo, "WARNING: %s; passwords will not be sent", strings.TrimPrefix(oneLine(warning.Error()), "knownhosts: "))
	case errors.As(warning, &lost):
		p.log.printf(levelInfo, "Warning: %s", strings.TrimPrefix(oneLine(warning.Error()), "knownhosts: "))
	default:
		p.log.printf(levelDebug1, "%v", warning)
	}
}

// askHost asks about a host seen for the first time, as ssh(1) does.
func (p *program) askHost(ctx context.Context, q *knownhosts.Question) (bool, error) {
	accepted := false
	err := p.ask(ctx, q.String(), "Please type 'yes', 'no' or the fingerprint: ", func(line string) (understood bool) {
		accepted, understood = q.Answer(line)
		return understood
	})
	return accepted && err == nil, err
}

// ask asks on the terminal, even if standard input is not one, until it
// understands the answer.
func (p *program) ask(ctx context.Context, question, again string, understands func(line string) bool) error {
	if p.batch {
		return errors.New("nobody is asked, since BatchMode is on")
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return errors.New("there is no terminal to ask on")
	}
	defer tty.Close()
	defer p.patience.pause()()
	lines := make(chan string)
	done := make(chan struct{})
	defer close(done)
	go readLines(tty, lines, done)
	for {
		fmt.Fprint(tty, question)
		var line string
		ok := true
		select {
		case line, ok = <-lines:
		case line = <-p.typed:
		case <-ctx.Done():
			fmt.Fprintln(tty)
			return context.Cause(ctx)
		}
		if !ok {
			return errors.New("there was no answer")
		}
		if understands(line) {
			return nil
		}
		question = again
	}
}

// readLines sends each line of r, and closes lines at its end, until done is
// closed.
func readLines(r io.Reader, lines chan<- string, done <-chan struct{}) {
	defer close(lines)
	for scanner := bufio.NewScanner(r); scanner.Scan(); {
		select {
		case lines <- scanner.Text():
		case <-done:
			return
		}
	}
}

// updateHost agrees to a change of known_hosts that the host has announced and
// proved.
func (p *program) updateHost(ctx context.Context, c *knownhosts.Change) error {
	at := levelVerbose
	if p.updateHosts == "ask" {
		select {
		case <-p.over: // or the question would get into the session
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		at = levelInfo
		p.log.printf(at, "The server has updated its host keys. These changes were verified by the server's existing trusted key.")
	}
	for _, key := range c.Learned {
		p.log.printf(at, "Learned new host key of %q: %s %s", c.Host, key.Type(), hostkey.Fingerprint(key))
	}
	for _, k := range c.Deprecated {
		p.log.printf(at, "Forgetting obsolete host key of %q: %s %s", c.Host, k.Key.Type(), hostkey.Fingerprint(k.Key))
	}
	if p.updateHosts != "ask" {
		return nil
	}
	accepted := false
	err := p.ask(ctx, "Accept updated host keys? (yes/no): ", "Please type 'yes' or 'no': ", func(line string) bool {
		line = strings.ToLower(strings.TrimSpace(line))
		accepted = line == "yes"
		return accepted || line == "no" || line == ""
	})
	if err == nil && !accepted {
		err = errors.New("the answer was no")
	}
	return err
}

// settleHostKeys lets the host's keys be updated to the end, when the session
// is over.
func (p *program) settleHostKeys(ctx context.Context, c *client.Client) {
	close(p.over)
	if p.updateHosts != "ask" {
		limited, cancel := context.WithTimeout(ctx, settleTimeout)
		defer cancel()
		ctx = limited
	}
	err := c.HostKeysUpdated(ctx)
	switch {
	case err == nil:
	case errors.Is(err, knownhosts.ErrNotUpdated), ctx.Err() != nil, c.Mux().Err() != nil:
		p.log.printf(levelDebug1, "%v", err)
	default:
		p.log.printf(levelInfo, "Warning: the host's keys are not updated: %s", oneLine(err.Error()))
	}
}
