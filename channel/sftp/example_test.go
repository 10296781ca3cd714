package sftp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"testing/fstest"

	"github.com/whelk-ssh/whelk/channel/sftp"
	"github.com/whelk-ssh/whelk/internal/memnet"
)

// connect returns a client of a server of some files. Over SSH it is the method
// SFTP of client.Client that returns one.
func connect(files fs.FS) *sftp.Client {
	near, far := memnet.Pipe()
	go (&sftp.Server{Handler: sftp.FSHandler(files)}).Serve(context.Background(), far)
	c, err := sftp.NewClient(context.Background(), near)
	if err != nil {
		log.Fatal(err)
	}
	return c
}

var files = fstest.MapFS{
	"srv/motd":        {Data: []byte("Welcome.\n")},
	"srv/log/old.txt": {Data: []byte("long ago")},
}

// The methods are those of package os.
func Example() {
	c := connect(files)
	defer c.Close()
	f, err := c.Open("/srv/motd")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	io.Copy(os.Stdout, f)
	_, err = c.Stat("/srv/nothing")
	fmt.Println(errors.Is(err, fs.ErrNotExist), err)
	// Output:
	// Welcome.
	// true stat /srv/nothing: sftp: the server reports: no such file: "No such file"
}

// What takes a file system takes a server's.
func ExampleClient_FS() {
	c := connect(files)
	defer c.Close()
	matches, err := fs.Glob(c.FS("/srv"), "*/*.txt")
	fmt.Println(matches, err)
	// Output: [log/old.txt] <nil>
}

// A tree is copied with many files under way.
func ExampleClient_Get() {
	c := connect(files)
	defer c.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var copied int64
	err = c.Get(context.Background(), "/srv", dir, &sftp.Transfer{Progress: func(p sftp.Progress) {
		if p.Done {
			copied += p.Bytes
		}
	}})
	fmt.Println(copied, err)
	// Output: 17 <nil>
}

// A server lets nobody out of its directory.
func ExampleRootHandler() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	root, err := os.OpenRoot(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()
	near, far := memnet.Pipe()
	go (&sftp.Server{Handler: sftp.RootHandler(root)}).Serve(context.Background(), far)
	c, err := sftp.NewClient(context.Background(), near)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	_, err = c.Stat("../../../../etc/passwd")
	fmt.Println(errors.Is(err, fs.ErrNotExist), c.Symlink("../../etc", "out"))
	// Output: true symlink out: sftp: the server reports: permission denied: "Permission denied"
}
