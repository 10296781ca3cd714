// Command whelkd is an SSH server for the user who starts it, after sshd(8):
// it runs in the foreground, lets that user in with a key of
// ~/.ssh/authorized_keys, and runs commands and shells as the user.
//
//	whelkd [-v] [-p port] [-l address] [-h hostkey]... [-a authorized_keys] [-o Keyword=value]...
//	whelkd -V
//
//	-p port     the port to listen on; 22 if not given, any free one if 0
//	-l address  the address to listen on; 127.0.0.1 if not given
//	-h file     a host key, as ssh-keygen writes it without a passphrase; may be
//	            given for several. Without one, an Ed25519 key is made in
//	            ~/.ssh/whelkd_host_ed25519_key and used from then on.
//	-a file     the keys that let the user in; ~/.ssh/authorized_keys if not given
//	-o option   an option of sshd_config(5), as Keyword=value; may be repeated
//	-v          log to standard error; twice, every message too, with what it holds
//	-V          print the version
//
// Once it accepts connections it prints one line to standard error:
//
//	listening on 127.0.0.1:2222
//
// SIGTERM drains: no connection and no session begins, and whelkd exits when
// the last session has ended. A second SIGTERM closes what is left, as SIGINT
// does at once; the programs of the sessions get SIGHUP. The exit status is 0
// then, and 255 with a line on standard error for its own errors.
//
// # Options
//
// Keywords are those of sshd_config(5), without regard to case:
//
//	AcceptEnv AllowAgentForwarding AllowStreamLocalForwarding AllowTcpForwarding
//	AuthenticationMethods AuthorizedKeysFile AuthorizedPrincipalsFile Banner
//	CASignatureAlgorithms Ciphers Compression DisableForwarding GatewayPorts
//	HostbasedAuthentication
//	HostbasedUsesNameFromPacketOnly HostCertificate HostKey HostKeyAlgorithms
//	KbdInteractiveAuthentication KexAlgorithms ListenAddress LogLevel
//	LoginGraceTime MACs MaxAuthTries MaxSessions MaxStartups ModuliFile
//	PasswordAuthentication PermitListen PermitOpen PermitTTY
//	PermitUserEnvironment PerSourceMaxStartups
//	PerSourceNetBlockSize PerSourcePenalties PerSourcePenaltyExemptList
//	Port PubkeyAcceptedAlgorithms PubkeyAuthentication RekeyLimit RevokedKeys
//	StreamLocalBindMask StreamLocalBindUnlink Subsystem TrustedUserCAKeys
//	UnusedConnectionTimeout X11DisplayOffset X11Forwarding X11UseLocalhost
//	XAuthLocation
//
// Six are ours:
//
//	PerSourceRate     how many key exchanges one address may begin in a second;
//	                  no limit if not given, and 10 with KexAlgorithms of finite
//	                  fields, which "none" takes away
//	ProxyProtocol     "yes": every connection begins with who it is from, in the
//	                  PROXY protocol, version 1 or 2, or is closed
//	ProxyProtocolFrom addresses and networks, with commas between them, of the
//	                  proxies; connections from elsewhere are closed
//	PasswordFile      passwords, as `htpasswd -B` writes them; none if not given
//	KnownHostsFile    keys of machines that may vouch for the user;
//	                  ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts if not given
//	TrustedHostsFile  names of those machines; ~/.shosts and
//	                  /etc/ssh/shosts.equiv if not given
//
// Passwords are never those of the system. With a PasswordFile they are taken
// unless PasswordAuthentication is "no", and asked for by prompt too if
// KbdInteractiveAuthentication is "yes". HostbasedAuthentication lets in whom a
// machine vouches for that proves its key of KnownHostsFile, is called what
// TrustedHostsFile says, and has the client's address, unless
// HostbasedUsesNameFromPacketOnly is "yes". AuthenticationMethods has lists of
// "publickey", "password", "keyboard-interactive" and "hostbased", as in
// "publickey,password hostbased": the user has to pass all of one.
//
// Lists of algorithms are those of whelk, which "whelk -Q" has the names for:
// "+" adds to the default, "-" takes from it, "^" puts in front, and "*" and "?"
// stand for any characters. HostKeyAlgorithms and PubkeyAcceptedAlgorithms with
// "ssh-rsa" make and take signatures over SHA-1. Group exchange, which has to be
// asked for, as in KexAlgorithms=+diffie-hellman-group-exchange-sha256, chooses
// from the groups in ModuliFile, /etc/ssh/moduli if not given and if it exists,
// and from those of RFC 3526 if not. With GODEBUG=fips140=on in the environment
// there is nothing but what FIPS 140-3 approves of.
//
// Every option of an authorized_keys file is enforced, save that the patterns of
// from="..." are for addresses, and that a line with tunnel="..." lets nobody in.
// A certificate lets the user in if a line with cert-authority has its
// authority, or TrustedUserCAKeys; it names the user then, or a name in
// AuthorizedPrincipalsFile. RevokedKeys keeps out what it lists, and everybody
// while it cannot be read. HostCertificate goes with a HostKey, and may be given
// for several.
//
// PerSourcePenalties are on, with the numbers of sshd_config(5), and concern
// addresses that fail to log in, do not try or take too long: "no" switches them
// off, and PerSourcePenaltyExemptList has the addresses and networks that are
// spared. What users behind one address do wrong, all of them pay for. There is
// no penalty for a user that does not exist apart from that for failing. An
// address of IPv6 counts with its network of 64 bits unless
// PerSourceNetBlockSize says otherwise.
//
// PrintMotd, PrintLastLog, TCPKeepAlive and UseDNS are taken and do nothing. Of
// those that would switch on what whelkd does not do, such as
// UsePAM and PermitTunnel, only "no" is taken. Terminals
// are allowed unless PermitTTY says otherwise. StrictModes is always on.
// AllowAgentForwarding and Compression are "no" unless given.
//
// # Forwarding
//
// As with sshd, clients may have TCP connections and sockets forwarded, both
// ways, unless AllowTcpForwarding, AllowStreamLocalForwarding, PermitOpen,
// PermitListen or the options of the user's key say otherwise; no socket is
// connected to for whom AllowTcpForwarding or PermitOpen restricts. Ports that
// they listen at are on the loopback unless GatewayPorts says otherwise. (A program that uses
// package server allows each of them itself.) A connection has 100 listeners at
// most. With X11Forwarding, which is "no" unless given, a display of theirs is
// one of whelkd's too, from X11DisplayOffset on, and xauth tells programs its
// cookie. DisableForwarding switches all of it off, and the agent too.
//
// # Sessions
//
// A command runs as SHELL -c COMMAND, a shell as a login shell, in the home
// directory and in a session (setsid(2)) of its own, with HOME, USER, LOGNAME,
// SHELL, PATH, MAIL, TZ, SSH_CLIENT, SSH_CONNECTION, and on a terminal TERM and
// SSH_TTY, with SSH_AUTH_SOCK if the client lends its agent, and no other variables of whelkd's own environment. The shell is
// that of $SHELL, or else that of the user's account. The session ends when the
// program has exited and nobody has its output open any more; if the client
// goes away first, the program's process group gets SIGHUP, and SIGKILL five
// seconds later.
package main
