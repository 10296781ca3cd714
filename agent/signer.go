package agent

import (
	"context"
	"fmt"
	"slices"

	"github.com/whelk-ssh/whelk/hostkey"
)

// Signers returns the agent's keys as Signers, certificates included, in the
// agent's order. The agent is asked again for each signature, so that a key may
// have gone by then. Keys that sign with nothing but SHA-1, or in a way that is
// unknown here, are left out.
func Signers(ctx context.Context, a Agent) ([]hostkey.Signer, error) {
	keys, err := a.Keys(ctx)
	if err != nil {
		return nil, err
	}
	var signers []hostkey.Signer
	for _, k := range keys {
		if _, unknown := k.PublicKey.(*unknownKey); unknown {
			continue
		}
		if algorithms := hostkey.Algorithms(k.Type()); len(algorithms) > 0 {
			signers = append(signers, &signer{a, k, algorithms})
		}
	}
	return signers, nil
}

// A signer is a key in an agent.
type signer struct {
	agent      Agent
	key        Key
	algorithms []string
}

func (s *signer) PublicKey() hostkey.PublicKey { return s.key.PublicKey }

func (s *signer) Algorithms() []string { return s.algorithms }

func (s *signer) Sign(ctx context.Context, algorithm string, data []byte) (*hostkey.Signature, error) {
	if !slices.Contains(s.algorithms, algorithm) {
		return nil, &hostkey.AlgorithmError{Algorithm: algorithm, KeyType: s.key.Type()}
	}
	return s.agent.Sign(ctx, s.key.PublicKey, algorithm, data)
}

// String returns the fingerprint of the key and its comment.
func (s *signer) String() string {
	return fmt.Sprintf("%s %q", hostkey.Fingerprint(s.key), s.key.Comment)
}
