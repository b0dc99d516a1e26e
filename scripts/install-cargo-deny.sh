#!/usr/bin/env bash
# cargo-deny at its pinned version in .tools; unoptimised, since building it is all the time it takes.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
if [ "$(.tools/bin/cargo-deny --version 2>/dev/null)" != "cargo-deny $version" ]; then
    cargo install --quiet --locked --debug --root .tools --target-dir target/tools "cargo-deny@$version"
    rm -rf target/tools
fi
.tools/bin/cargo-deny --version
