//go:build unix

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
)

// Options are the settings of a connection: what the command line and the file
// say, and what follows where they say nothing.
type options struct {
	dry      bool // nothing is to be written
	where    where
	access   server.Access
	rootMode string // PermitRootLogin; "" for yes

	hostKeys         []string // files
	hostCertificates []string // files
	hostKeyAgent     string   // address of a socket, or ""

	authorizedKeys []string // files
	principals     string   // file of authorized principals, or ""
	keysProgram    program
	namesProgram   program // AuthorizedPrincipalsCommand
	keys           server.PublicKeys
	pubkey         bool // whether they count
	methods        methods
	maxTries       int
	banner         string // a file, or ""

	session    sessionOptions
	forwarding forwardingOptions
	subsystems map[string]string // name to command
	lendAgent  bool

	sessions   int
	startups   server.Startups
	sources    sources
	loginGrace time.Duration
	unused     time.Duration
	alive      connection.KeepAlive
	logging    logging
	transport  transport.Config
	moduli     string // a file, or "" for the system's
	addendum   string // to the version
	pidFile    string
}

// Logging is how much is logged.
type logging struct {
	name    string // LogLevel
	level   slog.Level
	packets bool // and every message
}

// SessionOptions are what a session may do, and finds.
type sessionOptions struct {
	acceptEnv []string // patterns
	setEnv    []string // each NAME=value
	permitTTY bool
	command   string // the only one to be run, or ""
	expose    bool   // how the user has logged in
}

// silent is a level above all that is logged.
const silent = slog.LevelError + 4

func newOptions() *options {
	return &options{
		authorizedKeys: []string{".ssh/authorized_keys"}, pubkey: true, methods: newMethods(),
		session: sessionOptions{permitTTY: true}, subsystems: make(map[string]string),
		logging: logging{name: "ERROR", level: slog.LevelError},
	}
}

// check finds settings that do not go together.
func (o *options) check() error {
	if err := o.access.Validate(); err != nil {
		return err
	}
	for _, p := range []struct {
		keyword string
		program
	}{{"AuthorizedKeysCommand", o.keysProgram}, {"AuthorizedPrincipalsCommand", o.namesProgram}} {
		if p.command != "" && p.user == "" {
			return fmt.Errorf("%s needs an %sUser: name the user to run it as", p.keyword, p.keyword)
		}
	}
	if err := o.sources.check(); err != nil {
		return err
	}
	if o.methods.passwords == "" && (o.methods.password == "yes" || o.methods.interactive) {
		return errors.New("no password is known: name a file of them with PasswordFile, which `htpasswd -B` writes")
	}
	return nil
}
