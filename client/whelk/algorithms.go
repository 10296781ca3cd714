package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/algolist"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
)

// algorithms is for sshconfig.Config: lists have the names that there are here,
// and mistakes in them the hint that -Q gives.
func algorithms(keyword, list string) ([]string, error) {
	if list == "" {
		return sshconfig.Algorithms(keyword, "")
	}
	switch keyword {
	case "ciphers":
		modes, err := algolist.Ciphers(list)
		return namesOf(modes, func(m cipher.Mode) string { return m.Name }), err
	case "macs":
		macs, err := algolist.MACs(list)
		return namesOf(macs, func(a mac.Algorithm) string { return a.Name }), err
	case "kexalgorithms":
		methods, err := algolist.KeyExchanges(list)
		return namesOf(methods, kex.Method.Name), err
	}
	return algolist.Signatures(list)
}

func namesOf[T any](list []T, name func(T) string) []string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = name(a)
	}
	return names
}

func takeCiphers(s *settings, v value) (err error) {
	if v.Given(v.keyword) != "" {
		s.transport.Ciphers, err = algolist.Ciphers(v.text())
	}
	return err
}

func takeMACs(s *settings, v value) (err error) {
	if v.Given(v.keyword) != "" {
		s.transport.MACs, err = algolist.MACs(v.text())
	}
	return err
}

func takeKeyExchanges(s *settings, v value) (err error) {
	if v.Given(v.keyword) != "" {
		s.transport.KeyExchanges, err = algolist.KeyExchanges(v.text())
	}
	return err
}

// takeHostKeyAlgorithms takes what the host may sign with. As with ssh(1), a list
// that adds to the default or takes from it leaves those ahead whose keys are
// known, and one that says an order has it.
func takeHostKeyAlgorithms(s *settings, v value) error {
	given := v.Given(v.keyword)
	if given == "" {
		return nil
	}
	s.transport.HostKeyAlgorithms = strings.Split(v.text(), ",")
	s.transport.KeyFormats = algolist.Formats(s.transport.HostKeyAlgorithms)
	s.knownFirst = strings.HasPrefix(given, "+") || strings.HasPrefix(given, "-")
	return nil
}

// takeUserKeyAlgorithms takes what our keys may sign with.
func takeUserKeyAlgorithms(s *settings, v value) error {
	if v.Given(v.keyword) != "" {
		s.transport.UserKeyAlgorithms = strings.Split(v.text(), ",")
	}
	return nil
}

// takeCASignatures takes what authorities may have signed certificates with.
func takeCASignatures(s *settings, v value) error {
	if v.Given(v.keyword) != "" {
		s.authorities = strings.Split(v.text(), ",")
	}
	return nil
}

// inOrderOf returns algorithms in the order in which the formats of their keys
// appear among those of preferred. What does not appear there comes last.
func inOrderOf(preferred, algorithms []string) []string {
	place := func(name string) int {
		i := slices.IndexFunc(preferred, func(p string) bool { return algolist.KeyType(p) == algolist.KeyType(name) })
		if i < 0 {
			return len(preferred)
		}
		return i
	}
	return slices.SortedStableFunc(slices.Values(algorithms), func(a, b string) int { return place(a) - place(b) })
}

// A barredError reports a key that may sign with nothing it can sign with.
type barredError struct{ algorithms []string }

func (e *barredError) Error() string {
	return fmt.Sprintf("it signs with %s, and PubkeyAcceptedAlgorithms has none of these", strings.Join(e.algorithms, ", "))
}

// accepted returns a signer that signs with what PubkeyAcceptedAlgorithms has.
func (s *settings) accepted(key hostkey.Signer) (hostkey.Signer, error) {
	if s.transport.UserKeyAlgorithms == nil {
		return key, nil
	}
	restricted, ok := algolist.Restrict(key, s.transport.UserKeyAlgorithms)
	if !ok {
		return nil, &barredError{key.Algorithms()}
	}
	return restricted, nil
}
