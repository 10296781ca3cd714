package report

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLine(t *testing.T) {
	for _, c := range []struct {
		line Line
		text string
	}{
		{Line{"bulk", "MB/s", 2755.4, 1414.2, 1.948}, "BENCH bulk ours=2755MB/s peer=1414MB/s ratio=1.95"},
		{Line{"allocs", "allocs", 0.0312, 29.25, 937.5}, "BENCH allocs ours=0.0312allocs peer=29.2allocs ratio=937.50"},
		{Line{"handshake", "/s", 1e6, 999.6, 1000.4}, "BENCH handshake ours=1000000/s peer=1000/s ratio=1000.40"},
		{Line{"roundtrips", "rtt", 5.1, 9, 1.7647}, "BENCH roundtrips ours=5.10rtt peer=9.00rtt ratio=1.76"},
	} {
		require.Equal(t, c.text, c.line.String())
		parsed, ok := Parse(c.text)
		require.True(t, ok, c.text)
		require.Equal(t, c.text, parsed.String())
		require.Equal(t, c.line.Name, parsed.Name)
		require.Equal(t, c.line.Unit, parsed.Unit)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         "",
		"comment":         "# BENCH a ours=1/s peer=1/s ratio=1.00",
		"units differ":    "BENCH a ours=1MB/s peer=1/s ratio=1.00",
		"no ratio":        "BENCH a ours=1/s peer=1/s",
		"ratio of a word": "BENCH a ours=1/s peer=1/s ratio=Inf",
		"two points":      "BENCH a ours=1.2.3/s peer=1.2.3/s ratio=1",
		"more":            "BENCH a ours=1/s peer=1/s ratio=1.00 better",
	} {
		_, ok := Parse(text)
		require.False(t, ok, name)
	}
}

func TestNumber(t *testing.T) {
	for v, text := range map[float64]string{
		0: "0", 0.00244: "0.00244", 0.1: "0.100", 1: "1.00", 9.996: "10.00", 12.34: "12.3", 123.4: "123", 123456: "123456",
	} {
		require.Equal(t, text, Number(v))
	}
}
