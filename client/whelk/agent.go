package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
)

// agentVariable is where the address of the agent is, and as a value of
// IdentityAgent says so.
const agentVariable = "SSH_AUTH_SOCK"

// takeForwardAgent takes yes, no, or the address of another agent to lend than
// the one that is asked for keys.
func takeForwardAgent(s *settings, v value) error {
	lend, address := v.ForwardAgent()
	switch {
	case lend && address == "":
		s.forwardAgent = "yes"
	case lend:
		s.forwardAgent = address
	}
	return nil
}

// agentAddress returns the address that a value of IdentityAgent stands for, or
// "" if there is no agent.
func agentAddress(value string) string {
	switch name, variable := strings.CutPrefix(value, "$"); {
	case value == "":
		return os.Getenv(agentVariable)
	case value == agentVariable, variable:
		return os.Getenv(name)
	case strings.EqualFold(value, "none"):
		return ""
	}
	return value
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
	case err != nil && p.given("identityagent"):
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
