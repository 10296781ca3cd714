//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// script writes a program for sh.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700))
	return path
}

// sshd_config(5), AuthorizedKeysCommand: what it is given, and what it prints.
func TestAuthorizedKeysCommand(t *testing.T) {
	me := currentUser(t)
	a, err := currentAccount()
	require.NoError(t, err)
	key := testkeys.Ed25519Other().PublicKey()
	dir := t.TempDir()
	keys, asked := dir+"/keys", dir+"/asked"
	program := script(t, `printf '%s\n' "$@" >`+asked+`; env >>`+asked+`; cat `+keys+"\n")
	r := start(t, "-v", "-o", "AuthorizedKeysFile=none", "-o", "AuthorizedKeysCommandUser="+me,
		"-o", "AuthorizedKeysCommand="+program+` "a  b" %% %u %U %h %f %t %k %D. "%C" $HOME`)
	write := func(text string) { require.NoError(t, os.WriteFile(keys, []byte(text), 0o600)) }
	line := string(hostkey.MarshalAuthorizedKey(key, ""))

	write("# nobody\n")
	r.denied("authorized keys that were looked up")
	write(line)
	out, errs, status := r.output(`echo "$SSH_CONNECTION"`)
	require.Zero(t, status, errs)
	text, err := os.ReadFile(asked)
	require.NoError(t, err)
	connection := strings.TrimSpace(out)
	want := []string{"a  b", "%", me, a.uid, a.home, hostkey.Fingerprint(key), "ssh-ed25519", strings.Fields(line)[1], ".", connection, "$HOME"}
	got := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Equal(t, want, got[:len(want)])
	for _, variable := range got[len(want):] {
		name, _, _ := strings.Cut(variable, "=")
		require.Contains(t, []string{"PATH", "HOME", "USER", "LOGNAME", "PWD", "SHLVL", "_", "OLDPWD"}, name)
	}

	write(`command="echo limited" ` + line)
	out, _, _ = r.output("id")
	require.Equal(t, "limited\n", out)

	// Whoever it is, the program is asked about the one user there is.
	cmd := r.ssh("-o", "User=mallory", "true")
	cmd.Args = append(cmd.Args[:len(cmd.Args)-2], "127.0.0.1", "true")
	require.Error(t, cmd.Run())
	require.Contains(t, r.logged(), `user \"mallory\" may not log in`)
	text, err = os.ReadFile(asked)
	require.NoError(t, err)
	require.NotContains(t, string(text), "mallory")
}

// A program that fails lets nobody in, and keeps nobody out whom a file lets in.
func TestAuthorizedKeysCommandFails(t *testing.T) {
	line := string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), ""))
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/keys", []byte(line), 0o600))
	program := script(t, `cat `+dir+`/keys; . `+dir+"/end\n")
	require.NoError(t, os.WriteFile(dir+"/end", nil, 0o600))
	options := []string{"-o", "AuthorizedKeysCommandUser=" + currentUser(t), "-o", "AuthorizedKeysCommand=" + program}
	r := start(t, append(options, "-o", "AuthorizedKeysFile=none")...)
	_, errs, status := r.output("true")
	require.Zero(t, status, errs)
	for end, why := range map[string]string{
		"echo 'not today' >&2; exit 3": `exit status 3: \"not today\"`,
		"exit 1":                       "exit status 1",
		"kill -9 $$":                   "signal: killed",
		"head -c 2000000 /dev/zero":    "it wrote more than 1048576 bytes",
	} {
		require.NoError(t, os.WriteFile(dir+"/end", []byte(end+"\n"), 0o600))
		r.denied("nobody is let in by AuthorizedKeysCommand")
		require.Contains(t, r.logged(), why)
	}
	require.NoError(t, os.WriteFile(dir+"/end", nil, 0o600))
	require.NoError(t, os.Chmod(program, 0o777))
	r.denied("is writable by others (mode 0777)")
	require.NoError(t, os.Remove(program))
	r.denied("no such file")

	other := script(t, "exit 1\n")
	r = start(t, "-o", "AuthorizedKeysCommandUser="+currentUser(t), "-o", "AuthorizedKeysCommand="+other)
	_, errs, status = r.output("true")
	require.Zero(t, status, "the file comes first: %s", errs)
	require.NotContains(t, r.logged(), "nobody is let in")
}

// sshd_config(5), AuthorizedPrincipalsCommand, with certificates of ssh-keygen.
func TestAuthorizedPrincipalsCommand(t *testing.T) {
	dir := t.TempDir()
	ca := testkeys.ECDSA384().PublicKey()
	caLine := hostkey.MarshalAuthorizedKey(ca, "")
	require.NoError(t, os.WriteFile(dir+"/ca.pub", caLine, 0o600))
	program := script(t, `printf '%s\n' "$@" >`+dir+`/asked; cat `+dir+"/names\n")
	r := start(t, "-v", "-o", "AuthorizedKeysFile=none", "-o", "TrustedUserCAKeys="+dir+"/ca.pub",
		"-o", "AuthorizedPrincipalsCommandUser="+currentUser(t),
		"-o", "AuthorizedPrincipalsCommand="+program+" %i %s %T %F %K %t %f %u")
	r.authority("")
	names := func(text string) { require.NoError(t, os.WriteFile(dir+"/names", []byte(text), 0o600)) }
	names("ops\nrestrict,command=\"echo limited\" guest\n")
	r.certify("-n", "x,ops", "-z", "7", "-I", "laptop")
	out, errs, status := r.output("echo in")
	require.Zero(t, status, errs)
	require.Equal(t, "in\n", out)
	text, err := os.ReadFile(dir + "/asked")
	require.NoError(t, err)
	asked := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Equal(t, []string{"laptop", "7", "ecdsa-sha2-nistp384", hostkey.Fingerprint(ca), strings.Fields(string(caLine))[1], "ssh-ed25519-cert-v01@openssh.com"}, asked[:6])
	require.Equal(t, r.user, asked[7])

	r.certify("-n", "guest")
	out, _, _ = r.output("echo in")
	require.Equal(t, "limited\n", out)
	r.certify("-n", r.user)
	r.denied("authorized principals that were looked up: none of")
	names("from=\"192.0.2.1\" ops\n")
	r.certify("-n", "ops")
	r.denied("may be used from")
	require.NoError(t, os.Remove(dir+"/names"))
	r.denied("nobody is let in by AuthorizedPrincipalsCommand")
}

// What a program leaves behind, and what it takes too long for.
func TestCollect(t *testing.T) {
	run := func(ctx context.Context, text string) ([]byte, error) {
		cmd := exec.Command("/bin/sh", "-c", text)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		return collect(ctx, cmd)
	}
	dead := func(file string) {
		t.Helper()
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		require.NoError(t, err)
		require.Eventually(t, func() bool { return !alive(pid) }, waitFor, 5*time.Millisecond)
	}
	out, err := run(t.Context(), "echo out; echo err >&2")
	require.NoError(t, err)
	require.Equal(t, "out\n", string(out))

	file := filepath.Join(t.TempDir(), "pid")
	out, err = run(t.Context(), "sleep 1000 & echo $! >"+file+"; echo out")
	require.NoError(t, err, "its child has the output open, and goes with it")
	require.Equal(t, "out\n", string(out))
	dead(file)

	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errors.New("too late"))
	defer cancel()
	began := time.Now()
	_, err = run(ctx, "trap '' TERM HUP; echo out; sleep 1000 & echo $! >"+file+"; sleep 1000")
	require.EqualError(t, err, "too late")
	require.Less(t, time.Since(began), waitFor)
	dead(file)

	_, err = run(t.Context(), "yes")
	require.EqualError(t, err, "it wrote more than 1048576 bytes")
	out, err = run(t.Context(), "head -c 1048576 /dev/zero")
	require.NoError(t, err)
	require.Len(t, out, programOutput)

	_, err = run(t.Context(), "head -c 5000 /dev/zero >&2; exit 2")
	require.ErrorContains(t, err, "exit status 2")
	require.Less(t, len(err.Error()), 6*programErrors)

	if _, err := exec.LookPath("setsid"); err == nil {
		_, err = run(t.Context(), "setsid sleep 3 & echo out; sleep 0.1")
		require.Error(t, err, "who left the group has the output open: nobody knows whether that was all")
	}
	_, err = collect(t.Context(), &exec.Cmd{Path: "/no/such/program"})
	require.Error(t, err)
}

// alive reports whether a process runs, and is not one that nobody has reaped.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// Programs of all connections wait for each other, and not for ever.
func TestProgramsAreBounded(t *testing.T) {
	a, err := currentAccount()
	require.NoError(t, err)
	r := &runner{account: &a, slots: make(chan struct{}, 1)}
	require.NoError(t, r.program.set(script(t, "echo $#\n"), keyTokens, "%u"))
	r.program.user = a.name
	require.NoError(t, r.program.check(&a))
	out, err := r.output(t.Context(), a.values())
	require.NoError(t, err)
	require.Equal(t, "1\n", string(out), "the user's name, if nothing else is asked for")
	require.Empty(t, r.slots)

	r.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.output(ctx, a.values())
	require.ErrorIs(t, err, context.Canceled)
	<-r.slots
	_, err = r.output(t.Context(), nil)
	require.ErrorContains(t, err, "%u is not known here")
}

// Another user than this one is for root to be.
func TestCredential(t *testing.T) {
	_, err := (&account{name: "u", uid: "7"}).credential("root")
	require.ErrorContains(t, err, `cannot be run as "root", only as "u"`)
	c, err := (&account{name: "u", uid: "7"}).credential("u")
	require.NoError(t, err)
	require.Nil(t, c)
	_, err = (&account{name: "root", uid: "0"}).credential("no-such-user")
	require.Error(t, err)
	require.Equal(t, "/h", (&account{name: "u", home: "/h"}).homeOf("u"))
	require.Equal(t, "/", (&account{name: "u", home: "/h"}).homeOf("no-such-user"))
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	a, err := currentAccount()
	require.NoError(t, err)
	r := &runner{account: &a, slots: make(chan struct{}, 1)}
	require.NoError(t, r.program.set("/usr/bin/id -un", keyTokens, ""))
	r.program.user = "nobody"
	out, err := r.output(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "nobody\n", string(out))
}

func TestExpand(t *testing.T) {
	values := map[byte]string{'u': "%h", 'h': "/home"}
	for s, want := range map[string]string{"": "", "a": "a", "%u/%h%%": "%h//home%", "%%u": "%u"} {
		got, err := expand(s, values)
		require.NoError(t, err)
		require.Equal(t, want, got, "what is put in is not expanded")
	}
	for s, why := range map[string]string{"%": "ends with %", "a%": "ends with %", "%x": "%x is not known here"} {
		_, err := expand(s, values)
		require.ErrorContains(t, err, why)
	}
}
