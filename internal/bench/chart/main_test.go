package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "figures.svg")
	lines := "# a comment\nBENCH wan-100ms-xcrypto ours=10.0MB/s peer=20.0MB/s ratio=0.50\nBENCH far ours=1/s peer=1/s ratio=900.00\n"
	require.NoError(t, run([]string{path}, strings.NewReader(lines)))
	svg, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, text := range []string{"<svg", "wan-100ms-xcrypto", "0.50", "far", "900.00"} {
		require.Contains(t, string(svg), text)
	}
}

func TestChartRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "figures.svg")
	require.Error(t, run([]string{path}, strings.NewReader("# nothing\n")))
	require.Error(t, run(nil, strings.NewReader("")))
	require.NoFileExists(t, path)
}
