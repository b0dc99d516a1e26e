"""Memory after many calls, and of streams on which nothing happens."""

import contextlib
import resource
import socket

from house import client as oauth
from house.machine import must, peak_kib, resident_kib, wait_until
from house.streams import listen_request

from field.rounds import Target, ask, say
from field.servers import Site, request
from field.table import plain_table

EACH = 16  # streams that one client may have for one person


def memory(options):
    rows = []
    with contextlib.ExitStack() as stack:
        site = Site(options.gatehouse, stack)
        gateway = stack.enter_context(site.running())
        rows += after_calls(options, site, gateway)
    with contextlib.ExitStack() as stack:
        rows += idle_streams(options, Site(options.gatehouse, stack))
    return plain_table(rows)


def after_calls(options, site, gateway):
    """Memory at some moments on the way to a million calls."""
    total = 50_000 if options.short else 1_000_000
    target = Target("tools/call", gateway, request(site.gateway.host, site.token))
    target.file = options.folder / "memory"
    target.file.write_text(target.request)
    rows, done, marks = [("resident before the first call", mib(resident_kib(gateway.pid)), "")], 0, [total // 10, total // 2, total]
    while marks:
        done += ask(options, target, 1.0)["answers"]
        if done >= marks[0]:
            rows.append((f"resident after {done:,} calls", mib(resident_kib(gateway.pid)), f"peak {mib(peak_kib(gateway.pid))}"))
            say(f"  {rows[-1][0]}: {rows[-1][1]}")
            marks.pop(0)
    return rows


def idle_streams(options, site):
    count = 320 if options.short else 4_000
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with site.running():
        tokens = oauth.many_tokens(site.gateway, -(-count // EACH))
    with site.running() as gateway, contextlib.ExitStack() as opened:
        body = Target("tools/call", gateway, request(site.gateway.host, site.token))
        body.file = options.folder / "warm"
        body.file.write_text(body.request)
        ask(options, body, 1.0)
        before = resident_kib(gateway.pid)
        for number in range(count):
            opened.enter_context(connect(gateway, listen_request(site.gateway.host, tokens[number // EACH]), b"acknowledged"))
        each = (settled(gateway.pid) - before) / count
    return [(f"each of {count:,} idle streams", f"{each:.1f} KiB", "bar: 20 KiB"), *idle_connections(site, count)]


def idle_connections(site, count):
    """The same number of connections that had one answer and wait."""
    probe = b"GET /livez HTTP/1.1\r\nHost: probe\r\n\r\n"
    with site.running() as gateway, contextlib.ExitStack() as opened:
        opened.enter_context(connect(gateway, probe, b"ok"))
        before = resident_kib(gateway.pid)
        for _ in range(count):
            opened.enter_context(connect(gateway, probe, b"ok"))
        each = (settled(gateway.pid) - before) / count
    return [(f"each of {count:,} idle connections without a stream", f"{each:.1f} KiB", "")]


def connect(gateway, request_bytes, until):
    """A connection whose answer has begun."""
    one = socket.create_connection(("127.0.0.1", gateway.port), timeout=20)
    one.sendall(request_bytes)
    answer = b""
    while until not in answer:
        more = one.recv(65536)
        must(more, f"no answer: {answer[:300]}")
        answer += more
    return one


def settled(pid):
    """Resident memory once it has stopped to change."""
    seen = [0]

    def same():
        seen.append(resident_kib(pid))
        return seen[-1] == seen[-2]

    wait_until(same, 30, "memory comes to rest", pause=1.5)
    return seen[-1]


def mib(kib):
    return f"{kib * 1024 / 1e6:.1f} MB"
