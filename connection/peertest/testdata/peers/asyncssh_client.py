"""An AsyncSSH client for the tests of hawser.

usage: asyncssh_client.py JSON
See the Go type PythonClient for the fields. Exit status: that of the remote
command, 254 when connection or login failed, 253 when a signal ended it.
"""
import asyncio
import json
import os
import sys

import asyncssh

CONFIG = json.loads(sys.argv[1])


class Client(asyncssh.SSHClient):
    def kbdint_auth_requested(self):
        return "" if CONFIG.get("answers") else None

    def kbdint_challenge_received(self, name, instructions, lang, prompts):
        answers = []
        for prompt, _ in prompts:
            found = [a for text, a in CONFIG["answers"].items() if text in prompt]
            if not found:
                return None
            answers.append(found[0])
        return answers


def options():
    out = {"known_hosts": CONFIG.get("known_hosts"), "config": None, "agent_path": None,
           "client_keys": [CONFIG["key"]] if CONFIG.get("key") else None,
           "username": CONFIG["user"], "login_timeout": 60}
    if CONFIG.get("password"):
        out["password"] = CONFIG["password"]
    for name, option in (("ciphers", "encryption_algs"), ("kex", "kex_algs"),
                         ("macs", "mac_algs"), ("compression", "compression_algs"),
                         ("host_key_algorithms", "server_host_key_algs"),
                         ("rekey_bytes", "rekey_bytes")):
        if CONFIG.get(name):
            out[option] = CONFIG[name]
    if CONFIG.get("host_based"):
        key, host, user = CONFIG["host_based"]
        out.update(client_host_keysign=False, client_host_keys=[key], client_host=host, client_username=user)
    if CONFIG.get("methods"):
        out["preferred_auth"] = CONFIG["methods"]
    return out


async def send_stdin(writer):
    loop = asyncio.get_running_loop()
    while True:
        data = await loop.run_in_executor(None, os.read, 0, 65536)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def receive(reader, fd):
    while True:
        data = await reader.read(65536)
        if not data:
            return
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view):]


async def run(conn, stdin=True):
    args = {"encoding": None, "env": CONFIG.get("environment", ())}
    if CONFIG.get("pty"):
        args.update(term_type=CONFIG["pty"], term_size=(80, 24))
    if CONFIG.get("subsystem"):
        args["subsystem"] = CONFIG["subsystem"]
    process = await conn.create_process(CONFIG.get("command"), **args)
    jobs = [receive(process.stdout, 1), receive(process.stderr, 2)]
    if stdin:
        feed = asyncio.ensure_future(send_stdin(process.stdin))
        feed.add_done_callback(lambda f: f.cancelled() or f.exception())
    else:
        process.stdin.write_eof()
    await asyncio.gather(*jobs)
    await process.wait_closed()
    if process.exit_signal:
        print("signal", process.exit_signal[0], file=sys.stderr)
        return 253
    return 255 if process.exit_status is None else process.exit_status


async def sessions(conn, count):
    async def one():
        done = await conn.run(CONFIG["command"], encoding=None, input=b"")
        return done

    results = await asyncio.gather(*[one() for _ in range(count)])
    for r in results:
        sys.stdout.buffer.write(r.stdout)
        sys.stderr.buffer.write(r.stderr)
    sys.stdout.flush()
    return max(r.exit_status for r in results)


async def sftp(conn):
    async with conn.start_sftp_client() as client:
        if CONFIG.get("put"):
            await client.put(*CONFIG["put"])
        if CONFIG.get("get"):
            await client.get(*CONFIG["get"])
    return 0


async def direct(conn):
    if CONFIG.get("direct_path"):
        reader, writer = await conn.open_unix_connection(CONFIG["direct_path"], encoding=None)
    else:
        reader, writer = await conn.open_connection(CONFIG["direct_host"], CONFIG["direct_port"], encoding=None)
    await asyncio.gather(send_stdin(writer), receive(reader, 1))
    return 0


async def remote(conn):
    listener = await conn.forward_remote_port("127.0.0.1", 0, "127.0.0.1", CONFIG["remote_to_port"])
    print("port", listener.get_port(), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    listener.close()
    await listener.wait_closed()
    return 0


async def main():
    try:
        conn, _ = await asyncssh.create_connection(Client, CONFIG["host"], CONFIG["port"], **options())
    except (asyncssh.Error, OSError) as err:
        print("connect:", type(err).__name__, err, file=sys.stderr)
        return 254
    async with conn:
        if CONFIG.get("sessions"):
            return await sessions(conn, CONFIG["sessions"])
        if CONFIG.get("put") or CONFIG.get("get"):
            return await sftp(conn)
        if CONFIG.get("direct_port") or CONFIG.get("direct_path"):
            return await direct(conn)
        if CONFIG.get("remote_to_port"):
            return await remote(conn)
        return await run(conn)


code = asyncio.run(main())
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
