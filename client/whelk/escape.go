package main

// An escaper finds escape sequences in what the user types: the escape character
// and a key, behind the end of a line (ssh(1), ESCAPE CHARACTERS). What it finds
// may come in any pieces.
//
//	start --escape--> escaped --key that means something--> start
//	  ^                  | \----the escape character, sent--> middle
//	  |                  |  \---another, both sent----------> start or middle
//	  '---end of line--middle <--anything else-- start
type escaper struct {
	char    byte
	run     func(key byte) bool // reports whether the key means something
	middle  bool                // of a line
	escaped bool                // the escape character has come
}

// filter appends to sent what is to be sent of typed. It runs escape sequences
// as it comes to them.
func (e *escaper) filter(sent, typed []byte) []byte {
	for _, c := range typed {
		switch {
		case e.escaped:
			e.escaped = false
			if c != e.char && e.run(c) {
				continue // the next may follow at once
			}
			if c != e.char {
				sent = append(sent, e.char)
			}
		case !e.middle && c == e.char:
			e.escaped = true
			continue
		}
		sent = append(sent, c)
		e.middle = c != '\r' && c != '\n'
	}
	return sent
}
