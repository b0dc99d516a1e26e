#!/usr/bin/env bash
# Measures what a gateway costs its database, and holds the model of docs/scaling.md against synthetic traffic: some
# minutes, on a machine with nothing else to do.
#
#   scripts/scaling.sh
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'scripts/postgres.sh stop "$folder"; rm -rf "$folder"' EXIT
# What is measured is the database, so that this need not be the program as it is released.
cargo build --locked --release --quiet --example scaling --target-dir target/scaling \
    --config 'profile.release.lto = "off"' --config profile.release.codegen-units=16
url=$(scripts/postgres.sh start "$folder")
target/scaling/release/examples/scaling "$url"
