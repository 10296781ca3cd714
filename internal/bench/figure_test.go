package main

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/bench/report"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 100}, 3},
	} {
		require.Equal(t, c.want, median(c.values), "%v", c.values)
	}
}

// script returns a sample that notes its turns and yields values in order.
func script(side string, log *[]string, values ...float64) sample {
	return func(b *bench) (float64, error) {
		if b.warming {
			side = strings.ToUpper(side)
		} else {
			side = strings.ToLower(side)
		}
		*log = append(*log, side)
		v := values[0]
		values = values[1:]
		return v, nil
	}
}

func TestTurns(t *testing.T) {
	var log []string
	f := figure{name: "f", unit: "us", less: true, ours: script("o", &log, 99, 1, 3, 2), peer: script("p", &log, 99, 4, 40, 8)}
	var out bytes.Buffer
	require.NoError(t, f.print(&out, new(bench), &options{turns: 3}))
	require.Equal(t, "O P o p o p o p", strings.Join(log, " "))
	require.Equal(t, ""+
		"# f ours: median 2.00us, from 1.00 to 3.00 in 3 turns\n"+
		"# f peer: median 8.00us, from 4.00 to 40.0 in 3 turns\n"+
		"BENCH f ours=2.00us peer=8.00us ratio=4.00\n", out.String())
}

func TestMoreIsBetter(t *testing.T) {
	var log []string
	f := figure{name: "f", unit: "/s", ours: script("o", &log, 9, 300), peer: script("p", &log, 9, 200)}
	var out bytes.Buffer
	require.NoError(t, f.print(&out, new(bench), &options{turns: 1}))
	require.Contains(t, out.String(), "BENCH f ours=300/s peer=200/s ratio=1.50\n")
}

func TestOneSide(t *testing.T) {
	var log []string
	f := figure{name: "f", unit: "/s", ours: script("o", &log, 9, 300), peer: script("p", &log)}
	var out bytes.Buffer
	require.NoError(t, f.print(&out, new(bench), &options{turns: 1, only: "ours"}))
	require.Equal(t, "# f ours: median 300/s, from 300 to 300 in 1 turns\n", out.String())
}

func TestFigureFails(t *testing.T) {
	var log []string
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		peer sample
		want string
	}{
		"error":   {func(*bench) (float64, error) { return 0, broken }, "peer: broken"},
		"nothing": {script("p", &log, 0), "peer: measured 0"},
	} {
		f := figure{name: "f", ours: script("o", &log, 1, 1), peer: c.peer}
		var out bytes.Buffer
		require.ErrorContains(t, f.print(&out, new(bench), &options{turns: 1}), c.want, name)
		require.Empty(t, out.String(), name)
	}
}

// Every figure that has a target is measured, and the other way around. Those of
// algorithms have none: there is a choice between them, and here is its price.
func TestTargets(t *testing.T) {
	names, targets := map[string]bool{}, 0
	for _, f := range figures {
		require.False(t, names[f.name], f.name)
		require.Regexp(t, regexp.MustCompile(`^\S+$`), f.name)
		names[f.name] = true
		if strings.HasPrefix(f.name, "kex-") || strings.Contains(f.name, "umac") || f.name == "allocs-per-32KiB-xcrypto" {
			continue
		}
		_, ok := report.Target(f.name)
		require.True(t, ok, f.name)
		targets++
	}
	require.Equal(t, 19, targets)
	for _, method := range keyExchanges() {
		name, second := "kex-"+method.Name(), strings.Contains(method.Name(), "@")
		require.Equal(t, !second, names[name+"-xcrypto"] || names[name+"-curve25519"], name)
	}
}

func TestScale(t *testing.T) {
	full := scale{size: fullSize}
	require.EqualValues(t, 1<<30, full.bytes(1))
	require.EqualValues(t, 1<<28, full.bytes(4))
	require.Equal(t, 2000, full.count(2000))
	full.warming = true
	require.EqualValues(t, 1<<27, full.bytes(1))
	require.Equal(t, 250, full.count(2000))
	require.EqualValues(t, block, scale{size: 1}.bytes(1))
	require.Equal(t, 1, scale{size: 1}.count(5))
}
