package userauth

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

func certificates(names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, hostkey.CertificateName(name))
	}
	return all
}

// RFC 8308, section 3.1: what a server lists are names for keys with sshd and
// whelkd, with names for certificates among them with others, and in the early
// versions of sshd less than what they take.
func TestServerSigAlgs(t *testing.T) {
	rsa, ed := testkeys.RSA2048(), keyA()
	sha1, err := hostkey.InsecureSHA1(rsa)
	require.NoError(t, err)
	sshd72 := []string{"rsa-sha2-256", "rsa-sha2-512"}
	sshd74 := []string{"ssh-ed25519", "ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"}
	sshd77 := append([]string{"rsa-sha2-256", "rsa-sha2-512"}, sshd74...)
	all := append(append(hostkey.Default(), hostkey.Insecure()...), certificates(append(hostkey.Default(), "ssh-rsa"))...)
	for _, tt := range []struct {
		name       string
		theirs     []string
		signer     hostkey.Signer
		algorithms []string
		want       []string
	}{
		{"a certificate", hostkey.Default(), certificateSigner(t, ed), nil, []string{"ssh-ed25519-cert-v01@openssh.com"}},
		{"a certificate of RSA", hostkey.Default(), certificateSigner(t, rsa), nil, []string{"rsa-sha2-512-cert-v01@openssh.com"}},
		{"one of SHA-256", []string{"rsa-sha2-256"}, certificateSigner(t, rsa), nil, []string{"rsa-sha2-256-cert-v01@openssh.com"}},
		{"one of a security key", hostkey.Default(), certificateSigner(t, testkeys.SKEd25519()), nil, []string{"sk-ssh-ed25519-cert-v01@openssh.com"}},
		{"listed as a certificate", []string{"ssh-ed25519-cert-v01@openssh.com"}, certificateSigner(t, ed), nil, []string{"ssh-ed25519-cert-v01@openssh.com"}},
		{"a certificate listed, and a key offered", []string{"ssh-ed25519-cert-v01@openssh.com"}, ed, nil, nil},
		{"of another key", []string{"ssh-ed25519"}, certificateSigner(t, rsa), nil, nil},
		{"keys only, says the client", hostkey.Default(), certificateSigner(t, ed), hostkey.Default(), nil},
		{"OpenSSH 7.2", sshd72, ed, nil, []string{"ssh-ed25519"}},
		{"OpenSSH 7.2, RSA", sshd72, rsa, nil, []string{"rsa-sha2-512"}},
		{"OpenSSH 7.2, a certificate", sshd72, certificateSigner(t, ed), nil, []string{"ssh-ed25519-cert-v01@openssh.com"}},
		{"OpenSSH 7.4, RSA", sshd74, rsa, nil, []string{"rsa-sha2-512"}},
		{"OpenSSH 7.4, RSA, and SHA-1 after that", sshd74, sha1, all, []string{"rsa-sha2-512", "ssh-rsa"}},
		{"OpenSSH 7.4, SHA-1 only", sshd74, sha1, []string{"ssh-rsa"}, []string{"ssh-rsa"}},
		{"OpenSSH 7.7, a certificate of RSA", sshd77, certificateSigner(t, sha1), all,
			[]string{"rsa-sha2-512-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com"}},
		{"rsa-sha2-512 and no SHA-1", []string{"rsa-sha2-512"}, sha1, all, []string{"rsa-sha2-512"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refused := failureOf("publickey")
			conn := &script{in: [][]byte{refused, refused, refused, refused}}
			c := &Client{User: "alice", Methods: []Method{PublicKey(tt.signer)}, Algorithms: tt.algorithms}
			require.Error(t, c.Authenticate(t.Context(), conn, Binding{SessionID: session, Algorithms: tt.theirs}))
			var got []string
			for _, r := range conn.requests(t) {
				if r.Method == "publickey" {
					m, err := wire.ParsePublicKeyFields(r.Fields)
					require.NoError(t, err)
					got = append(got, m.Algorithm)
				}
			}
			require.Equal(t, tt.want, got)
		})
	}
}
