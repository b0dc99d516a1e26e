"""More than there is room for: connections, processor time, hours of requests, a release that is replaced."""

import os
import re
import subprocess
import time

from house.attackers import Attackers
from house.client import probe
from house.load import milliseconds, outcomes, percentile, share, told
from house.machine import ROOT, find_program, must, resident_kib, stop
from house.report import fault
from house.setting import pause, two_replicas

from faults.streams import Alone, raise_limit


@fault(
    "R26",
    "Connections opened, used for one request and closed, as fast as a process can, beside good clients (without TLS, which proxies end)",
    "calls of good clients all succeed; no connection that was taken is left without its answer",
)
def connection_storm(options):
    raise_limit()
    with Alone(options) as place:
        with place.load(50) as load:
            pause(4)
        quiet = percentile(load.samples, 99)
        with Attackers("connections", place) as storm:
            pause(1)
            begin = time.monotonic()
            with place.load(50) as load:
                pause(6 if options.short else 20)
            seconds = time.monotonic() - begin + 1
        must(share(load.samples, "200") == 100, f"calls: {told(outcomes(load.samples))}")
        place.must_live()
        answered = storm.seen.get("answered", 0)
        must(set(storm.seen) == {"answered"}, f"{storm.seen}")
        beside = percentile(load.samples, 99)
    return f"{answered / seconds:.0f} connections a second, all answered; calls 100 % of {len(load.samples)}, p99 {milliseconds(quiet)} before, {milliseconds(beside)} beside"


@fault(
    "R29",
    "A soak: calls, refreshes, registrations, looks at /authorize, 200 requests a second at two replicas (--minutes says for how long)",
    "memory is flat: in the second half, no replica grows by more than 6 MiB; nothing fails",
)
def soak(options):
    seconds = 30 if options.short else options.minutes * 60
    with two_replicas(options, direct=True) as setting:
        series = []
        with setting.mixed_load(calls=180, refreshes=12, registrations=4) as load:
            begin = time.monotonic()
            while time.monotonic() - begin < seconds:
                pause(max(1, seconds / 60))
                series.append([resident_kib(replica.pid) for replica in setting.replicas])
        bad = outcomes(s for s in load.samples if s.outcome not in ("200", "201", "303"))
        must(not bad, f"in the soak: {told(bad)}")
        half = series[len(series) // 2 :]
        grown = [max(0, last - first) for first, last in zip(half[0], half[-1])]
        allowed = 6 * 1024
        must(max(grown) < allowed, f"the second half took {grown} KiB more; {series}")
        hours = seconds / 2 / 3600
        setting.must_live()
        setting.check_ledger()
        first, last = series[0], series[-1]
    return (
        f"{seconds / 60:.1f} minutes, {len(load.samples)} requests, none failed: {first[0] // 1024} and {first[1] // 1024} MiB in the beginning, "
        f"{last[0] // 1024} and {last[1] // 1024} MiB in the end; in the second half {grown[0]} and {grown[1]} KiB more "
        f"({max(grown) / 1024 / hours:.1f} MiB an hour at most); ten million keys of limits in bounded memory: `m03_…`"
    )


@fault(
    "R32",
    "The replica has one processor, and eight processes that only compute want it as well",
    "it answers late and not wrongly: calls succeed, /livez does within 2 seconds, nothing restarts",
)
def no_processor(options):
    with Alone(options) as place:
        pid = place.replica.pid
        os.sched_setaffinity(pid, {0})
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), {0})
        with place.load(50) as load:
            pause(4)
        quiet = percentile(load.samples, 99)
        command = ["taskset", "--cpu-list", "0", find_program("stress-ng"), "--cpu", "8", "--quiet", "--timeout", "600"]
        starving = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            pause(1)
            alive = []
            with place.load(50) as load:
                end = time.monotonic() + (8 if options.short else 30)
                while time.monotonic() < end:
                    begun = time.monotonic()
                    must(probe(place.replica, "/livez", 20) == 200, "/livez")
                    alive.append(time.monotonic() - begun)
                    pause(0.5)
        finally:
            stop(starving)
        must(share(load.samples, "200") == 100, f"calls: {told(outcomes(load.samples))}")
        must(max(alive) < 2, f"/livez took {max(alive):.1f} s")
        place.must_live()
    return (
        f"calls 100 % of {len(load.samples)}, p99 {milliseconds(quiet)} before, {milliseconds(percentile(load.samples, 99))} beside eight others on "
        f"one processor; /livez within {milliseconds(max(alive))}; 0 restarts"
    )


@fault(
    "R09",
    "All replicas of a release are replaced one after another by those of the next, on one database, under calls and refreshes "
    "(`scripts/upgrade.sh`)",
    "no request fails",
)
def upgraded(options):
    earlier = os.environ.get("GATEHOUSE_EARLIER")
    must(earlier, "GATEHOUSE_EARLIER names no earlier program, or GATEHOUSE_EARLIER_CONFIGURATION no file for it")
    template = os.environ.get("GATEHOUSE_EARLIER_CONFIGURATION", str(ROOT / "deploy" / "compose" / "gatehouse.toml"))
    node, modules = ROOT / ".tools" / "node", ROOT / "tests" / "clients" / "node" / "node_modules"
    must(node.exists() and modules.exists(), "scripts/install-node-packages.sh has not run")
    command = ["python3", "tests/deployment/upgrade.py", earlier, str(options.gatehouse), str(node), str(modules), template]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    must(done.returncode == 0, (done.stdout + done.stderr)[-2000:])
    found = re.search(r"\d+ calls, \d+ refreshes, \d+ failed", done.stdout)
    must(found, done.stdout)
    return found[0]
