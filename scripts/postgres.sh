#!/bin/sh
# A throw-away Postgres for tests: on loopback only, without passwords, without fsync.
#
#   scripts/postgres.sh start DIR   makes the server under DIR where there is none, starts it on a
#                                   free port and prints the URL of its administrator
#   scripts/postgres.sh stop DIR    stops it; its data stays under DIR
#
# Then: GATEHOUSE_TEST_POSTGRES=$(scripts/postgres.sh start DIR) cargo test --test store
set -eu

usage() {
    echo "usage: $0 start|stop DIR" >&2
    exit 64
}

# Finds the folder of initdb and pg_ctl: in PATH, or where Debian keeps the newest release.
find_binaries() {
    if command -v pg_ctl >/dev/null && command -v initdb >/dev/null; then
        dirname "$(command -v pg_ctl)"
        return
    fi
    newest=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -V | tail -n 1)
    if [ ! -x "$newest/pg_ctl" ]; then
        echo "$0: there is no pg_ctl in PATH nor in /usr/lib/postgresql" >&2
        exit 69
    fi
    echo "$newest"
}

# Postgres refuses to run as root, so root runs it as somebody else.
find_owner() {
    if [ "$(id -u)" -ne 0 ]; then
        id -un
    elif id postgres >/dev/null 2>&1; then
        echo postgres
    else
        echo nobody
    fi
}

# Runs a command of Postgres as the owner of its files, from a folder that the owner may enter.
run() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups "$@")
    else
        "$@"
    fi
}

is_running() {
    [ -f "$data/postmaster.pid" ] && run "$binaries/pg_ctl" --pgdata="$data" status >/dev/null 2>&1
}

initialise() {
    mkdir -p "$data"
    if [ "$(id -u)" -eq 0 ]; then
        chown "$owner" "$dir" "$data"
    fi
    run "$binaries/initdb" --pgdata="$data" --username=postgres --auth=trust --encoding=UTF8 \
        --no-locale --no-sync >/dev/null
    cat >>"$data/postgresql.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
fsync = off
synchronous_commit = off
full_page_writes = off
SETTINGS
}

# A port that nobody listens on. Another process may take it before Postgres does; `start` then
# tries the next one.
random_port() {
    echo $((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
}

start() {
    [ -f "$data/PG_VERSION" ] || initialise
    attempts=0
    until is_running; do
        attempts=$((attempts + 1))
        if [ "$attempts" -gt 5 ]; then
            echo "$0: Postgres doesn't start; its last words:" >&2
            tail -n 5 "$data/log" >&2
            exit 69
        fi
        run "$binaries/pg_ctl" --pgdata="$data" --log="$data/log" --silent --wait \
            --options="-p $(random_port)" start >/dev/null 2>&1 || true
    done
    # The fourth line of the file is the port.
    echo "postgres://postgres@127.0.0.1:$(sed -n 4p "$data/postmaster.pid")/postgres"
}

stop() {
    if is_running; then
        run "$binaries/pg_ctl" --pgdata="$data" --silent --wait --mode=fast stop >/dev/null
    fi
}

[ $# -eq 2 ] || usage
case $1 in start | stop) ;; *) usage ;; esac
mkdir -p "$2"
dir=$(cd "$2" && pwd)
data="$dir/data"
binaries=$(find_binaries)
owner=$(find_owner)
"$1"
