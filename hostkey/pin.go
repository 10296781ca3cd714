package hostkey

import (
	"context"
	"fmt"
	"strings"
)

// A PinError reports a host key that is none of those pinned.
type PinError struct {
	Host Host
	Key  PublicKey   // as presented
	Want []PublicKey // as pinned
}

func (e *PinError) Error() string {
	if len(e.Want) == 0 {
		return fmt.Sprintf("hostkey: no key is pinned for %q", e.Host.Name)
	}
	want := make([]string, len(e.Want))
	for i, k := range e.Want {
		want[i] = Fingerprint(k)
	}
	return fmt.Sprintf("hostkey: %q presented the %s key %s, but pinned is %s",
		e.Host.Name, e.Key.Type(), Fingerprint(e.Key), strings.Join(want, " or "))
}

type pinned []PublicKey

// Pin returns a Verifier that accepts exactly these keys, from any host;
// without keys it accepts none, and never a certificate. It is an
// [AlgorithmChooser]: the algorithms of the keys are preferred. It fails with a
// [*PinError].
func Pin(keys ...PublicKey) Verifier {
	var p pinned
	for _, k := range keys {
		if _, certificate := k.(*Certificate); k != nil && !certificate {
			p = append(p, k)
		}
	}
	return p
}

func (p pinned) VerifyHostKey(_ context.Context, host Host, key PublicKey) error {
	if key == nil {
		return fmt.Errorf("hostkey: %q presented no key", host.Name)
	}
	for _, k := range p {
		if Equal(k, key) {
			return nil
		}
	}
	return &PinError{Host: host, Key: key, Want: p}
}

func (p pinned) HostKeyAlgorithms(Host) []string { return PreferKeys(p) }

// InsecureAcceptAny returns a Verifier that accepts every key of every host:
// whoever can redirect the connection can read and change all of it. It is for
// tests, and for links that are protected by other means.
func InsecureAcceptAny() Verifier {
	return VerifierFunc(func(context.Context, Host, PublicKey) error { return nil })
}
