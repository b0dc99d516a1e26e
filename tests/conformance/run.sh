#!/usr/bin/env bash
# The server scenarios of the MCP conformance suite, against a gateway with the suite's server behind it.
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/install-node-packages.sh >/dev/null
cargo build --locked --example conformance
.tools/node tests/conformance/run.mjs target/debug/examples/conformance
