package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/algolist"
)

func setCiphers(s *settings, value string) (err error) {
	s.transport.Ciphers, err = algolist.Ciphers(value)
	return err
}

func setMACs(s *settings, value string) (err error) {
	s.transport.MACs, err = algolist.MACs(value)
	return err
}

func setKeyExchanges(s *settings, value string) (err error) {
	s.transport.KeyExchanges, err = algolist.KeyExchanges(value)
	return err
}

// setHostKeyAlgorithms takes what the host may sign with. As with ssh(1), a list
// that adds to the default or takes from it leaves those ahead whose keys are
// known, and one that says an order has it.
func setHostKeyAlgorithms(s *settings, value string) (err error) {
	s.transport.HostKeyAlgorithms, err = algolist.Signatures(value)
	s.transport.KeyFormats = algolist.Formats(s.transport.HostKeyAlgorithms)
	s.knownFirst = strings.HasPrefix(value, "+") || strings.HasPrefix(value, "-")
	return err
}

// setUserKeyAlgorithms takes what our keys may sign with.
func setUserKeyAlgorithms(s *settings, value string) (err error) {
	s.transport.UserKeyAlgorithms, err = algolist.Signatures(value)
	return err
}

// setCASignatures takes what authorities may have signed certificates with.
func setCASignatures(s *settings, value string) (err error) {
	s.authorities, err = algolist.Signatures(value)
	return err
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
