package cipher

import (
	"crypto/aes"
	"crypto/fips140"
	"slices"
	"strings"
)

// How many bytes one key may protect.
const (
	// RFC 4344, section 3.2: 2^(L/4) blocks, where L = 128 is the number of
	// bits in a block of AES: 64 GiB.
	aesLimit = aes.BlockSize << 32

	// RFC 4253, section 9: "after each gigabyte of transmitted data", which
	// RFC 4344, section 3.2, keeps for everything without blocks of 128 bits,
	// and OpenSSH for chacha20-poly1305@openssh.com and for 3des-cbc. 2^(L/4)
	// blocks of 64 bits would be half a megabyte; in a gigabyte, two of them
	// are alike once in some 2000 keys (CVE-2016-2183).
	gigabyte = 1 << 30
)

// Modes in order of preference. GCM leads where the CPU has AES instructions
// and ChaCha20 elsewhere: see preferred. CTR remains for peers without AEAD.
// The smaller AES key comes first: it is as far from being guessed as the key
// exchanges are from being broken, and faster.
var modes = []Mode{
	{Name: "aes128-gcm@openssh.com", KeySize: 16, IVSize: 12, AEAD: true, RekeyAfter: aesLimit, NewSealer: gcmSealer(16), NewOpener: gcmOpener(16)},
	{Name: "aes256-gcm@openssh.com", KeySize: 32, IVSize: 12, AEAD: true, RekeyAfter: aesLimit, NewSealer: gcmSealer(32), NewOpener: gcmOpener(32)},
	{Name: "chacha20-poly1305@openssh.com", KeySize: 64, AEAD: true, RekeyAfter: gigabyte, NewSealer: chachaSealer, NewOpener: chachaOpener},
	{Name: "aes128-ctr", KeySize: 16, IVSize: 16, RekeyAfter: aesLimit, NewSealer: ctrSealer(16), NewOpener: ctrOpener(16)},
	{Name: "aes192-ctr", KeySize: 24, IVSize: 16, RekeyAfter: aesLimit, NewSealer: ctrSealer(24), NewOpener: ctrOpener(24)},
	{Name: "aes256-ctr", KeySize: 32, IVSize: 16, RekeyAfter: aesLimit, NewSealer: ctrSealer(32), NewOpener: ctrOpener(32)},
}

// Modes for peers that have nothing else, the least bad first: CBC is open to
// who can choose plaintext or watch a receiver fail, and 3DES has blocks that
// are too small besides.
var insecure = []Mode{
	{Name: "aes128-cbc", KeySize: 16, IVSize: 16, RekeyAfter: aesLimit, NewSealer: aesCBC(16).sealer, NewOpener: aesCBC(16).opener},
	{Name: "aes192-cbc", KeySize: 24, IVSize: 16, RekeyAfter: aesLimit, NewSealer: aesCBC(24).sealer, NewOpener: aesCBC(24).opener},
	{Name: "aes256-cbc", KeySize: 32, IVSize: 16, RekeyAfter: aesLimit, NewSealer: aesCBC(32).sealer, NewOpener: aesCBC(32).opener},
	{Name: "3des-cbc", KeySize: 24, IVSize: 8, RekeyAfter: gigabyte, NewSealer: tripleDES.sealer, NewOpener: tripleDES.opener},
}

// Default returns the modes to offer, in order of preference, which depends on
// the CPU. The caller owns the result.
func Default() []Mode { return available(preferred(aesInHardware)) }

// Insecure returns the modes that are implemented but never offered unless
// asked for by name. The caller owns the result.
func Insecure() []Mode { return available(slices.Clone(insecure)) }

// Lookup returns the mode of the given name, secure or not.
func Lookup(name string) (Mode, bool) {
	for _, list := range [][]Mode{Default(), Insecure()} {
		for _, m := range list {
			if m.Name == name {
				return m, true
			}
		}
	}
	return Mode{}, false
}

// preferred returns modes in the order for a CPU that has AES instructions or
// has not.
func preferred(hasAES bool) []Mode {
	list := slices.Clone(modes)
	if !hasAES {
		slices.SortStableFunc(list, func(a, b Mode) int { return class(a) - class(b) })
	}
	return list
}

// class returns what m counts as without AES instructions: lower is better.
func class(m Mode) int {
	switch {
	case !isAES(m):
		return 0
	case m.AEAD:
		return 1
	}
	return 2
}

func isAES(m Mode) bool { return strings.HasPrefix(m.Name, "aes") }

// available removes what is not approved in FIPS 140-3 mode from list (see the
// package comment).
func available(list []Mode) []Mode {
	if fips140.Enabled() {
		list = slices.DeleteFunc(list, func(m Mode) bool { return !approved(m) })
	}
	return list
}

// approved reports whether m is AES in a mode of operation that is approved
// and can be had. Where crypto/cipher enforces approval it has no GCM with
// nonces of the caller's.
func approved(m Mode) bool { return isAES(m) && !(m.AEAD && fips140.Enforced()) }
