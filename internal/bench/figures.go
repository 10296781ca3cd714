package main

// What bulk figures force both ends to use.
var (
	gcm    = suite{cipher: "aes128-gcm@openssh.com"}
	chacha = suite{cipher: "chacha20-poly1305@openssh.com"}
	ctr    = suite{cipher: "aes128-ctr", mac: "hmac-sha2-256-etm@openssh.com"}
	sha512 = suite{cipher: "aes128-ctr", mac: "hmac-sha2-512-etm@openssh.com"}
	umac   = suite{cipher: "aes128-ctr", mac: "umac-128-etm@openssh.com"}
)

// curve25519 is what the key exchanges that x/crypto/ssh has not are compared
// with.
var curve25519 = suite{kex: "curve25519-sha256"}

// figures are all there are, in the order in which they are measured.
var figures = append([]figure{
	{name: "bulk-up-aes128-gcm-xcrypto", unit: "MB/s", ours: upload(ours, gcm, 1), peer: upload(peer, gcm, 1)},
	{name: "bulk-down-aes128-gcm-xcrypto", unit: "MB/s", ours: download(ours, gcm, 1), peer: download(peer, gcm, 1)},
	{name: "bulk-up-aes128-gcm-ideal", unit: "MB/s", ours: upload(ours, gcm, 1), peer: sealedLoop},
	{name: "bulk-up-chacha20-poly1305-xcrypto", unit: "MB/s", ours: upload(ours, chacha, 2), peer: upload(peer, chacha, 2)},
	{name: "bulk-up-aes128-ctr-hmac-sha2-256-etm-xcrypto", unit: "MB/s", ours: upload(ours, ctr, 2), peer: upload(peer, ctr, 2)},
	{name: "bulk-up-aes128-ctr-umac-128-etm-hmac-sha2-256-etm", unit: "MB/s", ours: upload(ours, umac, 2), peer: upload(ours, ctr, 2)},
	{name: "bulk-up-aes128-ctr-umac-128-etm-hmac-sha2-512-etm", unit: "MB/s", ours: upload(ours, umac, 2), peer: upload(ours, sha512, 2)},
	{name: "bulk-get-openssh-client", unit: "MB/s", ours: get((*programs).clientWhelk, (*bench).startSSHD), peer: get((*programs).clientSSH, (*bench).startSSHD)},
	{name: "bulk-get-openssh-server", unit: "MB/s", ours: get((*programs).clientSSH, (*bench).startWhelkd), peer: get((*programs).clientSSH, (*bench).startSSHD)},
	{name: "forward-local-openssh", unit: "MB/s", ours: forward((*programs).clientWhelk), peer: forward((*programs).clientSSH)},
	{name: "handshake-xcrypto", unit: "/s", ours: handshakes(ours, gcm, 1), peer: handshakes(peer, gcm, 1)},
	{name: "handshake-parallel-xcrypto", unit: "/s", ours: handshakes(ours, gcm, 64), peer: handshakes(peer, gcm, 64)},
	{name: "handshake-primitives", unit: "/s", ours: handshakes(ours, gcm, 1), peer: primitives},
	{name: "roundtrips-exec-xcrypto", unit: "rtt", less: true, ours: libraryRoundTrips(ours), peer: libraryRoundTrips(peer)},
	{name: "roundtrips-exec-openssh", unit: "rtt", less: true, ours: commandRoundTrips((*programs).clientWhelk), peer: commandRoundTrips((*programs).clientSSH)},
	{name: "wan-100ms-xcrypto", unit: "MB/s", ours: wideDownload(ours), peer: wideDownload(peer)},
	{name: "echo-1B-xcrypto", unit: "us", less: true, ours: echo(ours), peer: echo(peer)},
	{name: "echo-1B-tcp", unit: "us", less: true, ours: echo(ours), peer: echoTCP},
	{name: "idle-memory-xcrypto", unit: "KiB", less: true, ours: idleMemory("ours"), peer: idleMemory("peer")},
	{name: "allocs-per-32KiB-xcrypto", unit: "allocs", less: true, ours: allocations(ours), peer: allocations(peer)},
	{name: "channels-1000-xcrypto", unit: "MB/s", ours: channels(ours, manyChannels), peer: channels(peer, manyChannels)},
	{name: "channels-1000-vs-1", unit: "MB/s", ours: channels(ours, manyChannels), peer: channels(ours, 1)},
}, append(exchangeFigures(), sftpFigures()...)...)
