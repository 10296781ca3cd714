package transport

import (
	"slices"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/wire"
)

// Config configures a [Conn]. The zero Config is safe, and is a client that
// trusts no host key or a server that has none. A Config is copied when a Conn
// is made of it: later changes have no effect, and one Config may serve many
// Conns.
type Config struct {
	// KeyExchanges is kex.Default if nil, or kex.DefaultServer on a server. The
	// groups that a server has for group exchange come with its methods: see
	// kex.WithGroups.
	KeyExchanges []kex.Method

	Ciphers           []cipher.Mode   // cipher.Default if nil
	MACs              []mac.Algorithm // mac.Default if nil
	HostKeyAlgorithms []string        // derived from Verifier or HostKeys if nil

	// KeyFormats are formats of keys that package hostkey does not know, such
	// as that of hostkey/ed448. What is left to be derived from them offers and
	// takes their algorithms too, in second place.
	KeyFormats []hostkey.Format

	// Compression has names of compression algorithms in order of preference,
	// for both directions: "none", "zlib@openssh.com", which begins when the
	// user has authenticated, and "zlib", which begins before, so that a server
	// spends it on everybody who connects. If nil it is "none" alone, and
	// nothing is compressed. See Compression in the documentation of the package
	// for what it costs.
	Compression []string

	Host     hostkey.Host     // client: who we meant to reach
	Verifier hostkey.Verifier // client: required
	HostKeys []hostkey.Signer // server: required

	// UserKeyAlgorithms are the signature algorithms a server announces that
	// it takes from users, in the extension server-sig-algs (RFC 8308,
	// section 3.1); if nil, hostkey.Default and those of KeyFormats.
	UserKeyAlgorithms []string

	// Announce are further extensions that a server announces, for the layers
	// above (RFC 8308).
	Announce []wire.Extension

	// DisableGuess keeps a client from sending the first message of its first
	// KeyExchanges along with its KEXINIT (RFC 4253, section 7), which saves a
	// round trip if the server's first choice is the same, and has to be ignored
	// by the server if not: see [GuessError].
	DisableGuess bool

	Software string // second part of the version string; "Whelk_0.1" if empty

	// StallTimeout is how long the peer may take nothing of what is sent to it
	// before the connection ends with [ErrDeadPeer]; without limit if zero. A
	// program that somebody has stopped reads nothing either.
	StallTimeout time.Duration

	Rekey  RekeyPolicy
	Budget Budget
	Trace  *Trace
}

// A RekeyPolicy says when keys are exchanged again (RFC 4253, section 9;
// RFC 4344, section 3). Each limit counts both directions by themselves, from
// the last exchange.
type RekeyPolicy struct {
	Bytes    int64         // 1 GiB if zero; never more than the cipher allows
	Packets  uint32        // 2^31 if zero
	Interval time.Duration // one hour if zero
	Timeout  time.Duration // how long one re-exchange may take; 30 seconds if zero
}

// A Budget bounds what a peer may send before it has authenticated.
type Budget struct {
	Bytes   int64 // 4 MiB if zero, without limit if negative
	Packets int64 // 2048 if zero, without limit if negative
}

const (
	defaultRekeyBytes    = 1 << 30 // RFC 4253, section 9
	defaultRekeyPackets  = 1 << 31 // RFC 4344, section 3.1
	defaultRekeyInterval = time.Hour
	defaultRekeyTimeout  = 30 * time.Second
	defaultBudgetBytes   = 4 << 20
	defaultBudgetPackets = 2048
	defaultSoftware      = "Whelk_0.1"
)

// The lists that connections share when they are told nothing else. Nobody
// changes them.
var (
	defaultMethods    = [2]func() []kex.Method{client: sync.OnceValue(kex.Default), server: sync.OnceValue(kex.DefaultServer)}
	defaultModes      = sync.OnceValue(cipher.Default)
	defaultMACs       = sync.OnceValue(mac.Default)
	defaultSignatures = sync.OnceValue(hostkey.Default)
)

// clone returns a copy of config with every default filled in.
func (config *Config) clone(r role) Config {
	var c Config
	if config != nil {
		c = *config
	}
	if c.KeyExchanges == nil {
		c.KeyExchanges = defaultMethods[r]()
	}
	if c.Ciphers == nil {
		c.Ciphers = defaultModes()
	}
	if c.MACs == nil {
		c.MACs = defaultMACs()
	}
	if c.Compression == nil {
		c.Compression = []string{compressionNone}
	}
	if c.UserKeyAlgorithms == nil {
		c.UserKeyAlgorithms = c.withKeyFormats(defaultSignatures())
	}
	if c.HostKeyAlgorithms == nil {
		c.HostKeyAlgorithms = c.deriveHostKeyAlgorithms(r)
	}
	if r == server {
		// Another one would be agreed on, and no key could sign with it.
		c.HostKeyAlgorithms = slices.DeleteFunc(slices.Clone(c.HostKeyAlgorithms), func(name string) bool { return c.hostKey(name) == nil })
	}
	orDefault(&c.Software, defaultSoftware)
	orDefault(&c.Rekey.Bytes, defaultRekeyBytes)
	orDefault(&c.Rekey.Packets, defaultRekeyPackets)
	orDefault(&c.Rekey.Interval, defaultRekeyInterval)
	orDefault(&c.Rekey.Timeout, defaultRekeyTimeout)
	orDefault(&c.Budget.Bytes, defaultBudgetBytes)
	orDefault(&c.Budget.Packets, defaultBudgetPackets)
	if c.Trace == nil {
		c.Trace = new(Trace)
	}
	return c
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// deriveHostKeyAlgorithms returns what a server's keys can sign with, or what
// a client's Verifier could accept.
func (c *Config) deriveHostKeyAlgorithms(r role) []string {
	if r == server {
		var names []string
		for _, key := range c.HostKeys {
			for _, name := range key.Algorithms() {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
		return names
	}
	if chooser, ok := c.Verifier.(hostkey.AlgorithmChooser); ok {
		if names := chooser.HostKeyAlgorithms(c.Host); len(names) > 0 {
			names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !c.verifies(name) })
			return c.withKeyFormats(names)
		}
	}
	return c.withKeyFormats(defaultSignatures())
}

// withKeyFormats returns names with the algorithms of KeyFormats behind them.
func (c *Config) withKeyFormats(names []string) []string {
	for _, f := range c.KeyFormats {
		if !slices.Contains(names, f.Name) {
			names = append(slices.Clip(names), f.Name)
		}
	}
	return names
}

// verifies reports whether there is a format of key for the named algorithm.
func (c *Config) verifies(name string) bool {
	return hostkey.KeyType(name) != "" ||
		slices.ContainsFunc(c.KeyFormats, func(f hostkey.Format) bool { return name == f.Name || name == hostkey.CertificateName(f.Name) })
}

// hostKey returns the key a server answers with when algorithm was agreed on.
func (c *Config) hostKey(algorithm string) hostkey.Signer {
	for _, key := range c.HostKeys {
		if slices.Contains(key.Algorithms(), algorithm) {
			return key
		}
	}
	return nil
}
