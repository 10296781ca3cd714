// Command whelk runs a command or a shell on another machine. It takes the
// flags of ssh(1) and behaves like it:
//
//	whelk [-46AaCfGgkNnqsTtVvXxY] [-B interface] [-b address] [-c ciphers]
//	      [-D [address:]port] [-E file] [-e char] [-F file] [-i key] [-J hosts]
//	      [-L forwarding] [-l user] [-m macs] [-o keyword=value] [-P tag] [-p port]
//	      [-Q query] [-R forwarding] [-W host:port] destination [command ...]
//
// A destination is host, user@host or ssh://user@host:port. Flags may follow
// it, and be bundled as getopt(3) has it.
//
// It exits with the status of the remote command, and with 255 if there is
// none: because of an error, of which it says what to do in one line, or
// because a signal killed the command.
//
// It reads ~/.ssh/config and /etc/ssh/ssh_config, or the file of -F, or none with
// "-F none"; what -o says counts more. -G prints what comes of all that, as ssh -G
// does. A keyword that whelk has no use for yet is refused, as an option and
// wherever it would be missed, such as LocalForward; what only makes things more
// comfortable, such as ControlMaster, is passed over in a file, and -v says so.
//
// -J and ProxyJump lead by way of other hosts, each with its own configuration,
// its own keys and its own host key; what flags and -o say is for the last. A
// ProxyCommand has no terminal, and is killed with all it has started.
//
// Keys are those that files are given of, those of the agent, at SSH_AUTH_SOCK
// unless IdentityAgent says otherwise, and then the usual ones of ~/.ssh, each
// behind its certificate; with IdentitiesOnly, those that a file is given of, if
// only with the public half. The agent signs with those that it has. Passphrases,
// passwords, new ones where a server wants that, and answers to a server's
// questions are read from the terminal. With HostbasedAuthentication this machine
// vouches for the user, with those of the host keys in HostbasedKeyFile, a
// keyword of ours, or else of /etc/ssh that the user can read.
//
// -A lends the agent to the host, for as long as the command runs: who is root
// there can sign with its keys meanwhile. ssh-add -h restricts a key to hosts,
// and -c has each use of it confirmed.
//
// # Forwarding
//
//	-L [address:]port:host:hostport     listen here, connect from the host
//	-R [address:]port:host:hostport     listen at the host, connect from here
//	-D [address:]port, -R [address:]port  the same, for programs that speak SOCKS
//	-W host:hostport                    standard input and output, instead of a command
//
// The path of a socket, with a slash in it, may stand for either end, and
// addresses with colons stand in brackets. Of port 0 of -R the host chooses one,
// which is printed. Without an address, or with "localhost", it is the loopback
// that is listened at; "*" and "" are all addresses, and -g has that for -L and
// -D without an address. Once its command has ended, whelk stays for the
// connections that are still there, but for no others. With -N there is no
// command, and with -f whelk goes to the background before it.
//
// LocalForward, RemoteForward and DynamicForward are the flags as keywords;
// ClearAllForwardings, ExitOnForwardFailure, GatewayPorts, PermitRemoteOpen,
// StreamLocalBindMask and StreamLocalBindUnlink are as in ssh_config(5).
//
// -X lends the display that DISPLAY names to the host, with a cookie that xauth
// has the display make for those it does not trust; with -Y the host is trusted
// with it, and can watch and type. The host gets to see neither cookie.
// ForwardX11, ForwardX11Trusted, ForwardX11Timeout and XAuthLocation are as in
// ssh_config(5).
//
// # Hosts
//
// Hosts are verified with known_hosts files. About one that is not in them it
// asks on the terminal, where the answer may be the fingerprint, and refuses it
// if there is none; StrictHostKeyChecking says otherwise. A host whose key has
// changed is refused, with the line that has the old one and the command that
// forgets it. Keys that a host announces are added to the user's file as
// UpdateHostKeys says. No key that a file of RevokedHostKeys has is taken, and
// none at all if one of these cannot be read.
//
// With -v it says what was negotiated, and warns of a key exchange that does not
// withstand quantum computers; with -vv it shows each message but those that
// carry data, and with -vvv all of them.
//
// # Sessions
//
// A shell gets a terminal, a command only with -t. -s starts a subsystem of that
// name; -N nothing at all; -n gives it no input, and -f goes into the background
// once the user is in, which the exit status then is about. These, SendEnv and
// SetEnv, RemoteCommand, LocalCommand with PermitLocalCommand, SessionType,
// StdinNull and ForkAfterAuthentication are as with ssh.
//
// A server that is silent for ServerAliveInterval is asked whether it is there,
// and the connection ends when it has been silent for ServerAliveCountMax times
// that, twice at least. A server that takes nothing of what is sent to it is given
// up as soon.
//
// On a terminal, these keys mean something behind the end of a line; -e and
// EscapeChar have another character than ~, or none:
//
//	~.   end the connection           ~^Z  suspend whelk
//	~B   send a break                 ~&   put whelk into the background
//	~C   open a command line          ~#   list forwarded connections
//	~R   exchange keys anew           ~I   show what the connection is
//	~V   say less                     ~v   say more
//	~?   list these                   ~~   send the character
//
// They work while nothing else does, because the network does not. ~C, which is
// off unless EnableEscapeCommandline is on, takes -L, -R and -D with a forwarding
// to begin, and -KL, -KR and -KD with the port or address of one to end. ~& needs a shell that controls jobs. With
// -tt and an input that is no terminal there are none: what is sent is sent as it
// is.
//
// # Algorithms
//
// The values of -c and -m and of the keywords Ciphers, MACs, KexAlgorithms,
// HostKeyAlgorithms and PubkeyAcceptedAlgorithms are lists of names:
//
//	aes128-ctr,aes256-ctr    these, in this order
//	+aes128-cbc              the default list, and these after it
//	-*-ctr                   the default list without these
//	^aes256-gcm@openssh.com  the default list, these first
//
// The wildcards "*" and "?" are for every sign, and never add an algorithm that
// is insecure: those have to be named. A name that nothing has is an error. What
// there is, -Q lists, insecure algorithms last; its topics are those of ssh(1):
//
//	cipher cipher-auth compression kex key key-cert key-plain key-sig mac
//	protocol-version sig help, and the names of the keywords
//
// HostKeyAlgorithms with "ssh-rsa" takes the signatures over SHA-1 that old
// servers make, and PubkeyAcceptedAlgorithms with it has RSA keys make them,
// where the server takes nothing better. With GODEBUG=fips140=on in the
// environment there is nothing but what FIPS 140-3 approves of.
// CASignatureAlgorithms is read and restricts nothing, since no certificate of
// a host is trusted yet.
package main
