//go:build unix

package main

import (
	"io"
	"os"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/whelk-ssh/whelk/server"
)

// startOnPty starts the program on a terminal of its own, with the size and the
// modes of the client's. The end of the client's input is not passed on: on a
// terminal it is a character.
func (p *process) startOnPty(setEnv func(tty string)) (name string, err error) {
	master, tty, err := openPty()
	if err != nil {
		return "", err
	}
	defer tty.Close()
	wanted, _ := p.session.Pty()
	// A terminal that is not quite the client's is better than none.
	_ = setModes(tty, wanted.Modes)
	_ = setSize(master, wanted.Window)
	setEnv(tty.Name())
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = tty, tty, tty
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := p.cmd.Start(); err != nil {
		master.Close()
		return "", err
	}
	p.outputs = []*os.File{master}
	p.session.OnResize(func(w server.Window) { _ = setSize(master, w) })
	go func() {
		io.Copy(master, p.session)
		io.Copy(io.Discard, p.session)
	}()
	p.copyOutput(p.session, master)
	return tty.Name(), nil
}

// openPty returns both ends of a pseudo-terminal. Reads and writes of the
// master end when it is closed, which they do not as package pty returns it: it
// is in blocking mode.
func openPty() (master, tty *os.File, err error) {
	blocking, tty, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	defer blocking.Close()
	fd, err := unix.FcntlInt(blocking.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		tty.Close()
		return nil, nil, err
	}
	return os.NewFile(uintptr(fd), blocking.Name()), tty, nil
}

// setSize tells the terminal its size; the program gets SIGWINCH.
func setSize(master *os.File, w server.Window) error {
	conn, err := master.SyscallConn()
	if err != nil {
		return err
	}
	size := &unix.Winsize{Col: uint16(w.Columns), Row: uint16(w.Rows), Xpixel: uint16(w.Width), Ypixel: uint16(w.Height)}
	failed := conn.Control(func(fd uintptr) { err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size) })
	if failed != nil {
		return failed
	}
	return err
}
