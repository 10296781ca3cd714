package server

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/whelk-ssh/whelk/userauth"
)

const (
	// maxBcryptPassword is the length in bytes of the part of a password that
	// bcrypt looks at. A longer one would be as good as its beginning.
	maxBcryptPassword = 72

	// maxCost bounds the work of one attempt: a few seconds of one processor.
	maxCost = 16
)

// PasswordFile returns a check of the method "password" against a file with a
// line for each user, as `htpasswd -B` of Apache writes it:
//
//	alice:$2y$10$.vGA1O9wmRjrwAVXD98HNOgsNpDczlqm3Jq7KnEd1rVAGv3Fykk1a
//
// What follows the colon is the bcrypt hash of the password. Empty lines and
// those that begin with "#" say nothing. The file is read again for each
// attempt, so that changes count at once; it is not trusted unless nobody else
// can write to it or to a directory above it, as with [AuthorizedKeys], nor read
// it.
//
// Every attempt costs the work of the most expensive hash in the file, whoever
// the user is and whether there is such a user. Passwords of more than 72 bytes
// are refused: bcrypt would ignore the rest.
func PasswordFile(path string) userauth.Check {
	return userauth.CheckPassword(func(_ context.Context, a *userauth.Attempt, password string) (userauth.Decision, error) {
		return checkPasswordFile(path, a.User, password)
	})
}

// InteractivePasswordFile is [PasswordFile] for the method
// "keyboard-interactive", with a single prompt.
func InteractivePasswordFile(path string) userauth.Check {
	return userauth.CheckInteractive(func(_ context.Context, a *userauth.Attempt, ask func(userauth.Challenge) ([]string, error)) (userauth.Decision, error) {
		answers, err := ask(userauth.Challenge{Prompts: []userauth.Prompt{{Text: "Password: "}}})
		if err != nil {
			return userauth.Decision{}, err
		}
		return checkPasswordFile(path, a.User, answers[0])
	})
}

// checkPasswordFile looks a user's password up.
func checkPasswordFile(path, user, password string) (userauth.Decision, error) {
	hashes, err := readPasswords(path)
	if err != nil {
		return userauth.Decision{}, fmt.Errorf("server: password file %s: %w", path, err)
	}
	if err := hashes.compare(user, password); err != nil {
		return userauth.Decision{}, fmt.Errorf("server: password file %s: %w", path, err)
	}
	return userauth.Accept(nil), nil
}

// passwords are the hashes of a file, by user.
type passwords struct {
	hashes  map[string]string
	cost    int   // the greatest of them
	problem error // of a line, if there is one
}

// readPasswords reads a file that only its owner may read.
func readPasswords(path string) (*passwords, error) {
	f, err := openTrusted(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := readPrivate(f)
	if err != nil {
		return nil, err
	}
	p := &passwords{hashes: make(map[string]string), cost: bcrypt.MinCost}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := p.add(line); err != nil {
			p.problem = fmt.Errorf("line %d: %w", number, err)
		}
	}
	return p, nil
}

// add reads a line.
func (p *passwords) add(line string) error {
	user, hash, ok := strings.Cut(line, ":")
	hash = strings.TrimSpace(hash)
	switch cost, err := bcrypt.Cost([]byte(hash)); {
	case !ok || user == "":
		return errors.New("it is not of the form user:hash")
	case err != nil || !bcryptHash.MatchString(hash):
		return errors.New("its hash is not one of bcrypt; `htpasswd -B` makes them")
	case cost > maxCost:
		return fmt.Errorf("its hash has cost %d; %d is the most", cost, maxCost)
	case p.hashes[user] != "":
		return fmt.Errorf("user %q is there twice; the first counts", user)
	default:
		p.hashes[user] = hash
		p.cost = max(p.cost, cost)
	}
	return nil
}

// compare returns nil if the password is the user's.
func (p *passwords) compare(user, password string) error {
	_, known := p.hashes[user]
	tooLong := len(password) > maxBcryptPassword
	if tooLong {
		password = password[:maxBcryptPassword]
	}
	var err error
	for i, hash := range p.work(user) {
		if wrong := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)); i == 0 {
			err = wrong
		}
	}
	switch {
	case !known && p.problem != nil:
		return p.problem
	case !known:
		return fmt.Errorf("user %q is not there", user)
	case tooLong:
		return fmt.Errorf("the password is longer than the %d bytes that bcrypt looks at", maxBcryptPassword)
	case err != nil:
		return errors.New("the password is wrong")
	}
	return nil
}

// work returns the hashes that a password is compared with: the user's, and
// others that make the work the same for every user, known or not: 2^cost.
func (p *passwords) work(user string) []string {
	hash, known := p.hashes[user]
	if !known {
		hash = dummy(p.cost)
	}
	hashes := []string{hash}
	// 2^c + (2^c + 2^(c+1) + ... + 2^(n-1)) = 2^n.
	for cost, _ := bcrypt.Cost([]byte(hash)); cost < p.cost; cost++ {
		hashes = append(hashes, dummy(cost))
	}
	return hashes
}

// dummy returns a hash of a cost that nobody knows a password of, and that takes
// as long as any other.
func dummy(cost int) string {
	return fmt.Sprintf("$2b$%02d$", cost) + strings.Repeat(".", hashLength)
}

// hashLength is the length of salt and hash, encoded: 16 and 23 bytes.
const hashLength = 22 + 31

// bcryptHash is what a line of the file has to hold.
var bcryptHash = regexp.MustCompile(`^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)
