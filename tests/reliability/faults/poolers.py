"""pgbouncer between the replicas and Postgres; one replica that has lost its database while the other has not."""

import contextlib
import itertools
import json
import time

from house import client as oauth
from house.client import probe
from house.fault_proxy import PASS, REFUSE
from house.gateway import Gateway
from house.load import GOOD, Load, families, milliseconds, outcomes, percentile, share, told
from house.machine import folder, must, wait_until
from house.postgres import ROLE, Pooler, Server
from house.report import fault
from house.setting import Setting, pause, two_replicas
from house.wire import Connection

TENANTS = ("red", "blue")


class Watched:
    """Refreshes at one tenant, and looks whether what comes back is of that tenant and of its client."""

    def __init__(self, setting, slug, bleeds):
        self.slug, self.bleeds = slug, bleeds
        self.client = oauth.Client(setting.gateway, f"/t/{slug}")
        access, self.token = self.client.tokens()
        self.look(access)

    def look(self, access):
        claims = json.loads(oauth.decoded(access.split(".")[1]))
        if claims["iss"] != self.client.issuer or claims["client_id"] != self.client.id:
            self.bleeds.append(claims)

    async def refresh(self, connection):
        path = f"{self.client.path}/token"
        answer = await connection.send("POST", path, oauth.FORM, self.client.refresh_form(self.token))
        if answer.status == 200:
            self.token = answer.json()["refresh_token"]
            self.look(answer.json()["access_token"])
        return answer

    async def foreign(self, connection, other):
        """The other tenant's refresh token, which must be unknown here and stay good there."""
        path = f"{self.client.path}/token"
        answer = await connection.send("POST", path, oauth.FORM, self.client.refresh_form(other.token))
        if answer.status == 200:
            self.bleeds.append(answer.body)
        return answer


@contextlib.contextmanager
def behind_a_pooler(options):
    addresses = "".join(f'[[tenants]]\nslug = "{slug}"\npublic_url = "http://HOST/t/{slug}"\n' for slug in TENANTS)
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(folder("faults"))
        server = stack.enter_context(Server(place / "postgres"))
        database = server.new_database()
        # As docs/operations.md has it: the pooler refuses them as options of a connection.
        server.psql("postgres", f"ALTER ROLE {ROLE} SET statement_timeout = '3s'", f"ALTER ROLE {ROLE} SET idle_in_transaction_session_timeout = '5s'")
        # Fewer connections than the replicas have between them, so that they do take turns on each.
        pooler = stack.enter_context(Pooler(server, place / "pooler", pool_size=4))
        must(
            pooler.knows_prepared_statements,
            f"pgbouncer {pooler.version} knows no prepared statements: GATEHOUSE_PGBOUNCER names one from 1.21 on",
        )
        gateway = Gateway(options.gatehouse, place, server.url(database, ROLE), tenants=addresses)
        text = gateway.configuration.read_text()
        gateway.configuration.write_text(text.replace("http://HOST", gateway.url))
        gateway.run("migrate")
        url = server.url(database, ROLE, pooler.port)
        replicas = [stack.enter_context(gateway.replica(name, database=url)) for name in "ab"]
        setting = Setting(server, database, gateway, replicas, []).populate()
        for slug in TENANTS:
            gateway.add_user(tenant=slug)
        yield setting, pooler


@fault(
    "R07",
    "Replicas with 10 connections each to pgbouncer in transaction mode, which has 4 to Postgres; two tenants refresh, and try each "
    "other's tokens",
    "no error of a prepared statement, no answer of one tenant with anything of the other, limits of time and invariants hold",
)
def transaction_pooling(options):
    bleeds = []
    with behind_a_pooler(options) as (setting, pooler):
        red, blue = ([Watched(setting, slug, bleeds) for _ in range(4)] for slug in TENANTS)
        load = Load().calls(setting.ports, setting.host, setting.token, 50)
        for name, own, other in (("red", red, blue), ("blue", blue, red)):
            turns = itertools.cycle(setting.ports)
            load.add(f"{name} /token", 60, lane_of(iter(own), setting, turns, None), len(own))
            load.add(f"{name} foreign", 20, lane_of(itertools.cycle(own), setting, turns, other[0]), 4)
        load.registrations(setting.ports, setting.host, 5)
        with load:
            pause(6 if options.short else 30)
        must(not bleeds, f"something of another tenant: {bleeds[:3]}")
        for sample in load.samples:
            expected = ("400 invalid_grant",) if sample.kind.endswith("foreign") else GOOD
            must(sample.outcome in expected, f"{sample.kind}: {told(outcomes(s for s in load.samples if s.kind == sample.kind))}")
        revoked = setting.revocation_seconds()
        must(revoked < 5, f"a revocation took {revoked:.1f} s")
        waits = setting.server.psql(setting.database, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'gatehouse'")
        setting.must_live()
        setting.check_ledger()
        refreshes = [s for s in load.samples if s.kind.endswith("/token")]
        foreign = [s for s in load.samples if s.kind.endswith("foreign")]
        return (
            f"pgbouncer {pooler.version}, bleed count 0: {len(refreshes)} refreshes of two tenants all good, p99 {milliseconds(percentile(refreshes, 99))}, "
            f"{len(foreign)} with a token of the other one all refused; {waits[0]} connections at Postgres for 20 of the replicas; a "
            f"revocation holds after {milliseconds(revoked)}"
        )


def lane_of(own, setting, turns, other):
    def lane():
        one, connection = next(own), Connection(next(turns), setting.host)
        return lambda: one.foreign(connection, other) if other else one.refresh(connection)

    return lane


@fault(
    "R37",
    "Replica b loses the way to Postgres, replica a does not",
    "b is unready and a serves; no token of a comes to nothing at b; a revocation at a holds at b as soon as it has the database again",
)
def one_replica_cut_off(options):
    with two_replicas(options) as setting:
        a, b = setting.replicas
        members = families(setting.client, 8)
        load = Load().calls([b.port], setting.host, setting.token, 50, kind="call at b")
        load.calls([a.port], setting.host, setting.token, 50, kind="call at a")
        # A client whose request fails at b goes to a with the same token.
        load.refreshes([b.port, a.port], setting.host, members, 40)
        with load:
            pause(2)
            setting.proxies[1].mode = REFUSE
            begin = time.monotonic()
            unready = wait_until(lambda: probe(b) == 503, 10, "b is unready")
            pause(5 if options.short else 30)
            ready = [probe(a), probe(b)]
            access, refresh = setting.client.tokens()
            at_b = setting.client.call(access, b.port).status
            revoked = setting.client.send("POST", "/revoke", oauth.FORM, f"token={refresh}&client_id={setting.client.id}").status
            pause(1.5)
            at_a = setting.client.call(access, a.port).status
            end = time.monotonic()
            setting.proxies[1].mode = PASS
            healed = wait_until(lambda: probe(b) == 200, 20, "b is ready")
            known = wait_until(lambda: setting.client.call(access, b.port).status == 401, 20, "b knows the revocation")
            pause(3)
        must(ready == [200, 503], f"/readyz of a and b: {ready}")
        must((at_b, revoked, at_a) == (200, 200, 401), f"at b {at_b}, /revoke {revoked}, at a {at_a}")
        for kind in ("call at a", "call at b"):
            calls = load.begun_between(load.begun, load.ended, kind)
            must(share(calls, "200") == 100, f"{kind}: {told(outcomes(calls))}")
        must(known < 5, f"b took {known:.1f} s to know the revocation")
        lost = [member.refused for member in members if member.refused]
        must(not lost, f"families that were refused: {lost[:2]}")
        during = load.between(begin, end, "/token")
        bad = outcomes(s for s in during if s.outcome not in ("200", "503 temporarily_unavailable"))
        must(not bad, f"/token: {told(bad)}")
        setting.must_live()
        setting.check_ledger()
        return (
            f"b unready after {milliseconds(unready)}, ready {milliseconds(healed)} after its return; calls 100 % at both; refreshes at both in "
            f"turn: {told(outcomes(during))}, no family lost; a revocation at a counts at b {milliseconds(known)} after its return"
        )
