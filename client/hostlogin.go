package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/userauth"
)

// IdentitiesFor returns the keys that the settings name: IdentityFile,
// CertificateFile, IdentityAgent, IdentitiesOnly. Ask, unless nil, returns
// passphrases.
func IdentitiesFor(s *sshconfig.Settings, ask hostkey.PassphraseFunc) (*Identities, error) {
	_, given := s.Set("identityfile")
	i := &Identities{Only: s.Yes("identitiesonly"), Passphrase: ask}
	if s.Yes("batchmode") {
		i.Passphrase = nil
	}
	for _, name := range s.List("identityfile") {
		if name == "none" {
			continue
		}
		path, err := s.ExpandPath(name)
		if err != nil {
			return nil, fmt.Errorf("client: IdentityFile: %w", err)
		}
		i.Files = append(i.Files, IdentityFile{Path: path, Given: given})
	}
	for _, name := range s.List("certificatefile") {
		path, err := s.ExpandPath(name)
		if err != nil {
			return nil, fmt.Errorf("client: CertificateFile: %w", err)
		}
		if name != "none" {
			i.Certificates = append(i.Certificates, path)
		}
	}
	if address := agentAddress(s.Text("identityagent")); address != "" {
		i.Agent = func(ctx context.Context) ([]hostkey.Signer, error) { return agentKeysAt(ctx, address) }
	}
	return i, nil
}

// agentKeysAt returns the keys of the agent at an address, which serves until ctx
// is done. Without one there may be other ways to log in.
func agentKeysAt(ctx context.Context, address string) ([]hostkey.Signer, error) {
	a, err := agent.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { a.Close() })
	return AgentKeys(a)(ctx)
}

// methodOrder is that of PreferredAuthentications, unless it says another.
const methodOrder = "publickey,keyboard-interactive,password"

// methodsFor returns the ways to log in. Those that nothing is there for, such as
// hostbased, are left out.
func methodsFor(s *sshconfig.Settings, q *Questions) (methods []userauth.Method) {
	order := s.Text("preferredauthentications")
	if order == "" {
		order = methodOrder
	}
	asks, prompts := !s.Yes("batchmode"), min(s.Number("numberofpasswordprompts"), maxPrompts)
	for name := range strings.SplitSeq(order, ",") {
		switch {
		case name == "none":
			methods = append(methods, userauth.None())
		case name == "publickey" && s.Text("pubkeyauthentication") != "false":
			methods = append(methods, userauth.PublicKeyFunc(func(ctx context.Context) ([]hostkey.Signer, error) {
				i, err := IdentitiesFor(s, q.Passphrase)
				if err != nil {
					return nil, err
				}
				i.Skipped = func(f IdentityFile, err error) {
					if !errors.Is(err, os.ErrNotExist) || f.Given {
						q.warn(err)
					}
				}
				return i.Signers(ctx)
			}))
		case name == "keyboard-interactive" && s.Yes("kbdinteractiveauthentication") && asks && q.Answer != nil:
			for range prompts {
				methods = append(methods, userauth.KeyboardInteractive(func(ctx context.Context, c userauth.Challenge) ([]string, error) {
					if q.changed {
						return nil, errChanged
					}
					return q.Answer(ctx, s, c)
				}))
			}
		case name == "password" && s.Yes("passwordauthentication") && asks && q.Password != nil:
			for range prompts {
				methods = append(methods, q.password(s))
			}
		}
	}
	return methods
}

// maxPrompts bounds NumberOfPasswordPrompts.
const maxPrompts = 60

// errChanged is why nobody is asked for a password. The warning has been told.
var errChanged = errors.New("passwords are not sent to a host whose key has changed")

func (q *Questions) password(s *sshconfig.Settings) userauth.Method {
	ask := func(ctx context.Context) (string, error) {
		if q.changed {
			return "", errChanged
		}
		return q.Password(ctx, s)
	}
	change := func(ctx context.Context, prompt string) (string, error) {
		if q.NewPassword == nil {
			return "", &userauth.PasswordExpiredError{Prompt: prompt}
		}
		return q.NewPassword(ctx, s, prompt)
	}
	return userauth.PasswordOrChange(ask, change)
}

// agentVariable is where the address of the agent is.
const agentVariable = "SSH_AUTH_SOCK"

// agentAddress returns the address that a value of IdentityAgent stands for, or
// "" if there is none.
func agentAddress(value string) string {
	name, variable := strings.CutPrefix(value, "$")
	switch {
	case value == "" || value == agentVariable:
		return os.Getenv(agentVariable)
	case variable:
		return os.Getenv(name)
	case value == "none":
		return ""
	}
	return value
}
