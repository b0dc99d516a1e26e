"""A standby takes the primary's place in the middle of exchanges."""

import contextlib
import threading
import time

from house.client import probe
from house.fault_proxy import HOLD, FaultProxy
from house.gateway import Gateway
from house.load import Load, families, milliseconds
from house.machine import folder, must, wait_until
from house.postgres import ROLE, Server
from house.report import fault
from house.setting import Setting, pause

SYNCHRONOUS = "synchronous_standby_names = 'standby'\nsynchronous_commit = remote_apply\n"
# For how long the standby hears nothing any more before the primary dies.
LAG = 0.5


class Exchanges(threading.Thread):
    """Exchanges codes, one after another at alternating replicas, each until there is a word about it."""

    def __init__(self, setting, codes):
        super().__init__(daemon=True)
        self.setting, self.codes = setting, codes
        self.tries = {}

    def run(self):
        for number, code in enumerate(self.codes):
            self.tries[code] = []
            self.settle(code, self.setting.ports[number % 2])

    def settle(self, code, port):
        end = time.monotonic() + 40
        while time.monotonic() < end:
            try:
                outcome = self.setting.client.exchange(*code, port=port).outcome
            except (OSError, EOFError, TimeoutError) as error:
                outcome = type(error).__name__
            self.tries[code].append(outcome)
            if outcome in ("200", "400 invalid_grant"):
                return
            time.sleep(0.05)

    def check_again(self):
        """How many codes that brought tokens bring others now."""
        spent = [code for code, tries in self.tries.items() if tries[-1] == "200"]
        return sum(self.setting.client.exchange(*code).status == 200 for code in spent)


@contextlib.contextmanager
def primary_and_standby(options, settings):
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(folder("faults"))
        server = stack.enter_context(Server(place / "primary"))
        database = server.new_database()
        line = stack.enter_context(FaultProxy(server.port))
        standby = stack.enter_context(server.standby(place / "standby", line.port))
        wait_until(lambda: server.psql("postgres", "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == ["1"], 20, "streams")
        server.configure(settings)
        proxy = stack.enter_context(FaultProxy(server.port))
        gateway = Gateway(options.gatehouse, place, server.url(database, ROLE))
        gateway.run("migrate")
        url = server.url(database, ROLE, proxy.port)
        replicas = [stack.enter_context(gateway.replica(name, database=url)) for name in "ab"]
        yield Setting(server, database, gateway, replicas, [proxy]).populate(), standby, line


def fail_over(options, settings, seen):
    with primary_and_standby(options, settings) as (setting, standby, line):
        members = families(setting.client, 8)
        workers = [Exchanges(setting, [setting.client.code() for _ in range(12)]) for _ in range(4)]
        with Load().refreshes(setting.ports, setting.host, members, 100) as load:
            for worker in workers:
                worker.start()
            pause(0.15)
            line.mode = HOLD
            pause(LAG)
            setting.server.stop("immediate")
            begin = time.monotonic()
            standby.promote()
            setting.proxies[0].target = standby.port
            setting.proxies[0].cut()
            for replica in setting.replicas:
                wait_until(lambda replica=replica: probe(replica) == 200, 30, "ready at the standby")
            seen["recovery"] = max(seen["recovery"], time.monotonic() - begin)
            for worker in workers:
                worker.join(60)
            pause(2)
        setting.must_live()
        good = sum(sample.outcome == "200" for sample in load.samples)
        must(good > 20, f"only {good} refreshes")
        seen["families"] += len(members)
        seen["locked out"] += sum(bool(member.refused) for member in members)
        seen["codes"] += sum(len(worker.tries) for worker in workers)
        last = [tries[-1] for worker in workers for tries in worker.tries.values()]
        must(set(last) <= {"200", "400 invalid_grant"}, f"codes came to {set(last)}")
        seen["ended"] += last.count("400 invalid_grant")
        seen["spent twice"] += sum(worker.check_again() for worker in workers)
        setting.server = standby
        setting.check_ledger()


@fault(
    "R04",
    "The primary dies under exchanges and refreshes, half a second after the standby heard of it last, and the standby is promoted; with "
    "a standby that commits wait for (`remote_apply`), and with one that they do not wait for",
    "with `remote_apply`: nothing is spent twice and no family is lost; without: as much as the standby lacked, and no more than that",
)
def standby_promoted(options):
    rounds = 1 if options.short else 5
    parts = []
    for name, settings in (("remote_apply", SYNCHRONOUS), ("asynchronous", "")):
        seen = {"families": 0, "locked out": 0, "codes": 0, "ended": 0, "spent twice": 0, "recovery": 0.0}
        for _ in range(rounds):
            fail_over(options, settings, seen)
        if settings:
            must(seen["spent twice"] == 0, f"{seen['spent twice']} codes were good twice")
            must(seen["locked out"] == 0, f"{seen['locked out']} of {seen['families']} families were lost")
        parts.append(
            f"{name}, {rounds} failovers: {seen['spent twice']} of {seen['codes']} codes good twice, {seen['ended']} spent without their "
            f"answer, {seen['locked out']} of {seen['families']} families lost, served again after {milliseconds(seen['recovery'])} at most"
        )
    return "; ".join(parts)
