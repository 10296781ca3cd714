package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

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

	alive        connection.KeepAlive
	tcpKeepAlive bool
}

func defaultSession() sessionSettings {
	return sessionSettings{sessionType: "default", escape: '~', tcpKeepAlive: true}
}

// settleSession makes one of what flags and keywords say of the session, and
// refuses what cannot work.
func (o *options) settleSession() error {
	o.noCommand = o.noCommand || o.sessionType == "none"
	o.noStdin = o.noStdin || o.stdinNull || o.fork
	if o.command != "" && o.remoteCommand != "" {
		return fmt.Errorf("there is a command, and RemoteCommand is another: leave one of them out, or say RemoteCommand=none")
	}
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

// setEscape takes a character, ^ and a letter for a control character, or none.
func setEscape(s *settings, value string) error {
	switch {
	case strings.EqualFold(value, "none"):
		s.escape = 0
	case len(value) == 2 && value[0] == '^' && value[1] >= '@' && value[1] < 0x80:
		s.escape = value[1] & 0x1f
	case len(value) == 1:
		s.escape = value[0]
	default:
		return fmt.Errorf("%q is no escape character: write one character, ^ and a letter, or none", value)
	}
	return nil
}

func setAliveInterval(s *settings, value string) (err error) {
	s.alive.Interval, err = parseTime(value)
	return err
}

// setAliveCount takes how many questions may be without an answer. There is no
// dead server without having asked.
func setAliveCount(s *settings, value string) error {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return fmt.Errorf("%q is not a number", value)
	}
	s.alive.Count = max(int(n), 1)
	return nil
}

// setRemoteCommand takes a command, or none.
func setRemoteCommand(s *settings, value string) error {
	s.remoteCommand = value
	if strings.EqualFold(value, "none") {
		s.remoteCommand = ""
	}
	return nil
}
