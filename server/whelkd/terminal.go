//go:build unix

package main

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

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
	p.outputs, p.terminal = []*os.File{master}, master
	p.session.OnResize(func(w server.Window) { _ = setSize(master, w) })
	p.session.OnBreak(func(length time.Duration) { _ = sendBreak(master, length) })
	go func() {
		io.Copy(master, p.session)
		io.Copy(io.Discard, p.session)
	}()
	p.copies.Go(func() { copyTerminal(p.session, master) })
	return tty.Name(), nil
}

// copyTerminal sends what is shown on the terminal to the client, until everybody
// has closed the other end, or until the master's read deadline, and then what
// there is: the program has exited by then, and those it leaves behind have lost
// the terminal although they may have it open. It closes the master, which hangs
// up on the program, only if the client takes no more.
func copyTerminal(to io.Writer, master *os.File) {
	buf := make([]byte, 32<<10)
	read := master.Read
	for {
		n, err := read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				master.Close()
				return
			}
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			read = func(p []byte) (n int, err error) {
				err = control(master, func(fd int) error {
					n, err = unix.Read(fd, p)
					return err
				})
				return max(n, 0), err
			}
		case err != nil || n == 0:
			return
		}
	}
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
	size := &unix.Winsize{Col: uint16(w.Columns), Row: uint16(w.Rows), Xpixel: uint16(w.Width), Ypixel: uint16(w.Height)}
	return control(master, func(fd int) error { return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size) })
}

// control calls f with the descriptor of a file that stays in the mode it is in.
func control(file *os.File, f func(fd int) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	failed := conn.Control(func(fd uintptr) { err = f(int(fd)) })
	if failed != nil {
		return failed
	}
	return err
}
