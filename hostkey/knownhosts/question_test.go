package knownhosts_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

var errTest = errors.New("a failure of the test's")

func TestAsk(t *testing.T) {
	path := write(t, entry("alias.test,\x7f", key), entry("*.pattern", key), entry("known", other))
	var asked *knownhosts.Question
	answer := true
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.Ask,
		Ask: func(_ context.Context, q *knownhosts.Question) (bool, error) {
			asked = q
			return answer, nil
		}})
	at := hostkey.Host{Name: "New.test:2222", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 2222}}

	answer = false
	err := v.VerifyHostKey(t.Context(), at, key)
	require.ErrorIs(t, err, knownhosts.ErrUnknown)
	require.ErrorIs(t, err, knownhosts.ErrDeclined)
	require.NotContains(t, read(t, path), "new.test")

	answer = true
	require.NoError(t, v.VerifyHostKey(t.Context(), at, key))
	require.Equal(t, "[new.test]:2222", asked.Host)
	require.Len(t, asked.Other, 2)
	require.Equal(t, `The authenticity of host '[new.test]:2222 (192.0.2.7)' can't be established.
ssh-ed25519 key fingerprint is `+hostkey.Fingerprint(key)+`.
This key is known by other names:
    `+path+`:1: alias.test,?
    `+path+`:2: *.pattern
Are you sure you want to continue connecting (yes/no/[fingerprint])? `, asked.String())
	require.Contains(t, read(t, path), "[new.test]:2222 ssh-ed25519 ")

	asked = nil
	require.NoError(t, v.VerifyHostKey(t.Context(), at, key))
	require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("known:22"), key), knownhosts.ErrChanged)
	require.Nil(t, asked, "nobody is asked about hosts that are known")

	require.NoError(t, v.VerifyHostKey(t.Context(), host("third.test"), certify(t, nil)))
	require.Contains(t, asked.String(), "its authority is not one that is trusted for this (no line marked @cert-authority")

	silent := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.Ask})
	require.ErrorIs(t, silent.VerifyHostKey(t.Context(), host("fourth.test"), key), knownhosts.ErrUnknown)
}

func TestQuestionWithManyOtherNames(t *testing.T) {
	q := &knownhosts.Question{Host: "h", Key: key}
	require.Contains(t, q.String(), "not known by any other names")
	for range 10 {
		q.Other = append(q.Other, knownhosts.KnownKey{Key: key, Hosts: "|1|x|y", File: "f", Line: 3})
	}
	require.Contains(t, q.String(), "    f:3: [hashed name]\n    and 2 more\n")
}

func TestAnswer(t *testing.T) {
	q := &knownhosts.Question{Key: key}
	for text, want := range map[string][2]bool{
		"yes": {true, true}, "YES\r\n": {true, true}, hostkey.Fingerprint(key): {true, true}, " " + hostkey.Fingerprint(key) + "\n": {true, true},
		"no": {false, true}, "No": {false, true}, "": {false, true}, "\n": {false, true},
		"y": {}, "yes please": {}, hostkey.Fingerprint(other): {}, strings.ToLower(hostkey.Fingerprint(key)): {}, hostkey.Fingerprint(key)[:20]: {}, "SHA256:": {},
	} {
		accept, understood := q.Answer(text)
		require.Equal(t, want, [2]bool{accept, understood}, "%q", text)
	}
}

// CVE-2025-26465: OpenSSH took an error on the way for a key that matches.
// Here whatever fails refuses the host, whatever the policy, unless that is to
// accept hosts without looking.
func TestCVE202526465ErrorsRefuse(t *testing.T) {
	directory := t.TempDir()
	readOnly := filepath.Join(write(t), "known_hosts") // below a file
	done, cancel := context.WithCancel(t.Context())
	cancel()
	asked := func(err error) func(context.Context, *knownhosts.Question) (bool, error) {
		return func(context.Context, *knownhosts.Question) (bool, error) { return true, err }
	}
	for _, test := range []struct {
		name   string
		ctx    context.Context
		config knownhosts.Config
		key    hostkey.PublicKey
	}{
		{"a file is a directory", t.Context(), knownhosts.Config{Files: []string{write(t), directory}, Ask: asked(nil)}, key},
		{"a system file is a directory", t.Context(), knownhosts.Config{Files: []string{write(t)}, SystemFiles: []string{directory}, Ask: asked(nil)}, key},
		{"no key", t.Context(), knownhosts.Config{Files: []string{write(t)}, Ask: asked(nil)}, nil},
		{"a certificate without a key", t.Context(), knownhosts.Config{Files: []string{write(t)}, Ask: asked(nil)}, &hostkey.Certificate{}},
		{"the context is done", done, knownhosts.Config{Files: []string{write(t, entry("h", key))}, Ask: asked(nil)}, key},
		{"yes and an error", t.Context(), knownhosts.Config{Files: []string{write(t)}, Ask: asked(errTest), Policy: knownhosts.Ask}, key},
		{"cannot be remembered", t.Context(), knownhosts.Config{Files: []string{readOnly}, Policy: knownhosts.AcceptNew}, key},
		{"nowhere to remember", t.Context(), knownhosts.Config{Policy: knownhosts.AcceptNew}, key},
		{"the resolver fails with a match", t.Context(), knownhosts.Config{SSHFP: &zone{records: match(key), authenticated: true, err: errTest}, TrustSSHFP: true}, key},
	} {
		t.Run(test.name, func(t *testing.T) {
			policies := everyPolicy
			if test.config.Policy != knownhosts.Strict {
				policies = []knownhosts.Policy{test.config.Policy}
			} else if test.config.SSHFP != nil {
				policies = policies[:1]
			}
			for _, policy := range policies {
				test.config.Policy = policy
				require.Error(t, knownhosts.New(test.config).VerifyHostKey(test.ctx, host("h:22"), test.key))
			}
		})
	}
}

// An answer that comes after the context is done is none.
func TestAskTooLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := write(t)
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.Ask,
		Ask: func(context.Context, *knownhosts.Question) (bool, error) {
			cancel()
			return true, nil
		}})
	require.ErrorIs(t, v.VerifyHostKey(ctx, host("h:22"), key), context.Canceled)
	require.Empty(t, read(t, path))
}

// While somebody thinks, the host may become known by another key, or its key
// be revoked.
func TestAskWhileFilesChange(t *testing.T) {
	for line, want := range map[string]error{entry("h", other): knownhosts.ErrChanged, entry("@revoked *", key): knownhosts.ErrRevoked, entry("h", key): nil} {
		path := write(t)
		v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.Ask,
			Ask: func(context.Context, *knownhosts.Question) (bool, error) {
				return true, os.WriteFile(path, []byte(line), 0o600)
			}})
		require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("h:22"), key), want)
		require.Equal(t, line, read(t, path))
	}
}

// Who said yes is let in, even where nothing can be written, and told.
func TestAskWithoutFile(t *testing.T) {
	for _, files := range [][]string{nil, {"/proc/known_hosts"}} {
		var warned error
		if _, err := os.Stat("/proc/self"); files != nil && err != nil {
			t.Skip("there is no /proc")
		}
		v := knownhosts.New(knownhosts.Config{Files: files, Policy: knownhosts.Ask, Warn: func(err error) { warned = err },
			Ask: func(context.Context, *knownhosts.Question) (bool, error) { return true, nil }})
		require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), key))
		var lost *knownhosts.AddError
		require.ErrorAs(t, warned, &lost)
		require.ErrorContains(t, lost, "not remembered")
		require.Equal(t, "h", lost.Host)
	}
}

// InsecureWarn remembers nobody, and is no way around a key that is known.
func TestInsecureWarn(t *testing.T) {
	path := write(t, entry("known", other))
	var warnings []error
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.InsecureWarn, Warn: func(w error) { warnings = append(warnings, w) }})
	for range 2 {
		require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), key))
	}
	require.Len(t, warnings, 2)
	require.ErrorIs(t, warnings[0], knownhosts.ErrUnknown)
	require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("known:22"), key), knownhosts.ErrChanged)
	require.Equal(t, entry("known", other), read(t, path))
}
