package kex

import (
	"slices"
	"testing"
)

// oneRoundTrip returns every method but group exchange.
func oneRoundTrip() []Method {
	return slices.DeleteFunc(slices.Concat(Default(), Optional(), Insecure()), func(m Method) bool {
		_, asks := m.(*groupExchange)
		return asks
	})
}

func BenchmarkClient(b *testing.B) {
	for _, m := range oneRoundTrip() {
		b.Run(m.Name(), func(b *testing.B) {
			// A reply is as good for one client as for another: only its
			// signature would tell.
			reply := replyTo(b, m, validInit(b, m))
			c := &scriptedConn{read: func() ([]byte, error) { return reply, nil }}
			t := testTranscript()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Client(c, t); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkServer(b *testing.B) {
	for _, m := range oneRoundTrip() {
		b.Run(m.Name(), func(b *testing.B) {
			init := validInit(b, m)
			s := &scriptedConn{read: func() ([]byte, error) { return init, nil }}
			t := testTranscript()
			id := Identity{Sign: func([]byte) ([]byte, error) { return nil, nil }}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Server(s, t, id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Both halves, in the group of 3072 bits that our client asks for.
func BenchmarkGroupExchange(b *testing.B) {
	m, t := gex(b), testTranscript()
	b.ReportAllocs()
	for b.Loop() {
		converse(b, m, m, t)
	}
}

func BenchmarkKey(b *testing.B) {
	r, _ := handshake(b, Default()[0], testTranscript())
	b.ReportAllocs()
	for b.Loop() {
		r.Key('C', r.H, 64)
	}
}
