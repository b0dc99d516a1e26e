"""Calls with everything on: verified and kept token, scope, limits, audit, figures; and what the first use of a token costs."""

import contextlib
import json

from house.client import Client
from house.machine import must

from field.answers import check, check_refusals
from field.peers import COMMANDS, Peer
from field.rounds import BASE, Target, ask, measure
from field.servers import MODERN, REVISIONS, Bare, Site, request
from field.table import rate_table


def calls(options):
    with contextlib.ExitStack() as stack:
        site = Site(options.gatehouse, stack)
        gateway = stack.enter_context(site.running())
        answer, keys = site.answer(), site.keys()
        bare = stack.enter_context(Bare(options.server, "handler", answer))
        token = stack.enter_context(Bare(options.server, "token", answer, keys))
        rmcp = stack.enter_context(Bare(options.server, "rmcp", answer, keys))
        targets = [
            Target(BASE, bare, request(bare.host, site.token)),
            Target("bare axum handler, token checked", token, request(token.host, site.token)),
        ]
        for revision in ("2025-11-25", MODERN):
            targets.append(Target(f"rmcp, token checked, {revision}", rmcp, request("127.0.0.1", site.token, revision)))
        for command in COMMANDS.values() if options.peers else ():
            peer = stack.enter_context(Peer(command, answer, keys, site.gateway.url))
            for revision in ("2025-11-25", MODERN):
                target = Target(f"{peer.name}, token checked, {revision}", peer, request(peer.host, site.token, revision))
                # Runtimes that compile what is called often are slow at first.
                target.warm_up = 5
                targets.append(target)
        for revision in REVISIONS:
            targets.append(Target(f"tools/call, {revision}", gateway, request(site.gateway.host, site.token, revision)))
        check_all(options, targets, site, json.loads(answer.read_text()))
        for revision in ("2025-11-25", MODERN):
            listing = request(site.gateway.host, site.token, revision, method="tools/list")
            targets.append(Target(f"tools/list, {revision}", gateway, listing))
        return rate_table(measure(options, targets))


def check_all(options, targets, site, result):
    """All do the same call with the same checks, the first one with none."""
    without_scope = site.gateway.issue_token(scopes=["mcp:resources"])
    for number, target in enumerate(targets):
        body = check(target, result)
        if number > 0:
            check_refusals(target, site.token, without_scope)
        if isinstance(target.server, Bare):
            # What it answers is at hand, and so the same each time.
            target.expected = options.folder / f"expected-{number}"
            target.expected.write_bytes(body)


def tokens(options):
    """Each token once: nothing is kept of any of them."""
    count = 2_000 if options.short else 10_000
    with contextlib.ExitStack() as stack:
        site = Site(options.gatehouse, stack)
        gateway = stack.enter_context(site.running())
        answer, keys = site.answer(), site.keys()
        found = many_tokens(options, site, gateway, count * (options.rounds + 1))
        bare = stack.enter_context(Bare(options.server, "handler", answer))
        token = stack.enter_context(Bare(options.server, "token", answer, keys))
        turns = iter(range(options.rounds * 2))

        def fresh(target):
            # Both servers get the same tokens in a round, and no token twice.
            first = next(turns) // 2 * count
            target.values.write_text("\n".join(found[first : first + count]))

        targets = [Target(BASE, bare, request(bare.host, site.token))]
        for name, server in (("token checked, first use", token), ("tools/call, first use of a token", gateway)):
            values = options.folder / f"tokens-{len(targets)}"
            host = site.gateway.host if server is gateway else server.host
            target = Target(name, server, request(host, "{}"), values=values, mode="each")
            target.before = lambda target=target: fresh(target)
            targets.append(target)
        return rate_table(measure(options, targets))


def many_tokens(options, site, gateway, count):
    """Access tokens that refreshing gives, one by one over some connections."""
    client, lanes = Client(site.gateway), 8
    values, file = options.folder / "families", options.folder / "access-tokens"
    families = [client.tokens()[1] for _ in range(lanes)]
    values.write_text("\n".join(families))
    found = []
    target = Target("refresh", gateway, refresh_request(site.gateway.host, client.id), lanes, values, "refresh_token")
    target.file = options.folder / "refresh"
    target.file.write_text(target.request)
    while len(found) < count:
        ask(options, target, 1.0, ("access_token", file))
        more = file.read_text().split()
        must(more, "no token came of refreshing")
        found += more
    return found


def refresh_request(host, client):
    return (
        f"POST /token HTTP/1.1\nHost: {host}\nContent-Type: application/x-www-form-urlencoded\n\n"
        f"grant_type=refresh_token&client_id={client}&refresh_token={{}}"
    )
