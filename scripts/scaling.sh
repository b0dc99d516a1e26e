#!/usr/bin/env bash
# Measures what a gateway costs its database, and holds the model of docs/scaling.md against synthetic traffic: some
# minutes, on a machine with nothing else to do.
#
#   scripts/scaling.sh
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'scripts/postgres.sh stop "$folder"; rm -rf "$folder"' EXIT
cargo build --locked --release --quiet --example scaling
url=$(scripts/postgres.sh start "$folder")
target/release/examples/scaling "$url"
