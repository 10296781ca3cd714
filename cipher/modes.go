package cipher

import (
	"crypto/aes"
	"slices"
)

// How many bytes one key may protect.
const (
	// RFC 4344, section 3.2: 2^(L/4) blocks, where L = 128 is the number of
	// bits in a block of AES: 64 GiB.
	aesLimit = aes.BlockSize << 32

	// RFC 4253, section 9: "after each gigabyte of transmitted data", which
	// RFC 4344, section 3.2, keeps for everything without blocks of 128 bits,
	// and OpenSSH for chacha20-poly1305@openssh.com.
	gigabyte = 1 << 30
)

// Modes in order of preference. GCM leads because every CPU we care about has
// AES instructions; ChaCha20 is for those that have not; CTR remains for peers
// without AEAD. The smaller AES key comes first: it is as far from being
// guessed as the key exchanges are from being broken, and faster.
var modes = []Mode{
	{Name: "aes128-gcm@openssh.com", KeySize: 16, IVSize: 12, AEAD: true, RekeyAfter: aesLimit, NewSealer: gcmSealer(16), NewOpener: gcmOpener(16)},
	{Name: "aes256-gcm@openssh.com", KeySize: 32, IVSize: 12, AEAD: true, RekeyAfter: aesLimit, NewSealer: gcmSealer(32), NewOpener: gcmOpener(32)},
	{Name: "chacha20-poly1305@openssh.com", KeySize: 64, AEAD: true, RekeyAfter: gigabyte, NewSealer: chachaSealer, NewOpener: chachaOpener},
	{Name: "aes128-ctr", KeySize: 16, IVSize: 16, RekeyAfter: aesLimit, NewSealer: ctrSealer(16), NewOpener: ctrOpener(16)},
	{Name: "aes192-ctr", KeySize: 24, IVSize: 16, RekeyAfter: aesLimit, NewSealer: ctrSealer(24), NewOpener: ctrOpener(24)},
	{Name: "aes256-ctr", KeySize: 32, IVSize: 16, RekeyAfter: aesLimit, NewSealer: ctrSealer(32), NewOpener: ctrOpener(32)},
}

// Default returns the modes to offer, in order of preference. The caller owns
// the result.
func Default() []Mode { return slices.Clone(modes) }

// Insecure returns the modes that are implemented but never offered unless
// asked for by name. There are none. The caller owns the result.
func Insecure() []Mode { return nil }

// Lookup returns the mode of the given name, secure or not.
func Lookup(name string) (Mode, bool) {
	for _, list := range [][]Mode{modes, Insecure()} {
		for _, m := range list {
			if m.Name == name {
				return m, true
			}
		}
	}
	return Mode{}, false
}
