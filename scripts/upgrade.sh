#!/usr/bin/env bash
# Replaces the replicas of an earlier build by those of this one, on one database, under calls and refreshes: prints
# how many requests there were, and ends with 1 if one failed.
#
#   scripts/upgrade.sh REVISION      a tag or a commit, of which the earlier program is built
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 1 ] || { grep '^#   ' "$0" >&2; exit 64; }

folder=$(mktemp -d)
trap 'git worktree remove --force "$folder/source"; rm -rf "$folder"' EXIT
git worktree add --quiet --detach "$folder/source" "$1"
scripts/install-node-packages.sh
# One folder for both, so that dependencies are built once.
CARGO_TARGET_DIR=$PWD/target cargo build --manifest-path "$folder/source/Cargo.toml" --locked --bin gatehouse
cp target/debug/gatehouse "$folder/earlier"
cargo build --locked --bin gatehouse
python3 tests/deployment/upgrade.py "$folder/earlier" target/debug/gatehouse .tools/node tests/clients/node/node_modules \
    "$folder/source/deploy/compose/gatehouse.toml"
