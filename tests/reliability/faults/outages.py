"""The database is away: stopped, unreachable, slow, restarted, read-only, full of other connections."""

import subprocess
import time

from house.client import probe
from house.fault_proxy import HOLD, PASS, SWALLOW
from house.load import GOOD, first_success, milliseconds, outcomes, percentile, share, told
from house.machine import must, wait_until
from house.postgres import ROLE, program
from house.report import fault
from house.setting import pause, two_replicas

AWAY = "503 temporarily_unavailable"
# What the load client itself may take on a machine that is busy with two replicas and a Postgres.
NOISE = 0.15
BOUND = 1
ENDPOINTS = ("/token", "/register", "/authorize")


def watch_outage(setting, begin, end, seconds):
    """Load before, during and after an outage; the moments of its begin and its end."""
    with setting.mixed_load() as load:
        pause(3)
        start = time.monotonic()
        begin()
        away = time.monotonic()
        pause(seconds)
        unready = [probe(replica) for replica in setting.replicas]
        alive = [probe(replica, "/livez") for replica in setting.replicas]
        back = time.monotonic()
        end()
        healed = time.monotonic()
        for replica in setting.replicas:
            wait_until(lambda replica=replica: probe(replica) == 200, 30, "ready again")
        ready = time.monotonic() - healed
        pause(8)
    must(unready == [503] * len(unready), f"/readyz during the outage: {unready}")
    must(alive == [200] * len(alive), f"/livez during the outage: {alive}")
    return load, (start, away, back, healed), ready


def judge_outage(setting, load, moments, ready):
    start, away, back, healed = moments
    # One query of each request may be under way when it begins and when it ends.
    calls = load.begun_between(start, healed, "tools/call")
    good = share(calls, "200")
    parts = [f"tools/call {good:.2f} % of {len(calls)}, p99 {milliseconds(percentile(calls, 99))}"]
    must(good == 100, f"calls with a valid token during the outage: {told(outcomes(calls))}")
    recovery = []
    for kind in ENDPOINTS:
        during = load.between(away, back, kind)
        bad = outcomes(sample for sample in during if sample.outcome not in (AWAY, "503"))
        must(during and not bad, f"{kind} during the outage: {told(bad)} of {len(during)}")
        must(all(sample.retry_after for sample in during), f"{kind} answers 503 without Retry-After")
        slowest = percentile(during, 100)
        must(slowest < BOUND + NOISE, f"{kind} took {slowest:.2f} s for its 503 where 1 s is the bound")
        parts.append(f"{kind} {len(during)} × 503, slowest after {milliseconds(slowest)}")
        recovery.append(first_success(load.begun_between(healed, load.ended, kind), healed))
        caught = [sample for sample in load.begun_between(start, away, kind) if sample.ended > away]
        must(all(sample.outcome in (*GOOD, AWAY, "503") for sample in caught), f"under way at its begin: {told(outcomes(caught))}")
        longest = percentile(caught, 100) if caught else 0
        must(longest < 16, f"{kind} that was under way at its begin took {longest:.1f} s")
        parts.append(f"{len(caught)} under way at its begin: {told(outcomes(caught))} within {milliseconds(longest)}")
    whole = load.begun_between(load.begun, load.ended, "/token")
    invalid = [sample for sample in whole if "invalid" in sample.outcome]
    must(not invalid, f"invalid_grant for good tokens: {told(outcomes(invalid))}")
    late = load.begun_between(healed + 3, load.ended)
    bad = [sample for sample in late if sample.outcome not in GOOD]
    must(not bad, f"three seconds after its end: {told(outcomes(bad))}")
    revoked = setting.revocation_seconds()
    must(revoked < 5, f"a revocation after the outage took {revoked:.1f} s where 5 s is the bound")
    setting.must_live()
    setting.check_ledger()
    parts.append(f"a revocation afterwards holds within {milliseconds(revoked)}")
    parts.append(f"good again after {milliseconds(max(recovery))}, ready after {milliseconds(ready)}, no invalid_grant")
    return "; ".join(parts)


@fault(
    "R01",
    "Postgres stopped for a minute under 100 calls and 18 OAuth requests a second at two replicas",
    "100 % of calls with valid tokens go on; /token, /register and /authorize answer 503 with Retry-After within a second, and nobody "
    "hears invalid_grant; /readyz fails, /livez does not; no restart is needed",
)
def stopped(options):
    seconds = 8 if options.short else 60
    with two_replicas(options, direct=True) as setting:
        server = setting.server
        return f"{seconds} s: " + judge_outage(setting, *watch_outage(setting, server.stop, server.start, seconds))


@fault(
    "R01b",
    "The network between replicas and Postgres loses everything for a minute (no reset: packets vanish)",
    "the same as in R01; a request whose query got lost has its 503 within 15 seconds; a revocation afterwards holds within 5",
)
def unreachable(options):
    seconds = 20 if options.short else 60

    def begin():
        # Slow at first, so that replicas are waiting for answers when nothing comes any more.
        for proxy in setting.proxies:
            proxy.delay = 0.2
        pause(1.5)
        for proxy in setting.proxies:
            proxy.mode = SWALLOW

    def end():
        for proxy in setting.proxies:
            proxy.mode, proxy.delay = PASS, 0

    with two_replicas(options) as setting:
        watched = watch_outage(setting, begin, end, seconds)
        return f"{seconds} s: " + judge_outage(setting, *watched)


@fault(
    "R02",
    "Each answer of Postgres takes 500 ms, then 5 s, for 15 seconds each",
    "calls go on; what needs the database is answered or shed with 503 in bounded time, and requests do not pile up",
)
def slow(options):
    parts = []
    with two_replicas(options) as setting:
        for delay in (0.5, 5):
            with setting.mixed_load() as load:
                pause(2)
                for proxy in setting.proxies:
                    proxy.delay = delay
                begin = time.monotonic()
                pause(6 if options.short else 15)
                end = time.monotonic()
                for proxy in setting.proxies:
                    proxy.delay = 0
                pause(8)
            calls = load.begun_between(begin, end, "tools/call")
            must(share(calls, "200") == 100, f"calls: {told(outcomes(calls))}")
            rest = [sample for kind in ENDPOINTS for sample in load.begun_between(begin, end, kind)]
            bad = outcomes(sample for sample in rest if sample.outcome not in (*GOOD, AWAY, "503"))
            must(not bad, f"with {delay} s for each answer: {told(bad)}")
            slowest = percentile(rest, 100)
            must(slowest < 16, f"a request took {slowest:.1f} s")
            late = outcomes(sample for sample in load.begun_between(end + 6, load.ended) if sample.outcome not in GOOD)
            must(not late, f"six seconds after its end: {told(late)}")
            parts.append(
                f"{delay} s: calls p99 {milliseconds(percentile(calls, 99))}; the rest {told(outcomes(rest))}, "
                f"p99 {milliseconds(percentile(rest, 99))}, slowest {milliseconds(slowest)}; at most {load.most_in_flight} in flight"
            )
        setting.must_live()
        setting.check_ledger()
    return "; ".join(parts)


@fault(
    "R03",
    "Postgres restarted under load, politely (fast) and rudely (immediate, with recovery)",
    "calls go on; what was under way fails once with 503; connections heal by themselves",
)
def restarted(options):
    parts = []
    with two_replicas(options, direct=True) as setting:
        for mode in ("fast", "immediate"):
            with setting.mixed_load(refreshes=40) as load:
                pause(2)
                begin = time.monotonic()
                setting.server.stop(mode)
                setting.server.start()
                back = time.monotonic()
                pause(4 if options.short else 8)
            calls = load.begun_between(load.begun, load.ended, "tools/call")
            must(share(calls, "200") == 100, f"calls: {told(outcomes(calls))}")
            rest = [sample for kind in ENDPOINTS for sample in load.begun_between(begin, load.ended, kind)]
            failed = [sample for sample in rest if sample.outcome not in GOOD]
            bad = outcomes(sample for sample in failed if sample.outcome not in (AWAY, "503"))
            must(not bad, f"{mode}: {told(bad)}")
            must(all(sample.retry_after for sample in failed), "503 without Retry-After")
            healed = max([sample.ended for sample in failed if sample.begun >= back], default=back) - back
            first = first_success([sample for sample in rest if sample.kind == "/token"], back)
            must(healed < 3, f"{mode}: still failing after {healed:.1f} s")
            parts.append(
                f"{mode}: away {milliseconds(back - begin)}, {len(failed)} × 503 of {len(rest)}, calls {len(calls)} of {len(calls)}, "
                f"first success {milliseconds(first)} after the start, last failure {milliseconds(healed)} after it"
            )
        setting.must_live()
        setting.check_ledger()
    return "; ".join(parts)


@fault(
    "R05",
    "Postgres turns read-only under load (`default_transaction_read_only`), and back",
    "calls and reads go on; what writes answers 503 with Retry-After, not 500; nothing but the setting has to be turned back",
)
def read_only(options):
    with two_replicas(options) as setting:
        server, name = setting.server, setting.database

        def turn(value):
            server.psql(name, f"ALTER SYSTEM SET default_transaction_read_only = {value}", "SELECT pg_reload_conf()")

        with setting.mixed_load() as load:
            load_begin = time.monotonic()
            pause(2)
            turn("on")
            pause(1)
            begin = time.monotonic()
            ready = [probe(replica) for replica in setting.replicas]
            pause(4 if options.short else 15)
            end = time.monotonic()
            turn("off")
            pause(6)
        calls = load.begun_between(load_begin, load.ended, "tools/call")
        must(share(calls, "200") == 100, f"calls: {told(outcomes(calls))}")
        parts = [f"tools/call 100 % of {len(calls)}"]
        for kind, good in (("/token", AWAY), ("/register", AWAY), ("/authorize", "303")):
            during = load.between(begin, end, kind)
            must(during and share(during, good) == 100, f"{kind}: {told(outcomes(during))}")
            must(good == "303" or all(sample.retry_after for sample in during), f"{kind}: 503 without Retry-After")
            parts.append(f"{kind} {told(outcomes(during))}")
        late = outcomes(s for s in load.begun_between(end + 3, load.ended) if s.outcome not in GOOD)
        must(not late, f"three seconds after its end: {told(late)}")
        setting.must_live()
        setting.check_ledger()
        return "; ".join(parts) + f"; /readyz {ready[0]}"


@fault(
    "R06",
    "Every answer of Postgres held back while 200 clients refresh at once; then all connections of the server taken by others",
    "each request is answered within its bound, with 503 and not with an endless wait; calls go on; all is well when they are given back",
)
def no_connections(options):
    with two_replicas(options, settings="max_connections = 25\n") as setting:
        load = setting.mixed_load(refreshes=100, count=20 if options.short else 60)
        with load:
            pause(2)
            for proxy in setting.proxies:
                proxy.mode = HOLD
            begin = time.monotonic()
            ready = wait_until(lambda: probe(setting.replicas[0]) == 503, 5, "unready")
            pause(4 if options.short else 10)
            end = time.monotonic()
            for proxy in setting.proxies:
                proxy.mode = PASS
            pause(4)
            taken, others = take_all(setting)
            begin_taken = time.monotonic()
            pause(4 if options.short else 10)
            end_taken = time.monotonic()
            end_connections(setting, "psql")
            for other in others:
                other.wait(20)
            given_back = time.monotonic()
            pause(6)
        calls = load.begun_between(load.begun, load.ended, "tools/call")
        must(share(calls, "200") == 100, f"calls: {told(outcomes(calls))}")
        held = [s for kind in ENDPOINTS for s in load.begun_between(begin, end - 2, kind)]
        bad = outcomes(s for s in held if s.outcome not in (AWAY, "503"))
        must(not bad, f"while its answers were held back: {told(bad)}")
        must(percentile(held, 100) < 6, f"a request waited {percentile(held, 100):.1f} s")
        lack = [s for kind in ENDPOINTS for s in load.begun_between(begin_taken, end_taken, kind)]
        bad = outcomes(s for s in lack if s.outcome not in (*GOOD, AWAY, "503"))
        must(not bad, f"while others had its connections: {told(bad)}")
        late = outcomes(s for s in load.begun_between(given_back + 3, load.ended) if s.outcome not in GOOD)
        must(not late, f"three seconds after its end: {told(late)}")
        setting.must_live()
        setting.check_ledger()
        return (
            f"held back: {len(held)} requests, all 503, wait p99 {milliseconds(percentile(held, 99))}, unready after "
            f"{milliseconds(ready)}; {taken} connections taken by others: {told(outcomes(lack))}, p99 "
            f"{milliseconds(percentile(lack, 99))}; tools/call 100 % of {len(calls)}"
        )


def end_connections(setting, name):
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '%s' AND pid <> pg_backend_pid()"
    setting.server.psql(setting.database, query % name)


def take_all(setting):
    """Ends the replicas' connections and takes what the server has, as a runaway job would."""
    command = [program("psql"), "--no-psqlrc", "--quiet", setting.server.url(setting.database, ROLE), "--command", "SELECT pg_sleep(600)"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    end_connections(setting, "gatehouse")
    others = [subprocess.Popen(command, **quiet) for _ in range(30)]
    pause(1)
    count = setting.server.psql(setting.database, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'psql'")
    return int(count[0]) - 1, others
