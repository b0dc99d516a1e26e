"""A call through a mounted server, beside a relay that does as little as can be done."""

import contextlib

from field.rounds import BASE, Target, measure
from field.servers import MODERN, Bare, Site, behind, request
from field.table import rate_table

TENANTS = '[[tenants]]\nslug = "default"\n[[tenants.servers]]\nname = "docs"\nurl = "http://127.0.0.1:{port}/mcp"\nallow_private = ["127.0.0.0/8"]\n'
TOOL = "docs_get_alerts"


def mounted(options):
    with contextlib.ExitStack() as stack:
        # What the server behind answers: an answer of the weather server.
        with contextlib.ExitStack() as first:
            site = Site(options.gatehouse, first)
            first.enter_context(site.running())
            answer = options.folder / "answer.json"
            answer.write_text(site.answer().read_text())
        upstream = stack.enter_context(behind(options, answer))
        site = Site(options.gatehouse, stack, tenants=TENANTS.format(port=upstream.port))
        gateway = stack.enter_context(site.running())
        keys = site.keys()
        bare = stack.enter_context(Bare(options.server, "handler", answer))
        relay = stack.enter_context(Bare(options.server, "relay", answer, keys, upstream.port))
        targets = []
        for count in (1, 16):
            targets.append(Target(BASE, bare, request(bare.host, site.token), count))
            relayed = Target("bare relay, token checked", relay, request(relay.host, site.token), count)
            targets.append(relayed)
            for revision in ("2025-11-25", MODERN):
                body = request(site.gateway.host, site.token, revision, TOOL)
                targets.append(Target(f"mounted, {revision}", gateway, body, count))
                targets.append(Target(f"mounted, {revision}, to the relay", gateway, body, count, base=relayed))
        results = measure(options, targets)
    added = [
        f"{one.name} adds {one.added[0] * 1e6:.0f} µs ({one.added[1] * 1e6:.0f}..{one.added[2] * 1e6:.0f}) at the median to {one.base}"
        for one in results
        if one.connections == 1 and one.base != one.name
    ]
    return rate_table(results) + "\n\nWith one connection, " + "; ".join(added) + "."
