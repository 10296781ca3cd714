package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// A route is a client program and the server it is sent to.
type route struct {
	client string
	path   string
	flags  []string // that keep it to the files of the run
	args   []string // and to the server
	server *server
}

// route returns the way from a client to a server. whelk takes the flags of
// ssh(1), so they are the same for both.
func (d *demo) route(client, path string, s *server) *route {
	return &route{
		client: client, path: path, server: s,
		flags: []string{
			"-F", "/dev/null", "-o", "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=yes",
			"-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
		},
		args: []string{
			"-i", d.userKey.path, "-o", "UserKnownHostsFile=" + s.knownHosts, "-l", d.user, "-p", s.port, loopback,
		},
	}
}

// command returns the client, to run a command line on the server.
func (r *route) command(ctx context.Context, line string, flags ...string) *exec.Cmd {
	return command(ctx, r.path, slices.Concat(flags, r.flags, r.args, []string{line})...)
}

// blame adds what the server says to an error.
func (r *route) blame(err error) error {
	if said := r.server.log.String(); err != nil && said != "" {
		return fmt.Errorf("%w\n%s says:\n%s", err, r.server.name, said)
	}
	return err
}

// tasks are the commands to run, and what has to come of them.
var tasks = []struct {
	line, stdin string
	want        outcome
}{
	{line: "echo hello", want: outcome{stdout: "hello\n"}},
	{line: "exit 7", want: outcome{status: 7}},
	{line: "sort", stdin: "pear\napple\nfig\n", want: outcome{stdout: "apple\nfig\npear\n"}},
	{line: "sh -c 'echo out; echo err >&2'", want: outcome{stdout: "out\n", stderr: "err\n"}},
}

// commands runs the tasks over a route.
func (d *demo) commands(ctx context.Context, r *route) {
	for _, task := range tasks {
		what := task.line
		if task.stdin != "" {
			what += fmt.Sprintf(" < %q", task.stdin)
		}
		d.step(ctx, what, func(ctx context.Context) (string, error) {
			ctx, cancel := soon(ctx)
			defer cancel()
			cmd := r.command(ctx, task.line)
			cmd.Stdin = strings.NewReader(task.stdin)
			got, err := finish(ctx, cmd)
			if err == nil && got != task.want {
				err = fmt.Errorf("got %v, not %v", got, task.want)
			}
			return got.String(), r.blame(err)
		})
	}
}

// String says what the outcome is, leaving out what is not there.
func (o outcome) String() string {
	var said []string
	if o.stdout != "" {
		said = append(said, fmt.Sprintf("output %q", o.stdout))
	}
	if o.stderr != "" {
		said = append(said, fmt.Sprintf("errors %q", o.stderr))
	}
	return strings.Join(append(said, fmt.Sprintf("exit status %d", o.status)), ", ")
}
