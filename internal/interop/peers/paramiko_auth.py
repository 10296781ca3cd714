"""Paramiko proving who a user is, and asking who that is.

    paramiko_auth.py login PORT USER METHOD...
    paramiko_auth.py serve HOSTKEY

A METHOD of login is publickey=FILE, password=SECRET or
keyboard-interactive=ANSWER,...; what comes of each is printed on a line.

The server asks "keyboard-interactive" for a password, then shows something,
then wants two things more. The "password" of everybody has expired: Paramiko
has no word for that, so its handler of requests is replaced for that method.
"""

import socket
import sys
import threading

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import MSG_USERAUTH_REQUEST

PASSWD_CHANGEREQ = 60


def login(port, user, *methods):
    transport = paramiko.Transport(("127.0.0.1", int(port)))
    transport.start_client(timeout=20)
    for method in methods:
        name, _, value = method.partition("=")
        try:
            if name == "publickey":
                left = transport.auth_publickey(user, paramiko.Ed25519Key.from_private_key_file(value))
            elif name == "password":
                left = transport.auth_password(user, value, fallback=False)
            else:
                answers = value.split(",")

                def handler(title, instructions, prompts):
                    for text, echo in prompts:
                        print("asked %r %s" % (text, echo))
                    return [answers.pop(0) for _ in prompts]

                left = transport.auth_interactive(user, handler)
            print(name, "partial " + ",".join(left) if left else "in")
        except paramiko.BadAuthenticationType as e:
            print(name, "not allowed", ",".join(e.allowed_types))
        except paramiko.AuthenticationException:
            print(name, "refused")
    print("authenticated" if transport.is_authenticated() else "out")
    transport.close()


class Server(paramiko.ServerInterface):
    def __init__(self):
        self.round = 0

    def get_allowed_auths(self, username):
        return "keyboard-interactive,password"

    def check_auth_interactive(self, username, submethods):
        return paramiko.InteractiveQuery("Login", "Hello.", ("Password: ", False))

    def check_auth_interactive_response(self, responses):
        self.round += 1
        if self.round == 1 and responses == ["correct horse"]:
            return paramiko.InteractiveQuery("", "Look at your token.")
        if self.round == 2 and responses == []:
            return paramiko.InteractiveQuery("", "", ("Code: ", True), ("PIN: ", False))
        if self.round == 3 and responses == ["271828", ""]:
            return paramiko.AUTH_SUCCESSFUL
        return paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=execute, args=(channel,), daemon=True).start()
        return True


def execute(channel):
    channel.recv(1)  # the EOF is read once the request has been answered
    channel.sendall("in\n")
    channel.send_exit_status(0)
    channel.close()


original = AuthHandler._parse_userauth_request


def request(self, m):
    """RFC 4252, section 8."""
    user, service, method = m.get_text(), m.get_text(), m.get_text()
    if method != "password":
        m.rewind()
        return original(self, m)
    self.auth_username = user
    change, old = m.get_boolean(), m.get_text()
    new = m.get_text() if change else ""
    if old == "correct horse" and new != "battery staple":
        answer = paramiko.Message()
        answer.add_byte(bytes([PASSWD_CHANGEREQ]))
        answer.add_string("It is too short." if change else "It has expired.")
        answer.add_string("")
        return self.transport._send_message(answer)
    right = old == "correct horse" and change
    self._send_auth_result(user, method, paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED)


def serve(file):
    AuthHandler._parse_userauth_request = request
    if isinstance(AuthHandler._server_handler_table, dict):
        AuthHandler._server_handler_table[MSG_USERAUTH_REQUEST] = request
    key = paramiko.Ed25519Key.from_private_key_file(file)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print("listening on 127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
    while True:
        connection, _ = listener.accept()
        transport = paramiko.Transport(connection)
        transport.add_server_key(key)
        transport.start_server(event=threading.Event(), server=Server())


{"login": login, "serve": serve}[sys.argv[1]](*sys.argv[2:])
