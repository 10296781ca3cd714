package userauth

import (
	"slices"

	"github.com/whelk-ssh/whelk/hostkey"
)

// overSHA1 are the algorithms that sign over SHA-1. RFC 8332, section 3, has
// the replacements, which any RSA key can sign with.
var overSHA1 = []string{
	"ssh-rsa", "ssh-rsa-cert-v01@openssh.com",
	"ssh-dss", "ssh-dss-cert-v01@openssh.com",
}

// maySign reports whether the client's keys may sign with an algorithm.
func (d *Dialog) maySign(algorithm string) bool {
	if d.algorithms == nil {
		return !slices.Contains(overSHA1, algorithm)
	}
	return slices.Contains(d.algorithms, algorithm)
}

// lists reports whether the server says that it takes signatures that key makes
// with an algorithm, or says nothing. RFC 8308, section 3.1, has it list public
// key algorithms; OpenSSH lists the formats of signatures, in which that of a
// certificate is the one of its key.
func (d *Dialog) lists(key hostkey.PublicKey, algorithm string) bool {
	theirs := d.binding.Algorithms
	if theirs == nil || slices.Contains(theirs, algorithm) {
		return true
	}
	format, err := hostkey.SignatureFormat(key, algorithm)
	return err == nil && slices.Contains(theirs, format)
}

// omits reports whether the server is one of those that take such signatures
// and do not say so. RFC 8308, section 3.1: "early server implementations that
// do not enumerate all accepted algorithms do exist. For this reason, a client
// MAY send a user authentication request using a public key algorithm not
// included". OpenSSH 7.2 and 7.3 list two algorithms of RSA, whatever they take,
// and 7.4 leaves out these.
func (d *Dialog) omits(key hostkey.PublicKey, algorithm string) bool {
	theirs := d.binding.Algorithms
	format, err := hostkey.SignatureFormat(key, algorithm)
	if err != nil {
		return false
	}
	switch format {
	case hostkey.RSASHA256, hostkey.RSASHA512:
		return slices.Contains(theirs, hostkey.RSA) &&
			!slices.Contains(theirs, hostkey.RSASHA256) && !slices.Contains(theirs, hostkey.RSASHA512)
	}
	return slices.Equal(theirs, []string{hostkey.RSASHA256, hostkey.RSASHA512})
}

// choose returns the first algorithm of a key that the server lists, one that it
// omits failing that. Of a server that does not say what it takes RFC 8332,
// section 3.3, has clients try: those over SHA-1 after the others.
func (d *Dialog) choose(s hostkey.Signer) (string, bool) {
	key := s.PublicKey()
	ours := slices.DeleteFunc(slices.Clone(s.Algorithms()), func(a string) bool { return !d.maySign(a) })
	sound := slices.DeleteFunc(slices.Clone(ours), func(a string) bool { return slices.Contains(overSHA1, a) })
	listed := func(a string) bool { return d.lists(key, a) }
	if i := slices.IndexFunc(sound, listed); i >= 0 {
		return sound[i], true
	}
	if i := slices.IndexFunc(sound, func(a string) bool { return d.omits(key, a) }); i >= 0 {
		return sound[i], true
	}
	if i := slices.IndexFunc(ours, listed); i >= 0 {
		return ours[i], true
	}
	return "", false
}
