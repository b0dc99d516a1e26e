#!/usr/bin/env bash
# Makes the secrets of docker-compose.yml in FOLDER, those that are not there yet.
#
#   make-secrets.sh FOLDER
set -euo pipefail
cd "$1"

# Only the containers that the folder is mounted in see it, each under a user of its own.
umask 0333
once() { # NAME COMMAND…
    local name=$1
    shift
    [ -s "$name" ] || "$@" >"$name"
}
hexadecimal() {
    head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

once postgres-password hexadecimal
once gatehouse-password hexadecimal
once owner-password hexadecimal
once idp-secret hexadecimal
once gatehouse-url printf 'postgres://gatehouse:%s@database/gatehouse' "$(cat gatehouse-password)"
once owner-url printf 'postgres://gatehouse_owner:%s@database/gatehouse' "$(cat owner-password)"
once encryption-key base64 <(head -c 32 /dev/urandom)
