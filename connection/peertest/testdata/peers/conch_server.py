"""A server on Twisted Conch: one command, cat.

usage: conch_server.py JSON
The first line of standard output is "listening on PORT".
"""
import json
import os
import struct
import sys

from twisted.conch import avatar, checkers as sshcheckers
from twisted.conch.ssh import channel, connection, factory, keys, transport, userauth
from twisted.cred import checkers, portal
from twisted.internet import reactor, stdio, protocol

CONFIG = json.loads(sys.argv[1])


class Session(channel.SSHChannel):
    name = b"session"
    echoing = ended = False

    def request_exec(self, data):
        self.echoing = data[4:] == b"cat"
        return self.echoing

    def dataReceived(self, data):
        self.write(data)

    def eofReceived(self):
        self.ended = True
        self.finish()

    def addWindowBytes(self, data):
        channel.SSHChannel.addWindowBytes(self, data)
        self.finish()

    def finish(self):
        if self.ended and not self.buf:
            self.ended = False
            self.conn.sendRequest(self, b"exit-status", struct.pack(">L", 0))
            self.loseConnection()


class User(avatar.ConchUser):
    def __init__(self):
        avatar.ConchUser.__init__(self)
        self.channelLookup[b"session"] = Session


class Realm:
    def requestAvatar(self, avatarId, mind, *interfaces):
        return interfaces[0], User(), lambda: None


class Transport(transport.SSHServerTransport):
    pass


for attribute, name in (("supportedKeyExchanges", "kex"), ("supportedCiphers", "ciphers"), ("supportedMACs", "macs"),
                        ("supportedCompressions", "compression")):
    if CONFIG.get(name):
        setattr(Transport, attribute, [n.encode() for n in CONFIG[name]])


class Factory(factory.SSHFactory):
    protocol = Transport
    services = {b"ssh-userauth": userauth.SSHUserAuthServer, b"ssh-connection": connection.SSHConnection}

    def __init__(self):
        loaded = [keys.Key.fromFile(path) for path in CONFIG["host_keys"]]
        self.privateKeys = {k.sshType(): k for k in loaded}
        self.publicKeys = {k.sshType(): k.public() for k in loaded}
        known = checkers.InMemoryUsernamePasswordDatabaseDontUse()
        known.addUser(CONFIG["user"].encode(), CONFIG["password"].encode())
        with open(CONFIG["authorized_keys"]) as lines:
            users = [keys.Key.fromString(line) for line in lines if line.strip()]
        by_key = sshcheckers.SSHPublicKeyChecker(sshcheckers.InMemorySSHKeyDB({CONFIG["user"].encode(): users}))
        self.portal = portal.Portal(Realm(), [known, by_key])

    def getPrimes(self):
        from twisted.conch.openssh_compat import primes
        return primes.parseModuliFile("/etc/ssh/moduli")


class Input(protocol.Protocol):
    """Our input ends with the test, however that ends."""

    def connectionLost(self, reason):
        os._exit(0)


stdio.StandardIO(Input())
port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
print("listening on %d" % port.getHost().port, flush=True)
reactor.run()
