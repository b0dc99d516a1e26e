#!/usr/bin/env python3
"""Measures a gateway against servers that do nothing else, in one run on one machine: scripts/bench.sh.

    tests/bench/run.py [--short] [--write] [--rounds N] [--seconds S] [--without-peers] [--programs FOLDER] [SELECTION …]

Every figure of speed is a ratio to a server that was asked in the same rounds. The server has one core, the load another.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "reliability"), str(HERE.parent / "clients")]

from field import peers, servers, table  # noqa: E402
from field.rounds import say  # noqa: E402
from measures import connections, calls, memory, mounted, oauth, scale, start  # noqa: E402

# In the order in which they run.
SELECTIONS = {
    "calls": calls.calls,
    "tokens": calls.tokens,
    "connections": connections.connections,
    "mounted": mounted.mounted,
    "oauth": oauth.oauth,
    "scale": scale.scale,
    "start": start.start,
    "memory": memory.memory,
}


class Options:
    def __init__(self, given, folder):
        self.gatehouse, self.server, self.load = servers.programs(given.programs)
        self.short, self.folder = given.short, Path(folder)
        self.peers = not given.without_peers
        self.rounds = given.rounds or (3 if given.short else 7)
        self.seconds = given.seconds or (1.0 if given.short else 3.0)

    def check_programs(self):
        for program in (self.gatehouse, self.server, self.load):
            if not os.access(program, os.X_OK):
                raise SystemExit(f"{program} is not built: scripts/bench.sh builds it")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="fewer and shorter rounds, smaller numbers")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--rounds", type=int, help="how many rounds")
    parser.add_argument("--seconds", type=float, help="how long a server is asked in a round")
    parser.add_argument("--without-peers", action="store_true", help="leave out FastMCP and the TypeScript SDK")
    parser.add_argument("--programs", type=Path, help="the folder that holds the programs; target/release unless said")
    parser.add_argument("selection", nargs="*", metavar="SELECTION", help=f"of {', '.join(SELECTIONS)}; all unless said")
    given = parser.parse_args()
    unknown = [name for name in given.selection if name not in SELECTIONS]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(SELECTIONS)}")
    tables, selection = {}, given.selection or list(SELECTIONS)
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        options = Options(given, folder)
        options.check_programs()
        if options.peers and "calls" in selection:
            peers.install()
        for name in selection:
            begun = time.monotonic()
            say(f"== {name}")
            tables[name] = SELECTIONS[name](options)
            say(f"   ({name} took {time.monotonic() - begun:.0f} s)")
    for name, text in tables.items():
        print(f"\n{name}\n\n{text}")
    if given.write:
        table.write(tables)


if __name__ == "__main__":
    main()
