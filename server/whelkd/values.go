//go:build unix

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// forever stands for no limit.
const forever = 100 * 365 * 24 * time.Hour

// units are those of times in sshd_config(5), TIME FORMATS.
var units = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
}

// parseDuration reads a sequence of numbers, each with a unit or in seconds:
// "600", "10m", "1h30m".
func parseDuration(v string) (time.Duration, error) {
	var total time.Duration
	for rest := strings.ToLower(v); rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseUint(rest[:digits], 10, 31)
		if err != nil {
			return 0, fmt.Errorf("%q is not a time: write seconds, or numbers with s, m, h, d or w", v)
		}
		rest = rest[digits:]
		unit := time.Second
		if rest != "" {
			var ok bool
			if unit, ok = units[rest[0]]; !ok {
				return 0, fmt.Errorf("%q is not a time: %q is none of the units s, m, h, d, w", v, rest[0])
			}
			rest = rest[1:]
		}
		if total += time.Duration(n) * unit; total > forever || time.Duration(n) > forever/unit {
			return 0, fmt.Errorf("%q is too long", v)
		}
	}
	return total, nil
}

// parseRekeyLimit reads "bytes [time]", as in "1G 1h". What is "default" or
// "none" is 0, and so is "0".
func parseRekeyLimit(fields []string) (bytes int64, interval time.Duration, err error) {
	if len(fields) > 2 {
		return 0, 0, fmt.Errorf("%q is not an amount and a time", strings.Join(fields, " "))
	}
	if f := fields[0]; !strings.EqualFold(f, "default") && !strings.EqualFold(f, "none") && f != "0" {
		if bytes, err = parseSize(f); err != nil {
			return 0, 0, err
		}
	}
	if len(fields) == 2 && !strings.EqualFold(fields[1], "none") {
		interval, err = parseDuration(fields[1])
	}
	return bytes, interval, err
}

// parseSize reads a number of bytes, with K, M or G for powers of 1024.
func parseSize(v string) (int64, error) {
	digits, shift := v, 0
	if i := strings.IndexByte("KMGkmg", v[len(v)-1]); i >= 0 {
		digits, shift = v[:len(v)-1], 10*(i%3+1)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is not an amount: write bytes, or a number with K, M or G", v)
	}
	return n << shift, nil
}
