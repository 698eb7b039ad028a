"""Trips of a paramiko client; see the Go type Trips.

usage: paramiko_trips.py USER PASSWORD COMMAND INPUT TRIPS
"""
import base64
import hashlib
import os
import socket
import sys
import threading

import paramiko

USER, PASSWORD, COMMAND, INPUT, TRIPS = sys.argv[1:]
LISTS = ("_preferred_kex", "_preferred_ciphers", "_preferred_macs", "_preferred_keys", "_preferred_compression")


def load_key(path):
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey, paramiko.DSSKey):
        try:
            key = kind.from_private_key_file(path)
        except (paramiko.SSHException, ValueError):
            continue
        if os.path.exists(path + "-cert.pub"):
            key.load_certificate(path + "-cert.pub")
        return key
    raise paramiko.SSHException("cannot read " + path)


def login(transport, key, algorithm):
    if key == "-":
        transport.auth_password(USER, PASSWORD)
    else:
        transport._preferred_pubkeys = (algorithm.replace("-cert-v01@openssh.com", ""),)
        transport.auth_publickey(USER, load_key(key))


def send(channel, data):
    channel.sendall(data)
    channel.shutdown_write()


def trip(port, lists, keys, key, algorithm, data):
    transport = paramiko.Transport(socket.create_connection(("127.0.0.1", port), timeout=30))
    for name, value in zip(LISTS, lists):
        if value != "-":
            setattr(transport, name, (value,))
    try:
        transport.start_client(timeout=60)
        if transport.get_remote_server_key().asbytes() not in [base64.b64decode(k) for k in keys.split(",")]:
            raise paramiko.SSHException("host key not known")
        login(transport, key, algorithm)
        channel = transport.open_session(timeout=60)
        channel.settimeout(60)
        channel.exec_command(COMMAND)
        threading.Thread(target=send, args=(channel, data), daemon=True).start()
        digest = hashlib.sha256()
        while True:
            got = channel.recv(1 << 16)
            if not got:
                break
            digest.update(got)
        return channel.recv_exit_status(), digest.hexdigest()
    finally:
        transport.close()


def main():
    with open(INPUT, "rb") as f:
        data = f.read()
    for line in open(TRIPS):
        name, port, *fields = line.rstrip("\n").split("\t")
        try:
            status, digest = trip(int(port), fields[:5], *fields[5:8], data)
        except (paramiko.SSHException, OSError, EOFError, ValueError, KeyError) as err:
            status, digest = "error", repr(err)
        print(name, status, digest.replace("\n", " "), sep="\t", flush=True)


main()
