"""The usual setting: a Postgres, a proxy for each replica before it, two replicas, a person, a client, a token."""

import contextlib
import time

from . import client as oauth
from . import ledger
from .fault_proxy import FaultProxy
from .gateway import Gateway
from .load import Load, families
from .machine import folder, must, wait_until
from .postgres import ROLE, Server


class Setting:
    def __init__(self, server, database, gateway, replicas, proxies):
        self.server, self.database, self.gateway = server, database, gateway
        self.replicas, self.proxies = replicas, proxies
        self.token = self.client = None

    @property
    def ports(self):
        return [replica.port for replica in self.replicas]

    @property
    def host(self):
        return self.gateway.host

    def populate(self):
        """A person with a token by hand, and a client that they signed in with."""
        self.gateway.add_user()
        self.token = self.gateway.issue_token()
        self.client = oauth.Client(self.gateway)
        return self

    def mixed_load(self, calls=100, refreshes=10, registrations=4, ports=None, count=8):
        """Calls, refreshes, registrations and looks at /authorize, at all replicas."""
        ports = ports or self.ports
        load = Load().calls(ports, self.host, self.token, calls)
        load.refreshes(ports, self.host, families(self.client, count), refreshes)
        load.registrations(ports, self.host, registrations)
        load.get(ports, self.host, self.client.authorization_path("v" * 43), 4, "/authorize")
        return load

    def check_ledger(self):
        self.settle()
        return ledger.check(self.server, self.database)

    def settle(self):
        """Waits until every replica's writer has taken its queue to the audit log."""
        wait_until(lambda: self.server.psql(self.database, "SELECT count(*) FROM audit_pending") == ["0"], 20, "the audit log is written")

    def revocation_seconds(self):
        """How long every replica goes on taking an access token whose grant was just revoked."""
        access, refresh = self.client.tokens()
        must(all(self.client.call(access, port).status == 200 for port in self.ports), "a new token is refused")
        answer = self.client.send("POST", "/revoke", oauth.FORM, f"token={refresh}&client_id={self.client.id}")
        must(answer.status == 200, f"/revoke: {answer.outcome}")
        refused = lambda: all(self.client.call(access, port).status == 401 for port in self.ports)
        return wait_until(refused, 60, "a revoked token is refused")

    def must_live(self):
        for replica in self.replicas:
            replica.must_live()
            must(replica.panics() == 0, f"replica {replica.name} panicked:\n{replica.tail()}")


@contextlib.contextmanager
def two_replicas(options, settings="", count=2, direct=False, **more):
    """Replicas a, b, … on one database, each behind a proxy of its own, or none."""
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(folder("faults"))
        server = stack.enter_context(Server(place / "postgres", settings))
        database = server.new_database()
        proxies = [stack.enter_context(FaultProxy(server.port)) for _ in range(count)]
        gateway = Gateway(options.gatehouse, place, server.url(database, ROLE), **more)
        gateway.run("migrate")
        replicas = []
        for name, proxy in zip("abcdefgh", proxies):
            port = None if direct else proxy.port
            replica = gateway.replica(name, database=server.url(database, ROLE, port))
            replicas.append(stack.enter_context(replica))
        yield Setting(server, database, gateway, replicas, proxies).populate()


def pause(seconds):
    """Lets a fault last."""
    time.sleep(seconds)
