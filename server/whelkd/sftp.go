//go:build unix

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/channel/sftp"
	"github.com/whelk-ssh/whelk/server"
)

// internalSFTP is the command of sshd_config(5) that starts no program.
const internalSFTP = "internal-sftp"

// subsystem returns what serves a subsystem: its command, or files. A command
// that is forced comes ahead of it, whatever it is.
func (d *daemon) subsystem(command string) server.Handler {
	return server.HandlerFunc(func(s *server.Session) {
		if forced, _ := d.forced(s, command); isInternalSFTP(forced) {
			d.serveFiles(s, forced)
			return
		}
		d.serve(s, command)
	})
}

// onlyFiles reports whether the user gets files, whatever the client asks for,
// and the command that says so. It is none for clients to ask for.
func (d *daemon) onlyFiles(s *server.Session) (command string, ok bool) {
	command, _ = d.forced(s, "")
	return command, isInternalSFTP(command)
}

func isInternalSFTP(command string) bool {
	words := strings.Fields(command)
	return len(words) > 0 && words[0] == internalSFTP
}

// checkSubsystem refuses flags of internal-sftp that cannot be obeyed.
func checkSubsystem(command string) error {
	if !isInternalSFTP(command) {
		return nil
	}
	_, err := parseSFTP(strings.Fields(command)[1:])
	return err
}

// sftpOptions are those of sftp-server(8).
type sftpOptions struct {
	directory string // -d: where to start, with %d and %h for the home directory, %u for the user
	readOnly  bool   // -R
	umask     fs.FileMode
	root      string // -r, which is ours: there is nothing above this directory
}

// parseSFTP reads the flags of internal-sftp. Those about logging are taken and
// nothing else: whelkd has one log.
func parseSFTP(args []string) (o sftpOptions, err error) {
	for len(args) > 0 {
		flag := args[0]
		args = args[1:]
		switch flag {
		case "-R":
			o.readOnly = true
			continue
		case "-e":
			continue
		case "-d", "-r", "-u", "-f", "-l":
		default:
			return o, fmt.Errorf("internal-sftp has no option %q; there are -R -d -r -u and, without effect, -e -f -l", flag)
		}
		if len(args) == 0 {
			return o, fmt.Errorf("option %s of internal-sftp needs a value", flag)
		}
		value := args[0]
		args = args[1:]
		switch flag {
		case "-d":
			o.directory = value
		case "-r":
			o.root = value
		case "-u":
			mask, err := strconv.ParseUint(value, 8, 9)
			if err != nil {
				return o, fmt.Errorf("%q is not a umask: it is an octal number up to 777", value)
			}
			o.umask = fs.FileMode(mask)
		}
	}
	return o, nil
}

// serveFiles serves the user's files for a session, as the command says.
func (d *daemon) serveFiles(s *server.Session, command string) {
	o, err := parseSFTP(strings.Fields(command)[1:])
	if err == nil {
		err = d.serveSFTP(s, o)
	}
	if err != nil && !errors.Is(err, s.Context().Err()) {
		d.log.Error("sftp ended", "err", err)
		s.Exit(1)
		return
	}
	s.Exit(0)
}

func (d *daemon) serveSFTP(s *server.Session, o sftpOptions) error {
	expand := strings.NewReplacer("%%", "%", "%d", d.account.home, "%h", d.account.home, "%u", d.account.name)
	files := &sftp.Server{ReadOnly: o.readOnly, Umask: o.umask, Directory: expand.Replace(o.directory)}
	if o.root != "" {
		root, err := os.OpenRoot(expand.Replace(o.root))
		if err != nil {
			return err
		}
		defer root.Close()
		files.Handler = sftp.RootHandler(root)
		return files.Serve(s.Context(), s)
	}
	files.Handler = sftp.SystemHandler()
	if files.Directory == "" {
		files.Directory = d.account.home
	}
	if _, err := os.Stat(files.Directory); err != nil || !filepath.IsAbs(files.Directory) {
		files.Directory = "/" // no reason to lock the user out
	}
	return files.Serve(s.Context(), s)
}
