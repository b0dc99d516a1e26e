"""HTTP/1.1 in a few lines, so that thousands of connections cost this side little."""

import asyncio
import json

TOO_LONG = 1 << 22


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    @property
    def outcome(self):
        """The status, and the error's code where there is one."""
        if self.status < 400:
            return str(self.status)
        try:
            error = json.loads(self.body).get("error")
        except (ValueError, AttributeError):
            error = None
        if isinstance(error, dict):
            error = error.get("code")
        return f"{self.status} {error}" if error else str(self.status)


def head(method, path, host, headers, length):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


async def read_head(reader):
    """Status and headers of an answer."""
    first, _, rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").partition("\r\n")
    headers = {}
    for line in rest.split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return int(first.split()[1]), headers


async def read_body(reader, headers):
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("transfer-encoding", "") != "chunked":
        return await reader.read() if headers.get("connection") == "close" else b""
    pieces = []
    while piece := await read_chunk(reader):
        pieces.append(piece)
    return b"".join(pieces)


async def read_chunk(reader):
    """The next piece of a streamed answer; none at its end."""
    size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
    piece = await reader.readexactly(size)
    await reader.readexactly(2)
    return piece


class Connection:
    """Connects when it has to, and again when it was closed."""

    def __init__(self, port, host, tls=None):
        self.port, self.host, self.tls = port, host, tls
        self.reader = self.writer = None

    async def send(self, method, path, headers=(), body=None, timeout=60):
        async with asyncio.timeout(timeout):
            try:
                await self.ask(method, path, headers, body)
                status, headers = await read_head(self.reader)
                answer = Answer(status, headers, await read_body(self.reader, headers))
            except BaseException:
                self.close()
                raise
        if headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    async def ask(self, method, path, headers=(), body=None):
        """Sends a request; whoever does this reads the answer."""
        if self.writer is None or self.writer.is_closing() or self.reader.at_eof():
            await self.open()
        if isinstance(body, str):
            body = body.encode()
        length = len(body) if body is not None else None
        self.writer.write(head(method, path, self.host, dict(headers), length) + (body or b""))
        await self.writer.drain()

    async def open(self):
        self.close()
        opened = asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls, limit=TOO_LONG)
        self.reader, self.writer = await opened

    def close(self):
        if self.writer is not None:
            self.writer.close()
            self.writer = None


def send(port, host, method, path, headers=(), body=None, timeout=60):
    """One request over a connection of its own."""

    async def once():
        connection = Connection(port, host)
        try:
            return await connection.send(method, path, headers, body, timeout)
        finally:
            connection.close()

    return asyncio.run(once())
