"""What a call and a refresh cost among ten thousand tenants and a million clients, beside one and one."""

import contextlib
import sqlite3

from house.client import Client

from field.rounds import BASE, Target, measure, say
from field.servers import Bare, Site, request
from field.table import rate_table

from .calls import refresh_request


def scale(options):
    tenants, clients = (1_000, 20_000) if options.short else (10_000, 1_000_000)
    with contextlib.ExitStack() as stack:
        small, large = Site(options.gatehouse, stack), Site(options.gatehouse, stack)
        registered, families = {}, {}
        for site in (small, large):
            # Before there are too many for one more to register.
            with site.running():
                registered[site] = Client(site.gateway)
                families[site] = [registered[site].tokens()[1] for _ in range(16)]
        neighbour = add_tenants(large, tenants)
        add_clients(large, registered[large].id, clients)
        few, many = stack.enter_context(small.running()), stack.enter_context(large.running())
        bare = stack.enter_context(Bare(options.server, "handler", small.answer()))
        targets = [Target(BASE, bare, request(bare.host, small.token))]
        calls = Target("tools/call, 1 tenant, 1 client", few, request(small.gateway.host, small.token))
        crowd = f"{tenants:,} tenants, {clients:,} clients"
        targets += [
            calls,
            Target(f"tools/call, {crowd}", many, request(large.gateway.host, large.token)),
            Target("the same, to the row with one", many, request(large.gateway.host, large.token), base=calls),
            Target(f"tools/call at one of {tenants:,}", many, request(large.gateway.host, neighbour, path="/t/t7/mcp"), base=calls),
        ]
        refreshes = []
        for name, site, server in (("refresh, 1 tenant, 1 client", small, few), (f"refresh, {crowd}", large, many)):
            values = options.folder / f"families-{len(refreshes)}"
            values.write_text("\n".join(families[site]))
            body = refresh_request(site.gateway.host, registered[site].id)
            base = refreshes[0] if refreshes else None
            refreshes.append(Target(name, server, body, values=values, mode="refresh_token", base=base))
            refreshes[-1].sleeps = True
        return rate_table(measure(options, targets + refreshes))


def add_tenants(site, count):
    """Tenants that differ in name and address from one that an operator added; a token at one of them."""
    gateway = site.gateway
    gateway.run("tenant", "add", "t7", "--public-url", f"{gateway.url}/t/t7")
    gateway.add_user(tenant="t7")
    with sqlite3.connect(site.folder / "gatehouse.db") as database:
        copy(database, "tenants", {"slug": "'t' || n", "public_url": f"'{gateway.url}/t/t' || n"}, "slug = 't7'", (100_000, 100_000 + count - 2))
    return gateway.issue_token(tenant="t7")


def add_clients(site, like, count):
    with sqlite3.connect(site.folder / "gatehouse.db") as database:
        for first in range(0, count, 100_000):
            last = min(first + 100_000, count) - 1
            copy(database, "clients", {"id": "'seed-' || n"}, f"id = '{like}'", (first, last))
            say(f"  {last + 1:,} clients")


def copy(database, table, changed, row, numbers):
    """Copies a row as often as there are numbers, with other values in some columns."""
    columns = [found[1] for found in database.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(changed.get(column, f"found.{column}") for column in columns)
    database.execute(
        f"WITH RECURSIVE counted (n) AS (SELECT {numbers[0]} UNION ALL SELECT n + 1 FROM counted WHERE n < {numbers[1]}) "
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM counted, (SELECT * FROM {table} WHERE {row}) AS found"
    )
    database.commit()
