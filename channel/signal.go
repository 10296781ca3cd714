package channel

// A Signal is the name of a signal as "signal" and "exit-signal" requests
// carry it (RFC 4254, section 6.10): without "SIG". Names of signals that RFC
// 4254 does not list have the form "name@domain"; a Signal from a peer may be
// any string.
type Signal string

// The signals of RFC 4254, section 6.10.
const (
	SIGABRT Signal = "ABRT"
	SIGALRM Signal = "ALRM"
	SIGFPE  Signal = "FPE"
	SIGHUP  Signal = "HUP"
	SIGILL  Signal = "ILL"
	SIGINT  Signal = "INT"
	SIGKILL Signal = "KILL"
	SIGPIPE Signal = "PIPE"
	SIGQUIT Signal = "QUIT"
	SIGSEGV Signal = "SEGV"
	SIGTERM Signal = "TERM"
	SIGUSR1 Signal = "USR1"
	SIGUSR2 Signal = "USR2"
)

// SIGINFO asks a program how far it has come, where there is such a signal
// (OpenSSH PROTOCOL, section 2.6).
const SIGINFO Signal = "INFO@openssh.com"
