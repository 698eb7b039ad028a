"""One end of a measurement with asyncssh: the roles, the job and the lines of child.go."""

import asyncio
import json
import os
import sys
import time

import asyncssh

CHUNK = 64 << 10


def cpu():
    times = os.times()
    return times.user + times.system


def resident():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def algorithms(job):
    found = dict(
        kex_algs=[job["Kex"]], encryption_algs=[job["Suite"]["Cipher"]], compression_algs=["none"])
    if job["Suite"]["MAC"]:
        found["mac_algs"] = [job["Suite"]["MAC"]]
    return found


def path(job, name):
    return os.path.join(job["Dir"], name)


async def discard(reader):
    total = 0
    while data := await reader.read(CHUNK):
        total += len(data)
    return total


async def generate(writer, n):
    zeros = bytes(CHUNK)
    while n > 0:
        writer.write(zeros[:n] if n < CHUNK else zeros)
        n -= min(n, CHUNK)
        await writer.drain()


async def run_command(process):
    command = process.command or ""
    if command == "cat":
        while data := await process.stdin.read(CHUNK):
            process.stdout.write(data)
            await process.stdout.drain()
    elif command.startswith("head -c "):
        await generate(process.stdout, int(command.split()[2]))
    elif command != "true":  # cat >/dev/null, or a channel without a command
        await discard(process.stdin)
    process.exit(0)


async def serve(job):
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[path(job, "host-" + job["HostKey"])],
        authorized_client_keys=path(job, "authorized_keys"), process_factory=run_command, encoding=None,
        allow_scp=False, **algorithms(job))
    print("127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line == "cpu\n":
            print(cpu(), flush=True)
        elif line == "memory\n":
            print(json.dumps({"Resident": resident()}), flush=True)


async def transfer(job):
    host, port = job["Addr"].rsplit(":", 1)
    async with asyncssh.connect(
            host, int(port), known_hosts=None, client_keys=[path(job, "user")], config=None, agent_path=None,
            **algorithms(job)) as connection:
        begin, used = time.monotonic(), cpu()
        if job["Work"] == "up":
            process = await connection.create_process("cat >/dev/null", encoding=None)
            await generate(process.stdin, job["Bytes"])
            process.stdin.write_eof()
        else:
            process = await connection.create_process("head -c %d /dev/zero" % job["Bytes"], encoding=None)
            got = await discard(process.stdout)
            if got != job["Bytes"]:
                sys.exit("%d bytes came, not %d" % (got, job["Bytes"]))
        await process.wait(check=True)
        print(json.dumps({"Seconds": time.monotonic() - begin, "CPU": cpu() - used}), flush=True)


def listed():
    """The names of the algorithms that this version has."""
    from asyncssh import encryption, kex, mac
    return {
        "Ciphers": [str(a, "ascii") for a in encryption.get_encryption_algs()],
        "MACs": [str(a, "ascii") for a in mac.get_mac_algs()],
        "Kex": [str(a, "ascii") for a in kex.get_kex_algs()],
    }


if sys.argv[1] == "version":
    print(asyncssh.__version__)
elif sys.argv[1] == "algorithms":
    print(json.dumps(listed()))
elif sys.argv[1] == "child-server":
    asyncio.run(serve(json.loads(sys.argv[2])))
else:
    asyncio.run(transfer(json.loads(sys.argv[2])))
