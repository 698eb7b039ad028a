"""An AsyncSSH server for the tests of hawser.

usage: asyncssh_server.py JSON
The first line of standard output is "listening on PORT".
"""
import asyncio
import json
import os
import sys

import asyncssh

CONFIG = json.loads(sys.argv[1])
CODE = "123456"


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return bool(CONFIG.get("password"))

    def validate_password(self, username, password):
        return username == CONFIG["user"] and password == CONFIG["password"]

    def kbdint_auth_supported(self):
        return bool(CONFIG.get("keyboard_interactive"))

    def get_kbdint_challenge(self, username, lang, submethods):
        self.round = 1
        return "Login", "Both questions have to be answered.", "", [("Password: ", False)]

    def validate_kbdint_response(self, username, responses):
        if username != CONFIG["user"]:
            return False
        if self.round == 1:
            if responses != [CONFIG["password"]]:
                return False
            self.round = 2
            return "", "", "", [("Code: ", True)]
        return responses == [CODE]

    def server_requested(self, host, port):
        return True

    def connection_requested(self, host, port, orig_host, orig_port):
        return True

    def unix_server_requested(self, path):
        return True

    def unix_connection_requested(self, path):
        return True


async def copy_in(process, stdin):
    try:
        while True:
            data = await process.stdin.read(65536)
            if not data:
                break
            stdin.write(data)
            await stdin.drain()
    except (asyncssh.BreakReceived, asyncssh.SignalReceived, ConnectionError):
        pass
    except asyncssh.TerminalSizeChanged:
        pass
    finally:
        stdin.close()


async def copy_out(source, writer):
    while True:
        data = await source.read(65536)
        if not data:
            return
        writer.write(data)
        await writer.drain()


async def handle(process):
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
    env.update({k: v for k, v in process.env.items() if k.startswith("HAWSER_")})
    argv = ["/bin/sh"]
    if process.command is not None:
        argv += ["-c", process.command]
    child = await asyncio.create_subprocess_exec(
        *argv, env=env, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    feed = asyncio.ensure_future(copy_in(process, child.stdin))
    try:
        await asyncio.gather(copy_out(child.stdout, process.stdout),
                             copy_out(child.stderr, process.stderr))
        code = await child.wait()
    except (asyncssh.Error, OSError):
        child.kill()
        code = await child.wait()
    feed.cancel()
    if code < 0:
        process.exit_with_signal("TERM" if code == -15 else "KILL", False, "killed")
    else:
        process.exit(code)


def host_keys():
    """A key pair for each algorithm: a file with a certificate also gives the pair without."""
    pairs, seen = [], set()
    for path in CONFIG["host_keys"]:
        for pair in asyncssh.public_key.load_keypairs([path]):
            if not seen.intersection(pair.host_key_algorithms):
                seen.update(pair.host_key_algorithms)
                pairs.append(pair)
    return pairs


async def main():
    options = {}
    for name, option in (("ciphers", "encryption_algs"), ("kex", "kex_algs"),
                         ("macs", "mac_algs"), ("compression", "compression_algs"),
                         ("signatures", "signature_algs")):
        if CONFIG.get(name):
            # A certificate has the name of the plain key where keys sign.
            options[option] = [n for n in CONFIG[name] if "-cert-" not in n]
    if CONFIG.get("rekey_bytes"):
        options["rekey_bytes"] = CONFIG["rekey_bytes"]
    if CONFIG.get("x509_roots"):
        options["x509_trusted_certs"] = [CONFIG["x509_roots"]]
    if os.path.getsize(CONFIG["authorized_keys"]):
        options["authorized_client_keys"] = CONFIG["authorized_keys"]
    listener = await asyncssh.create_server(
        Server, "127.0.0.1", 0, server_host_keys=host_keys(),
        process_factory=handle, encoding=None, sftp_factory=True, allow_scp=True,
        login_timeout=60, line_editor=False, **options)
    print("listening on %d" % listener.sockets[0].getsockname()[1], flush=True)
    # Our input ends with the test, however that ends.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
