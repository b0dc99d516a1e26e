"""Rounds in which servers are asked in turn, and what came of them."""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from house.machine import Broken, cpu_seconds, must

from .cores import LOAD, on

BASE = "bare axum handler"


class Target:
    """A server and what it is asked. `values` and `mode` are those of `bench-load`; `before` runs ahead of each round."""

    def __init__(self, name, server, request, connections=16, values=None, mode="", before=None, base=None):
        self.name, self.server, self.request, self.connections = name, server, request, connections
        self.values, self.mode, self.before = values, mode, before
        # A file with what every answer must be, byte by byte, where that is known.
        self.expected = None
        # For how many times as long it is asked ahead of the rounds.
        self.warm_up = 1
        # The target that its ratios are to: of those with as many connections, the first one unless said.
        self.base = base
        # A process whose children work for it on the core of the load.
        self.database = None
        # Whether the load sleeps while there is no answer, for a database that has to have its core.
        self.sleeps = False
        self.runs = []


class Result:
    """What came of a target: medians, and the ratios to its base round by round."""

    def __init__(self, target, base):
        self.name, self.connections = target.name, target.connections
        self.rate = spread([run["rate"] for run in target.runs])
        self.p50 = spread([run["p50"] for run in target.runs])
        self.p99 = spread([run["p99"] for run in target.runs])
        self.cpu = spread([run["cpu"] for run in target.runs])
        self.busy = spread([run["busy"] for run in target.runs])
        self.database = None
        if target.database is not None:
            self.database = spread([run["database"] for run in target.runs])
            self.database_busy = spread([run["database_busy"] for run in target.runs])
        pairs = list(zip(target.runs, base.runs, strict=True))
        self.ratio = spread([run["rate"] / other["rate"] for run, other in pairs])
        self.slower = spread([run["p99"] / other["p99"] for run, other in pairs])
        self.added = spread([run["p50"] - other["p50"] for run, other in pairs])
        self.base = base.name


def spread(values):
    return statistics.median(values), min(values), max(values)


def measure(options, targets, seconds=None):
    """Asks all targets in turn, round after round."""
    seconds = seconds or options.seconds
    folder = options.folder
    for number, target in enumerate(targets):
        target.file = folder / f"request-{number}"
        target.file.write_text(target.request)
    for target in targets:
        # Caches and connections; nothing that is used up.
        if target.mode != "each":
            ask(options, target, min(1.0, seconds) * target.warm_up)
    for turn in range(options.rounds):
        for target in targets:
            if target.before is not None:
                target.before()
            run = ask(options, target, seconds)
            target.runs.append(run)
            say(f"  round {turn + 1}/{options.rounds}  {run['rate']:>8.0f}/s  {run['cpu'] * 1e6:6.1f} µs CPU  {target.name}, {target.connections}")
    results = []
    for target in targets:
        base = target.base or next(one for one in targets if one.connections == target.connections)
        results.append(Result(target, base))
    return results


def ask(options, target, seconds, collect=()):
    """One run of `bench-load` against a target."""
    values = [str(target.values), target.mode] if target.values else ["-", "-"]
    if target.expected is not None:
        values = [str(target.expected), "expected"]
    command = [*on(LOAD), str(options.load), target.server.port, target.connections, seconds, target.file, *values, *collect]
    behind = children_seconds(target.database)
    cpu, begun = cpu_seconds(target.server.pid), time.monotonic()
    environment = os.environ | ({"BENCH_LOAD_SLEEPS": "1"} if target.sleeps else {})
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=seconds + 120, env=environment)
    took, cpu = time.monotonic() - begun, cpu_seconds(target.server.pid) - cpu
    if done.returncode != 0:
        raise Broken(f"{target.name}: bench-load ended with {done.returncode}: {done.stderr}")
    run = json.loads(done.stdout)
    must(run["bad"] == 0, f"{target.name}: {run['bad']} of {run['answers']} answers were bad, the first: {run['first_bad']}")
    must(run["answers"] > 0, f"{target.name}: no answer")
    run["rate"] = run["answers"] / run["seconds"]
    run["cpu"] = cpu / run["answers"]
    run["busy"] = cpu / took
    behind = children_seconds(target.database) - behind
    run["database"], run["database_busy"] = behind / run["answers"], behind / took
    return run


def children_seconds(pid):
    """The processor time of a process's children that have not ended."""
    if pid is None:
        return 0.0
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(cpu_seconds(int(child)) for child in children)


def say(text):
    print(text, file=sys.stderr, flush=True)
