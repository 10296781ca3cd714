package transport

import (
	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
)

// method returns the configured key exchange method of that name.
func (config *Config) method(name string) kex.Method {
	for _, m := range config.KeyExchanges {
		if m.Name() == name {
			return m
		}
	}
	return nil
}

// mode returns the configured cipher of that name.
func (config *Config) mode(name string) cipher.Mode {
	for _, m := range config.Ciphers {
		if m.Name == name {
			return m
		}
	}
	return cipher.Mode{}
}

func (config *Config) isAEAD(name string) bool { return config.mode(name).AEAD }

// protection returns the cipher and MAC of one direction. The MAC is the zero
// Algorithm if the cipher brings its own.
func (config *Config) protection(p Protection) (cipher.Mode, mac.Algorithm) {
	for _, algorithm := range config.MACs {
		if algorithm.Name == p.MAC {
			return config.mode(p.Cipher), algorithm
		}
	}
	return config.mode(p.Cipher), mac.Algorithm{}
}

func (config *Config) traceKeyExchange(s State, err error) {
	if config.Trace.KeyExchange != nil {
		config.Trace.KeyExchange(s, err)
	}
}
