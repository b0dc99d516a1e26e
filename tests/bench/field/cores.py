"""Which program runs on which core."""

import os

from house.machine import find_program

# Servers have the first core for themselves; load, databases and servers behind them share the second.
SERVER, LOAD = sorted(os.sched_getaffinity(0))[:2] if len(os.sched_getaffinity(0)) > 1 else (0, 0)


def on(core):
    """What stands before a command so that it runs on a core."""
    return [find_program("taskset"), "--cpu-list", str(core)]


def pin(pid, core):
    """Has a process that runs already, with its threads and children to come, run on a core."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), [core])
