"""A paramiko client for the tests of hawser.

usage: paramiko_client.py JSON
See the Go type PythonClient for the fields. Exit status: that of the remote
command, 254 when connection or login failed.
"""
import json
import os
import socket
import sys
import threading

import paramiko

CONFIG = json.loads(sys.argv[1])


def load_key(path):
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key_file(path)
        except (paramiko.SSHException, ValueError):
            continue
    raise SystemExit("cannot read " + path)


def answer(title, instructions, prompts):
    out = []
    for prompt, _ in prompts:
        found = [a for text, a in CONFIG["answers"].items() if text in prompt]
        if not found:
            raise paramiko.SSHException("no answer to " + prompt)
        out.append(found[0])
    return out


def check_host_key(transport):
    if not CONFIG.get("known_hosts"):
        return
    known = paramiko.HostKeys(CONFIG["known_hosts"])
    name = "[%s]:%d" % (CONFIG["host"], CONFIG["port"])
    if not known.check(name, transport.get_remote_server_key()):
        raise paramiko.SSHException("host key not known")


def login(transport):
    user, partial = CONFIG["user"], False
    if CONFIG.get("key"):
        partial = transport.auth_publickey(user, load_key(CONFIG["key"]))
    if transport.is_authenticated():
        return
    if "password" in CONFIG and (not partial or "password" in partial):
        transport.auth_password(user, CONFIG["password"], fallback=True)
    elif CONFIG.get("answers"):
        transport.auth_interactive(user, answer)
    if not transport.is_authenticated():
        raise paramiko.SSHException("not authenticated")


def connect():
    for name, attribute in (("ciphers", "_preferred_ciphers"), ("kex", "_preferred_kex"),
                            ("macs", "_preferred_macs"), ("host_key_algorithms", "_preferred_keys"),
                            ("compression", "_preferred_compression")):
        if CONFIG.get(name):
            setattr(paramiko.Transport, attribute, tuple(CONFIG[name]))
    transport = paramiko.Transport(socket.create_connection((CONFIG["host"], CONFIG["port"]), timeout=30))
    if CONFIG.get("rekey_bytes"):
        transport.packetizer.REKEY_BYTES = CONFIG["rekey_bytes"]
    transport.start_client(timeout=60)
    check_host_key(transport)
    login(transport)
    return transport


def send_stdin(channel):
    try:
        while True:
            data = os.read(0, 65536)
            if not data:
                break
            channel.sendall(data)
        channel.shutdown_write()
    except OSError:
        pass


def drain(recv, fd):
    while True:
        data = recv(65536)
        if not data:
            return
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view):]


def pump(channel):
    threading.Thread(target=send_stdin, args=(channel,), daemon=True).start()
    err = threading.Thread(target=drain, args=(channel.recv_stderr, 2), daemon=True)
    err.start()
    drain(channel.recv, 1)
    err.join()


def run(transport):
    channel = transport.open_session(timeout=60)
    for name, value in CONFIG.get("environment", {}).items():
        channel.set_environment_variable(name, value)
    if CONFIG.get("pty"):
        channel.get_pty(CONFIG["pty"], 80, 24)
    if CONFIG.get("subsystem"):
        channel.invoke_subsystem(CONFIG["subsystem"])
    elif CONFIG.get("command"):
        channel.exec_command(CONFIG["command"])
    else:
        channel.invoke_shell()
    pump(channel)
    return channel.recv_exit_status() & 255


def sftp(transport):
    client = paramiko.SFTPClient.from_transport(transport)
    if CONFIG.get("put"):
        client.put(*CONFIG["put"])
    if CONFIG.get("get"):
        client.get(*CONFIG["get"])
    client.close()
    return 0


def direct(transport):
    target = (CONFIG["direct_host"], CONFIG["direct_port"])
    pump(transport.open_channel("direct-tcpip", target, ("127.0.0.1", 0), timeout=60))
    return 0


def remote(transport):
    def connected(channel, origin, server):
        threading.Thread(target=relay, args=(channel,), daemon=True).start()

    def relay(channel):
        with socket.create_connection(("127.0.0.1", CONFIG["remote_to_port"])) as conn:
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

    port = transport.request_port_forward("127.0.0.1", 0, connected)
    print("port", port, flush=True)
    sys.stdin.buffer.read()
    transport.cancel_port_forward("127.0.0.1", port)
    return 0


def main():
    try:
        transport = connect()
    except (paramiko.SSHException, OSError, EOFError) as err:
        print("connect:", type(err).__name__, err, file=sys.stderr)
        return 254
    try:
        if CONFIG.get("put") or CONFIG.get("get"):
            return sftp(transport)
        if CONFIG.get("direct_port"):
            return direct(transport)
        if CONFIG.get("remote_to_port"):
            return remote(transport)
        return run(transport)
    finally:
        transport.close()


code = main()
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
