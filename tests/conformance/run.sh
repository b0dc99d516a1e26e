#!/usr/bin/env bash
# The server scenarios of the MCP conformance suite, against a gateway with the suite's server behind it: in the process, or
# with `mounted` a server of rmcp's at an address that the gateway has mounted. `direct` leaves out the gateway.
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/install-node-packages.sh >/dev/null
cargo build --locked --example conformance
.tools/node tests/conformance/run.mjs target/debug/examples/conformance "$@"
