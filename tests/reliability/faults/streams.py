"""Many streams, many connections, slow and malformed clients, and what others notice of them."""

import asyncio
import os
import resource
import socket
import time

from house import client as oauth
from house.attackers import KINDS, Attackers
from house.client import probe
from house.gateway import Gateway
from house.load import Load, milliseconds, outcomes, percentile, share, told
from house.machine import cpu_seconds, folder, must, resident_kib, wait_until
from house.report import fault
from house.setting import pause
from house.streams import listen_request

NOTICEABLE = 0.025
EACH = 16  # streams that one client may have for one person


class Alone:
    """One replica on SQLite, with a person and a token."""

    def __init__(self, options, **more):
        self.options, self.more = options, more

    def __enter__(self):
        self._folder = folder("faults")
        place = self._folder.__enter__()
        self.gateway = Gateway(self.options.gatehouse, place, f"sqlite://{place}/gatehouse.db", **self.more)
        self.gateway.add_user()
        self.token = self.gateway.issue_token()
        self.replica = self.gateway.replica().start()
        return self

    def __exit__(self, *error):
        self.replica.__exit__()
        self._folder.__exit__(*error)

    def load(self, rate=100):
        return Load().calls([self.replica.port], self.gateway.host, self.token, rate)

    def must_live(self):
        self.replica.must_live()
        must(self.replica.panics() == 0, f"panicked:\n{self.replica.tail()}")


def raise_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def build_of(binary):
    return "release build" if "/release/" in str(binary) else "debug build"


@fault(
    "R25",
    "10,000 event streams that nothing happens on, at one replica",
    "less than 20 KiB of memory each; a comment every 15 seconds on each; calls beside them go on; all of it is given back",
)
def idle_streams(options):
    count = 1000 if options.short else 10_000
    limit = raise_limit()
    must(limit > count + 500, f"this machine lets a process open {limit} files")
    with Alone(options) as place:
        tokens = oauth.many_tokens(place.gateway, -(-count // EACH))
        place.replica.kill()
        place.replica.start()
        # Tenants, keys and connections are in memory before anything is counted.
        with place.load(20):
            pause(2)
        return asyncio.run(open_streams(place, tokens, count, options))


async def open_streams(place, tokens, count, options):
    pid, host = place.replica.pid, place.gateway.host
    before = resident_kib(pid)
    streams = []
    begun = time.monotonic()
    for number in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", place.replica.port, limit=4096)
        writer.write(listen_request(host, tokens[number // EACH]))
        head = await reader.readuntil(b"\r\n\r\n")
        must(b" 200 " in head.split(b"\r\n")[0], f"stream {number}: {head[:200]}")
        await reader.readuntil(b"\n\n\r\n")
        streams.append((reader, writer))
    opened = time.monotonic() - begun
    await asyncio.sleep(3)
    kib = (resident_kib(pid) - before) / count
    idle, cpu = 40, cpu_seconds(pid)
    silent = await comments(streams, idle)
    percent = 100 * (cpu_seconds(pid) - cpu) / idle
    with place.load(50) as load:
        await asyncio.sleep(5)
    calls = load.begun_between(load.begun, load.ended)
    must(share(calls, "200") == 100, f"calls beside the streams: {told(outcomes(calls))}")
    must(silent == 0, f"{silent} streams had no comment for {idle} s")
    for _, writer in streams:
        writer.transport.abort()
    await asyncio.sleep(10)
    after = resident_kib(pid)
    place.must_live()
    if count >= 10_000:
        must(kib < 20, f"{kib:.1f} KiB for each stream")
    open_files = len(os.listdir(f"/proc/{pid}/fd"))
    must(open_files < 200, f"{open_files} files are still open")
    return (
        f"{count} streams, {build_of(options.gatehouse)}: {kib:.1f} KiB each ({before // 1024} MiB before, {after // 1024} MiB after they had "
        f"gone), opened at {count / opened:.0f} a second, {percent:.0f} % of a core while idle; calls beside them p99 {milliseconds(percentile(calls, 99))}"
    )


async def comments(streams, seconds):
    """How many streams had no comment within a time."""

    async def one(reader):
        try:
            async with asyncio.timeout(seconds):
                await reader.readuntil(b":\n\n")
            return 0
        except TimeoutError:
            return 1

    begun = time.monotonic()
    silent = sum(await asyncio.gather(*(one(reader) for reader, _ in streams)))
    await asyncio.sleep(max(0, seconds - (time.monotonic() - begun)))
    return silent


def begin_connection(port):
    """One that may wait to be taken."""
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(("127.0.0.1", port))
    return one


@fault(
    "R25b",
    "A replica that may open 200 files, and 400 connections",
    "those that are there are served, nothing ends, and it takes new ones as soon as some have gone",
)
def out_of_files(options):
    raise_limit()
    with Alone(options) as place:
        place.replica.__exit__()
        replica = place.gateway.replica(prefix=["prlimit", "--nofile=200:200", "--"])
        with replica:
            place.replica = replica
            with place.load(50) as load:
                pause(1)
                held = [begin_connection(replica.port) for _ in range(400)]
                pause(3)
                for one in held:
                    one.close()
                healed = wait_until(lambda: probe(replica, "/livez") == 200, 20, "answers new connections")
                pause(1)
            calls = load.begun_between(load.begun, load.ended)
            must(share(calls, "200") == 100, f"calls over connections that were there: {told(outcomes(calls))}")
            refused = len(replica.lines("could not accept a connection"))
            place.must_live()
    return f"{len(calls)} calls over open connections all good; {refused} times none could be taken; new ones answered {milliseconds(healed)} after others had gone"


def good_beside(place, kind, options):
    """p99 of calls before and beside bad clients, in turn, so that whatever else the machine does is in both."""
    seconds, quiet, noisy, seen = (4 if options.short else 8), [], [], {}
    for _ in range(2 if options.short else 4):
        with place.load(100) as load:
            pause(seconds)
        quiet += load.samples
        with Attackers(kind, place) as attackers:
            if kind == "slow readers":
                # What they ask for costs what it costs anyone; here it is about what comes after.
                wait_until(lambda: is_idle(place.replica.pid), 60, "their answers are written")
            pause(2)
            with place.load(100) as load:
                pause(seconds)
            noisy += load.samples
        for name, number in attackers.seen.items():
            seen[name] = seen.get(name, 0) + number
    for name, calls in (("before", quiet), ("beside", noisy)):
        must(share(calls, "200") == 100, f"calls {name}: {told(outcomes(calls))}")
    return percentile(quiet, 99), percentile(noisy, 99), seen


def is_idle(pid):
    begin = cpu_seconds(pid)
    pause(1)
    return cpu_seconds(pid) - begin < 0.1


@fault(
    "R30",
    "Beside good clients: 500 that send a byte a second (slowloris: heads and bodies), 50 that ask and hardly read, an HTTP/2 client that "
    "opens and resets streams without a pause, one with endless CONTINUATION frames, one with empty DATA frames",
    "calls of good clients all succeed, p99 at most twice what it is without (or under 25 ms); memory stays",
)
def bad_clients(options):
    raise_limit()
    parts = []
    with Alone(options) as place:
        with place.load(100):
            pause(3)
        start = resident_kib(place.replica.pid)
        for kind in KINDS:
            before, beside, seen = good_beside(place, kind, options)
            text = f"{kind}: p99 {milliseconds(before)} before, {milliseconds(beside)} beside"
            must(beside < 2 * before or beside < NOTICEABLE, text)
            parts.append(text + "".join(f", {number} {name}" for name, number in seen.items()))
        grown = resident_kib(place.replica.pid) - start
        must(grown < 64 * 1024, f"{grown // 1024} MiB more")
        place.must_live()
    return "; ".join(parts) + f"; calls all good, memory {grown / 1024:+.0f} MiB in the end"
