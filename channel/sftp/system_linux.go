package sftp

import (
	"os"
	"syscall"
	"time"
)

// accessTime returns when the file was read.
func accessTime(st *syscall.Stat_t) (uint32, bool) {
	return seconds(time.Unix(st.Atim.Unix())), true
}

// StatVFS implements VFSHandler.
func (systemHandler) StatVFS(name string) (*VFS, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(name, &st); err != nil {
		return nil, err
	}
	return vfsOf(&st), nil
}

// StatVFS implements VFSHandler: of the file system that the root is on.
func (h *rootHandler) StatVFS(name string) (*VFS, error) {
	f, err := h.root.OpenFile(h.within(name), os.O_RDONLY|withoutWaiting, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var st syscall.Statfs_t
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.Fstatfs(int(fd), &st) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	return vfsOf(&st), nil
}

func vfsOf(st *syscall.Statfs_t) *VFS {
	const readOnly, noSetuid = 1, 2 // ST_RDONLY and ST_NOSUID, which are those of the wire
	return &VFS{
		BlockSize: uint64(st.Bsize), FragmentSize: uint64(st.Frsize),
		Blocks: st.Blocks, BlocksFree: st.Bfree, BlocksAvailable: st.Bavail,
		Files: st.Files, FilesFree: st.Ffree, FilesAvailable: st.Ffree,
		ID: uint64(uint32(st.Fsid.X__val[0])) | uint64(uint32(st.Fsid.X__val[1]))<<32, Flags: uint64(st.Flags) & (readOnly | noSetuid), NameMax: uint64(st.Namelen),
	}
}
