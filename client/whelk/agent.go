package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
)

// agentVariable is where the address of the agent is, and as a value of
// IdentityAgent says so.
const agentVariable = "SSH_AUTH_SOCK"

// setForwardAgent takes yes, no, or the address of another agent to lend than
// the one that is asked for keys.
func setForwardAgent(s *settings, value string) error {
	var wanted bool
	if err := yesNo(func(*settings) *bool { return &wanted })(s, value); err != nil {
		s.forwardAgent = value
		return nil
	}
	s.forwardAgent = ""
	if wanted {
		s.forwardAgent = "yes"
	}
	return nil
}

// agentAddress returns the address that a value of IdentityAgent stands for, or
// "" if there is no agent.
func agentAddress(value string) string {
	switch name, variable := strings.CutPrefix(value, "$"); {
	case value == agentVariable, variable:
		return os.Getenv(strings.Trim(name, "{}"))
	case strings.EqualFold(value, "none"):
		return ""
	}
	return homePath(value)
}

// lentAgent returns the address of the agent that the server may use, or "".
func (s *settings) lentAgent() string {
	switch s.forwardAgent {
	case "":
		return ""
	case "yes":
		return agentAddress(s.agent)
	}
	return agentAddress(s.forwardAgent)
}

// lend has the server use the agent, if it is to.
func (p *program) lend(config *client.Config) {
	if address := p.lentAgent(); address != "" {
		config.Agent = agent.Dialer(address)
	}
}

// allKeys returns the agent's keys and those in files: first those that are in
// both, and those of files that the agent does not have last, as ssh does. The
// agent is asked to sign wherever it can, since the file may want a passphrase.
// An error is for the case that no key does it.
func (p *program) allKeys(ctx context.Context) ([]hostkey.Signer, error) {
	held, err := p.agentKeys(ctx)
	var named, others []hostkey.Signer
	inAgent := make(map[string]bool)
	files := p.publicKeys()
	for _, s := range held {
		path, listed := files[string(s.PublicKey().Marshal())]
		if !listed && p.identitiesOnly {
			continue
		}
		s, err := p.accepted(s)
		if err != nil {
			p.log.printf(levelDebug1, "A key of the agent is passed over: %v", err)
			continue
		}
		p.log.printf(levelDebug1, "Will attempt key: %s %s of the agent", s.PublicKey().Type(), hostkey.Fingerprint(s.PublicKey()))
		if !listed {
			others = append(others, s)
			continue
		}
		inAgent[path] = true
		named = append(named, s)
	}
	return slices.Concat(named, others, p.keys(inAgent)), err
}

// agentKeys returns the keys of the agent, if there is one.
func (p *program) agentKeys(ctx context.Context) ([]hostkey.Signer, error) {
	address := agentAddress(p.agent)
	if address == "" {
		return nil, nil
	}
	keys, err := p.askAgent(ctx, address)
	switch {
	case err == nil && len(keys) == 0:
		err = fmt.Errorf("the agent has no keys, or is locked: ssh-add FILE adds one, ssh-add -X unlocks it")
	case err != nil && p.given["identityagent"]:
		p.log.printf(levelInfo, "Warning: %s", oneLine(err.Error()))
	case err != nil: // without it there may be another way
		p.log.printf(levelDebug1, "%s", oneLine(err.Error()))
	}
	return keys, err
}

func (p *program) askAgent(ctx context.Context, address string) ([]hostkey.Signer, error) {
	a, err := agent.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { a.Close() }) // when the user is in, or is not
	return client.AgentKeys(a)(ctx)
}

// publicKeys returns the public halves of the identity files, encoded, each with
// the path of the file. Nothing is asked for a passphrase.
func (p *program) publicKeys() map[string]string {
	keys := make(map[string]string)
	for _, name := range p.identities {
		path := homePath(name)
		if key := publicHalf(path); key != nil {
			keys[string(key.Marshal())] = path
		}
	}
	return keys
}

// publicHalf returns the public half of an identity file: from the file that
// ssh-keygen writes beside it, or from the file itself, which may hold no more
// than that if the agent has the private half. It returns nil if there is none.
func publicHalf(path string) hostkey.PublicKey {
	for _, name := range []string{path + ".pub", path} {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if line, err := hostkey.ParseAuthorizedKey(text); err == nil {
			return line.Key
		}
		key, err := hostkey.ParsePrivateKey(text, nil)
		if err == nil {
			return key.PublicKey()
		}
		var locked *hostkey.PassphraseError
		if errors.As(err, &locked) && locked.PublicKey != nil {
			return locked.PublicKey
		}
	}
	return nil
}
