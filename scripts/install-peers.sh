#!/usr/bin/env bash
# The servers of others that scripts/bench.sh measures the gateway beside, at their pinned versions and with their hashes held
# against them: FastMCP in .tools/peers, the TypeScript SDK with Node.js in tests/bench/peers/node/node_modules.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=.tools/peers
wanted=tests/bench/peers/python/requirements.txt
if ! cmp --silent "$wanted" "$folder/installed.txt"; then
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --no-input --require-hashes --requirement "$wanted"
    cp "$wanted" "$folder/installed.txt"
fi
"$folder/bin/pip" --disable-pip-version-check check

peer=tests/bench/peers/node
if ! cmp --silent "$peer/package-lock.json" "$peer/node_modules/installed.json"; then
    (cd "$peer" && npm ci --no-progress --loglevel=error)
    cp "$peer/package-lock.json" "$peer/node_modules/installed.json"
fi
for packaged in "$PWD/$peer"/node_modules/node-linux-*/bin/node; do
    ln -sf "$packaged" "$folder/node"
done
"$folder/node" --version
