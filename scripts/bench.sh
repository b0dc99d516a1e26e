#!/usr/bin/env bash
# Measures the gateway and prints tables of what came of it; docs/performance.md has the method.
#
#   scripts/bench.sh [--short] [--write] [--rounds N] [--seconds S] [--without-peers] [SELECTION …]
#
# A selection is calls, tokens, connections, mounted, oauth, scale, start or memory; without one, all of them, which takes
# about half an hour. `scripts/bench.sh --short calls` takes two minutes. --write puts the tables into docs/performance.md.
# It builds what it needs in release, and fetches the servers of others that calls are measured beside, where it is not told
# to leave them out (--without-peers); the machine should have two cores with nothing else to do.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --locked --release --bin gatehouse
cargo build --locked --release --package gatehouse-bench
exec python3 tests/bench/run.py "$@"
