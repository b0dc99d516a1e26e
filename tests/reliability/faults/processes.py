"""A process dies, or is told to stop, in the middle of its work."""

import asyncio
import collections
import random
import sqlite3
import time

from house import client as oauth
from house.client import probe
from house.gateway import Gateway
from house.load import LOST, Load, families, milliseconds, outcomes, percentile, told
from house.machine import folder, must
from house.report import fault
from house.setting import pause, two_replicas
from house.streams import Stream
from house.wire import Connection

# A process dies at a random moment within this time of its first answer.
LONGEST_WORK = 0.15
AT_ONCE = 4
# As many as one client may have for one person.
STREAMS = 16


class Round:
    """Requests to a replica that dies, and what a client does then: the same again, at the other one."""

    def __init__(self, setting, members, codes, seen):
        self.setting, self.members, self.codes, self.seen = setting, members, codes, seen
        self.dying, self.living = setting.replicas[1], setting.replicas[0]

    async def run(self):
        self.dead, self.answers = asyncio.Event(), asyncio.Event()
        work = [self.refresh(member) for member in self.members]
        work += [self.exchange(code) for code in self.codes]
        await asyncio.gather(self.kill(), *work)

    async def kill(self):
        await self.answers.wait()
        await asyncio.sleep(random.random() * LONGEST_WORK)
        self.dying.process.kill()
        self.dying.process.wait()
        self.dead.set()

    async def refresh(self, member):
        """Refreshes until the process is dead; what had no answer is asked again elsewhere, with the same token."""
        connection = Connection(self.dying.port, self.setting.host)
        while not self.dead.is_set():
            try:
                answer = await member.refresh(connection, timeout=10)
                self.answers.set()
                self.seen["refreshed" if answer.status == 200 else f"refresh {answer.outcome}"] += 1
            except LOST:
                self.seen["refresh without an answer"] += 1
                answer = await self.again(lambda there: member.refresh(there))
                self.seen["recovered" if answer.status == 200 else "locked out"] += 1
                break
        connection.close()

    async def exchange(self, code):
        form = self.setting.client.exchange_form(*code)
        connection = Connection(self.dying.port, self.setting.host)
        await self.answers.wait()
        await asyncio.sleep(random.random() * LONGEST_WORK)
        try:
            answer = await connection.send("POST", "/token", oauth.FORM, form, 10)
            must(answer.status == 200, f"/token: {answer.outcome}")
            self.seen["code exchanged"] += 1
            replay = await self.again(lambda there: there.send("POST", "/token", oauth.FORM, form))
            self.seen["code good twice" if replay.status == 200 else "replay refused"] += 1
        except LOST:
            answer = await self.again(lambda there: there.send("POST", "/token", oauth.FORM, form))
            must(answer.outcome in ("200", "400 invalid_grant"), f"/token: {answer.outcome}")
            self.seen["code unused, good elsewhere" if answer.status == 200 else "code used, its answer lost"] += 1
        connection.close()

    async def again(self, send):
        there = Connection(self.living.port, self.setting.host)
        try:
            return await send(there)
        finally:
            there.close()


@fault(
    "R12",
    "kill -9 of a replica at random moments while it exchanges codes and refreshes families; clients go on at the other replica at once",
    "what was answered is not lost; no code is good twice",
)
def killed_in_exchange(options):
    return kill_often(options, 20 if options.short else 500)[0]


@fault(
    "R13",
    "the same kills, as refresh families see them",
    "a client whose answer was lost gets it with the same token at the other replica; no family is lost or forks",
)
def killed_in_rotation(options):
    return kill_often(options, 20 if options.short else 500)[1]


_kills = {}


def kill_often(options, kills):
    """Both runs are the same kills: they are made once."""
    if kills not in _kills:
        _kills[kills] = make_kills(options, kills)
    return _kills[kills]


def make_kills(options, kills):
    seen = collections.Counter()
    with two_replicas(options, direct=True) as setting:
        members = families(setting.client, AT_ONCE)
        for kill in range(kills):
            codes = [setting.client.code() for _ in range(2)]
            asyncio.run(Round(setting, members, codes, seen).run())
            setting.replicas[1].start()
            if kill % 50 == 49:
                setting.check_ledger()
        final = [asyncio.run(once(member, setting)) for member in members]
        must(all(answer.status == 200 for answer in final), f"families in the end: {[answer.outcome for answer in final]}")
        setting.must_live()
        setting.check_ledger()
    must(seen["locked out"] == 0 and seen["code good twice"] == 0, told(seen))
    strange = [name for name in seen if name.startswith("refresh ") and name != "refresh without an answer"]
    must(not strange, told(seen))
    must(seen["refresh without an answer"] > kills / 4, f"too few kills met a refresh: {told(seen)}")
    codes = (
        f"{kills} kills: {seen['code exchanged']} codes exchanged, {seen['code unused, good elsewhere']} unused and good elsewhere, "
        f"{seen['code used, its answer lost']} used with their answer lost (the person signs in again), {seen['code good twice']} good twice"
    )
    rotations = (
        f"{kills} kills: {seen['refreshed']} refreshes answered, {seen['refresh without an answer']} without an answer, "
        f"{seen['recovered']} of them recovered with the same token, {seen['locked out']} lock-outs"
    )
    return codes, rotations


async def once(member, setting):
    connection = Connection(setting.replicas[1].port, setting.host)
    try:
        return await member.refresh(connection)
    finally:
        connection.close()


@fault(
    "R11",
    "SQLite: kill -9 while families refresh; and the file locked by another process",
    "PRAGMA integrity_check says ok after every kill, no family is lost; while it is locked, requests wait and then get 503, and calls go on",
)
def sqlite_killed(options):
    kills = 20 if options.short else 200
    with folder("faults") as place:
        file = place / "gatehouse.db"
        gateway = Gateway(options.gatehouse, place, f"sqlite://{file}")
        gateway.add_user()
        seen = collections.Counter()
        with gateway.replica() as replica:
            client = oauth.Client(gateway)
            members = families(client, AT_ONCE)
            for _ in range(kills):
                asyncio.run(until_killed(replica, members, seen))
                check = sqlite3.connect(file).execute("PRAGMA integrity_check").fetchall()
                must(check == [("ok",)], f"integrity_check: {check[:3]}")
                replica.start()
            lost = [member.refused for member in members if member.refused]
            must(not lost, f"lost families: {lost}")
            locked = lock_file(file, gateway, client, members)
            with sqlite3.connect(file) as connection:
                live = connection.execute(
                    "SELECT count(*) FROM (SELECT 1 FROM refresh_tokens AS t JOIN grants AS g ON g.tenant = t.tenant AND g.id = t.grant_id "
                    "WHERE g.revoked_at IS NULL GROUP BY t.tenant, t.grant_id HAVING sum(t.consumed_at IS NULL) <> 1)"
                ).fetchone()[0]
            must(live == 0, f"{live} families have not one live token")
            replica.must_live()
    return f"{kills} kills: {seen['refreshed']} refreshes, {seen['lost']} answers lost, 0 families lost, integrity_check ok each time; {locked}"


async def until_killed(replica, members, seen):
    dead, answers = asyncio.Event(), asyncio.Event()

    async def refresh(member):
        connection = Connection(replica.port, replica.gateway.host)
        while not dead.is_set():
            try:
                await member.refresh(connection, timeout=10)
                answers.set()
                seen["refreshed"] += 1
            except LOST:
                seen["lost"] += 1
                break
        connection.close()

    async def kill():
        await answers.wait()
        await asyncio.sleep(random.random() * LONGEST_WORK)
        replica.process.kill()
        replica.process.wait()
        dead.set()

    await asyncio.gather(kill(), *(refresh(member) for member in members))


def lock_file(file, gateway, client, members):
    """Another process holds SQLite's lock to write for eight seconds, as a careless backup would."""
    token = gateway.issue_token()
    load = Load().calls([gateway.port], gateway.host, token, 50).refreshes([gateway.port], gateway.host, members, 4)
    with load:
        pause(1)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        begin = time.monotonic()
        pause(8)
        other.execute("ROLLBACK")
        end = time.monotonic()
        pause(3)
    calls = load.begun_between(begin, end, "tools/call")
    must(all(sample.outcome == "200" for sample in calls), f"calls while it was locked: {told(outcomes(calls))}")
    held = load.begun_between(begin, end, "/token")
    bad = outcomes(sample for sample in held if sample.outcome not in ("200", "503 temporarily_unavailable"))
    must(held and not bad, f"/token while it was locked: {told(bad)}")
    late = outcomes(sample for sample in load.begun_between(end + 1, load.ended) if sample.outcome != "200")
    must(not late, f"after the lock: {told(late)}")
    return (
        f"locked for 8 s: {len(calls)} of {len(calls)} calls, /token {told(outcomes(held))}, slowest after {milliseconds(percentile(held, 100))}"
    )


@fault(
    "R14",
    "SIGTERM at one of two replicas under load, with event streams open and a load balancer that asks /readyz each second",
    "unready at once; every request that was sent is answered; streams end with their last message; exit status 0 within 20 seconds",
)
def told_to_stop(options):
    rounds = 2 if options.short else 10
    drains, endings, seen = [], 0, collections.Counter()
    with two_replicas(options, direct=True) as setting:
        a, b = setting.replicas
        for _ in range(rounds):
            balancer = Balancer([a, b])
            streams = [Stream(b, setting.token) for _ in range(STREAMS)]
            with balancer.load(setting) as load:
                pause(1)
                begin = time.monotonic()
                b.process.terminate()
                balancer.watch(b)
                status = b.process.wait(40)
                drains.append(time.monotonic() - begin)
                pause(1)
            must(status == 0, f"exit status {status}:\n{b.tail()}")
            seen.update(sample.outcome for sample in load.samples)
            for stream in streams:
                endings += stream.ended_with_last_message()
            b.start()
        setting.must_live()
        setting.check_ledger()
    bad = {outcome: count for outcome, count in seen.items() if outcome not in ("200",)}
    must(not bad, f"requests: {told(seen)}")
    must(endings == STREAMS * rounds, f"{endings} of {STREAMS * rounds} streams had their last message")
    must(max(drains) < 20, f"a drain took {max(drains):.1f} s")
    return (
        f"{rounds} stops: {seen['200']} requests, 0 dropped; {endings} of {STREAMS * rounds} streams ended with their last message; drained within "
        f"{milliseconds(max(drains))}, exit status 0"
    )


class Balancer:
    """Sends requests to the replicas in turn, over connections that stay open, and takes one out when it is unready."""

    def __init__(self, replicas):
        self.replicas = list(replicas)

    def load(self, setting):
        load = Load()
        members = iter(families(setting.client, 4))

        def call():
            send = self.lane(setting)
            headers, body = oauth.call_headers(setting.token), oauth.tool_call()
            return lambda: send("POST", "/mcp", headers, body)

        def refresh():
            member, send = next(members), self.lane(setting)
            return lambda: member.refresh(Through(send))

        return load.add("tools/call", 150, call, 16).add("/token", 20, refresh, 4)

    def lane(self, setting):
        connections = {replica.port: Connection(replica.port, setting.host) for replica in self.replicas}
        turn = [random.randrange(100)]

        async def send(*request):
            turn[0] += 1
            replica = self.replicas[turn[0] % len(self.replicas)]
            return await connections[replica.port].send(*request)

        return send

    def watch(self, replica):
        """Takes the replica out as soon as a look at /readyz says so; a look comes each 100 milliseconds."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            if probe(replica) != 200:
                self.replicas.remove(replica)
                return
            time.sleep(0.1)
        must(False, "still ready five seconds after SIGTERM")


class Through:
    """What a Family takes for a connection."""

    def __init__(self, send):
        self._send = send

    async def send(self, method, path, headers, body, _timeout):
        return await self._send(method, path, headers, body)
