#!/usr/bin/env bash
# Makes the corpora of the fuzz targets `message` and `edge` from what real clients send: the MCP conformance suite, the
# MCP Python SDK and the MCP Inspector, read from the wire log, which holds no secrets.
#
#   scripts/capture-corpus.sh
#
# Inputs that were written by hand stay. Of those that were there and those that were captured, each that is kept reaches
# code that those before it do not reach.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export GATEHOUSE_LOG=mcp::wire=debug GATEHOUSE_CLIENT_LOG=$folder/log

scripts/install-node-packages.sh >/dev/null
scripts/install-python-packages.sh >/dev/null
cargo build --locked --bins --example conformance
.tools/node tests/conformance/run.mjs target/debug/examples/conformance 2>>"$GATEHOUSE_CLIENT_LOG"
for client in ".tools/python/bin/python tests/clients/python/mcp_sdk.py" ".tools/node tests/clients/node/inspector.mjs"; do
    # shellcheck disable=SC2086 # two words each
    python3 tests/clients/run.py $client
done
unset GATEHOUSE_LOG

mkdir "$folder/captured"
python3 scripts/wire-log-to-corpus.py "$GATEHOUSE_CLIENT_LOG" "$folder/captured"
RUSTC_WORKSPACE_WRAPPER=$PWD/scripts/instrument.sh cargo build --locked --package gatehouse-fuzz --bins

# What libFuzzer keeps, it names by its SHA-1.
is_kept_by_hand() {
    [[ ! $(basename "$1") =~ ^[0-9a-f]{40}$ ]]
}

for target in message edge; do
    corpus=fuzz/corpus/$target
    fresh=$folder/$target
    mkdir -p "$corpus" "$fresh"
    for input in "$corpus"/*; do
        if [ -f "$input" ] && is_kept_by_hand "$input"; then
            cp "$input" "$fresh"
        fi
    done
    "target/debug/$target" -merge=1 -use_counters=0 -max_len=8192 "$fresh" "$corpus" "$folder/captured" >"$folder/merge.log" 2>&1 || {
        tail -20 "$folder/merge.log" >&2
        exit 1
    }
    rm -rf "$corpus"
    mv "$fresh" "$corpus"
    printf '%s: %d inputs\n' "$target" "$(find "$corpus" -type f | wc -l)"
done
