"""Trips of an AsyncSSH client; see the Go type Trips.

usage: asyncssh_trips.py USER PASSWORD COMMAND INPUT TRIPS
"""
import asyncio
import base64
import hashlib
import sys

import asyncssh

USER, PASSWORD, COMMAND, INPUT, TRIPS = sys.argv[1:]
LISTS = ("kex_algs", "encryption_algs", "mac_algs", "server_host_key_algs", "compression_algs")


class Client(asyncssh.SSHClient):
    def __init__(self, keys, authority):
        self.keys, self.authority = keys, authority

    def validate_host_public_key(self, host, addr, port, key):
        return key.public_data in self.keys

    def validate_host_ca_key(self, host, addr, port, key):
        return key.public_data == self.authority


def login(key, algorithm):
    if key == "-":
        return {"password": PASSWORD, "client_keys": None}
    return {"client_keys": [key], "signature_algs": [algorithm.replace("-cert-v01@openssh.com", "")]}


async def trip(port, lists, keys, key, algorithm, authority, roots, data):
    known = [] if keys == "-" else [base64.b64decode(k) for k in keys.split(",")]
    authority = b"" if authority == "-" else base64.b64decode(authority)
    options = {name: [value] for name, value in zip(LISTS, lists) if value != "-"}
    options.update(login(key, algorithm))
    if roots != "-":
        options["x509_trusted_certs"] = [roots]
    if "server_host_key_algs" not in options:
        options["server_host_key_algs"] = ["ssh-ed25519"]
    conn, _ = await asyncssh.create_connection(
        lambda: Client(known, authority), "127.0.0.1", port, username=USER,
        known_hosts=([], [], []), config=None, agent_path=None, **options)
    async with conn:
        result = await conn.run(COMMAND, input=data, encoding=None)
        return result.exit_status, hashlib.sha256(result.stdout).hexdigest()


async def main():
    with open(INPUT, "rb") as f:
        data = f.read()
    for line in open(TRIPS):
        name, port, *fields = line.rstrip("\n").split("\t")
        try:
            status, digest = await asyncio.wait_for(trip(int(port), fields[:5], *fields[5:], data), 60)
        except (asyncssh.Error, OSError, ValueError, asyncio.TimeoutError) as err:
            status, digest = "error", repr(err)
        print(name, status, digest.replace("\n", " "), sep="\t", flush=True)


asyncio.run(main())
