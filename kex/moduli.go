package kex

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
)

// Bounds of a moduli(5) file. A prime of 8192 bits takes a line of 2 KiB.
const (
	maxModuliFile = 16 << 20
	maxModuliLine = 8 << 10
)

// Groups are the groups from which a server of group exchange (RFC 4419)
// chooses. The zero Groups has none of its own, and leaves the server with
// those of RFC 3526. It does not change, and may be used concurrently.
type Groups struct{ list []group }

// Len returns how many groups there are, not counting those of RFC 3526.
func (g Groups) Len() int { return len(g.list) }

// A ModuliError reports a line of a moduli(5) file that is not used.
type ModuliError struct {
	Line int // counted from 1
	Err  error
}

func (e *ModuliError) Error() string {
	return fmt.Sprintf("kex: line %d of the moduli: %v", e.Line, e.Err)
}

// Unwrap returns e.Err.
func (e *ModuliError) Unwrap() error { return e.Err }

// ParseModuli reads a moduli(5) file, as ssh-keygen -M makes it. Of each line
// it takes the modulus, if that is said to be a safe prime of 2048 to 8192 bits
// that has been tested, and its generator is 2 or 5. Other lines are left out,
// and skipped says why, in their order. Whether a modulus is prime is not
// tested again: that takes a minute for a usual file.
//
// The file may have 16 MiB, and a line 8 KiB. A file that is larger, or cannot
// be read to its end, is an error and no groups.
func ParseModuli(r io.Reader) (groups Groups, skipped []*ModuliError, err error) {
	file, err := io.ReadAll(io.LimitReader(r, maxModuliFile+1))
	if err != nil {
		return Groups{}, nil, fmt.Errorf("kex: reading moduli: %w", err)
	}
	if len(file) > maxModuliFile {
		return Groups{}, nil, fmt.Errorf("kex: a file of moduli is larger than %d bytes", maxModuliFile)
	}
	n := 0
	for line := range bytes.Lines(file) {
		n++
		g, err := parseModulus(line)
		switch {
		case errors.Is(err, errNoModulus):
		case err != nil:
			skipped = append(skipped, &ModuliError{Line: n, Err: err})
		default:
			groups.list = append(groups.list, g)
		}
	}
	return groups, skipped, nil
}

// errNoModulus is the error for an empty line and a comment.
var errNoModulus = errors.New("no modulus")

// What moduli(5) means by its numbers.
const (
	safePrime      = 2    // the type
	testsComposite = 0x01 // among the tests: found not to be prime
)

// parseModulus reads a line:
//
//	time type tests trials size generator modulus
//
// The last two are hexadecimal. The size is one less than that of the modulus.
func parseModulus(line []byte) (group, error) {
	if len(line) > maxModuliLine {
		return group{}, fmt.Errorf("longer than %d bytes", maxModuliLine)
	}
	fields := strings.Fields(string(line))
	if len(fields) == 0 || fields[0][0] == '#' {
		return group{}, errNoModulus
	}
	if len(fields) != 7 {
		return group{}, fmt.Errorf("%d fields, not 7", len(fields))
	}
	var numbers [4]uint64 // type, tests, trials, size
	for i := range numbers {
		var err error
		if numbers[i], err = strconv.ParseUint(fields[1+i], 10, 32); err != nil {
			return group{}, fmt.Errorf("%q is not a number", fields[1+i])
		}
	}
	switch {
	case numbers[0] != safePrime:
		return group{}, fmt.Errorf("a modulus of type %d, not %d, a safe prime", numbers[0], safePrime)
	case numbers[1]&testsComposite != 0:
		return group{}, errors.New("a composite modulus")
	case numbers[1] == 0 || numbers[2] == 0:
		return group{}, errors.New("a modulus that was not tested")
	case fields[5] != "2" && fields[5] != "5":
		return group{}, fmt.Errorf("generator %q is neither 2 nor 5", fields[5])
	}
	p, ok := new(big.Int).SetString(fields[6], 16)
	if !ok {
		return group{}, fmt.Errorf("%.40q is not a hexadecimal number", fields[6])
	}
	g := group{p: p, g: big.NewInt(int64(fields[5][0] - '0'))}
	return g, g.checkModulus(numbers[3] + 1)
}

// checkModulus refuses what is not the modulus that its line promised. A safe
// prime is 11 modulo 12, or else it or its half would have a divisor: that
// finds nearly every modulus that was damaged.
func (g group) checkModulus(bits uint64) error {
	switch {
	case g.p.Sign() < 0 || uint64(g.p.BitLen()) != bits:
		return fmt.Errorf("a modulus of %d bits, not of %d", g.p.BitLen(), bits)
	case bits < minGroupSize || bits > maxGroupSize:
		return fmt.Errorf("a modulus of %d bits, not of %d to %d", bits, minGroupSize, maxGroupSize)
	case new(big.Int).Mod(g.p, big.NewInt(12)).Int64() != 11:
		return errors.New("the modulus is not a safe prime")
	}
	return nil
}

// choose returns the group for a client that wants one of n bits, and takes any
// of low to high: the smallest that has as many bits, or else the largest of the
// others (RFC 4419, section 3). Of several it returns any. The groups of
// RFC 3526 are what remains when no other will do.
func (g Groups) choose(low, n, high uint32) (group, bool) {
	fit := fitting(g.list, low, n, high)
	if len(fit) == 0 {
		var known []group
		for _, m := range []modp{group14, group15, group16, group17, group18} {
			known = append(known, m.group())
		}
		fit = fitting(known, low, n, high)
	}
	if len(fit) == 0 {
		return group{}, false
	}
	i, _ := rand.Int(rand.Reader, big.NewInt(int64(len(fit)))) // rand.Reader does not fail
	return fit[i.Int64()], true
}

// fitting returns the groups of the size that fits best.
func fitting(groups []group, low, n, high uint32) (fit []group) {
	for _, g := range groups {
		size := g.size()
		if size < low || size > high {
			continue
		}
		if len(fit) > 0 && size != fit[0].size() {
			best := fit[0].size()
			if best >= n && (size < n || size > best) || best < n && size < best {
				continue
			}
			fit = fit[:0]
		}
		fit = append(fit, g)
	}
	return fit
}
