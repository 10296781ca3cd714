package socks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// timeout is how long a request may take to come, and its answer to go.
const timeout = 30 * time.Second

// maxName is the length of the longest name, in bytes: of a host (RFC 1928,
// section 5, has one byte for it) and of a user of version 4.
const maxName = 255

const (
	version4 = 4
	version5 = 5

	connect = 1 // the command

	noAuthentication = 0    // RFC 1928, section 3
	noMethod         = 0xff // none of those offered will do
)

// Address types (RFC 1928, section 5).
const (
	ipv4 = 1
	name = 3
	ipv6 = 4
)

// A Code is the outcome of a request: one of RFC 1928, section 6. Version 4 knows
// that something failed, and not what.
type Code byte

// The codes of RFC 1928, section 6.
const (
	succeeded           Code = 0
	Failed              Code = 1
	NotAllowed          Code = 2
	HostUnreachable     Code = 4
	Refused             Code = 5
	commandNotSupported Code = 7
	addressNotSupported Code = 8
)

// A Request asks for a connection.
type Request struct {
	Host string // a name or an address, neither empty nor with odd characters
	Port uint16

	nc      net.Conn
	version byte
}

// Address returns host and port in the form of [net.Dial].
func (r *Request) Address() string { return net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port))) }

// An Error reports a client that does not speak SOCKS as it is spoken here. It
// has been told, if there are words for it.
type Error struct{ Why string }

func (e *Error) Error() string { return "socks: " + e.Why }

// Accept reads a request off nc, which stays the caller's. It fails with an
// [*Error] if there is none, or with the error of nc; when ctx is done reading
// ends at once.
func Accept(ctx context.Context, nc net.Conn) (*Request, error) {
	nc.SetDeadline(time.Now().Add(timeout))
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	r := &Request{nc: nc}
	err := r.read()
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	nc.SetDeadline(time.Time{})
	return r, nil
}

func (r *Request) read() error {
	var version [1]byte
	if err := r.full(version[:]); err != nil {
		return err
	}
	r.version = version[0]
	switch r.version {
	case version4:
		return r.read4()
	case version5:
		return r.read5()
	}
	return &Error{fmt.Sprintf("version %d is neither 4 nor 5", r.version)}
}

// full fills p. A client that leaves in between has asked for nothing.
func (r *Request) full(p []byte) error {
	_, err := io.ReadFull(r.nc, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{"the request is cut short"}
	}
	return err
}

// read4 reads a request of version 4, or 4a, which has a name behind an address
// that no host has.
//
//	byte       4
//	byte       command
//	byte[2]    port
//	byte[4]    IPv4 address, or 0.0.0.x
//	byte[]     user, then 0
//	byte[]     host, then 0
func (r *Request) read4() error {
	var head [7]byte
	if err := r.full(head[:]); err != nil {
		return err
	}
	if _, err := r.terminated(); err != nil { // whoever the user is
		return err
	}
	address := netip.AddrFrom4([4]byte(head[3:]))
	host := address.String()
	if strings.HasPrefix(host, "0.0.0.") && head[6] != 0 {
		var err error
		if host, err = r.terminated(); err != nil {
			return err
		}
	}
	return r.set(head[0], host, head[1:3])
}

// terminated reads text that ends with a 0.
func (r *Request) terminated() (string, error) {
	var text [maxName + 1]byte
	for i := range text {
		if err := r.full(text[i : i+1]); err != nil {
			return "", err
		}
		if text[i] == 0 {
			return string(text[:i]), nil
		}
	}
	return "", &Error{"a name is too long"}
}

// read5 reads a request of version 5 (RFC 1928, sections 3 and 4).
//
//	byte      5                     byte      5
//	byte      number of methods     byte      command
//	byte[]    methods               byte      0
//	                                byte      address type
//	                                byte[]    address
//	                                byte[2]   port
func (r *Request) read5() error {
	var offer [1 + 255]byte
	if err := r.full(offer[:1]); err != nil {
		return err
	}
	methods := offer[1 : 1+int(offer[0])]
	if err := r.full(methods); err != nil {
		return err
	}
	if bytes.IndexByte(methods, noAuthentication) < 0 {
		r.nc.Write([]byte{version5, noMethod})
		return &Error{"the client wants to authenticate, which is not possible"}
	}
	if _, err := r.nc.Write([]byte{version5, noAuthentication}); err != nil {
		return err
	}
	var head [4]byte
	if err := r.full(head[:]); err != nil {
		return err
	}
	if head[0] != version5 {
		return &Error{"the request is of another version than what was before it"}
	}
	host, err := r.address5(head[3])
	if err != nil {
		return err
	}
	var port [2]byte
	if err := r.full(port[:]); err != nil {
		return err
	}
	return r.set(head[1], host, port[:])
}

// address5 reads an address of the type given.
func (r *Request) address5(kind byte) (string, error) {
	var length [1]byte
	switch kind {
	case ipv4:
		length[0] = 4
	case ipv6:
		length[0] = 16
	case name:
		if err := r.full(length[:]); err != nil {
			return "", err
		}
	default:
		r.Refuse(addressNotSupported)
		return "", &Error{fmt.Sprintf("address type %d is not known", kind)}
	}
	address := make([]byte, length[0])
	if err := r.full(address); err != nil {
		return "", err
	}
	if ip, ok := netip.AddrFromSlice(address); ok && kind != name {
		return ip.String(), nil
	}
	return string(address), nil
}

// set checks the fields of a request.
func (r *Request) set(command byte, host string, port []byte) error {
	r.Host, r.Port = host, uint16(port[0])<<8|uint16(port[1])
	odd := func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '/' }
	switch {
	case command != connect:
		r.Refuse(commandNotSupported)
		return &Error{fmt.Sprintf("command %d is not CONNECT", command)}
	case host == "" || r.Port == 0 || strings.ContainsFunc(host, odd):
		r.Refuse(Failed)
		return &Error{fmt.Sprintf("%q port %d is no address", host, r.Port)}
	}
	return nil
}

// Grant tells the client that the connection is there: what follows is its.
func (r *Request) Grant() error { return r.reply(succeeded) }

// Refuse tells the client that there is no connection.
func (r *Request) Refuse(code Code) error { return r.reply(code) }

// reply answers. The address that is bound here means nothing to the client.
//
//	version 4                             version 5 (RFC 1928, section 6)
//	byte       0                          byte       5
//	byte       90 granted, 91 refused     byte       code
//	byte[2]    port                       byte       0
//	byte[4]    address                    byte       1
//	                                      byte[4]    address
//	                                      byte[2]    port
func (r *Request) reply(code Code) error {
	answer := []byte{version5, byte(code), 0, ipv4, 0, 0, 0, 0, 0, 0}
	if r.version == version4 {
		answer = []byte{0, 90, 0, 0, 0, 0, 0, 0}
		if code != succeeded {
			answer[1] = 91
		}
	}
	r.nc.SetWriteDeadline(time.Now().Add(timeout))
	defer r.nc.SetWriteDeadline(time.Time{})
	_, err := r.nc.Write(answer)
	return err
}
