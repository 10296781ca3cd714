package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/userauth"
)

// methods returns the ways to log in, in the order asked for. Local is our
// address on the connection.
func (p *program) methods(local net.Addr) (methods []userauth.Method) {
	for _, name := range p.preferred {
		switch {
		case name == "none":
			methods = append(methods, userauth.None())
		case name == "hostbased" && p.hostbased:
			methods = append(methods, p.vouching(local))
		case name == "publickey" && p.publicKey:
			methods = append(methods, userauth.PublicKeyFunc(p.keys))
		case name == "keyboard-interactive" && p.interactive:
			methods = append(methods, p.repeatedly(func(again func()) userauth.Method {
				return userauth.KeyboardInteractive(func(ctx context.Context, c userauth.Challenge) ([]string, error) {
					again()
					return p.answer(ctx, c)
				})
			})...)
		case name == "password" && p.password:
			methods = append(methods, p.repeatedly(func(again func()) userauth.Method {
				return userauth.PasswordOrChange(func(ctx context.Context) (string, error) {
					again()
					return p.prompt(ctx, fmt.Sprintf("%s@%s's password: ", p.user, p.host), false)
				}, p.newPassword)
			})...)
		}
	}
	return methods
}

// repeatedly returns a method for each time a user is asked. The function that
// a method is made with is for it to call when it asks: it says that the one
// before went wrong.
func (p *program) repeatedly(method func(again func()) userauth.Method) (methods []userauth.Method) {
	times := p.prompts
	if !canAsk() {
		times = min(times, 1) // to say so
	}
	last := -1
	for i := range times {
		methods = append(methods, method(func() {
			if last >= 0 && last != i {
				p.log.printf(levelInfo, "Permission denied, please try again.")
			}
			last = i
		}))
	}
	return methods
}

// answer shows a server's questions on the terminal, and who asks them.
func (p *program) answer(ctx context.Context, c userauth.Challenge) ([]string, error) {
	for _, text := range []string{c.Name, c.Instruction} {
		if text != "" {
			p.log.printf(levelInfo, "(%s@%s) %s", p.user, p.host, printable(strings.TrimSuffix(text, "\n")))
		}
	}
	var typed []string
	for _, prompt := range c.Prompts {
		text, err := p.prompt(ctx, fmt.Sprintf("(%s@%s) %s", p.user, p.host, printable(prompt.Text)), prompt.Echo)
		if err != nil {
			return nil, err
		}
		typed = append(typed, text)
	}
	return typed, nil
}

// newPassword asks for a password in place of one that has expired, twice.
func (p *program) newPassword(ctx context.Context, prompt string) (string, error) {
	if prompt != "" {
		p.log.printf(levelInfo, "%s", printable(strings.TrimSuffix(prompt, "\n")))
	}
	for range p.prompts {
		first, err := p.prompt(ctx, fmt.Sprintf("Enter %s@%s's new password: ", p.user, p.host), false)
		if err != nil {
			return "", err
		}
		second, err := p.prompt(ctx, fmt.Sprintf("Retype %s@%s's new password: ", p.user, p.host), false)
		if err != nil || first == second {
			return first, err
		}
		p.log.printf(levelInfo, "Mismatch; try again.")
	}
	return "", errors.New("the new password was not typed the same twice")
}

// vouching has this machine say who the user is, with those of its keys that
// the user may read.
func (p *program) vouching(local net.Addr) userauth.Method {
	var keys []hostkey.Signer
	for _, name := range p.machineKeys {
		path := p.homePath(name)
		key, err := hostkey.ReadPrivateKeyFile(context.Background(), path, nil)
		switch {
		case err == nil:
			keys = append(keys, key)
		case !errors.Is(err, fs.ErrNotExist):
			p.log.printf(levelInfo, "Warning: host key %s is passed over: %s", path, oneLine(err.Error()))
		}
	}
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host := localName(local)
	p.log.printf(levelDebug1, "This machine is %s to vouch for %s, with %d keys.", host, name, len(keys))
	return userauth.Hostbased(host+".", name, keys...)
}

// localName returns the name that this machine has where the server sees it,
// or else the one it has at home.
func localName(local net.Addr) string {
	if tcp, ok := local.(*net.TCPAddr); ok {
		if names, err := net.LookupAddr(tcp.IP.String()); err == nil && len(names) > 0 {
			return strings.TrimSuffix(names[0], ".")
		}
	}
	name, _ := os.Hostname()
	return name
}
