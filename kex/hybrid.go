package kex

import (
	"fmt"
	"hash"

	"github.com/whelk-ssh/whelk/wire"
)

// A hybrid is two KEMs side by side, one that withstands quantum computers and
// one that has withstood everything else, so that the secret holds as long as
// either of them does (RFC 9941, section 3; RFC 10042).
//
//	C_INIT     byte[]  public value of pq
//	           byte[]  public value of cl
//	S_REPLY    byte[]  ciphertext of pq
//	           byte[]  public value of cl
//	K          string  HASH(K_PQ || K_CL)
//
// Nothing separates the two parts: those of pq have fixed sizes. The secrets
// K_PQ and K_CL are raw, and of fixed width: of a point on a NIST curve, all
// bytes of x, and not the mpint that the curve's own method makes of it.
type hybrid struct {
	pq   lattice
	cl   KEM
	hash func() hash.Hash
}

// A lattice is a KEM with a raw secret, and with values of fixed sizes. Its
// open does not fail on a ciphertext made for another key but returns a secret
// that nobody knows, so that the signature over H is what does not match
// (implicit rejection; FIPS 203, section 6.3).
type lattice interface {
	KEM
	sizes() (public, ciphertext int)
}

func (h hybrid) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	pq, openPQ, err := h.pq.GenerateKey()
	if err != nil {
		return nil, nil, err
	}
	cl, openCL, err := h.cl.GenerateKey()
	if err != nil {
		return nil, nil, err
	}
	return append(pq, cl...), func(reply []byte) ([]byte, error) {
		_, size := h.pq.sizes()
		pq, cl, err := cut("ciphertext", reply, size)
		if err != nil {
			return nil, err
		}
		kCL, err := openCL(cl)
		if err != nil {
			return nil, err
		}
		kPQ, err := openPQ(pq)
		return h.combine(kPQ, kCL, err)
	}, nil
}

func (h hybrid) Encapsulate(init []byte) ([]byte, []byte, error) {
	size, _ := h.pq.sizes()
	pq, cl, err := cut("public value", init, size)
	if err != nil {
		return nil, nil, err
	}
	public, kCL, err := h.cl.Encapsulate(cl)
	if err != nil {
		return nil, nil, err
	}
	ciphertext, kPQ, err := h.pq.Encapsulate(pq)
	k, err := h.combine(kPQ, kCL, err)
	return append(ciphertext, public...), k, err
}

// combine returns K, unless there is none of pq because of err. It clears what
// K is made of.
func (h hybrid) combine(pq, cl []byte, err error) ([]byte, error) {
	defer clear(pq)
	defer clear(cl)
	if err != nil {
		return nil, err
	}
	sum := h.hash()
	sum.Write(pq)
	sum.Write(cl)
	return sum.Sum(wire.AppendUint32(nil, uint32(sum.Size()))), nil
}

// cut cuts what the peer sent after the first size bytes, those of pq.
func cut(what string, value []byte, size int) (pq, cl []byte, err error) {
	if len(value) < size {
		return nil, nil, fmt.Errorf("hybrid %s is %d bytes long, less than the %d of its first half", what, len(value), size)
	}
	return value[:size:size], value[size:], nil
}
