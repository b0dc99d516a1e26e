#!/bin/sh
# Prints what a tenant notices when another one asks at ten times its limit: the ratio of its p99
# latencies. Takes some minutes, and wants a machine with nothing else to do.
#
#   scripts/fairness.sh [DATABASE_URL]      on SQLite, or on an empty database of Postgres
set -eu
cd "$(dirname "$0")/.."
cargo build --locked --release --quiet --bin gatehouse --example fairness
exec target/release/examples/fairness target/release/gatehouse "$@"
