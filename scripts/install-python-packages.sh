#!/usr/bin/env bash
# The Python packages of tests/clients/python, at their pinned versions, in .tools/python.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=.tools/python
wanted=tests/clients/python/requirements.txt
if ! cmp --silent "$wanted" "$folder/installed.txt"; then
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --no-input --requirement "$wanted"
    cp "$wanted" "$folder/installed.txt"
fi
"$folder/bin/pip" --disable-pip-version-check check
