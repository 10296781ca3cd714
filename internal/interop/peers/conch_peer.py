"""Twisted Conch as ssh(1) and sshd(8), as far as package interop needs them.

    conch_peer.py serve MODULI AUTHORIZED HOSTKEY...
    conch_peer.py run PORT USER KEY COMMAND

Everything that Conch has is offered as it comes.
"""

import os
import sys
import warnings

warnings.simplefilter("ignore")  # of algorithms that its library wants to drop

from twisted.conch import avatar, checkers, interfaces, openssh_compat  # noqa: E402
from twisted.conch.openssh_compat import primes  # noqa: E402
from twisted.conch.ssh import channel, common, connection, factory, keys, session, transport, userauth  # noqa: E402
from twisted.cred import portal  # noqa: E402
from twisted.internet import defer, protocol, reactor, stdio  # noqa: E402
from twisted.python import components  # noqa: E402
from zope.interface import implementer  # noqa: E402


class User(avatar.ConchUser):
    def __init__(self):
        super().__init__()
        self.channelLookup[b"session"] = session.SSHSession


@implementer(interfaces.ISession)
class Session:
    def __init__(self, user):
        self.process = None

    def execCommand(self, proto, command):
        self.process = reactor.spawnProcess(proto, "/bin/sh", ["/bin/sh", "-c", command], os.environ)

    def getPty(self, term, windowSize, modes):
        raise NotImplementedError

    def openShell(self, proto):
        raise NotImplementedError

    def eofReceived(self):
        self.process.closeStdin()

    def closed(self):
        pass


@implementer(portal.IRealm)
class Realm:
    def requestAvatar(self, avatarId, mind, *wanted):
        return interfaces.IConchUser, User(), lambda: None


@implementer(checkers.IAuthorizedKeysDB)
class Authorized:
    def __init__(self, path):
        with open(path, "rb") as f:
            self.keys = [keys.Key.fromString(line) for line in f if line.startswith((b"ssh-", b"ecdsa-"))]

    def getAuthorizedKeys(self, username):
        return self.keys


def serve(moduli, authorized, *files):
    components.registerAdapter(Session, User, interfaces.ISession)
    f = factory.SSHFactory()
    private = [keys.Key.fromFile(path) for path in files]
    f.getPrivateKeys = lambda: {key.sshType(): key for key in private}
    f.getPublicKeys = lambda: {key.sshType(): key.public() for key in private}
    groups = primes.parseModuliFile(moduli)
    f.getPrimes = lambda: groups
    f.portal = portal.Portal(Realm(), [checkers.SSHPublicKeyChecker(Authorized(authorized))])
    port = reactor.listenTCP(0, f, interface="127.0.0.1", backlog=128)
    print("listening on 127.0.0.1:%d" % port.getHost().port, file=sys.stderr, flush=True)
    reactor.run()


class Transport(transport.SSHClientTransport):
    def verifyHostKey(self, key, fingerprint):
        return defer.succeed(True)

    def connectionSecure(self):
        if self.service is None:  # and not after a re-exchange, when this is called too
            self.requestService(Auth(self.factory.user, Connection()))


class Auth(userauth.SSHUserAuthClient):
    def getPublicKey(self):
        if self.lastAuth == b"publickey":
            return None
        return self.transport.factory.key.public()

    def getPrivateKey(self):
        return defer.succeed(self.transport.factory.key)


class Connection(connection.SSHConnection):
    def serviceStarted(self):
        self.openChannel(Channel(conn=self))


class Input(protocol.Protocol):
    def __init__(self, to):
        self.to = to

    def dataReceived(self, data):
        self.to.write(data)

    def connectionLost(self, reason=None):
        self.to.conn.sendEOF(self.to)


class Channel(channel.SSHChannel):
    name = b"session"
    status = 255

    def channelOpen(self, extra):
        request = self.conn.sendRequest(self, "exec", common.NS(self.conn.transport.factory.command), wantReply=True)
        request.addCallback(self.started)

    def started(self, _):
        stdio.StandardIO(Input(self))
        os.set_blocking(1, True)  # it is written to without it

    def dataReceived(self, data):
        sys.stdout.buffer.write(data)

    def extReceived(self, kind, data):
        sys.stderr.buffer.write(data)

    def request_exit_status(self, data):
        self.status = int.from_bytes(data, "big")

    def closed(self):
        finish(self.status)


def finish(status):
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


class Client(protocol.ClientFactory):
    protocol = Transport

    def clientConnectionLost(self, connector, reason):
        print(reason.getErrorMessage(), file=sys.stderr)
        finish(255)

    clientConnectionFailed = clientConnectionLost


def run(port, user, key, command):
    f = Client()
    f.user, f.key, f.command = user.encode(), keys.Key.fromFile(key), command.encode()
    reactor.connectTCP("127.0.0.1", int(port), f)
    reactor.run()


{"serve": serve, "run": run}[sys.argv[1]](*sys.argv[2:])
