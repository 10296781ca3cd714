package interop

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	os.Exit(runAll(m))
}

// workDir is where the programs, the keys and nothing else of this run are.
var workDir string

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "whelk-interop-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	workDir = dir
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	flag.Parse()
	if !isSet("test.parallel") {
		// Cases wait more than they compute: sshd lets Nagle's algorithm hold
		// up each key exchange.
		flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0)))
	}
	status := m.Run()
	if err := cases.report(os.Getenv("WHELK_INTEROP_REPORT")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

func isSet(name string) (set bool) {
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// build builds the commands into dir.
func build(dir string) error {
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if raceEnabled {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./client/whelk", "./server/whelkd")...)
	cmd.Dir = filepath.Join("..", "..")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, output)
	}
	whelk.path, whelkd.path = filepath.Join(dir, "whelk"), filepath.Join(dir, "whelkd")
	return buildXCrypto(dir)
}

// buildXCrypto builds the peer that is a module of its own. It is one that is
// not installed if its source cannot be had.
func buildXCrypto(dir string) error {
	path := filepath.Join(dir, xcrypto.name)
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = filepath.Join("peers", "xcrypto")
	output, err := cmd.CombinedOutput()
	if err == nil {
		xcrypto.path = path
	}
	if err != nil && inCI() {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, output)
	}
	return nil
}
