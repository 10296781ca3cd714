"""Twisted Conch changing a password that has expired.

    conch_auth.py PORT USER OLD NEW
"""

import sys

from twisted.conch.ssh import connection, transport, userauth
from twisted.internet import defer, protocol, reactor

port, user, old, new = sys.argv[1:]


class Auth(userauth.SSHUserAuthClient):
    def getPassword(self, prompt=None):
        print("asked", prompt)
        answer = new if prompt == b"It has expired." else old
        return defer.succeed(answer.encode())

    def getPublicKey(self):
        return None

    def getGenericAnswers(self, name, instruction, prompts):
        return None


class Connection(connection.SSHConnection):
    def serviceStarted(self):
        print("authenticated")
        self.transport.loseConnection()


class Transport(transport.SSHClientTransport):
    def verifyHostKey(self, key, fingerprint):
        return defer.succeed(True)

    def connectionSecure(self):
        self.requestService(Auth(user.encode(), Connection()))

    def connectionLost(self, reason=None):
        reactor.stop()


f = protocol.ClientFactory()
f.protocol = Transport
reactor.connectTCP("127.0.0.1", int(port), f)
reactor.run()
