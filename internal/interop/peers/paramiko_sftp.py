"""Paramiko's SFTPClient, as far as package interop needs it.

    paramiko_sftp.py PORT USER KEY LOCAL REMOTE

LOCAL and REMOTE are directories. What is put is got again, by all the ways
that Paramiko has.
"""

import os
import stat
import sys

import paramiko

port, user, key, local, remote = sys.argv[1:]
transport = paramiko.Transport(("127.0.0.1", int(port)))
transport.connect(username=user, pkey=paramiko.Ed25519Key.from_private_key_file(key))
sftp = paramiko.SFTPClient.from_transport(transport)

data = os.urandom(3 << 20) + b"end"
with open(os.path.join(local, "data"), "wb") as f:
    f.write(data)
seen = []
sftp.put(os.path.join(local, "data"), remote + "/data", callback=lambda n, size: seen.append((n, size)))
assert seen[-1] == (len(data), len(data)), seen[-1]
sftp.get(remote + "/data", os.path.join(local, "again"))
with open(os.path.join(local, "again"), "rb") as f:
    assert f.read() == data
with sftp.open(remote + "/data", "rb") as f:
    f.prefetch()
    assert f.read() == data
    assert f.readv([(5, 10), (1 << 20, 70000)]).__next__() == data[5:15]

sftp.mkdir(remote + "/dir", 0o750)
assert stat.S_ISDIR(sftp.stat(remote + "/dir").st_mode)
sftp.symlink("data", remote + "/link")
assert sftp.readlink(remote + "/link") == "data"
assert stat.S_ISLNK(sftp.lstat(remote + "/link").st_mode)
sftp.chmod(remote + "/data", 0o600)
sftp.utime(remote + "/data", (1000000000, 1100000000))
attributes = sftp.stat(remote + "/data")
assert attributes.st_mode & 0o777 == 0o600 and attributes.st_mtime == 1100000000 and attributes.st_size == len(data)
sftp.truncate(remote + "/data", 10)
assert sftp.stat(remote + "/link").st_size == 10
sftp.rename(remote + "/data", remote + "/dir/moved")
sftp.posix_rename(remote + "/dir/moved", remote + "/data")
with sftp.open(remote + "/log", "a") as f:
    f.write("one\n")
with sftp.open(remote + "/log", "a") as f:
    f.write("two\n")
with sftp.open(remote + "/log") as f:
    assert f.read() == b"one\ntwo\n"
for i in range(300):
    sftp.open(remote + "/dir/%d" % i, "w").close()
assert sorted(sftp.listdir(remote + "/dir"), key=int) == [str(i) for i in range(300)]
assert len(list(sftp.listdir_iter(remote + "/dir"))) == 300
try:
    sftp.stat(remote + "/missing")
    raise SystemExit("a file that is missing was found")
except FileNotFoundError:
    pass
sftp.chdir(remote)
assert sftp.getcwd() == sftp.normalize(".") == remote
sftp.remove("link")
transport.close()
print("all is well")
