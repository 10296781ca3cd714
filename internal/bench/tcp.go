package main

import "net"

// tcpPair returns the two ends of a connection over the loopback interface.
func tcpPair() (near, far net.Conn, err error) {
	l, err := loopback()
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	near, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	far, err = l.Accept()
	if err != nil {
		near.Close()
		return nil, nil, err
	}
	return near, far, nil
}

// echoTCP measures what one byte takes there and back without anything in
// between.
func echoTCP(b *bench) (float64, error) {
	near, far, err := tcpPair()
	if err != nil {
		return 0, err
	}
	defer near.Close()
	defer far.Close()
	go answer(far)
	return b.pingPong(near, near)
}
