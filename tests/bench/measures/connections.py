"""The same call over one connection and over many."""

import contextlib

from field.rounds import BASE, Target, measure
from field.servers import Bare, Site, request
from field.table import rate_table


def connections(options):
    with contextlib.ExitStack() as stack:
        site = Site(options.gatehouse, stack)
        gateway = stack.enter_context(site.running())
        bare = stack.enter_context(Bare(options.server, "handler", site.answer()))
        targets = []
        for count in (1, 16, 64, 256):
            targets.append(Target(BASE, bare, request(bare.host, site.token), count))
            targets.append(Target("tools/call, 2025-11-25", gateway, request(site.gateway.host, site.token), count))
        return rate_table(measure(options, targets))
