"""Trips of a client on Twisted Conch; see the Go type Trips.

usage: conch_trips.py USER PASSWORD COMMAND INPUT TRIPS
"""
import base64
import hashlib
import struct
import sys

from twisted.conch.ssh import channel, common, connection, keys, transport, userauth
from twisted.internet import defer, protocol, reactor, task

USER, PASSWORD, COMMAND, INPUT, TRIPS = (a.encode() for a in sys.argv[1:])
LISTS = ("supportedKeyExchanges", "supportedCiphers", "supportedMACs", "supportedPublicKeys", "supportedCompressions")
DATA = open(INPUT, "rb").read()


class Exec(channel.SSHChannel):
    name = b"session"

    def channelOpen(self, extra):
        self.digest, self.status, self.sent, self.ended = hashlib.sha256(), None, 0, False
        asked = self.conn.sendRequest(self, b"exec", common.NS(COMMAND), wantReply=1)
        asked.addCallbacks(lambda _: self.pump(), self.conn.transport.lost)

    def pump(self):
        # What write cannot send it keeps, and an EOF would overtake it.
        while self.sent < len(DATA) and self.remoteWindowLeft > 0 and not self.buf:
            part = DATA[self.sent:self.sent + min(self.remoteWindowLeft, 1 << 15)]
            self.sent += len(part)
            self.write(part)
        if self.sent == len(DATA) and not self.ended:
            self.ended = True
            self.conn.sendEOF(self)

    def addWindowBytes(self, data):
        channel.SSHChannel.addWindowBytes(self, data)
        self.pump()

    def dataReceived(self, data):
        self.digest.update(data)

    def request_exit_status(self, data):
        self.status = struct.unpack(">L", data)[0]

    def openFailed(self, reason):
        self.conn.transport.lost(reason)

    def closed(self):
        self.conn.transport.done((self.status, self.digest.hexdigest()))


class Connection(connection.SSHConnection):
    def serviceStarted(self):
        connection.SSHConnection.serviceStarted(self)
        self.openChannel(Exec(conn=self))


class Auth(userauth.SSHUserAuthClient):
    key = None

    def getPassword(self, prompt=None):
        return None if self.key else defer.succeed(PASSWORD)

    def getPublicKey(self):
        if self.lastPublicKey or not self.key:
            return None
        return self.key.public()

    def getPrivateKey(self):
        return defer.succeed(self.key)


class Transport(transport.SSHClientTransport):
    result, keys, key = None, (), None

    def verifyHostKey(self, key, fingerprint):
        if key in self.keys:
            return defer.succeed(1)
        return defer.fail(ValueError("host key not known"))

    def connectionSecure(self):
        auth = Auth(USER, Connection())
        auth.key = self.key
        self.requestService(auth)

    def done(self, outcome):
        if not self.result.called:
            self.result.callback(outcome)
        self.transport.loseConnection()

    def lost(self, reason):
        self.done(("error", str(reason)))

    def receiveError(self, code, description):
        self.lost(description)

    def connectionLost(self, reason):
        transport.SSHClientTransport.connectionLost(self, reason)
        self.lost(reason)


async def trip(port, lists, known, key):
    p = Transport()
    p.result, p.keys = defer.Deferred(), [base64.b64decode(k) for k in known.split(",")]
    if key != "-":
        p.key = keys.Key.fromFile(key)
    for name, value in zip(LISTS, lists):
        if value != "-":
            setattr(p, name, [value.encode()])
    p.result.addTimeout(60, reactor)
    protocol.ClientCreator(reactor, lambda: p).connectTCP("127.0.0.1", port).addErrback(p.lost)
    return await p.result


async def main():
    for line in open(TRIPS):
        name, port, *fields = line.rstrip("\n").split("\t")
        try:
            status, digest = await trip(int(port), fields[:5], *fields[5:7])
        except Exception as err:
            status, digest = "error", repr(err)
        print(name, status, digest.replace("\n", " "), sep="\t", flush=True)


task.react(lambda _: defer.ensureDeferred(main()))
