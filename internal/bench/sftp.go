package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pkg/sftp"
)

// files is what both libraries are made to use with sshd.
var files = suite{kex: curve25519.kex, cipher: gcm.cipher}

// sftpFigures are those of files. Their server's program is sshd's own.
func sftpFigures() []figure {
	whelkcp, openSSH := (*bench).copyWhelk, (*bench).copyOpenSSH
	return []figure{
		{name: "sftp-get-1GiB-openssh", unit: "MB/s", ours: copyFile(whelkcp, (*bench).filesSSHD, down), peer: copyFile(openSSH, (*bench).filesSSHD, down)},
		{name: "sftp-put-1GiB-openssh", unit: "MB/s", ours: copyFile(whelkcp, (*bench).filesSSHD, up), peer: copyFile(openSSH, (*bench).filesSSHD, up)},
		{name: "sftp-get-1GiB-pkgsftp", unit: "MB/s", ours: libraryFile(openWhelk, down), peer: libraryFile(openPkgSFTP, down)},
		{name: "sftp-put-1GiB-pkgsftp", unit: "MB/s", ours: libraryFile(openWhelk, up), peer: libraryFile(openPkgSFTP, up)},
		{name: "sftp-serve-1GiB-openssh", unit: "MB/s", ours: copyFile(openSSH, (*bench).filesWhelkd, down), peer: copyFile(openSSH, (*bench).filesSSHD, down)},
		{name: "sftp-tree-10000-openssh", unit: "files/s", ours: copyTree(whelkcp, 10_000), peer: copyTree(openSSH, 200)},
	}
}

// A direction is which way a file goes.
type direction int

const (
	down direction = iota
	up
)

// filesSSHD starts OpenSSH's server with OpenSSH's server of files.
func (b *bench) filesSSHD() (*daemon, error) {
	return b.startSSHDWith("Subsystem=sftp /usr/lib/openssh/sftp-server")
}

// filesWhelkd starts ours with ours.
func (b *bench) filesWhelkd() (*daemon, error) {
	return b.startDaemon(b.whelkd, "-p", "0", "-h", b.file("host"), "-a", b.file("authorized_keys"), "-o", "Subsystem=sftp internal-sftp")
}

// copyOptions are the flags that the programs which copy have in common.
func (b *bench) copyOptions(address string) ([]string, error) {
	_, port, err := net.SplitHostPort(address)
	args := []string{"-q", "-F", "none", "-P", port, "-i", b.file("user")}
	for _, option := range []string{
		"User=" + b.keys.name, "HostKeyAlias=" + hostAlias, "UserKnownHostsFile=" + b.file("known_hosts"),
		"GlobalKnownHostsFile=/dev/null", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes", "BatchMode=yes", "Ciphers=" + gcm.cipher,
	} {
		args = append(args, "-o", option)
	}
	return args, err
}

// copyWhelk copies with whelkcp, which is built for the first time it is
// needed: warming up.
func (b *bench) copyWhelk(address, from, to string, d direction) error {
	path := b.file("whelkcp")
	if _, err := os.Stat(path); err != nil {
		cmd := exec.Command("go", "build", "-o", path, "./client/whelkcp")
		cmd.Dir = filepath.Join("..", "..")
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("bench: %v: %w\n%s", cmd.Args, err, output)
		}
	}
	args, err := b.copyOptions(address)
	if err != nil {
		return err
	}
	if d == down {
		from = "127.0.0.1:" + from
	} else {
		to = "127.0.0.1:" + to
	}
	return b.runCopy(exec.Command(path, append(args, "-r", from, to)...))
}

// copyOpenSSH copies with sftp.
func (b *bench) copyOpenSSH(address, from, to string, d direction) error {
	args, err := b.copyOptions(address)
	if err != nil {
		return err
	}
	verb := "get"
	if d == up {
		verb = "put"
	}
	if info, err := os.Stat(from); err == nil && info.IsDir() {
		verb += " -r"
	}
	cmd := exec.Command("sftp", append(args, "-b", "-", "127.0.0.1")...)
	cmd.Stdin = strings.NewReader(fmt.Sprintf("%s %s %s\n", verb, from, to))
	return b.runCopy(cmd)
}

func (b *bench) runCopy(cmd *exec.Cmd) error {
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "LC_ALL=C"}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, problems.Bytes())
	}
	return nil
}

// A copier copies a file or a tree, to or from the daemon at the address.
type copier func(b *bench, address, from, to string, d direction) error

// sparse makes a file without blocks, so that no disk is measured.
func (b *bench) sparse(size int64) (string, error) {
	f, err := os.Create(b.file("sparse"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	return f.Name(), f.Truncate(size)
}

// copyFile measures a program as it copies one file to the null device, from
// its start to its end.
func copyFile(c copier, start func(*bench) (*daemon, error), d direction) sample {
	return func(b *bench) (float64, error) {
		server, err := start(b)
		if err != nil {
			return 0, err
		}
		defer server.stop()
		n := b.bytes(1)
		from, err := b.sparse(n)
		if err != nil {
			return 0, err
		}
		begun := time.Now()
		if err := c(b, server.address, from, os.DevNull, d); err != nil {
			return 0, err
		}
		return rate(n, begun), nil
	}
}

// treeDelay is what a packet takes to the other end in the figure of trees.
const treeDelay = 10 * time.Millisecond

// copyTree measures a program as it puts files of 4 KiB over a long path, and
// gets them again. At full size there are as many as said.
func copyTree(c copier, files int) sample {
	return func(b *bench) (float64, error) {
		server, err := b.filesSSHD()
		if err != nil {
			return 0, err
		}
		defer server.stop()
		r, err := newRelay(server.address, treeDelay)
		if err != nil {
			return 0, err
		}
		defer r.close()
		dir, err := os.MkdirTemp(b.dir, "tree")
		if err != nil {
			return 0, err
		}
		defer os.RemoveAll(dir)
		n := b.count(files)
		for i := range n {
			sub := filepath.Join(dir, "tree", fmt.Sprint("d", i/100))
			if err := os.MkdirAll(sub, 0o755); err != nil {
				return 0, err
			}
			if err := os.WriteFile(filepath.Join(sub, fmt.Sprint(i)), make([]byte, 4096), 0o644); err != nil {
				return 0, err
			}
		}
		begun := time.Now()
		if err := c(b, r.address(), filepath.Join(dir, "tree"), filepath.Join(dir, "put"), up); err != nil {
			return 0, err
		}
		if err := c(b, r.address(), filepath.Join(dir, "put"), filepath.Join(dir, "got"), down); err != nil {
			return 0, err
		}
		return float64(2*n) / time.Since(begun).Seconds(), nil
	}
}

// A remoteFile is one of a library's.
type remoteFile interface {
	io.ReaderFrom
	io.WriterTo
	io.Closer
}

// An opener connects a library to the daemon and opens a file there.
type opener func(b *bench, address, name string, flag int) (remoteFile, func(), error)

func openWhelk(b *bench, address, name string, flag int) (remoteFile, func(), error) {
	l, err := ours.dial(address, b.keys, files)
	if err != nil {
		return nil, nil, err
	}
	c, err := l.(whelkLink).SFTP(context.Background())
	if err != nil {
		l.Close()
		return nil, nil, err
	}
	f, err := c.OpenFile(name, flag, 0o644)
	return f, func() { l.Close() }, err
}

func openPkgSFTP(b *bench, address, name string, flag int) (remoteFile, func(), error) {
	l, err := peer.dial(address, b.keys, files)
	if err != nil {
		return nil, nil, err
	}
	c, err := sftp.NewClient(l.(xcryptoLink).Client, sftp.UseConcurrentWrites(true))
	if err != nil {
		l.Close()
		return nil, nil, err
	}
	f, err := c.OpenFile(name, flag)
	return f, func() { l.Close() }, err
}

// libraryFile measures a library as it copies one file, once it is open, to or
// from nowhere.
func libraryFile(open opener, d direction) sample {
	return func(b *bench) (float64, error) {
		server, err := b.filesSSHD()
		if err != nil {
			return 0, err
		}
		defer server.stop()
		n := b.bytes(1)
		name, flag := os.DevNull, os.O_WRONLY
		if d == down {
			flag = os.O_RDONLY
			if name, err = b.sparse(n); err != nil {
				return 0, err
			}
		}
		f, done, err := open(b, server.address, name, flag)
		if err != nil {
			return 0, err
		}
		defer done()
		begun := time.Now()
		var copied int64
		if d == down {
			copied, err = f.WriteTo(io.Discard)
		} else {
			copied, err = f.ReadFrom(io.LimitReader(nulls{}, n))
		}
		if err == nil && copied != n {
			err = io.ErrUnexpectedEOF
		}
		return rate(n, begun), err
	}
}

// nulls has no end.
type nulls struct{}

func (nulls) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
