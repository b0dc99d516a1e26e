#!/usr/bin/env bash
# The Node packages of tests/clients/node at their pinned versions, Node.js itself among them.
#
# The machine's own npm installs them; its own Node.js may be too old to run them. `.tools/node` then
# is the one to run them with.
set -euo pipefail
cd "$(dirname "$0")/.."

clients=tests/clients/node
if ! cmp --silent "$clients/package-lock.json" "$clients/node_modules/installed.json"; then
    (cd "$clients" && npm ci --no-progress --loglevel=error)
    cp "$clients/package-lock.json" "$clients/node_modules/installed.json"
fi
mkdir -p .tools
for packaged in "$PWD/$clients"/node_modules/node-linux-*/bin/node; do
    ln -sf "$packaged" .tools/node
done
.tools/node --version
