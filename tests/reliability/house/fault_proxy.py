"""A TCP proxy that does what broken networks do: to all of its connections, from one moment to the next."""

import asyncio
import socket
import struct
import threading

from .machine import free_port

PASS = "pass"
HOLD = "hold"  # takes everything and passes nothing on, until it passes again
SWALLOW = "swallow"  # the same, and connections that met it stay dead without a word, as behind a firewall that forgot them
REFUSE = "refuse"  # resets whoever is there and whoever comes
TRICKLE = "trickle"  # a byte a second of what comes back
PIECE = 65536


class FaultProxy:
    """Stands before `target`, a port of this machine, at `port`. `mode` and `target` may change at any time."""

    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self.delay = 0.0  # for each piece of what comes back, in seconds
        self.accepted = 0
        self.received = 0  # bytes that went to the target
        self._mode = PASS
        self._connections = set()
        self._dead = set()  # ends of connections that nobody hears of any more

    def __enter__(self):
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, mode):
        """From now on; bytes of connections that are there meet it with the next piece."""
        self._mode = mode
        self._loop.call_soon_threadsafe(self._changed)

    @property
    def open_connections(self):
        return len(self._connections)

    def cut(self):
        """Resets every connection that is there, and lets new ones come."""
        self._loop.call_soon_threadsafe(self._reset_all)

    def _run(self, started):
        asyncio.run(self._serve(started))

    async def _serve(self, started):
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._turned = asyncio.Event()
        server = await asyncio.start_server(self._connect, "127.0.0.1", self.port, backlog=4096)
        started.set()
        await self._over.wait()
        server.close()
        self._reset_all()

    def _changed(self):
        self._turned.set()
        self._turned = asyncio.Event()
        if self._mode == REFUSE:
            self._reset_all()

    def _reset_all(self):
        for writer in list(self._connections):
            _reset(writer)

    async def _connect(self, reader, writer):
        self.accepted += 1
        if self._mode == REFUSE:
            _reset(writer)
            return
        self._connections.add(writer)
        onward = None
        try:
            await self._gate()
            back, onward = await asyncio.open_connection("127.0.0.1", self.target)
            self._connections.add(onward)
            copies = [asyncio.create_task(self._copy(reader, onward, False))]
            copies.append(asyncio.create_task(self._copy(back, writer, True)))
            _, rest = await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            if self._dead & {writer, onward}:
                await self._over.wait()
        except (OSError, asyncio.CancelledError):
            _reset(writer)
        finally:
            for one in (writer, onward):
                if one is not None:
                    self._connections.discard(one)
                    one.close()

    async def _copy(self, reader, writer, back):
        try:
            while piece := await reader.read(PIECE):
                if self._mode == SWALLOW:
                    self._dead.add(writer)
                    while await reader.read(PIECE):
                        pass
                    return
                await self._gate()
                if back and self.delay:
                    await asyncio.sleep(self.delay)
                if not back:
                    self.received += len(piece)
                await self._write(writer, piece, back)
        except OSError:
            pass

    async def _write(self, writer, piece, back):
        while back and self._mode == TRICKLE and piece:
            writer.write(piece[:1])
            piece = piece[1:]
            await writer.drain()
            await asyncio.sleep(1)
        writer.write(piece)
        await writer.drain()

    async def _gate(self):
        while self._mode in (HOLD, SWALLOW):
            await self._turned.wait()


def _reset(writer):
    """Closes with RST instead of FIN."""
    found = writer.get_extra_info("socket")
    if found is not None and not writer.is_closing():
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport = writer.transport
    transport.abort()
