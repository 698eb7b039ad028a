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
    def __init__(self, keys):
        self.keys = keys

    def validate_host_public_key(self, host, addr, port, key):
        return key.public_data in self.keys


async def trip(port, lists, keys, data):
    keys = [base64.b64decode(k) for k in keys.split(",")]
    options = {name: [value] for name, value in zip(LISTS, lists) if value != "-"}
    if "server_host_key_algs" not in options:
        options["server_host_key_algs"] = ["ssh-ed25519"]
    conn, _ = await asyncssh.create_connection(
        lambda: Client(keys), "127.0.0.1", port, username=USER, password=PASSWORD, client_keys=None,
        known_hosts=([], [], []), config=None, agent_path=None, **options)
    async with conn:
        result = await conn.run(COMMAND, input=data, encoding=None)
        return result.exit_status, hashlib.sha256(result.stdout).hexdigest()


async def main():
    with open(INPUT, "rb") as f:
        data = f.read()
    for line in open(TRIPS):
        name, port, *lists, keys = line.rstrip("\n").split("\t")
        try:
            status, digest = await asyncio.wait_for(trip(int(port), lists, keys, data), 60)
        except (asyncssh.Error, OSError, ValueError, asyncio.TimeoutError) as err:
            status, digest = "error", repr(err)
        print(name, status, digest.replace("\n", " "), sep="\t", flush=True)


asyncio.run(main())
