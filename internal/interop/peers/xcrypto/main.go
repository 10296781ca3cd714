// Command xcrypto is golang.org/x/crypto/ssh as ssh(1) and sshd(8), as far as
// package interop needs them. It is a module of its own: nothing else of Whelk
// has that package below it.
//
//	xcrypto serve AUTHORIZED HOSTKEY...
//	xcrypto run PORT USER KEY COMMAND
//
// A HOSTKEY is a private key, next to which its certificate may lie in a file
// whose name ends in "-cert.pub". Everything that the package has is offered.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

func main() {
	log.SetFlags(0)
	switch args := os.Args[1:]; {
	case len(args) > 2 && args[0] == "serve":
		check(serve(args[1], args[2:]))
	case len(args) == 5 && args[0] == "run":
		status, err := run(args[1], args[2], args[3], args[4])
		check(err)
		os.Exit(status)
	default:
		log.Fatal("xcrypto: serve AUTHORIZED HOSTKEY... or run PORT USER KEY COMMAND")
	}
}

func check(err error) {
	if err != nil {
		log.Fatal("xcrypto: ", err)
	}
}

// everything has all that the package implements.
func everything() (config ssh.Config, hostKeys []string) {
	good, bad := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	config.KeyExchanges = slices.Concat(good.KeyExchanges, bad.KeyExchanges)
	config.Ciphers = slices.Concat(good.Ciphers, bad.Ciphers)
	config.MACs = slices.Concat(good.MACs, bad.MACs)
	return config, slices.Concat(good.HostKeys, bad.HostKeys)
}

// version is a version line that says which x/crypto this is.
func version() string {
	build, _ := debug.ReadBuildInfo()
	for _, module := range build.Deps {
		if module.Path == "golang.org/x/crypto" {
			return "SSH-2.0-xcrypto_" + strings.TrimPrefix(module.Version, "v")
		}
	}
	return "SSH-2.0-xcrypto"
}

func readSigner(path string) (ssh.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ssh.ParsePrivateKey(text)
}

// certified returns a signer with the certificate next to a key.
func certified(path string, key ssh.Signer) (ssh.Signer, error) {
	text, err := os.ReadFile(path + "-cert.pub")
	if err != nil {
		return nil, err
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil, err
	}
	certificate, ok := public.(*ssh.Certificate)
	if !ok {
		return nil, errors.New(path + ": not a certificate")
	}
	return ssh.NewCertSigner(certificate, key)
}

func readAuthorized(path string) (keys [][]byte, err error) {
	rest, err := os.ReadFile(path)
	for err == nil && len(bytes.TrimSpace(rest)) > 0 {
		var key ssh.PublicKey
		if key, _, _, rest, err = ssh.ParseAuthorizedKey(rest); err == nil {
			keys = append(keys, key.Marshal())
		}
	}
	return keys, err
}

func serve(authorized string, hostKeys []string) error {
	trusted, err := readAuthorized(authorized)
	if err != nil {
		return err
	}
	config := &ssh.ServerConfig{
		ServerVersion: version(),
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !slices.ContainsFunc(trusted, func(t []byte) bool { return bytes.Equal(t, key.Marshal()) }) {
				return nil, errors.New("this is not the user's key")
			}
			return nil, nil
		},
	}
	config.Config, _ = everything()
	for _, path := range hostKeys {
		key, err := readSigner(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		config.AddHostKey(key)
		if key, err = certified(path, key); err == nil {
			config.AddHostKey(key)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	log.Printf("listening on %s", l.Addr())
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		go serveConn(nc, config)
	}
}

func serveConn(nc net.Conn, config *ssh.ServerConfig) {
	defer nc.Close()
	_, opens, requests, err := ssh.NewServerConn(nc, config)
	if err != nil {
		log.Print(err)
		return
	}
	go ssh.DiscardRequests(requests)
	for open := range opens {
		if open.ChannelType() != "session" {
			open.Reject(ssh.UnknownChannelType, "there are sessions only")
			continue
		}
		ch, requests, err := open.Accept()
		if err != nil {
			return
		}
		go serveSession(ch, requests)
	}
}

func serveSession(ch ssh.Channel, requests <-chan *ssh.Request) {
	for r := range requests {
		var m struct{ Command string }
		known := r.Type == "exec" && ssh.Unmarshal(r.Payload, &m) == nil
		r.Reply(known, nil)
		if known {
			go execute(ch, m.Command)
		}
	}
}

func execute(ch ssh.Channel, command string) {
	defer ch.Close()
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return
	}
	go func() {
		io.Copy(in, ch)
		in.Close()
	}()
	cmd.Wait()
	ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(cmd.ProcessState.ExitCode())}))
}

func run(port, user, keyFile, command string) (status int, err error) {
	key, err := readSigner(keyFile)
	if err != nil {
		return 0, err
	}
	config := &ssh.ClientConfig{
		ClientVersion:   version(),
		User:            user,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	}
	config.Config, config.HostKeyAlgorithms = everything()
	c, err := ssh.Dial("tcp", "127.0.0.1:"+port, config)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	s, err := c.NewSession()
	if err != nil {
		return 0, err
	}
	s.Stdout, s.Stderr = os.Stdout, os.Stderr
	in, err := s.StdinPipe()
	if err != nil {
		return 0, err
	}
	if err := s.Start(command); err != nil {
		return 0, err
	}
	go func() {
		io.Copy(in, os.Stdin)
		in.Close()
	}()
	var exit *ssh.ExitError
	if err = s.Wait(); errors.As(err, &exit) {
		return exit.ExitStatus(), nil
	}
	return 0, err
}
