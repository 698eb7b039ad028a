"""A paramiko server for the tests of hawser.

usage: paramiko_server.py JSON
The first line of standard output is "listening on PORT".
"""
import json
import os
import socket
import subprocess
import sys
import threading

import paramiko

CONFIG = json.loads(sys.argv[1])
CODE = "123456"
AUTHORIZED = set()


def load_host_key(path):
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey, paramiko.DSSKey):
        try:
            return kind.from_private_key_file(path)
        except (paramiko.SSHException, ValueError):
            continue
    raise SystemExit("no host key in " + path)


class Server(paramiko.ServerInterface):
    def __init__(self, transport):
        self.transport = transport
        self.targets = {}
        self.commands = {}

    def get_allowed_auths(self, username):
        methods = ["publickey"]
        if CONFIG.get("password"):
            methods.append("password")
        if CONFIG.get("keyboard_interactive"):
            methods.append("keyboard-interactive")
        return ",".join(methods)

    def check_auth_password(self, username, password):
        if username == CONFIG["user"] and password == CONFIG.get("password"):
            return paramiko.AUTH_SUCCESSFUL
        return paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        if username == CONFIG["user"] and key.get_base64() in AUTHORIZED:
            return paramiko.AUTH_SUCCESSFUL
        return paramiko.AUTH_FAILED

    def check_auth_interactive(self, username, submethods):
        if username != CONFIG["user"] or not CONFIG.get("keyboard_interactive"):
            return paramiko.AUTH_FAILED
        self.round = 1
        return paramiko.InteractiveQuery("Login", "Both questions.", ("Password: ", False))

    def check_auth_interactive_response(self, responses):
        if self.round == 1:
            if list(responses) != [CONFIG["password"]]:
                return paramiko.AUTH_FAILED
            self.round = 2
            return paramiko.InteractiveQuery("", "", ("Code: ", True))
        return paramiko.AUTH_SUCCESSFUL if list(responses) == [CODE] else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        if kind == "session":
            return paramiko.OPEN_SUCCEEDED
        return paramiko.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        self.targets[chanid] = destination
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        self.commands[channel.chanid] = command.decode()
        return True


REQUESTS = paramiko.Transport._channel_handler_table
reply = REQUESTS[paramiko.common.MSG_CHANNEL_REQUEST]


def handle_request(channel, message):
    """A command starts behind the reply: it could end, and the channel be closed, before that leaves."""
    reply(channel, message)
    command = channel.transport.server_object.commands.pop(channel.chanid, None)
    if command is not None:
        threading.Thread(target=run, args=(channel, command), daemon=True).start()


REQUESTS[paramiko.common.MSG_CHANNEL_REQUEST] = handle_request


def feed(channel, pipe):
    try:
        while True:
            data = channel.recv(65536)
            if not data:
                break
            pipe.write(data)
            pipe.flush()
    except OSError:
        pass
    finally:
        try:
            pipe.close()
        except OSError:
            pass


def drain(pipe, send):
    while True:
        data = pipe.read1(65536)
        if not data:
            return
        send(data)


def run(channel, command):
    child = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    threading.Thread(target=feed, args=(channel, child.stdin), daemon=True).start()
    err = threading.Thread(target=drain, args=(child.stderr, channel.sendall_stderr), daemon=True)
    err.start()
    try:
        drain(child.stdout, channel.sendall)
        err.join()
        channel.send_exit_status(child.wait())
    except OSError:
        child.kill()
        child.wait()
    channel.close()


def forward(channel, target):
    with socket.create_connection(target, timeout=10) as conn:
        conn.settimeout(None)

        def back():
            while True:
                data = conn.recv(65536)
                if not data:
                    break
                channel.sendall(data)
            channel.shutdown_write()

        reader = threading.Thread(target=back, daemon=True)
        reader.start()
        while True:
            data = channel.recv(65536)
            if not data:
                break
            conn.sendall(data)
        conn.shutdown(socket.SHUT_WR)
        reader.join()
    channel.close()


def serve(conn, host_keys):
    transport = paramiko.Transport(conn)
    for key in host_keys:
        transport.add_server_key(key)
    server = Server(transport)
    channels = []  # one that nobody holds is closed
    try:
        transport.start_server(server=server)
        while transport.is_active():
            channel = transport.accept(1)
            channels.append(channel)
            if channel is not None and channel.chanid in server.targets:
                target = server.targets.pop(channel.chanid)
                threading.Thread(target=forward, args=(channel, target), daemon=True).start()
    except (paramiko.SSHException, EOFError) as err:
        print("serve:", err, file=sys.stderr, flush=True)
    finally:
        transport.close()


def end_with_input():
    """Our input ends with the test, however that ends."""
    sys.stdin.read()
    os._exit(0)


def main():
    threading.Thread(target=end_with_input, daemon=True).start()
    for name, attribute in (("ciphers", "_preferred_ciphers"), ("kex", "_preferred_kex"),
                            ("macs", "_preferred_macs"), ("signatures", "_preferred_keys"),
                            ("compression", "_preferred_compression")):
        if CONFIG.get(name):
            setattr(paramiko.Transport, attribute, tuple(CONFIG[name]))
    paramiko.Transport.load_server_moduli()
    with open(CONFIG["authorized_keys"]) as lines:
        AUTHORIZED.update(line.split()[1] for line in lines if line.strip())
    host_keys = [load_host_key(path) for path in CONFIG["host_keys"]]
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening on %d" % listener.getsockname()[1], flush=True)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn, host_keys), daemon=True).start()


main()
