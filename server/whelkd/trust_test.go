//go:build unix

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// keygen runs ssh-keygen.
func keygen(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// authority writes the key of one, and lists it with options where keys are
// authorized.
func (r *running) authority(options string) {
	r.write("ca", testkeys.PEM("ecdsa384"))
	line := string(hostkey.MarshalAuthorizedKey(testkeys.ECDSA384().PublicKey(), ""))
	r.write("ca.pub", []byte(line))
	if options != "" {
		r.write("authorized_keys", []byte(options+" "+line))
	}
}

// certify has ssh-keygen certify the user's key, which ssh then finds.
func (r *running) certify(args ...string) {
	r.t.Helper()
	r.write("id.pub", hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), ""))
	args = append([]string{"-q", "-s", r.path("ca"), "-I", "id"}, args...)
	keygen(r.t, append(args, r.path("id.pub"))...)
}

func (r *running) denied(why string) {
	r.t.Helper()
	_, errs, status := r.output("true")
	require.Equal(r.t, 255, status, errs)
	require.Contains(r.t, errs, "Permission denied")
	require.Contains(r.t, r.logged(), why)
}

// Certificates of ssh-keygen, in the hands of ssh.
func TestCertificateLogin(t *testing.T) {
	r := start(t, "-v")
	r.authority("cert-authority")
	for _, test := range []struct {
		name string
		args []string
		why  string
	}{
		{"good", []string{"-n", "x," + r.user}, ""},
		{"in its time", []string{"-n", r.user, "-V", "-1h:+1h"}, ""},
		{"expired", []string{"-n", r.user, "-V", "20200101:20200102"}, "has expired"},
		{"not valid yet", []string{"-n", r.user, "-V", "20990101:20990102"}, "not valid yet"},
		{"another's", []string{"-n", "mallory"}, "does not name whom it is used for"},
		{"J4: a pattern", []string{"-n", "*"}, "does not name whom it is used for"},
		{"J2: nobody's", nil, "names no principals"},
		{"from here", []string{"-n", r.user, "-O", "source-address=127.0.0.0/8"}, ""},
		{"from elsewhere", []string{"-n", r.user, "-O", "source-address=192.0.2.0/24"}, "source-address"},
		{"J1: an unknown critical option", []string{"-n", r.user, "-O", "critical:x@example.com=y"}, "x@example.com"},
		{"J1: an unknown extension", []string{"-n", r.user, "-O", "extension:x@example.com=y"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r.t = t
			r.certify(test.args...)
			if test.why != "" {
				r.denied(test.why)
				return
			}
			out, errs, status := r.output("echo in")
			require.Zero(t, status, errs)
			require.Equal(t, "in\n", out)
		})
	}
	t.Run("force-command", func(t *testing.T) {
		r.t = t
		r.certify("-n", r.user, "-O", "force-command=echo forced; echo $SSH_ORIGINAL_COMMAND")
		out, errs, status := r.output("echo asked")
		require.Zero(t, status, errs)
		require.Equal(t, "forced\necho asked\n", out)
	})
	t.Run("no-pty", func(t *testing.T) {
		r.t = t
		r.certify("-n", r.user)
		_, errs, _ := r.output("-tt", "tty")
		require.NotContains(t, errs, "PTY allocation request failed")
		r.certify("-n", r.user, "-O", "clear")
		_, errs, _ = r.output("-tt", "tty")
		require.Contains(t, errs, "PTY allocation request failed")
	})
	t.Run("the key without the certificate", func(t *testing.T) {
		r.t = t
		require.NoError(t, os.Remove(r.path("id-cert.pub")))
		r.denied("is not there")
	})
}

func TestTrustedUserCAKeys(t *testing.T) {
	dir := t.TempDir()
	line := hostkey.MarshalAuthorizedKey(testkeys.ECDSA384().PublicKey(), "")
	require.NoError(t, os.WriteFile(dir+"/ca.pub", line, 0o600))
	account, err := currentAccount()
	require.NoError(t, err)
	principals, revoked := dir+"/principals-"+account.name, dir+"/revoked"
	require.NoError(t, os.WriteFile(principals, []byte("admin\nrestrict,command=\"echo limited\" guest\n"), 0o600))
	require.NoError(t, os.WriteFile(revoked, nil, 0o600))
	r := start(t, "-v", "-o", "TrustedUserCAKeys="+dir+"/ca.pub", "-o", "AuthorizedPrincipalsFile="+dir+"/principals-%u",
		"-o", "AuthorizedKeysFile=none", "-o", "RevokedKeys="+revoked, "-o", "PubkeyAcceptedAlgorithms=-ssh-rsa*")
	r.authority("")
	in := func(want string) {
		t.Helper()
		out, errs, status := r.output("echo in")
		require.Zero(t, status, errs)
		require.Equal(t, want, out)
	}
	r.certify("-n", "admin", "-z", "5")
	in("in\n")
	r.certify("-n", "guest")
	in("limited\n")
	r.certify("-n", r.user)
	r.denied("authorized principals " + principals + ": none of")

	// The list is read again for each attempt.
	r.certify("-n", "admin", "-z", "5")
	require.NoError(t, os.WriteFile(dir+"/spec", []byte("serial: 5\n"), 0o600))
	keygen(t, "-q", "-k", "-f", revoked, "-s", dir+"/ca.pub", dir+"/spec")
	r.denied("revoked by its serial number")
	r.certify("-n", "admin", "-z", "6")
	in("in\n")
	require.NoError(t, os.WriteFile(revoked, line, 0o600))
	r.denied("revoked by its key")
	require.NoError(t, os.Remove(revoked))
	r.denied("revoked keys: lstat")
}

// A host certificate of ours, in the eyes of ssh.
func TestHostCertificate(t *testing.T) {
	c := &hostkey.Certificate{Key: testkeys.Ed25519().PublicKey(), Kind: hostkey.HostCertificate, KeyID: "host", Principals: []string{"127.0.0.1"}, ValidBefore: 1 << 40}
	require.NoError(t, c.Certify(t.Context(), testkeys.RSA2048()))
	file := t.TempDir() + "/host-cert.pub"
	require.NoError(t, os.WriteFile(file, hostkey.MarshalAuthorizedKey(c, "a comment"), 0o600))
	r := start(t, "-o", "HostCertificate="+file)
	for authority, ok := range map[hostkey.Signer]bool{testkeys.RSA2048(): true, testkeys.ECDSA256(): false} {
		r.write("known_hosts", []byte("@cert-authority * "+string(hostkey.MarshalAuthorizedKey(authority.PublicKey(), ""))))
		out, errs, status := r.output("-o", "StrictHostKeyChecking=yes", "echo in")
		require.Equal(t, ok, status == 0, errs)
		require.Equal(t, ok, out == "in\n")
	}
	r.write("known_hosts", []byte("["+"127.0.0.1]:"+r.port+" "+string(hostkey.MarshalAuthorizedKey(c.Key, ""))))
	_, errs, status := r.output("-o", "StrictHostKeyChecking=yes", "true")
	require.Zero(t, status, "who knows the key only gets that: %s", errs)
}

func TestHostCertificateRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, c *hostkey.Certificate) string {
		require.NoError(t, c.Certify(t.Context(), testkeys.ECDSA256()))
		require.NoError(t, os.WriteFile(dir+"/"+name, hostkey.MarshalAuthorizedKey(c, ""), 0o600))
		return dir + "/" + name
	}
	require.NoError(t, os.WriteFile(dir+"/key", testkeys.PEM("ed25519"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/text", []byte("hello"), 0o600))
	for name, test := range map[string]struct{ file, why string }{
		"a user's":       {write("user", &hostkey.Certificate{Key: testkeys.Ed25519().PublicKey(), Kind: hostkey.UserCertificate}), "with -h"},
		"another key's":  {write("other", &hostkey.Certificate{Key: testkeys.RSA2048().PublicKey(), Kind: hostkey.HostCertificate}), "which is no HostKey"},
		"no file":        {dir + "/none", "no such file"},
		"a directory":    {dir, "directory"},
		"no certificate": {dir + "/text", "ssh-keygen -s"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs strings.Builder
			require.Equal(t, 255, run([]string{"-h", dir + "/key", "-o", "HostCertificate=" + test.file}, &out, &errs))
			require.Contains(t, errs.String(), "whelkd: host certificate "+test.file+": ")
			require.Contains(t, errs.String(), test.why)
			require.Equal(t, 1, strings.Count(errs.String(), "\n"))
		})
	}
}

// Options of a key, in a file that ssh(1) knows nothing of.
func TestAuthorizedKeyOptions(t *testing.T) {
	r := start(t, "-v", "-o", "PermitUserEnvironment=PATH,GREAT_*", "-o", "AcceptEnv=GREAT_ONE")
	key := string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), ""))
	for _, test := range []struct{ options, command, stdout, why string }{
		{`command="echo $((6*7)) \"$SSH_ORIGINAL_COMMAND\""`, "echo asked", "42 echo asked\n", ""},
		{`environment="GREAT_ONE=1",environment="PATH=/usr/bin:/bin",environment="HOME=/x"`, "echo $GREAT_ONE $PATH; test $HOME != /x", "1 /usr/bin:/bin\n", ""},
		{`from="127.0.0.1"`, "echo in", "in\n", ""},
		{`from="!127.0.0.1,*"`, "echo in", "", "may be used from"},
		{`expiry-time="20200101"`, "echo in", "", "expired at"},
		{"restrict,pty", "echo in", "in\n", ""},
		{"zork", "echo in", "", "zork"},
		{`tunnel="0"`, "echo in", "", "tun device"},
	} {
		t.Run(test.options, func(t *testing.T) {
			r.t = t
			r.write("authorized_keys", []byte(test.options+" "+key))
			if test.why != "" {
				r.denied(test.why)
				return
			}
			out, errs, status := r.output(test.command)
			require.Zero(t, status, errs)
			require.Equal(t, test.stdout, out)
		})
	}
}

func TestTrustKeywords(t *testing.T) {
	set := func(option string) *options {
		t.Helper()
		o := newOptions()
		require.NoError(t, setOption(o, option))
		return o
	}
	require.Equal(t, []string{"/x y"}, set(`TrustedUserCAKeys="/x y"`).keys.TrustedUserCAKeys)
	require.Nil(t, set("TrustedUserCAKeys=none").keys.TrustedUserCAKeys)
	require.Equal(t, []string{"/x"}, set("revokedkeys /x").keys.RevokedKeys)
	require.Nil(t, set("RevokedKeys=none").keys.RevokedKeys)
	require.Equal(t, "/p/%u", set("AuthorizedPrincipalsFile=/p/%u").principals)
	require.Empty(t, set("AuthorizedPrincipalsFile=none").principals)
	require.Equal(t, []string{"*"}, set("PermitUserEnvironment=yes").keys.PermitUserEnvironment)
	require.Nil(t, set("PermitUserEnvironment=no").keys.PermitUserEnvironment)
	require.Equal(t, []string{"A", "LC_*"}, set("PermitUserEnvironment=A,LC_*").keys.PermitUserEnvironment)
	require.Error(t, setOption(newOptions(), "PermitUserEnvironment=*A"))
	require.Equal(t, []string{"rsa-sha2-512"}, set("CASignatureAlgorithms=rsa-sha2-512").keys.CASignatureAlgorithms)
	require.Error(t, setOption(newOptions(), "CASignatureAlgorithms=zork"))

	require.Equal(t, []string{"ssh-ed25519"}, set("PubkeyAcceptedAlgorithms=ssh-ed25519").transport.UserKeyAlgorithms)
	for _, list := range []string{"+ssh-rsa", "-rsa-sha2-256", "^rsa-sha2-512"} {
		require.Contains(t, set("PubkeyAcceptedAlgorithms="+list).transport.UserKeyAlgorithms, "ssh-ed25519-cert-v01@openssh.com", list)
	}
	require.NotContains(t, set("PubkeyAcceptedAlgorithms=-*-cert-*").transport.UserKeyAlgorithms, "ssh-ed25519-cert-v01@openssh.com")
	require.Error(t, setOption(newOptions(), "PubkeyAcceptedAlgorithms=+zork"))

	o := set("TrustedUserCAKeys=/ca")
	o.authorizedKeys = nil
	_, err := quietly().auth(o)
	require.NoError(t, err, "an authority is a way in")
}
