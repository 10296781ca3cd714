package client

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/userauth"
)

// Credentials are what somebody can prove to be a user with. [Credentials.Methods]
// puts them in the usual order, for [Config].Auth. What is nil or empty is left
// out: no file is read and no agent asked that is not named here.
type Credentials struct {
	// Keys are tried first. A certificate goes ahead of its key.
	Keys []hostkey.Signer

	// Agent returns the keys of an agent, which are tried next. [AgentKeys]
	// makes it.
	Agent func(ctx context.Context) ([]hostkey.Signer, error)

	// Dir is a directory such as ~/.ssh, whose keys are tried next: id_ed25519,
	// id_ecdsa and id_rsa, each behind its certificate, if there is one with
	// "-cert.pub" at the end of its name.
	Dir string

	// Passphrase returns that of a key in Dir. It is called when the key is to
	// sign, if the file says without which key it holds. If nil, Password is
	// called in its place.
	Passphrase func(ctx context.Context, file string) ([]byte, error)

	// Password returns the user's password. It is the answer too to a server
	// that asks a single question, the answer to which is not to be seen.
	Password func(ctx context.Context) (string, error)

	// NewPassword returns one in place of a password that has expired; the
	// prompt is the server's. See [userauth.PasswordOrChange].
	NewPassword func(ctx context.Context, prompt string) (string, error)

	// Answer has a conversation with the user, in place of Password. See
	// [userauth.KeyboardInteractive].
	Answer func(ctx context.Context, c userauth.Challenge) ([]string, error)
}

// Methods returns the ways to log in: keys as given, those of the agent, those
// in the directory, the password, and questions. Keys stop short of what most
// servers stand as long as there is something else to try: see
// [userauth.Client].MaxTries.
func (c Credentials) Methods() []userauth.Method {
	var methods []userauth.Method
	if len(c.Keys) > 0 {
		methods = append(methods, userauth.PublicKey(slices.Clone(c.Keys)...))
	}
	if c.Agent != nil {
		methods = append(methods, userauth.PublicKeyFunc(c.Agent))
	}
	if c.Dir != "" {
		methods = append(methods, userauth.PublicKeyFunc(c.identities))
	}
	if c.Password != nil {
		methods = append(methods, userauth.PasswordOrChange(c.Password, c.newPassword()))
	}
	switch {
	case c.Answer != nil:
		methods = append(methods, userauth.KeyboardInteractive(c.Answer))
	case c.Password != nil:
		methods = append(methods, userauth.KeyboardInteractive(c.passwordAnswer))
	}
	return methods
}

// newPassword returns what to do about a password that has expired.
func (c *Credentials) newPassword() func(context.Context, string) (string, error) {
	if c.NewPassword != nil {
		return c.NewPassword
	}
	return func(_ context.Context, prompt string) (string, error) {
		return "", &userauth.PasswordExpiredError{Prompt: prompt}
	}
}

// passwordAnswer answers the question that can only be for the password.
func (c *Credentials) passwordAnswer(ctx context.Context, challenge userauth.Challenge) ([]string, error) {
	switch p := challenge.Prompts; {
	case len(p) == 0:
		return nil, nil
	case len(p) > 1 || p[0].Echo:
		return nil, errors.New("the server asks for more than a password: set Credentials.Answer")
	}
	password, err := c.Password(ctx)
	return []string{password}, err
}

// identityFiles are the names of keys in a directory such as ~/.ssh.
var identityFiles = []string{"id_ed25519", "id_ecdsa", "id_rsa"}

// identities reads the keys in the directory.
func (c *Credentials) identities(ctx context.Context) ([]hostkey.Signer, error) {
	var files Identities
	for _, name := range identityFiles {
		files.Files = append(files.Files, IdentityFile{Path: filepath.Join(c.Dir, name)})
	}
	if c.Passphrase != nil || c.Password != nil {
		files.Passphrase = c.passphrase
	}
	return files.Signers(ctx)
}

// passphrase is a [hostkey.PassphraseFunc]. A password is tried once.
func (c *Credentials) passphrase(ctx context.Context, file string, locked *hostkey.PassphraseError) ([]byte, error) {
	if c.Passphrase != nil {
		return c.Passphrase(ctx, file)
	}
	if locked.Wrong {
		return nil, nil
	}
	password, err := c.Password(ctx)
	return []byte(password), err
}
