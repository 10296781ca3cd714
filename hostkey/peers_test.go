package hostkey_test

import (
	"crypto"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

const secret = "correct horse battery staple"

// requireOpens reads a private key file, which has to be encrypted or not, and
// hold the key.
func requireOpens(t *testing.T, path, passphrase string, want hostkey.PublicKey) *hostkey.PrivateKey {
	t.Helper()
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	if passphrase != "" {
		var locked *hostkey.PassphraseError
		_, err = hostkey.ParsePrivateKeyFile(file, nil)
		require.ErrorAs(t, err, &locked)
		require.False(t, locked.Wrong)
		_, err = hostkey.ParsePrivateKeyFile(file, []byte("wrong"))
		require.ErrorAs(t, err, &locked)
		require.True(t, locked.Wrong)
	}
	k, err := hostkey.ParsePrivateKeyFile(file, []byte(passphrase))
	require.NoError(t, err)
	require.True(t, hostkey.Equal(want, k.PublicKey()))
	sig, err := k.Sign(t.Context(), k.Algorithms()[0], []byte("data"))
	require.NoError(t, err)
	require.NoError(t, want.Verify([]byte("data"), sig))
	return k
}

// write puts content into a file that only its owner may read.
func write(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, hostkey.CreateKeyFile(path, content))
	return path
}

func publicOf(t *testing.T, key crypto.Signer) hostkey.PublicKey {
	t.Helper()
	s, err := hostkey.NewSigner(key)
	require.NoError(t, err)
	return s.PublicKey()
}

// What ssh-keygen encrypts is read, with every cipher and several rounds.
func TestReadsSSHKeygenCiphers(t *testing.T) {
	for name, key := range privateKeys(t) {
		for i, cipher := range hostkey.KeyFileCiphers() {
			t.Run(name+" "+cipher, func(t *testing.T) {
				t.Parallel()
				plain, err := hostkey.MarshalPrivateKey(key, "a comment")
				require.NoError(t, err)
				path := write(t, plain)
				rounds := 1
				if name == "ed25519" {
					rounds += i % 4
				}
				sshKeygen(t, "-q", "-p", "-Z", cipher, "-a", fmt.Sprint(rounds), "-N", secret, "-f", path)
				file, err := os.ReadFile(path)
				require.NoError(t, err)
				k, err := hostkey.ParsePrivateKeyFile(file, []byte(secret))
				require.NoError(t, err)
				require.True(t, hostkey.Equal(publicOf(t, key), k.PublicKey()))
				require.Equal(t, "a comment", k.Comment)
				require.NotNil(t, k.Key)
			})
		}
	}
}

// What is encrypted here ssh-keygen reads, with every cipher.
func TestSSHKeygenReadsCiphers(t *testing.T) {
	for name, key := range privateKeys(t) {
		for _, cipher := range hostkey.KeyFileCiphers() {
			t.Run(name+" "+cipher, func(t *testing.T) {
				t.Parallel()
				file, err := hostkey.MarshalEncryptedPrivateKey(key, "our comment", fastest(cipher))
				require.NoError(t, err)
				path := write(t, file)
				require.Equal(t, string(hostkey.MarshalAuthorizedKey(publicOf(t, key), "our comment")), sshKeygen(t, "-y", "-P", secret, "-f", path))
			})
		}
	}
}

// The defaults of both are read by the other.
func TestSSHKeygenDefaults(t *testing.T) {
	key := privateKeys(t)["ed25519"]
	file, err := hostkey.MarshalEncryptedPrivateKey(key, "", hostkey.Encryption{Passphrase: []byte(secret)})
	require.NoError(t, err)
	path := write(t, file)
	require.Contains(t, sshKeygen(t, "-y", "-P", secret, "-f", path), "ssh-ed25519 ")
	sshKeygen(t, "-q", "-p", "-P", secret, "-N", "another", "-f", path)
	requireOpens(t, path, "another", publicOf(t, key))
	sshKeygen(t, "-q", "-p", "-P", "another", "-N", "", "-f", path)
	requireOpens(t, path, "", publicOf(t, key))
}

// Of security keys, ssh-keygen agrees about what is public in a file.
func TestSSHKeygenReadsSecurityKeys(t *testing.T) {
	for _, s := range []*testkeys.Authenticator{testkeys.SKEd25519(), testkeys.SKECDSA256()} {
		t.Run(s.PublicKey().Type(), func(t *testing.T) {
			path := write(t, securityKeyFile(s).encode())
			require.Contains(t, sshKeygen(t, "-l", "-f", path), hostkey.Fingerprint(s.PublicKey()))
			sshKeygen(t, "-q", "-p", "-N", secret, "-a", "1", "-f", path)
			file, err := os.ReadFile(path)
			require.NoError(t, err)
			k, err := hostkey.ParsePrivateKeyFile(file, []byte(secret))
			require.NoError(t, err)
			require.Equal(t, []byte("a handle"), k.Signer.(*hostkey.DeviceKey).Handle)
		})
	}
}

// What ssh-keygen and openssl write in their older formats is read.
func TestReadsOpenSSLPEM(t *testing.T) {
	for name, key := range privateKeys(t) {
		for _, format := range []string{"PEM", "PKCS8"} {
			t.Run(name+" "+format, func(t *testing.T) {
				plain, err := hostkey.MarshalPrivateKey(key, "")
				require.NoError(t, err)
				path := write(t, plain)
				sshKeygen(t, "-q", "-p", "-m", format, "-N", secret, "-a", "1", "-f", path)
				requireOpens(t, path, secret, publicOf(t, key))
			})
		}
	}
	for _, cipher := range []string{"-aes128", "-aes192", "-aes256", "-des3"} {
		for _, kind := range []string{"rsa", "ec"} {
			t.Run("openssl "+kind+" "+cipher, func(t *testing.T) {
				key := privateKeys(t)[map[string]string{"rsa": "rsa2048", "ec": "ecdsa384"}[kind]]
				plain, err := hostkey.MarshalPrivateKey(key, "")
				require.NoError(t, err)
				path := write(t, plain)
				sshKeygen(t, "-q", "-p", "-m", "PEM", "-N", "", "-f", path)
				copied := path + "-copy"
				runPeer(t, "openssl", "pkey", "-in", path, "-traditional", cipher, "-passout", "pass:"+secret, "-out", copied)
				content, err := os.ReadFile(copied)
				require.NoError(t, err)
				require.Contains(t, string(content), "DEK-Info")
				requireOpens(t, copied, secret, publicOf(t, key))
			})
		}
	}
}

func TestReadsOpenSSLPKCS8(t *testing.T) {
	type row struct{ name, args string }
	var rows []row
	for _, cipher := range []string{"aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3"} {
		for _, prf := range []string{"hmacWithSHA1", "hmacWithSHA224", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512"} {
			rows = append(rows, row{cipher + " " + prf, "-v2 " + cipher + " -v2prf " + prf})
		}
	}
	rows = append(rows, row{"200000 iterations", "-v2 aes-256-cbc -iter 200000"},
		row{"scrypt", "-scrypt"}, row{"scrypt with its own parameters", "-v2 aes-128-cbc -scrypt -scrypt_N 1024 -scrypt_r 4 -scrypt_p 3"})
	for name, key := range privateKeys(t) {
		for _, c := range rows {
			if name != "ed25519" && c.args != "-v2 aes-256-cbc -v2prf hmacWithSHA256" {
				continue
			}
			t.Run(name+" "+c.name, func(t *testing.T) {
				path := write(t, pkcs8(t, key))
				copied := path + "-copy"
				args := append([]string{"pkcs8", "-topk8", "-in", path, "-out", copied, "-passout", "pass:" + secret}, strings.Fields(c.args)...)
				runPeer(t, "openssl", args...)
				requireOpens(t, copied, secret, publicOf(t, key))
			})
		}
	}
}

// puttygen runs puttygen with files that hold passphrases.
func puttygen(t *testing.T, args ...string) string {
	t.Helper()
	return runPeer(t, "puttygen", args...)
}

// What PuTTY writes is read, in both versions and with each derivation of keys.
func TestReadsPuTTY(t *testing.T) {
	passphrase := filepath.Join(t.TempDir(), "passphrase")
	require.NoError(t, os.WriteFile(passphrase, []byte(secret+"\n"), 0o600))
	for name, key := range privateKeys(t) {
		for _, parameters := range []string{
			"version=2", "version=3,kdf=argon2id,memory=1024,passes=2", "version=3,kdf=argon2i,memory=1024,passes=2,parallelism=4",
			"version=3,kdf=argon2d,memory=1024,passes=2", "version=3",
		} {
			for _, locked := range []bool{false, true} {
				if locked && name != "ed25519" && strings.HasPrefix(parameters, "version=3") {
					continue // the private half is what version 2 has too
				}
				t.Run(fmt.Sprint(name, " ", parameters, map[bool]string{true: " encrypted"}[locked]), func(t *testing.T) {
					plain, err := hostkey.MarshalPrivateKey(key, "a comment")
					require.NoError(t, err)
					from := write(t, plain)
					path := from + ".ppk"
					args, opens := []string{from, "-O", "private", "-C", "a comment", "-o", path, "--ppk-param", parameters}, ""
					if locked {
						args, opens = append(args, "-P", "--new-passphrase", passphrase), secret
					}
					puttygen(t, args...)
					require.Equal(t, "a comment", requireOpens(t, path, opens, publicOf(t, key)).Comment)
				})
			}
		}
	}
}

// puttygen makes keys of its own, of which the smallest numbers are shorter than
// the rest.
func TestReadsPuTTYsOwnKeys(t *testing.T) {
	for args, times := range map[string]int{"-t ed25519": 4, "-t ecdsa -b 256": 4, "-t ecdsa -b 521": 4, "-t rsa -b 2048": 1} {
		for range times {
			t.Run(args, func(t *testing.T) {
				path, empty := filepath.Join(t.TempDir(), "key.ppk"), filepath.Join(t.TempDir(), "empty")
				require.NoError(t, os.WriteFile(empty, nil, 0o600))
				puttygen(t, append(strings.Fields(args), "-q", "-o", path, "--new-passphrase", empty)...)
				line, err := hostkey.ParseAuthorizedKey([]byte(puttygen(t, path, "-O", "public-openssh")))
				require.NoError(t, err)
				requireOpens(t, path, "", line.Key)
			})
		}
	}
}

// What is written here PuTTY reads.
func TestPuTTYReads(t *testing.T) {
	passphrase := filepath.Join(t.TempDir(), "passphrase")
	require.NoError(t, os.WriteFile(passphrase, []byte(secret+"\n"), 0o600))
	for name, key := range privateKeys(t) {
		want := string(hostkey.MarshalAuthorizedKey(publicOf(t, key), "our comment"))
		t.Run(name, func(t *testing.T) {
			file, err := hostkey.MarshalPPK(key, "our comment")
			require.NoError(t, err)
			path := write(t, file)
			require.Equal(t, want, puttygen(t, path, "-O", "public-openssh"))
			requireSameNumbers(t, path, "", key)
		})
		t.Run(name+" encrypted", func(t *testing.T) {
			if name != "ed25519" && name != "rsa2048" {
				return // as these, padded and not
			}
			file, err := hostkey.MarshalEncryptedPPK(key, "our comment", []byte(secret))
			require.NoError(t, err)
			path := write(t, file)
			require.Equal(t, want, puttygen(t, path, "-O", "public-openssh"))
			requireSameNumbers(t, path, passphrase, key)
			require.Equal(t, "our comment", requireOpens(t, path, secret, publicOf(t, key)).Comment)
		})
		t.Run(name+" of OpenSSH", func(t *testing.T) {
			file, err := hostkey.MarshalEncryptedPrivateKey(key, "our comment", fastest(""))
			require.NoError(t, err)
			requireSameNumbers(t, write(t, file), passphrase, key)
		})
	}
}

// requireSameNumbers has puttygen open the private half and write it as OpenSSH
// does.
func requireSameNumbers(t *testing.T, path, passphrase string, key crypto.Signer) {
	t.Helper()
	copied := path + "-openssh"
	empty := path + "-empty"
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	args := []string{path, "-O", "private-openssh-new", "-o", copied, "--new-passphrase", empty}
	if passphrase != "" {
		args = append(args, "-P", "--old-passphrase", passphrase)
	}
	puttygen(t, args...)
	requireOpens(t, copied, "", publicOf(t, key))
}

// The public key files of RFC 4716 that ssh-keygen and puttygen write are read,
// and they read those of ours.
func TestPeersRFC4716(t *testing.T) {
	for _, s := range testkeys.All() {
		want := string(hostkey.MarshalAuthorizedKey(s.PublicKey(), ""))
		t.Run(s.PublicKey().Type(), func(t *testing.T) {
			path := write(t, hostkey.MarshalAuthorizedKey(s.PublicKey(), "a comment"))
			for peer, text := range map[string]string{"ssh-keygen": sshKeygen(t, "-e", "-f", path), "puttygen": puttygen(t, path, "-O", "public")} {
				k, comment, err := hostkey.ParseRFC4716([]byte(text))
				require.NoError(t, err, peer)
				require.True(t, hostkey.Equal(s.PublicKey(), k))
				require.NotEmpty(t, comment)
			}
			for _, comment := range []string{"", "ours", strings.Repeat("a long comment ", 60)} {
				path := write(t, hostkey.MarshalRFC4716(s.PublicKey(), comment))
				require.Equal(t, want, sshKeygen(t, "-i", "-f", path))
				require.True(t, strings.HasPrefix(puttygen(t, path, "-O", "public-openssh"), strings.TrimSpace(want)))
			}
		})
	}
}

// loadWithPython is a program that loads a private key file with Paramiko or
// Conch and prints its public half.
const loadWithPython = `
import base64, sys
peer, path, passphrase = sys.argv[1:]
passphrase = passphrase or None
if peer == "paramiko":
    import paramiko
    for kind in paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey:
        try:
            key = kind.from_private_key_file(path, passphrase)
            break
        except paramiko.PasswordRequiredException:
            raise
        except paramiko.SSHException as e:
            reason = e
    else:
        raise reason
    print(key.get_name(), key.get_base64())
else:
    from twisted.conch.ssh import keys
    key = keys.Key.fromFile(path, passphrase=passphrase.encode() if passphrase else None)
    print(key.public().toString("OPENSSH").decode())
`

// Paramiko and Conch load what is written here.
func TestPythonLoads(t *testing.T) {
	const python = "/usr/bin/python3"
	needPeer(t, python)
	for _, peer := range []struct {
		name, module string
		ciphers      []string // that it knows
	}{
		{"paramiko", "paramiko", []string{"", "aes256-ctr", "aes256-cbc"}},
		{"conch", "twisted.conch.ssh.keys", []string{"", "aes256-ctr", "aes192-ctr", "aes128-ctr"}},
	} {
		if err := exec.Command(python, "-c", "import "+peer.module).Run(); err != nil && os.Getenv("CI") == "true" {
			t.Fatal(peer.name + " is not installed")
		} else if err != nil {
			continue
		}
		for name, key := range privateKeys(t) {
			for _, cipher := range peer.ciphers {
				t.Run(strings.TrimSpace(peer.name+" "+name+" "+cipher), func(t *testing.T) {
					t.Parallel()
					file, err := hostkey.MarshalPrivateKey(key, "our comment")
					passphrase := ""
					if cipher != "" {
						passphrase = secret
						file, err = hostkey.MarshalEncryptedPrivateKey(key, "our comment", fastest(cipher))
					}
					require.NoError(t, err)
					out := runPeer(t, python, "-W", "ignore", "-c", loadWithPython, peer.name, write(t, file), passphrase)
					want := strings.TrimSpace(string(hostkey.MarshalAuthorizedKey(publicOf(t, key), "")))
					require.Contains(t, out, want)
				})
			}
		}
	}
}
