#!/usr/bin/env bash
# Debian packages that the tests need and this machine lacks: Postgres, Chromium, Python's venv, a C compiler,
# and proxies to put in front of the gateway.
set -euo pipefail

missing=()
want() { # PACKAGE, then a command that succeeds where it is not needed
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

has() { # PROGRAM, which may be one of administrators
    command -v "$1" || test -x "/usr/sbin/$1"
}

has_postgres() {
    command -v psql && { command -v pg_ctl || compgen -G '/usr/lib/postgresql/*/bin/pg_ctl'; }
}

want build-essential command -v cc
want postgresql has_postgres
want chromium test -x "${CHROMIUM:-/usr/bin/chromium}"
want python3 command -v python3
want python3-venv python3 -c 'import ensurepip, venv'
want npm command -v npm
want nginx-light has nginx
want caddy has caddy
want haproxy has haproxy
want openssl command -v openssl
want pgbouncer has pgbouncer
want faketime has faketime
want stress-ng has stress-ng
want curl command -v curl
want valgrind has valgrind

if [ ${#missing[@]} -eq 0 ]; then
    echo "Nothing is missing."
    exit 0
fi
echo "Missing: ${missing[*]}"
if ! command -v apt-get >/dev/null; then
    echo "$0: this machine has no apt-get; install them by hand" >&2
    exit 69
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo --non-interactive)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update --quiet=2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}"
