"""Prints zlib_flush.txt: streams of packets as zlib's flushes make them."""
import random
import zlib

NAMES = {"partial": zlib.Z_PARTIAL_FLUSH, "sync": zlib.Z_SYNC_FLUSH, "full": zlib.Z_FULL_FLUSH}


def payloads(kind, rng):
    """The payloads of one stream."""
    if kind == "tiny":  # packets of one to ten bytes, each ending at another bit
        return [bytes(rng.choice(b"abcdefgh\x00\xff") for _ in range(n)) for n in range(1, 11)] * 2
    if kind == "text":  # enough for blocks with codes of their own
        words = [bytes(rng.choices(b"etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(60)]
        return [b" ".join(rng.choices(words, k=n)) for n in (400, 3, 120, 1, 300)]
    if kind == "noise":  # stored blocks
        return [rng.randbytes(n) for n in (700, 1, 300)]
    return [bytes([7]) * n for n in (1, 70000, 2, 300)]  # long matches, beyond the window


def main():
    print(f"# python3 testdata/vectors/zlib_flush.py > testdata/vectors/zlib_flush.txt (zlib {zlib.ZLIB_RUNTIME_VERSION})")
    for flush, mode in NAMES.items():
        for kind in ("tiny", "text", "noise", "run"):
            for level in (1, 9):
                rng = random.Random(f"{kind}")
                stream = zlib.compressobj(level)
                print(f"\nstream = {flush} {kind} level {level}")
                for payload in payloads(kind, rng):
                    packet = stream.compress(payload) + stream.flush(mode)
                    # A run is written as byte*count, so that the file stays small.
                    plain = f"{payload[0]:02x}*{len(payload)}" if kind == "run" else payload.hex()
                    print(f"plain = {plain}\npacket = {packet.hex()}")


main()
