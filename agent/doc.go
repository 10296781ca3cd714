// Package agent implements the SSH agent protocol (RFC 9987): a process holds
// private keys, and others have it sign with them and never see them. It is
// beside the other layers, not on top: an agent's keys are Signers of package
// hostkey, and its connection may be a socket or a channel.
//
//	Signers --> Client --requests--> Server --> Keyring --> hostkey.Signer
//	              |     (a socket,     |           |
//	            Agent    a channel)  Agent    locks, lifetimes,
//	                                          confirmation, destinations
//
// An [Agent] is who answers. [Dial] and [NewClient] make one of somebody
// else's, such as that of OpenSSH; [NewKeyring] makes one in memory; [Server]
// answers a connection with any. [Signers] makes an agent's keys usable
// wherever a [hostkey.Signer] is, as in userauth.PublicKeyFunc.
//
// # Sessions
//
// A key may be restricted to destinations (OpenSSH PROTOCOL.agent, section 2).
// The agent sees no more of the world than the connection that a request comes
// over, so a client of an SSH server tells it on that connection where it goes
// ([Binding], section 1): with the server's host key and its signature of the
// session, so that this cannot be made up.
//
//	here                        host a                       host b
//	agent <-- bind a, forward -- ssh ======= forwarded ====== ssh
//	      <------------------------ bind b, authenticate ------|
//	      <------------------------ sign, as user u on b ------|
//
// The bindings of a connection are its way, from here over each host that the
// agent was forwarded to, to the one that is being logged in to. A key is
// listed, and signs, only if a [Destination] of it fits each of these steps. A
// [Connector] is an agent that tells connections apart; a Keyring is one.
//
// # What is refused
//
// A Keyring holds no keys on devices and loads no libraries: messages that name
// a provider are answered with failure, whoever sends them (CVE-2016-10009,
// CVE-2023-38408). A constraint that is unknown refuses the key that has it
// (CVE-2026-39832), as does one to confirm where there is nobody to ask. It
// signs nothing over SHA-1.
//
// # Limits
//
// A message has at most 256 KiB, and takes up no memory before it arrives. A
// Keyring holds up to 2048 keys, and no more than fit into one message; a
// comment has at most 4 KiB, a key 64 constraints, a connection 16 bindings. A
// connection has one request at a time, and only its own requests wait for it,
// for a confirmation and for the penalty of a wrong passphrase alike.
//
// # Concurrency, buffers, cancellation
//
// All types are safe for concurrent use. Byte slices passed are borrowed for
// the call and those returned are the caller's; what holds private keys or a
// passphrase is cleared after use, where this package made it. A context that
// is done ends the wait for an agent, and with it the connection, since the
// answer would be taken for that to the next request.
package agent
