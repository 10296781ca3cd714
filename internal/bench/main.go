package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime/pprof"
)

// Options are what the command line says.
type options struct {
	names   *regexp.Regexp
	turns   int
	only    string // "ours", "peer" or ""
	profile string // a file for a CPU profile
	serve   string // the stack to serve idle sessions with
	scale
	programs
}

func main() {
	o, err := parseOptions(os.Args[1:])
	if err == nil {
		err = o.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func parseOptions(args []string) (*options, error) {
	o := new(options)
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	names := flags.String("name", "", "measure the figures whose names match this regular expression")
	size := flags.Int64("size", 1024, "MiB that the bulk figures move in a turn; what else depends on it shrinks with it")
	flags.IntVar(&o.turns, "turns", 5, "turns of each side that count")
	flags.StringVar(&o.only, "only", "", "measure one side, `ours` or peer, and print no BENCH lines")
	flags.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of everything to a `file`; -only makes it one of one side")
	flags.StringVar(&o.ssh, "ssh", "ssh", "OpenSSH's client")
	flags.StringVar(&o.sshd, "sshd", "/usr/sbin/sshd", "OpenSSH's server")
	flags.StringVar(&o.serve, "serve", "", "be the server of the figure idle-memory, of the `stack` named")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	var err error
	if o.names, err = regexp.Compile(*names); err != nil {
		return nil, err
	}
	if o.turns < 1 || *size < 8 || flags.NArg() > 0 {
		return nil, fmt.Errorf("bench: there is at least 1 turn, of 8 MiB, and no argument")
	}
	o.size = *size << 20
	return o, nil
}

// run does what the command line asks for.
func (o *options) run() error {
	if o.serve != "" {
		return serveIdle(stacks[o.serve], os.Stdin, os.Stdout)
	}
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	return o.measure()
}

// measure measures the figures one after the other. One that fails does not
// keep the others from being measured.
func (o *options) measure() error {
	b, err := newBench(o.scale, o.programs)
	if err != nil {
		return err
	}
	defer b.close()
	measured, failed := 0, 0
	for _, f := range figures {
		if !o.names.MatchString(f.name) {
			continue
		}
		measured++
		if err := f.print(os.Stdout, b, o); err != nil {
			failed++
			fmt.Printf("# %s: %v\n", f.name, err)
		}
	}
	switch {
	case failed > 0:
		return fmt.Errorf("bench: %d of %d figures could not be measured", failed, measured)
	case measured == 0:
		return fmt.Errorf("bench: no figure has a name that matches %q", o.names)
	}
	return nil
}
