#!/usr/bin/env bash
# Checks Dockerfile, composition and manifests where no container engine and no cluster is, and says what it
# could not check.
#
#   scripts/check-deploy.sh             what needs no program of ours
#   scripts/check-deploy.sh GATEHOUSE   the configurations as well, with that program
set -euo pipefail
cd "$(dirname "$0")/.."

python=.tools/deployment/bin/python
.tools/deployment/bin/hadolint Dockerfile deploy/compose/identity-provider/Dockerfile
for script in deploy/compose/*.sh; do
    bash -n "$script"
done
"$python" tests/deployment/image.py
"$python" tests/deployment/manifests.py "$@"
if command -v promtool >/dev/null; then
    promtool check rules deploy/prometheus/alerts.yaml
else
    echo "Not checked: the grammar of the alert rules, for there is no promtool (a test holds their metrics against a gateway)."
fi
# A reminder and no more: a new field is no reason to stop.
"$python" tests/deployment/log_fields.py || echo "Add them to docs/operations.md."
echo "Not checked: that the images build, how large they are, that a cluster takes the chart."
