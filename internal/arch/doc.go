// Package arch holds no code. Its tests hold the architecture: which package
// may import which, what stands at the top of the repository, how long a file
// and a function may grow, and that golang.org/x/crypto/ssh, the
// implementation this one is measured against, is linked into nothing.
//
// Each rule is a table or a constant at the head of its test. Whoever breaks
// one either changes the code, or changes the table and says why in the same
// commit.
//
//	level 4   client/whelk   server/whelkd   fuzz   internal/{interop,demo,algolist}
//	level 3   client  server
//	level 2   transport  userauth  connection
//	level 1   kex  cipher  hostkey  agent  channel
//	level 0   wire  mac
package arch
