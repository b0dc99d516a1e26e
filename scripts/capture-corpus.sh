#!/usr/bin/env bash
# Makes the corpus of the fuzz target `message` from what real clients send: the MCP conformance suite, the MCP Python
# SDK and the MCP Inspector, read from the wire log, which holds no secrets.
#
#   scripts/capture-corpus.sh
#
# Of what was captured, fuzz/corpus/message takes what reaches code that it did not reach before.
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

mkdir "$folder/captured"
python3 scripts/wire-log-to-corpus.py "$GATEHOUSE_CLIENT_LOG" "$folder/captured"
RUSTC_WORKSPACE_WRAPPER=$PWD/scripts/instrument.sh cargo build --locked --package gatehouse-fuzz --bin message
mkdir -p fuzz/corpus/message
target/debug/message -merge=1 -max_len=8192 fuzz/corpus/message "$folder/captured" 2>&1 | tail -1
