package main

import (
	"errors"
	"fmt"

	"github.com/whelk-ssh/whelk/connection"
)

// sessionSettings are the values of keywords of ssh_config(5) that are about
// sessions and how long they last.
type sessionSettings struct {
	sessionType   string // "default", "subsystem" or "none"
	remoteCommand string
	stdinNull     bool
	fork          bool // into the background, once the user is in

	permitLocal  bool
	localCommand string

	escape      byte // 0 for none
	commandLine bool // whether there is one behind the escape character

	alive connection.KeepAlive
}

// settleSession makes one of what flags and keywords say of the session, and
// refuses what cannot work.
func (o *options) settleSession() error {
	o.noCommand = o.noCommand || o.sessionType == "none"
	o.noStdin = o.noStdin || o.stdinNull || o.fork
	if o.command == "" {
		o.command = o.remoteCommand
	}
	switch {
	case o.noCommand && o.command != "":
		return fmt.Errorf("-N means that no command is run, but there is one: %q", o.command)
	case o.subsystem() && o.command == "":
		return errors.New("-s starts a subsystem, which is missing: name it behind the host")
	case o.fork && o.command == "" && !o.noCommand:
		return errors.New("-f goes into the background, where a shell has nobody to talk to: name a command, or say -N")
	}
	return nil
}

// subsystem reports whether the command is the name of a subsystem.
func (s *sessionSettings) subsystem() bool { return s.sessionType == "subsystem" }

func takeEscape(s *settings, v value) error {
	s.escape, _ = v.Escape()
	return nil
}

func takeAliveInterval(s *settings, v value) error {
	s.alive.Interval = v.Seconds(v.keyword)
	return nil
}

// takeAliveCount takes how many questions may be without an answer. There is no
// dead server without having asked.
func takeAliveCount(s *settings, v value) error {
	s.alive.Count = max(v.Number(v.keyword), 1)
	return nil
}
