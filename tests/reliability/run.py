#!/usr/bin/env python3
"""Makes faults happen to real replicas and says what came of them.

    tests/reliability/run.py [--gatehouse BINARY] [--short] [--minutes N] [--write] [R01 …]

Without a name, all of them. A run that finds something untrue that must be true fails, and so does the whole.
`--write` puts the figures into docs/reliability.md. `--short` is for a build machine: shorter outages, fewer kills.
"""

import argparse
import importlib
import sys
import time
from pathlib import Path

from house import gateway, report

sys.path.insert(0, str(Path(__file__).parent))


def load_runs():
    for file in sorted((Path(__file__).parent / "faults").glob("[a-z]*.py")):
        importlib.import_module(f"faults.{file.stem}")


def main():
    load_runs()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gatehouse", default=gateway.default_binary(), help="the binary to start")
    parser.add_argument("--short", action="store_true", help="shorter outages and fewer kills")
    parser.add_argument("--minutes", type=float, default=2, help="for how long the soak of R29 goes on")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/reliability.md")
    parser.add_argument("faults", nargs="*", metavar="R01", help="which ones; all of them unless said")
    options = parser.parse_args()
    unknown = [name for name in options.faults if name not in report.RUNS]
    if unknown:
        parser.error(f"there is no run of {', '.join(unknown)}; those that there are: {', '.join(sorted(report.RUNS))}")
    figures, failed = {}, []
    for name in options.faults or sorted(report.RUNS):
        begun = time.monotonic()
        found = report.perform(report.RUNS[name], options)
        print(f"   ({name} took {time.monotonic() - begun:.0f} s)", flush=True)
        if found is None:
            failed.append(name)
        else:
            figures[name] = found
    if options.write:
        report.write(figures)
    print(f"{len(figures)} passed, {len(failed)} failed{': ' if failed else ''}{' '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
