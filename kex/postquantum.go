package kex

// PostQuantum reports whether the secret that m agrees on stays one for those
// who record the exchange and have a large quantum computer later.
//
// A Method says so itself if it has a method PostQuantum() bool. One from [New]
// says what its [KEM] does, if that has such a method. Those of this package
// that do are the hybrids of a lattice and a curve. What says nothing counts as
// not, a nil Method too.
func PostQuantum(m Method) bool { return saysPostQuantum(m) }

func saysPostQuantum(v any) bool {
	p, ok := v.(interface{ PostQuantum() bool })
	return ok && p.PostQuantum()
}

// PostQuantum reports what the KEM says.
func (m *method) PostQuantum() bool { return saysPostQuantum(m.kem) }

// PostQuantum reports true: a hybrid holds as long as one of its halves does.
func (hybrid) PostQuantum() bool { return true }
