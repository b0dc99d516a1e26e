#!/usr/bin/env bash
# Makes faults happen to real replicas and prints what came of them; docs/reliability.md has the table.
#
#   scripts/reliability.sh [--short] [--minutes N] [--write] [--release] [R01 …]
#
# Without a name, all of them, which takes an hour. --write puts the figures into docs/reliability.md, --release builds and
# takes the release build. Needs what scripts/install-system-packages.sh installs, and for R07 a pgbouncer from 1.21 on, which
# GATEHOUSE_PGBOUNCER may name.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=debug
arguments=()
for argument in "$@"; do
    case $argument in
        --release) profile=release ;;
        *) arguments+=("$argument") ;;
    esac
done
if [ "$profile" = release ]; then
    cargo build --locked --quiet --release --bin gatehouse
else
    cargo build --locked --quiet --bin gatehouse
fi
exec python3 tests/reliability/run.py --gatehouse "target/$profile/gatehouse" "${arguments[@]}"
