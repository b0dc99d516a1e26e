"""The token endpoint: refresh, and the exchange of a code, on both databases."""

import contextlib

from house.client import Client

from field.cores import LOAD, pin
from field.rounds import BASE, Target, measure
from field.servers import Bare, Site, request
from field.table import rate_table

from .calls import refresh_request


def oauth(options):
    codes = 100 if options.short else 400
    with contextlib.ExitStack() as stack:
        targets = []
        for engine in ("sqlite", "postgres"):
            site = Site(options.gatehouse, stack, engine)
            postmaster = None
            if site.server:
                # Those that serve its connections are its children.
                postmaster = int((site.server.data / "postmaster.pid").read_text().split()[0])
                pin(postmaster, LOAD)
            gateway = stack.enter_context(site.running())
            if not targets:
                bare = stack.enter_context(Bare(options.server, "handler", site.answer()))
                targets.append(Target(BASE, bare, request(bare.host, site.token)))
            for target in of_engine(options, site, gateway, engine, codes):
                target.database = postmaster
                targets.append(target)
        for target in targets:
            target.sleeps = True
        results = measure(options, targets)
    return rate_table(results) + "\n\n" + " ".join(shares(one) for one in results if one.database)


def count_rows(site):
    """What a Postgres does by itself within a minute. One that has not counted its rows plans for empty tables."""
    if site.server:
        site.server.psql(site.database, "VACUUM ANALYZE")


def shares(result):
    """Who was busy meanwhile."""
    return (
        f"During *{result.name}*, the database had its processes run for {result.database[0] * 1e6:.0f} µs a request "
        f"({result.database[1] * 1e6:.0f}..{result.database[2] * 1e6:.0f}), {result.database_busy[0]:.0%} of the time of its core, "
        f"and the gateway was busy for {result.busy[0]:.0%} of its own."
    )


def of_engine(options, site, gateway, engine, codes):
    client, host = Client(site.gateway), site.gateway.host
    families = options.folder / f"families-{engine}"
    families.write_text("\n".join(client.tokens()[1] for _ in range(16)))
    yield Target(
        f"refresh, {engine}", gateway, refresh_request(host, client.id), values=families, mode="refresh_token", before=lambda: count_rows(site)
    )
    found = options.folder / f"codes-{engine}"
    form = client.exchange_form("CODE", "VERIFIER").replace("CODE", "{}").replace("&code_verifier=VERIFIER", "")
    head = f"POST /token HTTP/1.1\nHost: {host}\nContent-Type: application/x-www-form-urlencoded\n\n"

    def fresh():
        pairs = [client.code() for _ in range(codes)]
        found.write_text("\n".join(f"{code}&code_verifier={verifier}" for code, verifier in pairs))
        count_rows(site)

    yield Target(f"code exchange, {engine}", gateway, head + form, values=found, mode="each", before=fresh)
