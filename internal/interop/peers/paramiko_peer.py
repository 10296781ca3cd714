"""Paramiko as ssh(1) and sshd(8), as far as package interop needs them.

    paramiko_peer.py serve MODULI AUTHORIZED HOSTKEY...
    paramiko_peer.py run PORT USER KEY COMMAND

Everything that Paramiko has is offered: compression too, which it has off, and
group exchange, for which its servers want a file of groups.
"""

import os
import socket
import subprocess
import sys
import threading

import paramiko


class Server(paramiko.ServerInterface):
    def __init__(self, authorized):
        self.authorized = authorized

    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        if key.get_base64() in self.authorized:
            return paramiko.AUTH_SUCCESSFUL
        return paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        if kind == "session":
            return paramiko.OPEN_SUCCEEDED
        return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=execute, args=(channel, command), daemon=True).start()
        return True


def copy(read, write, end=None):
    while data := read(32768):
        write(data)
    if end:
        end()


def execute(channel, command):
    process = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    threading.Thread(target=copy, args=(channel.recv, process.stdin.write, process.stdin.close), daemon=True).start()
    errors = threading.Thread(target=copy, args=(process.stderr.read1, channel.sendall_stderr), daemon=True)
    errors.start()
    copy(process.stdout.read1, channel.sendall)
    errors.join()
    channel.send_exit_status(process.wait())
    channel.close()


def host_key(path):
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey, paramiko.DSSKey):
        try:
            return kind.from_private_key_file(path)
        except paramiko.SSHException:
            continue
    raise SystemExit("not a key: " + path)


def serve(moduli, authorized, *files):
    paramiko.Transport.load_server_moduli(moduli)
    keys = [host_key(path) for path in files]
    with open(authorized) as f:
        authorized = {line.split()[1] for line in f}
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print("listening on 127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
    while True:
        connection, _ = listener.accept()
        transport = paramiko.Transport(connection)
        transport.use_compression()
        for key in keys:
            transport.add_server_key(key)
        transport.start_server(event=threading.Event(), server=Server(authorized))


def run(port, user, key, command):
    transport = paramiko.Transport(socket.create_connection(("127.0.0.1", int(port))))
    transport.use_compression()
    transport.start_client()
    transport.auth_publickey(user, host_key(key))
    channel = transport.open_session()
    channel.exec_command(command)
    threading.Thread(target=copy, args=(sys.stdin.buffer.read1, channel.sendall, channel.shutdown_write), daemon=True).start()
    errors = threading.Thread(target=copy, args=(channel.recv_stderr, sys.stderr.buffer.write), daemon=True)
    errors.start()
    copy(channel.recv, sys.stdout.buffer.write)
    errors.join()
    status = channel.recv_exit_status()
    transport.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # the thread that reads standard input may still be at it


{"serve": serve, "run": run}[sys.argv[1]](*sys.argv[2:])
