// Package sftp implements the SSH file transfer protocol, version 3
// (draft-ietf-secsh-filexfer-02), in both roles: a [Client] whose methods are
// those of package os, and a [Server] of an [os.Root], an [fs.FS] or whatever is
// a [Handler]. It runs over any stream of bytes, such as a channel with the
// subsystem "sftp". Of the extensions it has those of OpenSSH PROTOCOL,
// section 4: posix-rename, statvfs, fstatvfs, hardlink, fsync, lsetstat, limits,
// expand-path and users-groups-by-id; and copy-data and home-directory of
// draft-ietf-secsh-filexfer-extensions-00. Versions 4 to 6, which nobody serves
// by themselves, it does not speak, and neither the protocol of rcp.
//
//	                     Client                           Server
//	goroutines   +---------------------+          +---------------------+
//	  Open  ---> | window   outbox     |  packets | one request at a    |
//	  Get   ---> | [####--] [][][] --> | =======> | time, its answer    | --> Handler
//	  Read  <--- | calls by id    <--- | <======= | read into place     | <--
//	             +---------------------+          +---------------------+
//
// # Requests under way
//
// A request and its answer are one round trip, and what makes a transfer fast
// is not to wait for it. [Client.Get], [Client.Put], [File.ReadFrom] and
// [File.WriteTo] have as much under way as a window admits that all of a
// Client's requests share; it grows while that makes the path carry more, from
// 2 MiB to 64. So do ReadAt and WriteAt of much at once, Read of a file that is
// read on and on, listings, and trees, of which many files are copied together.
// [Limits] of the server are kept to, and what it gives less than asked for is
// asked for again.
//
// # Contexts
//
// A method waits for its answer until the context of its Client is done: see
// [Client.WithContext]. Others are not disturbed. The request may have been
// carried out; what was opened by it is closed.
//
// # Names
//
// Paths have slashes, and are bytes: not every server has UTF-8. A name that a
// server lists is one element, or a [*NameError]; a Get writes within an
// [os.Root], and never gives a file more than permissions. What a server says
// is quoted in errors. The path in an [*fs.PathError] is as it is, and may be
// what a server listed: a program quotes it before a terminal gets to see it.
//
// # Errors
//
// They are an [*fs.PathError] each, with a [*StatusError] in it if the server
// says no: [errors.Is] finds [fs.ErrNotExist], [fs.ErrPermission],
// [fs.ErrExist] and [errors.ErrUnsupported]. Version 3 has no code for what
// exists; a Client then looks. A peer that breaks the protocol ends the
// connection with a [*ProtocolError], and whatever fails by its end is
// [net.ErrClosed] besides.
//
// # Concurrency
//
// All methods of a Client and a File may be called from any goroutine. A Client
// has two goroutines, one that reads and one that writes; neither waits for
// whoever calls. A Server has that in which Serve is called.
//
// # Buffers
//
// Slices given to a method are the caller's again when it returns, be it early.
// Messages are in buffers of a pool, into which a Server reads files and from
// which it writes them without allocating. An idle Client or Server has none of
// them.
package sftp
