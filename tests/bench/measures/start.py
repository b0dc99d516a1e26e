"""How long it takes until a process answers, how large it is, and how much memory it has then."""

import contextlib
import os
import socket
import statistics
import subprocess
import time

from house.machine import Broken, resident_kib, stop

from field.cores import SERVER, on
from field.servers import Site
from field.table import plain_table

PROBE = b"GET /readyz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"


def start(options):
    times = 5 if options.short else 21
    rows = [("binary", f"{options.gatehouse.stat().st_size / 1e6:.1f} MB ({options.gatehouse.stat().st_size / 2**20:.1f} MiB)", "bar: 25 MB")]
    with contextlib.ExitStack() as stack:
        sites = {"SQLite": Site(options.gatehouse, stack), "Postgres": Site(options.gatehouse, stack, "postgres")}
        for name, site in sites.items():
            seconds, resident = zip(*(once(site) for _ in range(times)), strict=True)
            rows.append((f"exec to first 200, {name}", milliseconds(seconds), "bar: 30 ms with SQLite"))
            rows.append((f"resident when idle, {name}", megabytes(resident), "bar: 25 MB"))
        site = sites["SQLite"]
        seconds = [empty(site) for _ in range(times)]
        rows.append(("the same, and the database made", milliseconds(seconds), ""))
    return plain_table(rows)


def once(site):
    """How long a start takes, and the memory three seconds later."""
    process, seconds = begin(site)
    try:
        time.sleep(3 if site.server is None else 1)
        return seconds, resident_kib(process.pid)
    finally:
        stop(process)


def empty(site):
    for file in site.folder.glob("gatehouse.db*"):
        file.unlink()
    process, seconds = begin(site)
    stop(process)
    return seconds


def begin(site):
    command = [*on(SERVER), site.gateway.binary, "--config", str(site.gateway.configuration), "serve"]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    while time.perf_counter() - begun < 20:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", site.gateway.port), timeout=5) as one:
            one.sendall(PROBE)
            if one.recv(64).startswith(b"HTTP/1.1 200"):
                return process, time.perf_counter() - begun
        time.sleep(0.0002)
    stop(process)
    raise Broken("the gateway does not start")


def milliseconds(seconds):
    return f"{statistics.median(seconds) * 1e3:.1f} ms ({min(seconds) * 1e3:.1f}..{max(seconds) * 1e3:.1f})"


def megabytes(kib):
    return f"{statistics.median(kib) * 1024 / 1e6:.1f} MB ({min(kib) * 1024 / 1e6:.1f}..{max(kib) * 1024 / 1e6:.1f})"
