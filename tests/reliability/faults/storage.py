"""The database is full, in conflict with itself, or an earlier state of itself."""

import contextlib
import itertools
import os
import sqlite3
import subprocess
import time

from house import client as oauth
from house import ledger
from house.client import probe
from house.gateway import Gateway
from house.load import GOOD, Load, families, first_success, milliseconds, outcomes, percentile, share, told
from house.machine import folder, must, wait_until
from house.postgres import ROLE, Server, program
from house.report import fault
from house.setting import Setting, pause, two_replicas
from house.wire import Connection

AWAY = ("503", "503 temporarily_unavailable")


@fault(
    "R08",
    "Every transaction is serializable, and clients send each refresh and each code three times at once to two replicas; then another "
    "session locks the tables for six seconds",
    "conflicts are 503 with Retry-After and never 500 or invalid_grant for a good token; nothing is spent twice",
)
def conflicts(options):
    with two_replicas(options, direct=True) as setting:
        for replica in setting.replicas:
            replica.__exit__()
        setting.server.psql("postgres", f"ALTER ROLE {ROLE} SET default_transaction_isolation = 'serializable'")
        for replica in setting.replicas:
            replica.start()
        members = families(setting.client, 8)
        # The same families three times: whoever is first rotates, and the others get the same successor.
        load = Load().calls(setting.ports, setting.host, setting.token, 50)
        load.add("/token", 150, same_token(setting, members), 24)
        with load:
            pause(5 if options.short else 20)
            locked = time.monotonic()
            holder = subprocess.Popen(
                [program("psql"), "--no-psqlrc", "--quiet", setting.server.url(setting.database)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
            )
            holder.stdin.write("BEGIN; LOCK TABLE refresh_tokens, grants, clients IN ACCESS EXCLUSIVE MODE;\n")
            holder.stdin.flush()
            pause(6)
            holder.communicate("ROLLBACK;\n", timeout=20)
            freed = time.monotonic()
            pause(4)
        calls = load.begun_between(load.begun, load.ended, "tools/call")
        must(share(calls, "200") == 100, f"calls: {told(outcomes(calls))}")
        refreshes = load.begun_between(load.begun, load.ended, "/token")
        bad = outcomes(s for s in refreshes if s.outcome not in ("200", *AWAY))
        must(not bad, f"/token: {told(bad)}")
        must(all(s.retry_after for s in refreshes if s.outcome in AWAY), "503 without Retry-After")
        before = load.begun_between(load.begun, locked, "/token")
        during = load.begun_between(locked, freed, "/token")
        late = outcomes(s for s in load.begun_between(freed + 1, load.ended, "/token") if s.outcome not in ("200", *AWAY))
        must(not late, f"after the lock: {told(late)}")
        setting.must_live()
        setting.check_ledger()
        return (
            f"serializable, three at once: {told(outcomes(before))}; locked for 6 s: {told(outcomes(during))}, slowest "
            f"{milliseconds(percentile(during, 100))}; calls 100 % of {len(calls)}; the gateway itself tries nothing again"
        )


def same_token(setting, members):
    turn = itertools.count()

    def lane():
        number = next(turn)
        member = members[number % len(members)]
        connection = Connection(setting.ports[number % 2], setting.host)
        return lambda: member.refresh(connection)

    return lane


@contextlib.contextmanager
def small_disk(path, megabytes):
    """A file system of its own, which only root can make."""
    must(os.getuid() == 0, "only root may mount a small file system")
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "tmpfs", str(path)], check=True, timeout=20)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True, timeout=20)


def fill(path):
    """Takes what is left; answers with the file that has it."""
    ballast = path / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(512))
    return ballast


def watch_full_disk(options, path, load, check):
    with load:
        pause(2)
        ballast = fill(path)
        full = time.monotonic()
        pause(6 if options.short else 20)
        end = time.monotonic()
        ballast.unlink()
        healed = check()
        pause(5)
    calls = load.begun_between(load.begun, load.ended, "tools/call")
    must(share(calls, "200") == 100, f"calls: {told(outcomes(calls))}")
    during = [s for s in load.begun_between(full, end) if s.kind != "tools/call"]
    bad = outcomes(s for s in during if s.outcome not in (*GOOD, *AWAY))
    must(not bad, f"while the disk was full: {told(bad)}")
    must(any(s.outcome in AWAY for s in during), "the disk was not full")
    late = outcomes(s for s in load.begun_between(end + healed + 3, load.ended) if s.outcome not in GOOD)
    must(not late, f"three seconds after there was room: {told(late)}")
    first = first_success([s for s in load.samples if s.kind == "/register"], end)
    return f"calls 100 % of {len(calls)}, the rest {told(outcomes(during))}, good {milliseconds(first)} after there was room"


@fault(
    "R10",
    "The disk of the database is full under load, with SQLite and with Postgres, and then it is not",
    "what writes answers 503, calls and reads go on, nothing is half written, all is well when there is room (Postgres may have to be started)",
)
def disk_full(options):
    return f"SQLite: {sqlite_full(options)}; Postgres: {postgres_full(options)}"


def sqlite_full(options):
    with folder("faults") as place, small_disk(place / "disk", 16) as disk:
        gateway = Gateway(options.gatehouse, place, f"sqlite://{disk}/gatehouse.db")
        gateway.add_user()
        with gateway.replica() as replica:
            client, token = oauth.Client(gateway), gateway.issue_token()
            load = Load().calls([replica.port], gateway.host, token, 50)
            load.registrations([replica.port], gateway.host, 20).refreshes([replica.port], gateway.host, families(client, 4), 20)
            text = watch_full_disk(options, disk, load, lambda: 0)
            replica.must_live()
            gateway.run("audit", "verify")
            check = sqlite3.connect(disk / "gatehouse.db").execute("PRAGMA integrity_check").fetchall()
            must(check == [("ok",)], f"integrity_check: {check[:3]}")
    return text + ", integrity_check and audit verify ok"


def postgres_full(options):
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(folder("faults"))
        disk = stack.enter_context(small_disk(place / "disk", 160))
        server = stack.enter_context(Server(disk / "postgres", "max_wal_size = 64MB\nmin_wal_size = 32MB\nwal_recycle = off\n"))
        database = server.new_database()
        gateway = Gateway(options.gatehouse, place, server.url(database, ROLE))
        gateway.run("migrate")
        replica = stack.enter_context(gateway.replica())
        setting = Setting(server, database, gateway, [replica], []).populate()

        def start_if_needed():
            # Postgres gives up where it can't write its log (PANIC), and whoever watches over it starts it again.
            begin = time.monotonic()
            running = subprocess.run([program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(server.port)], timeout=20)
            if running.returncode != 0:
                server.stop("immediate", check=False)
                server.start()
            wait_until(lambda: probe(replica) == 200, 30, "ready again")
            return time.monotonic() - begin

        text = watch_full_disk(options, disk, setting.mixed_load(calls=50, refreshes=20, registrations=20), start_if_needed)
        setting.must_live()
        setting.check_ledger()
        gateway.run("audit", "verify")
    return text + ", ledger and audit verify ok"


@fault(
    "R38",
    "A backup is taken under load (pg_dump), and restored after more refreshes, sign-ins and a revocation; with the statements of "
    "docs/operations.md and without",
    "the restored state is consistent; after those statements no token from before is good; without, as many are as that page says",
)
def restored(options):
    parts = []
    with two_replicas(options, direct=True) as setting:
        members = families(setting.client, 8)
        access, refresh = setting.client.tokens()
        dump = setting.gateway.folder / "gatehouse.dump"
        load = Load().refreshes(setting.ports, setting.host, members, 80).registrations(setting.ports, setting.host, 5)
        with load:
            pause(3)
            old = [member.token for member in members]
            command = [program("pg_dump"), "--format=custom", f"--file={dump}", setting.server.url(setting.database)]
            subprocess.run(command, check=True, timeout=60)
            pause(2 if options.short else 10)
            setting.client.send("POST", "/revoke", oauth.FORM, f"token={refresh}&client_id={setting.client.id}")
            pause(1)
        setting.check_ledger()
        for replica in setting.replicas:
            replica.__exit__()
        for careful in (False, True):
            parts.append(after_restore(setting, dump, careful, members, old, refresh))
    return "; ".join(parts)


def after_restore(setting, dump, careful, members, old, revoked):
    server, name = setting.server, setting.server.new_database()
    command = [program("pg_restore"), f"--dbname={server.url(name)}", "--exit-on-error", str(dump)]
    subprocess.run(command, check=True, timeout=60)
    # It was taken while replicas had not yet put everything into the log.
    ledger.check(server, name)
    if careful:
        now = "UPDATE grants SET revoked_at = extract(epoch FROM now())::bigint WHERE revoked_at IS NULL"
        server.psql(name, now, "DELETE FROM login_sessions", "DELETE FROM operator_sessions")
    with setting.gateway.replica("c", database=server.url(name, ROLE)) as replica:
        present = [setting.client.refresh(member.token, replica.port).outcome for member in members]
        spent = [setting.client.refresh(token, replica.port).outcome for token in old]
        again = setting.client.refresh(revoked, replica.port).outcome
        setting.gateway.run("audit", "verify", database=server.url(name, ROLE))
    must(set(present) == {"400 invalid_grant"}, f"present tokens after the restore: {present}")
    reused = spent.count("200")
    if careful:
        must(reused == 0 and again == "400 invalid_grant", f"with the statements: {spent}, revoked {again}")
        return f"with the statements: 0 of {len(old)} tokens from before the backup good, revoked one {again}"
    return f"without: {len(present)} present tokens unknown, {reused} of {len(old)} from about the backup good again, the revoked one {again}"
