//go:build unix

// Command whelkd is an SSH server for the user who starts it, after sshd(8):
// it runs in the foreground, lets that user in with a key of
// ~/.ssh/authorized_keys, and runs commands and shells as the user.
//
//	whelkd [-v] [-p port]... [-l address]... [-h hostkey]... [-a authorized_keys] [-f file] [-o Keyword=value]...
//	whelkd -t | -T [-C connection]... [options as above]
//	whelkd -V
//
//	-p port     the port to listen on; 22 if not given, any free one if 0
//	-l address  the address to listen on; 127.0.0.1 if not given
//	-h file     a host key, as ssh-keygen writes it without a passphrase; may be
//	            given for several. Without one, an Ed25519 key is made in
//	            ~/.ssh/whelkd_host_ed25519_key and used from then on.
//	-a file     the keys that let the user in; ~/.ssh/authorized_keys if not given
//	-f file     a configuration, in the form of sshd_config(5); none if not given
//	-o option   an option of sshd_config(5), as Keyword=value; may be repeated
//	-t          check the configuration and what it names, and exit
//	-T          print the configuration as it counts, and exit
//	-C spec     the connection that -T is about: name=value with commas between
//	            them, of user, host, addr, laddr, lport, rdomain; and invalid-user
//	-v          log to standard error; twice, every message too, with what it holds
//	-V          print the version
//
// Once it accepts connections it prints a line for each address to standard
// error:
//
//	listening on 127.0.0.1:2222
//
// SIGTERM drains: no connection and no session begins, and whelkd exits when
// the last session has ended. A second SIGTERM closes what is left, as SIGINT
// does at once; the programs of the sessions get SIGHUP. The exit status is 0
// then, and 255 with a line on standard error for its own errors.
//
// # Configuration
//
// A file is only read if -f names it; /etc/ssh/sshd_config never is. Lines, quotes
// and comments are those of sshd_config(5), and so are Include, of which names are
// relative to the directory of the file that -f names, and Match with User, Group,
// Host, Address, LocalAddress, LocalPort, RDomain, Invalid-User and all. Since it
// says which programs are run, a file that others than its owner can write is
// refused, as is one below a directory that they can. A line that whelkd does not
// understand, or that asks for what it does not do, is an error that names file and
// line, wherever it is; "whelkd -t -f file" finds it before anybody is locked out.
//
// Of several lines with a keyword the first counts, in this order of places:
//
//	-o, -h          on the command line
//	Match           lines behind each Match that the connection fits
//	-p, -l, -a      which stand in for Port, ListenAddress and AuthorizedKeysFile
//	the file        its other lines
//
// Lists add up within a place, and with -o: AcceptEnv, AllowGroups, AllowUsers,
// DenyGroups, DenyUsers, HostCertificate, HostKey, Subsystem; Port and
// ListenAddress within a place. That -o comes ahead of Match is otherwise with
// sshd, and so is that of MaxStartups and PerSourceMaxStartups the first counts.
//
// A Match is looked at when a connection is accepted. Nobody but one user can log
// in, so that it is for that user, whatever name the client gives, and those who do
// not exist are answered as those who do. The name of a client is its address: none
// is looked up. Connections with settings of their own are counted apart from
// others by MaxStartups and PerSourceMaxStartups.
//
// # Keywords
//
// Keywords are those of sshd_config(5), without regard to case:
//
//	AcceptEnv AddressFamily AllowAgentForwarding AllowGroups AllowUsers
//	AuthenticationMethods AuthorizedKeysCommand AuthorizedKeysCommandUser
//	AuthorizedKeysFile AuthorizedPrincipalsCommand
//	AuthorizedPrincipalsCommandUser AuthorizedPrincipalsFile Banner
//	CASignatureAlgorithms ChallengeResponseAuthentication Ciphers
//	ClientAliveCountMax ClientAliveInterval Compression
//	DenyGroups DenyUsers DisableForwarding ExposeAuthInfo ForceCommand
//	HostbasedAuthentication HostbasedUsesNameFromPacketOnly HostCertificate
//	HostKey HostKeyAgent HostKeyAlgorithms IgnoreRhosts IgnoreUserKnownHosts
//	KbdInteractiveAuthentication KexAlgorithms ListenAddress LogLevel
//	LoginGraceTime MACs MaxAuthTries MaxSessions MaxStartups ModuliFile
//	PasswordAuthentication PermitListen PermitOpen PermitRootLogin PermitTTY
//	PermitUserEnvironment PerSourceMaxStartups PerSourceNetBlockSize
//	PerSourcePenalties PerSourcePenaltyExemptList PidFile Port
//	PubkeyAcceptedAlgorithms PubkeyAcceptedKeyTypes PubkeyAuthentication
//	RekeyLimit RevokedKeys SetEnv Subsystem TCPKeepAlive TrustedUserCAKeys
//	UnusedConnectionTimeout VersionAddendum
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
// These are taken if they ask for what is so anyway, and refused otherwise:
//
//	AllowStreamLocalForwarding no       PermitTunnel no
//	AllowTcpForwarding no               PermitUserRC no
//	ChannelTimeout none                 Protocol 2
//	ChrootDirectory none                PubkeyAuthOptions none
//	FingerprintHash SHA256              RDomain none
//	GatewayPorts no                     RefuseConnection no
//	GSSAPIAuthentication no             RequiredRSASize 2048
//	GSSAPIKeyExchange no                SecurityKeyProvider internal
//	IPQoS none                          StrictModes yes
//	KerberosAuthentication no           UseDNS no
//	LogVerbose none                     UsePAM no
//	PermitEmptyPasswords no             X11Forwarding no
//
// PrintMotd, PrintLastLog, SyslogFacility and a few more, which are
// about how sshd does what is not done here, are taken and do nothing.
//
// # Who may log in
//
// AllowUsers, DenyUsers, AllowGroups and DenyGroups are for the one user there is,
// and are of use with addresses, as in "AllowUsers *@192.0.2.0/24".
// PermitRootLogin is "yes" unless given.
//
// Passwords are never those of the system. With a PasswordFile they are taken
// unless PasswordAuthentication is "no", and asked for by prompt too if
// KbdInteractiveAuthentication is "yes". HostbasedAuthentication lets in whom a
// machine vouches for that proves its key of KnownHostsFile, is called what
// TrustedHostsFile says, and has the client's address, unless
// HostbasedUsesNameFromPacketOnly is "yes". IgnoreUserKnownHosts and IgnoreRhosts
// leave out those of these files that are in the home directory.
// AuthenticationMethods has lists of
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
// for several. With a HostKeyAgent, whose address may be SSH_AUTH_SOCK for that in
// the environment, a HostKey may be the file of a public key.
//
// # Programs that know keys
//
// AuthorizedKeysCommand and AuthorizedPrincipalsCommand name a program by its
// absolute path, with words behind it: no shell takes them apart. What it prints is
// as good as a file of authorized keys, or of authorized principals, and counts
// after those that are files. An AuthorizedKeysCommand of one word gets the user's
// name behind it. Both take
//
//	%%  %             %f  fingerprint of the key      %t  type of the key
//	%C  addresses     %h  home directory              %U  user id
//	%D  nothing       %k  the key, in base64          %u  user
//
// and AuthorizedPrincipalsCommand takes %F, %K and %T, which are the same of the
// authority, %i, the certificate's key ID, and %s, its serial number. %C has the
// client's address and port, and the server's. The user is always the one there
// is, whatever name the client gives.
//
// It runs as AuthorizedKeysCommandUser or AuthorizedPrincipalsCommandUser, which has
// to be given, and can be anybody else for root only. The file has to belong to root
// or to the user, and nobody else may be able to write to it or above it. It has 20
// seconds and prints up to 1 MiB; 16 run at once. When it has ended, or has to, all
// of its process group is killed. If it fails, or exits with another status than 0,
// nothing that it printed counts, and the log says so.
//
// # Addresses that connect
//
// PerSourcePenalties are on, with the numbers of sshd_config(5), and concern
// addresses that fail to log in, do not try or take too long: "no" switches them
// off, and PerSourcePenaltyExemptList has the addresses and networks that are
// spared. What users behind one address do wrong, all of them pay for. There is
// no penalty for a user that does not exist apart from that for failing. An
// address of IPv6 counts with its network of 64 bits unless
// PerSourceNetBlockSize says otherwise.
//
// # Sessions
//
// A command runs as SHELL -c COMMAND, a shell as a login shell, in the home
// directory and in a session (setsid(2)) of its own, with HOME, USER, LOGNAME,
// SHELL, PATH, MAIL, TZ, SSH_CLIENT, SSH_CONNECTION, and on a terminal TERM and
// SSH_TTY, with SSH_AUTH_SOCK if the client lends its agent, and no other
// variables of whelkd's own environment; but with those that AcceptEnv takes from
// the client, and those of SetEnv, which come ahead of all but those about the
// connection. The shell is
// that of $SHELL, or else that of the user's account. The session ends when the
// program has exited and nobody has its output open any more; if the client
// goes away first, the program's process group gets SIGHUP, and SIGKILL five
// seconds later. A client that is silent for ClientAliveInterval is asked, and
// has gone away after ClientAliveCountMax times that.
//
// A program that closes its input, or a client that closes its output, has the
// other side told (eow@openssh.com), which ends what would go on for ever: "yes"
// gets SIGPIPE behind "whelk host yes | head -1". ssh(1) tells only servers whose
// version begins with "OpenSSH", and shows no other sign of it: it throws away
// what comes, and asks for more. So "ssh host yes | head -1" does not end before
// it is interrupted.
//
// ForceCommand runs instead of whatever the client asks for, a key's own command
// included; SSH_ORIGINAL_COMMAND has what that was. The command internal-sftp, of
// a Subsystem or forced, starts no program: whelkd itself serves the user's
// files. It takes -R, -d and -u of sftp-server(8), -r with a directory that there
// is nothing above of, which is ours, and -e, -f and -l without effect. With ExposeAuthInfo,
// SSH_USER_AUTH is a file with the methods that the user has passed, a line each
// and without their keys, for as long as the session lasts. Terminals
// are allowed unless PermitTTY says otherwise. StrictModes is always on.
// AllowAgentForwarding and Compression are "no" unless given.
package main
