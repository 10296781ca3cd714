package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// openSSH repeats the commands and the transfers with one end OpenSSH's. s is
// whelkd.
func (d *demo) openSSH(ctx context.Context, s *server) {
	d.programs.ssh, d.programs.sshd = installed("ssh"), installed("sshd")
	d.heading("OpenSSH: ssh -> whelkd")
	if d.programs.ssh == "" {
		d.skip("ssh", "not installed, left out")
	} else {
		r := d.route("ssh", d.programs.ssh, s)
		d.commands(ctx, r)
		d.transfers(ctx, r)
	}
	d.heading("OpenSSH: whelk -> sshd")
	if d.programs.sshd == "" {
		d.skip("sshd", "not installed, left out")
		return
	}
	remove := makeSeparation()
	defer remove()
	theirs := d.serve(ctx, "sshd", d.startSSHD)
	if theirs == nil {
		return
	}
	defer theirs.stop()
	r := d.route("whelk", d.programs.whelk, theirs)
	d.commands(ctx, r)
	d.transfers(ctx, r)
	if d.programs.ssh != "" {
		d.heading("Speed, to compare with: ssh -> sshd")
		d.transfers(ctx, d.route("ssh", d.programs.ssh, theirs))
	}
}

// installed returns the path of a program of the system's, or "". sshd is
// often where only root looks.
func installed(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		if path, err = filepath.Abs(path); err == nil { // sshd insists on it
			return path
		}
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}

// startSSHD starts sshd, as root or as the user. It cannot look for a free port
// itself, and somebody may take the one we have found before it does.
func (d *demo) startSSHD(ctx context.Context) (s *server, err error) {
	for range 3 {
		var port string
		if port, err = freePort(); err != nil {
			return nil, err
		}
		s, err = d.start(ctx, "sshd", d.programs.sshd, "-D", "-e", "-f", "/dev/null",
			"-p", port, "-h", d.hostKey.path, "-o", "AuthorizedKeysFile="+d.path("authorized_keys"),
			"-o", "ListenAddress="+loopback, "-o", "PidFile=none", "-o", "PermitRootLogin=prohibit-password",
			"-o", "PrintMotd=no", "-o", "StrictModes=no", "-o", "UsePAM=no")
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return s, err
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

// separation is the empty directory that sshd of root changes to, where the
// service that would make it has not run since the system started.
const separation = "/run/sshd"

// makeSeparation makes that directory if it takes root to do so and it is not
// there, and returns what removes it again.
func makeSeparation() (remove func()) {
	if os.Geteuid() != 0 || os.Mkdir(separation, 0o755) != nil {
		return func() {}
	}
	return func() { _ = os.Remove(separation) }
}
