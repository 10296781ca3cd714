// Package sshtest is for tests of programs that speak SSH, in the manner of
// net/http/httptest: a server that is there at once, with keys of its own, a
// client that has logged in to it, and a record of what happened.
//
//	test ------- Server.Client ------ Config.Session, the Handler under test
//	  |             in memory or
//	  |             on 127.0.0.1
//	  '--------> Sessions, Logins
//
// [NewServer] needs no network, no file and no free port: the two ends are
// connected in memory, and no time passes but what the handler takes, so that a
// test in a bubble of testing/synctest can wait for hours. A program that dials
// by itself is given a server made by [NewTCPServer], its Addr and its
// ClientConfig.
//
// Keys are made for each Server and never written. Whoever has the server's
// UserKey gets in under any name. None of this is for anything but tests.
//
// # Concurrency
//
// All methods of a [Server] may be called concurrently once it is started; its
// fields are left alone from then on.
package sshtest
